"""JSON in and out, by msgspec; the only place where an untyped value has a name."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

JsonValue: TypeAlias = "None | bool | int | float | str | list[JsonValue] | dict[str, JsonValue]"
JsonObject: TypeAlias = "dict[str, JsonValue]"

_encoder = msgspec.json.Encoder()
_sorted_encoder = msgspec.json.Encoder(order="sorted")
_value_decoder: msgspec.json.Decoder[JsonValue] = msgspec.json.Decoder()


def encode(value: object) -> bytes:
    """Encode to compact UTF-8 JSON."""
    return _encoder.encode(value)


def encode_text(value: object) -> str:
    """Encode to compact JSON text."""
    return _encoder.encode(value).decode()


def encode_canonical(value: object) -> bytes:
    """Encode with sorted keys, so that equal values give equal bytes."""
    return _sorted_encoder.encode(value)


def decode(data: bytes | str) -> JsonValue:
    """Decode any JSON value. Raises msgspec.DecodeError."""
    return _value_decoder.decode(data)


def decode_object(data: bytes | str) -> JsonObject:
    """Decode a JSON object; anything else gives an empty one."""
    value = _value_decoder.decode(data)
    return value if isinstance(value, dict) else {}
