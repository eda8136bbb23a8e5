"""Each leaf as SQL over the features: does it hold, until when at least, and what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from tekil.segments.binding import Binder
from tekil.segments.features import Features, Kind
from tekil.segments.model import (
    Ago,
    Bound,
    ComputedTest,
    Edge,
    EdgeTime,
    EdgeValue,
    EventCount,
    EventDistinct,
    EventLeaf,
    EventNumber,
    EventPeriods,
    Fixed,
    Range,
    Sequence,
    Sum,
    Test,
    TraitTest,
    When,
    Window,
)
from tekil.segments.numbers import to_micro
from tekil.segments.parse_events import AT_LEAST_ONE
from tekil.segments.sql_computed import computed_sql
from tekil.segments.sql_due import NEVER, arriving, crossing_sql, sliding
from tekil.segments.sql_sequence import NONE
from tekil.segments.sql_values import json_operand, moment_sql, range_sql, test_sql, window_sql
from tekil.segments.windows import NOW


@dataclass(frozen=True, slots=True)
class LeafSql:
    """A leaf over the features of one subject."""

    holds: str
    due: tuple[str, ...]
    """Instants (ms) at which time alone may change it; what is past or NULL does not count."""
    measured: str
    """JSON text of what was measured."""


def event_leaf_sql(leaf: EventLeaf, features: Features) -> LeafSql:
    """A leaf over events."""
    binder = features.binder
    match leaf:
        case EventCount():
            return _count(leaf, features)
        case EventNumber(events=events, window=window):
            holds, measured = _number(leaf, features)
            return LeafSql(holds, sliding(window, features), measured)
        case EventDistinct(events=events, window=window, path=path, count=count):
            value = features.of(Kind.DISTINCT, events, window, path)
            return _counted(value, count, window, features)
        case EventPeriods(events=events, window=window, period=period, zone=zone, count=count):
            value = features.periods(period, events, window, zone)
            return _counted(value, count, window, features)
        case EdgeTime(events=events, window=window, edge=edge, when=when):
            kind = Kind.OLDEST if edge is Edge.FIRST else Kind.NEWEST
            value = features.of(kind, events, window)
            holds = f"ifNull({window_sql(when, value, binder)}, 0)"
            due = (*_crossings(when, value, binder), *sliding(window, features))
            return LeafSql(holds, due, f"ifNull(toString({value}), '')")
        case EdgeValue(events=events, window=window, edge=edge, path=path, test=test):
            value = features.edge(edge, events, window, path)
            due = (*_test_due(test, value, binder), *sliding(window, features))
            return LeafSql(test_sql(test, json_operand(value), binder), due, value)
        case Sequence():
            return _sequence(leaf, features)
        case ComputedTest(computed=computed, test=test):
            sql, due = computed_sql(computed, features)
            value = features.derive("value", sql)
            holds = test_sql(test, json_operand(value), binder)
            return LeafSql(holds, (*due, *_test_due(test, value, binder)), value)
        case _:
            assert_never(leaf)


def trait_leaf_sql(leaf: TraitTest, value: str, binder: Binder) -> LeafSql:
    """A leaf over a trait, whose JSON text is in a column."""
    holds = test_sql(leaf.test, json_operand(value), binder)
    return LeafSql(holds, _test_due(leaf.test, value, binder), value)


def least_sql(due: list[str], binder: Binder) -> str:
    """The first of the instants that lies ahead."""
    known = [f"ifNull({at}, {NEVER})" for at in dict.fromkeys(due)]
    if not known:
        return NEVER
    ahead = f"x -> x >= toUnixTimestamp64Milli({binder.moment(NOW)})"
    return f"arrayMin(arrayFilter({ahead}, [{', '.join(known)}, {NEVER}]))"


def _count(leaf: EventCount, features: Features) -> LeafSql:
    events, window, binder = leaf.events, leaf.window, features.binder
    if leaf.count != AT_LEAST_ONE or window.low is None:
        value = features.of(Kind.COUNT, events, window)
        return _counted(value, leaf.count, window, features)
    # "At least one since" is a question to the newest event: one aggregate for every window.
    newest = features.of(Kind.NEWEST, events, Window(None, window.high))
    holds = f"ifNull({newest} >= {binder.moment(window.low)}, 0)"
    due = (crossing_sql(window.low, newest, binder), *arriving(window, features))
    return LeafSql(holds, due, f"ifNull(toString({newest}), '')")


def _counted(value: str, count: Range, window: Window, features: Features) -> LeafSql:
    holds = range_sql(count, value, features.binder)
    return LeafSql(holds, sliding(window, features), f"toString({value})")


def _number(leaf: EventNumber, features: Features) -> tuple[str, str]:
    binder, limits = features.binder, leaf.range
    if leaf.how in (Sum.MIN, Sum.MAX):
        value = features.of(Kind(leaf.how.value), leaf.events, leaf.window, leaf.path)
        return f"ifNull({range_sql(limits, value, binder)}, 0)", f"ifNull(toString({value}), '')"
    total = features.of(Kind.SUM, leaf.events, leaf.window, leaf.path)
    total = f"ifNull({total}, toInt128(0))"
    low = None if limits.low is None else to_micro(limits.low)
    high = None if limits.high is None else to_micro(limits.high)
    if leaf.how is Sum.SUM:
        micro = Range(low, high, limits.low_open, limits.high_open)  # whole numbers, kept exact
        return range_sql(micro, total, binder, "Int128"), f"toString({total} / 1000000)"
    numbers = features.of(Kind.NUMBERS, leaf.events, leaf.window, leaf.path)
    parts = [f"{numbers} > 0"]
    if low is not None:
        word = ">" if limits.low_open else ">="
        parts.append(f"{total} {word} {binder.bind('Int128', low)} * toInt128({numbers})")
    if high is not None:
        word = "<" if limits.high_open else "<="
        parts.append(f"{total} {word} {binder.bind('Int128', high)} * toInt128({numbers})")
    measured = f"if({numbers} = 0, '', toString({total} / {numbers} / 1000000))"
    return f"({' AND '.join(parts)})", measured


def _sequence(leaf: Sequence, features: Features) -> LeafSql:
    start = features.chain(leaf)
    holds = f"{start} != {NONE}"
    moment = f"fromUnixTimestamp64Milli({start}, 'UTC')"
    due: list[str] = []
    if leaf.window.low is not None:
        due.append(_start_crossing(leaf.window.low, start, features.binder))
    due.extend(arriving(leaf.window, features))
    return LeafSql(holds, tuple(due), f"if({holds}, toString({moment}), '')")


def _start_crossing(low: Bound, start: str, binder: Binder) -> str:
    if isinstance(low, Ago):  # the start is in milliseconds already
        return f"{start} + {binder.bind('Int64', low.ms)}"
    moment = f"fromUnixTimestamp64Milli(greatest({start}, toInt64(0)), 'UTC')"
    return crossing_sql(low, moment, binder)


# ---- when time alone may change a leaf -----------------------------------------------------------


def _crossings(window: Window, moment: str, binder: Binder) -> tuple[str, ...]:
    """When a fixed moment passes the ends of a window that moves."""
    return tuple(
        crossing_sql(bound, moment, binder)
        for bound in (window.low, window.high)
        if bound is not None and not isinstance(bound, Fixed)
    )


def _test_due(test: Test, json: str, binder: Binder) -> tuple[str, ...]:
    if not isinstance(test, When):
        return ()
    moment = moment_sql(json_operand(json).text, test.zone, binder)
    return _crossings(test.window, moment, binder)
