"""A message as it is decoded, and ids as texts."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tekil.collect.message import decode_envelope, decode_message, id_text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, None), ("", None), ("a", "a"), (" a ", " a "), (0, "0"), (42, "42"), (42.0, "42"),
     (4.5, "4.5"), (-7, "-7"), (10**30, "1" + "0" * 30), (1e22, "1" + "0" * 22)],
)  # fmt: skip
def test_ids_become_text(value: object, text: str | None) -> None:
    assert id_text(value) == text  # type: ignore[arg-type]


@given(st.integers(-(10**40), 10**40))
def test_an_integer_id_is_its_digits(number: int) -> None:
    assert id_text(number) == str(number)


def test_unknown_fields_and_objects_are_left_alone() -> None:
    raw = b'{"type":"track","userId":7,"event":"e","properties":{"a": [1]},"rudderId":{"x":1}}'
    message = decode_message(raw)
    assert (message.type, message.user_id, message.event) == ("track", 7, "e")
    assert bytes(message.properties) == b'{"a": [1]}'
    assert bytes(message.traits) == b""


def test_an_envelope_keeps_its_items_as_they_came() -> None:
    envelope = decode_envelope(b'{"batch":[{"a": 1}, 2],"writeKey":"k","sentAt":5}')
    assert [bytes(raw) for raw in envelope.batch or ()] == [b'{"a": 1}', b"2"]
    assert (envelope.write_key, envelope.sent_at) == ("k", 5)


@pytest.mark.parametrize("raw", [b"[]", b'{"batch":{}}', b'{"writeKey":5}', b'{"sentAt":[]}'])
def test_wrong_shapes(raw: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode_envelope(raw)
