"""Clocks, cursors, durations, hashes and JSON: what is encoded decodes to the same."""

from __future__ import annotations

import base64
import contextlib
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tekil.kit.clock import FixedClock, Millis, from_iso, to_iso
from tekil.kit.durations import parse_duration
from tekil.kit.hashing import keyed_hash, message_hash
from tekil.kit.ids import new_message_id, new_secret
from tekil.kit.json import decode, decode_object, encode, encode_canonical
from tekil.kit.paging import decode_cursor, decode_numbers, encode_cursor

instants = st.integers(min_value=-2_208_988_800_000, max_value=10_413_791_999_999)
numbers = st.integers(-(2**63) + 1, 2**63 - 1)


@given(instants)
def test_instants_as_iso(at: int) -> None:
    text = to_iso(at)
    assert from_iso(text) == at
    assert text.endswith("Z")
    assert datetime.fromisoformat(text).tzinfo is not None


def test_a_text_without_a_zone_is_utc() -> None:
    assert from_iso("2026-11-22T10:00:00") == from_iso("2026-11-22T13:00:00+03:00")


def test_a_fixed_clock_moves_only_when_told() -> None:
    clock = FixedClock(Millis(5))
    assert (clock.now(), clock.now()) == (5, 5)
    clock.advance(7)
    assert clock.now() == 12


@given(st.lists(st.none() | st.booleans() | numbers | st.text(), max_size=5))
def test_cursors(position: list[None | bool | int | str]) -> None:
    cursor = encode_cursor(*position)
    assert decode_cursor(cursor) == position
    assert "=" not in cursor


@given(st.lists(numbers, min_size=1, max_size=4))
def test_cursors_of_numbers(position: list[int]) -> None:
    cursor = encode_cursor(*position)
    assert decode_numbers(cursor, len(position)) == position
    with pytest.raises(ValueError, match="not a cursor"):
        decode_numbers(cursor, len(position) + 1)


@pytest.mark.parametrize(
    "value", [[], ["5"], [True], [None], [1.5], [5, 6], {"a": 1}, 5, [2**63], [-(2**70)], [[5]]]
)
def test_what_is_no_cursor_of_one_number(value: object) -> None:
    text = base64.urlsafe_b64encode(encode(value)).decode().rstrip("=")
    with pytest.raises(ValueError, match="not a cursor"):
        decode_numbers(text)


@given(st.text(max_size=40))
def test_any_text_is_a_cursor_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(decode_cursor(text), list)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90s", 90_000), ("15m", 900_000), ("12h", 43_200_000), ("7d", 604_800_000),
     (" 2w ", 1_209_600_000)],
)  # fmt: skip
def test_durations(text: str, expected: int) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize("text", ["", "7", "d", "7 d", "-7d", "1.5h", "7D", "9999999d", "٣d"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


@given(st.text(), st.text(), st.text(), st.text())
def test_keyed_hashes_tell_namespace_and_value_apart(a: str, b: str, c: str, d: str) -> None:
    if "\0" not in a + c:
        same = keyed_hash(b"k", a, b) == keyed_hash(b"k", c, d)
        assert same is ((a, b) == (c, d))
    assert keyed_hash(b"k", a, b) != keyed_hash(b"l", a, b)


@given(st.text(), st.text())
def test_message_hashes(a: str, b: str) -> None:
    assert len(message_hash(a)) == 16
    assert (message_hash(a) == message_hash(b)) is (a == b)


def test_made_ids_do_not_repeat() -> None:
    assert len({new_message_id() for _ in range(1000)}) == 1000
    made = {new_secret("wk") for _ in range(1000)}
    assert len(made) == 1000
    assert all(secret.startswith("wk_") and len(secret) >= 32 for secret in made)


@given(st.dictionaries(st.text(), st.none() | st.integers(-(2**53), 2**53) | st.text()))
def test_json(value: dict[str, None | int | str]) -> None:
    assert decode(encode(value)) == value
    assert encode_canonical(dict(reversed(value.items()))) == encode_canonical(value)
    assert decode_object(encode(value)) == value
    assert decode_object(encode([value])) == {}
