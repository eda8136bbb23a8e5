"""A message as it stands in a request: known fields decoded, objects left as raw JSON."""

from __future__ import annotations

from typing import TypeAlias

import msgspec
from msgspec import Raw

ABSENT = Raw(b"")
Id: TypeAlias = "str | int | float | None"
Text: TypeAlias = "str | int | float | bool | None"


class Message(msgspec.Struct, rename="camel", gc=False):
    """One item of a batch, or the body of a single call; unknown fields are ignored."""

    type: str | None = None
    message_id: Id = None
    user_id: Id = None
    anonymous_id: Id = None
    group_id: Id = None
    previous_id: Id = None
    channel: Text = None
    event: Text = None
    name: Text = None
    timestamp: Text = None
    original_timestamp: Text = None
    sent_at: Text = None
    write_key: str | None = None
    properties: Raw = ABSENT
    traits: Raw = ABSENT
    context: Raw = ABSENT


class Envelope(msgspec.Struct, rename="camel", gc=False):
    """The outer object of a request: a batch, or a single message that has no ``batch``."""

    batch: list[Raw] | None = None
    context: Raw = ABSENT
    integrations: Raw = ABSENT
    sent_at: Text = None
    timestamp: Text = None
    write_key: str | None = None


decode_message = msgspec.json.Decoder(Message).decode
decode_envelope = msgspec.json.Decoder(Envelope).decode


def id_text(value: str | int | float | None) -> str | None:
    """Turn an id into text; null and empty are absent; whole floats lose their ``.0``.

    >>> id_text(42), id_text(42.0), id_text(""), id_text("42")
    ('42', '42', None, '42')
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
