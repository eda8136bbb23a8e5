"""Windows of time: what they are at an instant, and when a moment crosses their ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never
from zoneinfo import ZoneInfo

from tekil.kit.clock import Millis, from_datetime
from tekil.segments.model import Ago, Bound, DayStart, Fixed, Window

ALWAYS = Window()
NOW = Ago(0)
"""The boundary just after the present instant."""


def resolve(bound: Bound, now: Millis) -> Millis:
    """The first instant that is not before the boundary."""
    match bound:
        case Fixed(at=at):
            return Millis(at)
        case Ago(ms=ms):
            return Millis(now - ms + 1)
        case DayStart(days=days, zone=zone):
            return midnight(now, days, zone)
        case _:
            assert_never(bound)


def crossing(bound: Bound, at: int) -> Millis | None:
    """The instant from which on a moment lies before the boundary; None if that never changes."""
    match bound:
        case Fixed():
            return None
        case Ago(ms=ms):
            return Millis(at + ms)
        case DayStart(days=days, zone=zone):
            return midnight(at, 1 - days, zone)
        case _:
            assert_never(bound)


def holds(window: Window, at: int, now: Millis) -> bool:
    """Whether a moment lies in the window at this instant."""
    if window.low is not None and at < resolve(window.low, now):
        return False
    return window.high is None or at < resolve(window.high, now)


def midnight(at: int, days: int, zone: str) -> Millis:
    """The midnight that began the day of ``at`` in the zone, moved by whole days."""
    tz = ZoneInfo(zone)
    day = datetime.fromtimestamp(at / 1000, tz).date() + timedelta(days=days)
    return from_datetime(datetime(day.year, day.month, day.day, tzinfo=tz))
