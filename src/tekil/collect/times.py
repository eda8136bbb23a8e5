"""When a message happened: the client's clock set right by the server's."""

from __future__ import annotations

import re

from tekil.kit.clock import Millis, from_iso

FUTURE_SLACK_MS = 60_000
"""How far ahead of the server a moment may lie: clocks differ by this much at most."""

EARLIEST = Millis(-2_208_988_800_000)
"""1900-01-01, the earliest instant that the event history can hold."""

_PLAIN_NUMBER = re.compile(r"-?[0-9]{9,}(\.[0-9]+)?|-?[0-9]+\.[0-9]+")
"""A count since 1970 written as text: longer than a date without dashes, or with a fraction."""

SECONDS_BELOW = 100_000_000_000
"""A number under this is seconds since 1970 (until the year 5138), above it milliseconds."""


def read_time(value: str | int | float | bool | None) -> Millis | None:
    """Read an instant from ISO 8601 or a count since 1970; None if absent. Raises ValueError.

    >>> read_time("2026-11-22T10:00:00Z") == read_time(1795341600) == read_time(1795341600000)
    True
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        at = _read_text(value)
    elif isinstance(value, bool):
        raise ValueError(f"{value} is not a time")
    else:
        at = _since_1970(value)
    if at < EARLIEST:
        raise ValueError(f"{value} is before 1900")
    return at


def event_time(original: Millis | None, sent_at: Millis | None, received_at: Millis) -> Millis:
    """Say when it happened by the server's clock.

    ``receivedAt − (sentAt − originalTimestamp)``: the client's clock may be wrong, but the time
    that went by between happening and sending is right. Without ``sentAt`` the client is believed;
    without a time of its own it happened when it was received. It is never in the future.

    >>> event_time(Millis(1_000), Millis(5_000), Millis(105_000))
    101000
    """
    if original is None:
        return received_at
    at = original if sent_at is None else received_at - (sent_at - original)
    if at > received_at + FUTURE_SLACK_MS:
        return received_at
    return Millis(max(at, EARLIEST))


def _read_text(value: str) -> Millis:
    # Digits come first: "1710121212345" would also be a day of the year 1710, without dashes.
    if value[4:5] != "-" and _PLAIN_NUMBER.fullmatch(text := value.strip()):
        return _since_1970(float(text))
    try:
        return from_iso(value)
    except (ValueError, OverflowError):
        pass
    try:
        return from_iso(value.strip().upper())
    except (ValueError, OverflowError):
        raise ValueError(f'"{value[:64]}" is not an ISO 8601 time') from None


def _since_1970(count: float) -> Millis:
    return Millis(round(count * 1000 if abs(count) < SECONDS_BELOW else count))
