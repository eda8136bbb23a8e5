"""Computed traits as SQL: the JSON text of a value over the features, and when it may change."""

from __future__ import annotations

from typing import assert_never

from tekil.kit.clock import DAY_MS
from tekil.segments.features import Features, Kind
from tekil.segments.model import Computation, Computed, DayStart, Edge
from tekil.segments.sql_due import sliding
from tekil.segments.windows import NOW

MAX_LIST = 100
"""How many values a unique list shows."""


def computed_sql(computed: Computed, features: Features) -> tuple[str, tuple[str, ...]]:
    """The value as JSON text ('' when missing), and the instants at which it may change."""
    events, window, path = computed.events, computed.window, computed.path
    due = sliding(window, features)
    how = computed.how
    match how:
        case Computation.COUNT:
            return f"toString({features.of(Kind.COUNT, events, window)})", due
        case Computation.DISTINCT:
            return f"toString({features.of(Kind.DISTINCT, events, window, path)})", due
        case Computation.SUM | Computation.AVG:
            total = features.of(Kind.SUM, events, window, path)
            value = f"toFloat64(ifNull({total}, toInt128(0))) / 1000000"
            if how is Computation.SUM:
                return f"toString({value})", due
            numbers = features.of(Kind.NUMBERS, events, window, path)
            return f"if({numbers} = 0, '', toString({value} / {numbers}))", due
        case Computation.MIN | Computation.MAX:
            value = features.of(Kind(how.value), events, window, path)
            return f"ifNull(toString({value}), '')", due
        case Computation.FIRST | Computation.LAST:
            return features.edge(Edge(how.value), events, window, path), due
        case Computation.MOST_FREQUENT:
            counted = features.of(Kind.COUNTED, events, window, path)
            best = f"{counted}.1[indexOf({counted}.2, arrayMax({counted}.2))]"
            return f"if(empty({counted}.1), '', {best})", due
        case Computation.UNIQUE_LIST:
            found = features.of(Kind.UNIQUE, events, window, path)
            listed = f"arrayStringConcat(arraySlice(arraySort({found}), 1, {MAX_LIST}), ',')"
            return f"if(empty({found}), '', concat('[', {listed}, ']'))", due
        case Computation.DAYS_SINCE_FIRST | Computation.DAYS_SINCE_LAST:
            return _days_since(computed, features, due)
        case Computation.STREAK:
            return _streak(computed, features, due)
        case _:
            assert_never(how)


def _days_since(
    computed: Computed, features: Features, due: tuple[str, ...]
) -> tuple[str, tuple[str, ...]]:
    kind = Kind.OLDEST if computed.how is Computation.DAYS_SINCE_FIRST else Kind.NEWEST
    at = features.of(kind, computed.events, computed.window)
    now = f"(toUnixTimestamp64Milli({features.binder.moment(NOW)}) - 1)"
    passed = features.derive(
        "passed", f"intDiv(greatest({now} - toUnixTimestamp64Milli({at}), 0), {DAY_MS})"
    )
    next_day = f"toUnixTimestamp64Milli({at}) + ({passed} + 1) * {DAY_MS}"
    # greatest() passes over NULL, so whoever did nothing must be told apart first.
    value = f"if(isNull({at}), '', ifNull(toString({passed}), ''))"
    return value, (*due, f"if(isNull({at}), NULL, {next_day})")


def _streak(
    computed: Computed, features: Features, due: tuple[str, ...]
) -> tuple[str, tuple[str, ...]]:
    binder = features.binder
    found = features.day_list(computed.events, computed.window, computed.zone)
    today = f"toInt32(toDate32({binder.moment(DayStart(0, computed.zone))}, "
    today += f"{binder.text(computed.zone)}))"
    days = features.derive("days", f"arrayReverseSort(arrayFilter(d -> d <= {today}, {found}))")
    broken = features.derive(
        "broken",
        f"arrayFirstIndex((d, i) -> d != {days}[1] - toInt32(i) + 1, {days},"
        f" arrayEnumerate({days}))",
    )
    run = f"if({broken} = 0, length({days}), {broken} - 1)"
    value = f"if(empty({days}) OR {days}[1] < {today} - 1, 0, {run})"
    midnight = f"toUnixTimestamp64Milli({binder.moment(DayStart(1, computed.zone))})"
    return f"toString({value})", (*due, f"if(empty({found}), NULL, {midnight})")
