"""Addresses and what is kept of them."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tekil.clean.ip import IpPolicy, apply_policy, normalise_ip

texts = st.text(st.characters(exclude_categories=()), max_size=30)


@pytest.mark.parametrize(
    ("sent", "kept", "truncated"),
    [
        ("203.0.113.77", "203.0.113.77", "203.0.113.0"),
        (" 203.0.113.77 ", "203.0.113.77", "203.0.113.0"),
        ("203.0.113.77:8080", "203.0.113.77", "203.0.113.0"),
        ("::ffff:203.0.113.77", "203.0.113.77", "203.0.113.0"),
        ("2001:DB8:1234:5678:9ABC::1", "2001:db8:1234:5678:9abc::1", "2001:db8:1234::"),
        ("[2001:db8::1]:443", "2001:db8::1", "2001:db8::"),
        ("fe80::1%eth0", "fe80::1", "fe80::"),
        ("::1", "::1", "::"),
    ],
)
def test_policies(sent: str, kept: str, truncated: str) -> None:
    assert normalise_ip(sent) == kept
    assert apply_policy(sent, IpPolicy.KEEP) == kept
    assert apply_policy(sent, IpPolicy.TRUNCATE) == truncated
    assert apply_policy(sent, IpPolicy.DROP) == ""


@pytest.mark.parametrize(
    "sent", ["", "localhost", "1.2.3", "999.1.1.1", "unknown", "1.2.3.4, 5.6.7.8"]
)
def test_not_an_address(sent: str) -> None:
    assert normalise_ip(sent) is None
    assert [apply_policy(sent, policy) for policy in IpPolicy] == ["", "", ""]


@given(st.ip_addresses())
def test_truncating_keeps_only_the_network(address: ipaddress.IPv4Address) -> None:
    stored = apply_policy(str(address), IpPolicy.TRUNCATE)
    assert apply_policy(stored, IpPolicy.TRUNCATE) == stored
    whole = normalise_ip(str(address))
    assert whole is not None
    prefix = 24 if "." in whole else 48
    assert stored == str(ipaddress.ip_network(f"{whole}/{prefix}", strict=False).network_address)


@given(texts)
def test_never_raises(text: str) -> None:
    address = normalise_ip(text)
    assert address is None or normalise_ip(address) == address
