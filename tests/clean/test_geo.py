"""Look-ups in a City database, on small ones written here."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path

import pytest

from tekil.clean.geo import NOWHERE, GeoIp, Place
from tekil.errors import InvalidDefinition

Record = dict[str, object]


def encode(value: object) -> bytes:
    """MaxMind's data section encoding, for the types that are needed here."""
    match value:
        case dict():
            return bytes([7 << 5 | len(value)]) + b"".join(
                encode(k) + encode(v) for k, v in value.items()
            )
        case str():
            data = value.encode()
            assert len(data) < 29
            return bytes([2 << 5 | len(data)]) + data
        case ("uint16", int(number)):
            return bytes([5 << 5 | 2]) + struct.pack(">H", number)
        case ("uint32", int(number)):
            return bytes([6 << 5 | 4]) + struct.pack(">I", number)
        case ("uint64", int(number)):
            return bytes([8, 9 - 7]) + struct.pack(">Q", number)
        case list():
            return bytes([len(value), 11 - 7]) + b"".join(map(encode, value))
    raise TypeError(value)


def write_database(path: Path, records: dict[str, Record]) -> Path:
    """A database with 32-bit records over IPv6, with IPv4 below ::/96."""
    nodes: list[list[int | None]] = [[None, None]]
    data = b""
    leaves: dict[tuple[int, int], int] = {}
    for network_text, record in records.items():
        network = ipaddress.ip_network(network_text)
        shift = 96 if network.version == 4 else 0
        bits = f"{int(network.network_address):0128b}"[: shift + network.prefixlen]
        node = 0
        for bit in map(int, bits[:-1]):
            following = nodes[node][bit]
            if following is None:
                following = nodes[node][bit] = len(nodes)
                nodes.append([None, None])
            node = following
        leaves[node, int(bits[-1])] = len(data)
        data += encode(record)
    count = len(nodes)
    tree = b"".join(
        struct.pack(">I", count + 16 + leaves[i, bit] if (i, bit) in leaves else
                    count if target is None else target)
        for i, node_ in enumerate(nodes)
        for bit, target in enumerate(node_)
    )  # fmt: skip
    metadata = {
        "binary_format_major_version": ("uint16", 2), "binary_format_minor_version": ("uint16", 0),
        "build_epoch": ("uint64", 1), "database_type": "Test-City", "description": {"en": "test"},
        "ip_version": ("uint16", 6), "languages": ["en"],
        "node_count": ("uint32", count), "record_size": ("uint16", 32),
    }  # fmt: skip
    path.write_bytes(tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + encode(metadata))
    return path


@pytest.fixture
def geo(tmp_path: Path) -> GeoIp:
    records: dict[str, Record] = {
        "203.0.113.0/25": {
            "city": {"names": {"en": "Izmir", "de": "Smyrna"}},
            "country": {"iso_code": "TR"},
        },
        "198.51.100.0/24": {"registered_country": {"iso_code": "DE"}},
        "192.0.2.0/24": {"city": "odd", "country": ["odd"]},
        "2001:db8::/32": {"country": {"iso_code": "US"}},
    }
    return GeoIp(write_database(tmp_path / "city.mmdb", records))


@pytest.mark.parametrize(
    ("ip", "place"),
    [
        ("203.0.113.7", Place("TR", "Izmir")),
        ("203.0.113.200", NOWHERE),
        ("198.51.100.1", Place("DE", "")),
        ("192.0.2.1", NOWHERE),
        ("2001:db8::5", Place("US", "")),
        ("8.8.8.8", NOWHERE),
        ("not an address", NOWHERE),
        ("", NOWHERE),
    ],
)
def test_lookup(geo: GeoIp, ip: str, place: Place) -> None:
    assert geo.lookup(ip) == place
    assert geo.lookup(ip) == place


def test_lookups_are_cached(geo: GeoIp) -> None:
    assert geo.lookup("203.0.113.7") is geo.lookup("203.0.113.7")


@pytest.mark.parametrize("content", [None, b"", b"no database", b"\xab\xcd\xefMaxMind.com\xe0"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "broken.mmdb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidDefinition, match=r"broken\.mmdb.*\.mmdb"):
        GeoIp(path)


def test_a_directory_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(InvalidDefinition):
        GeoIp(tmp_path)
