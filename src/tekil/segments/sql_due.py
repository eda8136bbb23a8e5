"""When time alone may change a leaf: the instants at which moments pass the ends of windows."""

from __future__ import annotations

from typing import assert_never

from tekil.segments.binding import Binder
from tekil.segments.features import Features
from tekil.segments.model import Ago, Bound, DayStart, Fixed, Window
from tekil.segments.windows import NOW

NEVER = "toInt64(9000000000000000)"
"""Stands for no change ahead."""


def sliding(window: Window, features: Features) -> tuple[str, ...]:
    """When events may next leave a window or come into it."""
    due: list[str] = []
    if window.low is not None and not isinstance(window.low, Fixed):
        oldest = features.oldest_since(window.low)
        due.append(crossing_sql(window.low, oldest, features.binder))
    return (*due, *arriving(window, features))


def arriving(window: Window, features: Features) -> tuple[str, ...]:
    """When events may next come into a window."""
    high = window.high
    if high is None or isinstance(high, Fixed):
        return ()
    if high == NOW:
        return ()  # the statement looks once for anything that is dated ahead
    ahead = features.oldest_since(high)
    return (crossing_sql(high, ahead, features.binder),)


def crossing_sql(bound: Bound, moment: str, binder: Binder) -> str:
    """The instant (ms) from which on a moment lies before a bound."""
    match bound:
        case Fixed():
            return NEVER
        case Ago(ms=ms):
            return f"toUnixTimestamp64Milli({moment}) + {binder.bind('Int64', ms)}"
        case DayStart(days=days, zone=zone):
            day = f"toStartOfDay({moment}, {binder.text(zone)})"
            moved = f"addDays({day}, {binder.bind('Int32', 1 - days)})"
            return f"toUnixTimestamp64Milli(toDateTime64({moved}, 3))"
        case _:
            assert_never(bound)
