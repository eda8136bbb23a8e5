"""Network addresses: read, and kept, cut short or dropped as the source's policy says."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from socket import AF_INET, inet_pton
from typing import assert_never

_IPV4_KEPT_BITS = 24
_IPV6_KEPT_BITS = 48


class IpPolicy(StrEnum):
    """What is kept of the address that a message came from."""

    KEEP = "keep"
    TRUNCATE = "truncate"
    DROP = "drop"


def normalise_ip(text: str) -> str | None:
    """The address's one spelling, or None when this is none.

    >>> normalise_ip("::ffff:203.0.113.7"), normalise_ip("[2001:DB8::1]"), normalise_ip("localhost")
    ('203.0.113.7', '2001:db8::1', None)
    """
    return text if _is_plain(text) else _normalised(text)


def apply_policy(text: str, policy: IpPolicy) -> str:
    """What may be stored of an address; empty for nothing.

    >>> apply_policy("203.0.113.77", IpPolicy.TRUNCATE), apply_policy("203.0.113.77", IpPolicy.DROP)
    ('203.0.113.0', '')
    >>> apply_policy("2001:db8:1234:5678::1", IpPolicy.TRUNCATE)
    '2001:db8:1234::'
    """
    if policy is IpPolicy.TRUNCATE and _is_plain(text):
        return f"{text[: text.rindex('.')]}.0"
    return _applied(text, policy)


def _is_plain(text: str) -> bool:
    """Whether it is an IPv4 address in its one spelling; most are, each seen only a few times."""
    try:
        inet_pton(AF_INET, text)
    except (OSError, ValueError):
        return False
    return True


@lru_cache(maxsize=16_384)
def _normalised(text: str) -> str | None:
    address = _parse(text)
    return None if address is None else str(address)


@lru_cache(maxsize=16_384)
def _applied(text: str, policy: IpPolicy) -> str:
    address = _parse(text)
    if address is None:
        return ""
    match policy:
        case IpPolicy.KEEP:
            return str(address)
        case IpPolicy.TRUNCATE:
            return str(_truncate(address))
        case IpPolicy.DROP:
            return ""
    assert_never(policy)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    bare = text.strip().partition("%")[0]
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:  # IPv4 with a port, as some proxies write it
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _truncate(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    kept = _IPV4_KEPT_BITS if isinstance(address, IPv4Address) else _IPV6_KEPT_BITS
    dropped = address.max_prefixlen - kept
    return type(address)(int(address) >> dropped << dropped)
