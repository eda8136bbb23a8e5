"""Network addresses: read, and kept, cut short or dropped as the source's policy says."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import assert_never

_IPV4_KEPT_BITS = 24
_IPV6_KEPT_BITS = 48


class IpPolicy(StrEnum):
    """What is kept of the address that a message came from."""

    KEEP = "keep"
    TRUNCATE = "truncate"
    DROP = "drop"


@lru_cache(maxsize=16_384)
def normalise_ip(text: str) -> str | None:
    """The address's one spelling, or None when this is none.

    >>> normalise_ip("::ffff:203.0.113.7"), normalise_ip("[2001:DB8::1]"), normalise_ip("localhost")
    ('203.0.113.7', '2001:db8::1', None)
    """
    address = _parse(text)
    return None if address is None else str(address)


@lru_cache(maxsize=16_384)
def apply_policy(text: str, policy: IpPolicy) -> str:
    """What may be stored of an address; empty for nothing.

    >>> apply_policy("203.0.113.77", IpPolicy.TRUNCATE), apply_policy("203.0.113.77", IpPolicy.DROP)
    ('203.0.113.0', '')
    >>> apply_policy("2001:db8:1234:5678::1", IpPolicy.TRUNCATE)
    '2001:db8:1234::'
    """
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
