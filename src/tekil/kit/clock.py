"""Time: an instant inside is a count of UTC milliseconds; outside it is an aware ISO 8601 text."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import NewType, Protocol

Millis = NewType("Millis", int)
"""Milliseconds since 1970-01-01T00:00:00Z."""

DAY_MS = 86_400_000


class Clock(Protocol):
    """Says what time it is; passed in wherever time matters, so that tests can set it."""

    def now(self) -> Millis:
        """The current instant."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> Millis:
        """The current instant."""
        return Millis(time.time_ns() // 1_000_000)


class FixedClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, at: Millis) -> None:
        self.at = at

    def now(self) -> Millis:
        """The instant it was set to."""
        return self.at

    def advance(self, milliseconds: int) -> None:
        """Move forward."""
        self.at = Millis(self.at + milliseconds)


def to_iso(at: int) -> str:
    """Render an instant as ISO 8601 with milliseconds.

    >>> to_iso(1_000_000_000_123)
    '2001-09-09T01:46:40.123Z'
    """
    seconds, millis = divmod(at, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{millis:03d}Z"


def from_datetime(value: datetime) -> Millis:
    """Turn an aware datetime into an instant; a naive one is taken as UTC."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return Millis(round(aware.timestamp() * 1000))


def from_iso(text: str) -> Millis:
    """Parse ISO 8601; without a zone it is UTC. Raises ValueError.

    >>> from_iso("2001-09-09T01:46:40.123Z")
    1000000000123
    """
    return from_datetime(datetime.fromisoformat(text))
