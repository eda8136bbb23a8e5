"""Cursors: an opaque text that says where the next page of a list begins."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from tekil.kit.json import JsonValue, decode, encode

T = TypeVar("T")

MAX_NUMBER = 2**63
"""No store holds larger numbers, so no cursor that we made does."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; ``next`` is None on the last."""

    items: list[T]
    next: str | None = None


def encode_cursor(*position: JsonValue) -> str:
    """Wrap the sort key of the last item shown.

    >>> decode_cursor(encode_cursor(5, "a"))
    [5, 'a']
    """
    return base64.urlsafe_b64encode(encode(list(position))).decode().rstrip("=")


def decode_cursor(cursor: str) -> list[JsonValue]:
    """Unwrap a cursor. Raises ValueError for one that this program did not make."""
    try:
        value = decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise ValueError(f'"{cursor}" is not a cursor from an earlier page') from error
    if not isinstance(value, list) or any(
        isinstance(part, int) and abs(part) >= MAX_NUMBER for part in value
    ):
        raise ValueError(f'"{cursor}" is not a cursor from an earlier page')
    return value


def decode_numbers(cursor: str, count: int = 1) -> list[int]:
    """Unwrap a cursor that holds this many whole numbers. Raises ValueError for any other.

    >>> decode_numbers(encode_cursor(5, 7), 2)
    [5, 7]
    """
    position = decode_cursor(cursor)
    numbers = [value for value in position if type(value) is int]
    if len(numbers) != count or len(position) != count:
        raise ValueError(f'"{cursor}" is not a cursor from an earlier page')
    return numbers
