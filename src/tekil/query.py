"""What routes read from a query: instants, and the place where a page begins."""

from __future__ import annotations

from tekil.errors import InputError
from tekil.kit.clock import Millis, from_iso
from tekil.kit.paging import decode_numbers


def read_instant(text: str | None, name: str) -> Millis | None:
    """Read a parameter that holds a time; None when it was left out. Raises InputError."""
    if text is None:
        return None
    try:
        return from_iso(text)
    except (ValueError, OverflowError) as error:
        raise InputError(
            f'{name}: "{text}" is not an ISO 8601 time, as in 2026-01-31T09:00:00Z.'
        ) from error


def read_place(cursor: str | None) -> int:
    """Read how far earlier pages came; 0 without a cursor. Raises InputError."""
    if cursor is None:
        return 0
    try:
        (place,) = decode_numbers(cursor)
    except ValueError as error:
        raise InputError(f"{error}; leave it out to begin at the start.") from error
    return max(0, place)
