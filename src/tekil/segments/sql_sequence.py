"""Ordered sequences as SQL: the latest start of a chain of steps that was completed.

Per subject the matching rows are collected as (time, which steps the event is, key) and folded in
order of time. For every step the fold keeps the latest start of a chain that reached it: the
latest start is the best one, both for the time limit and against events that must not lie between.
Steps must be strictly later than the one before, so what one instant brought (``reached``) counts
for the next step only once time has moved on (``before``).
"""

from __future__ import annotations

from tekil.segments.binding import Binder
from tekil.segments.model import Sequence, Window
from tekil.segments.sql_events import events_sql
from tekil.segments.sql_values import REVENUE, property_column, window_sql

NONE = "toInt64(-9000000000000000)"
"""Stands for no chain; earlier than every real moment, with room for a time limit."""


def rows_sql(sequence: Sequence, binder: Binder) -> str:
    """The aggregate that collects the rows of a sequence."""
    flags: list[str] = []
    key = "''"
    if sequence.same is not None:
        key = same_sql(sequence.same)
    for place, step in enumerate(sequence.steps):
        where = events_sql(step, binder)
        if sequence.same is not None:
            where = f"{where} AND {key} != ''"
        flags.append(f"bitShiftLeft(toUInt16({where}), {place})")
    if sequence.without is not None:
        where = events_sql(sequence.without, binder)
        flags.append(f"bitShiftLeft(toUInt16({where}), {len(sequence.steps)})")
    steps = " + ".join(flags)
    where = f"{steps} != 0"
    if sequence.window != Window():
        where = f"{where} AND {window_sql(sequence.window, 'timestamp', binder)}"
    return f"groupArrayIf((toUnixTimestamp64Milli(timestamp), {steps}, {key}), {where})"


def same_sql(path: str) -> str:
    """The value that the steps share, as text; '' when missing."""
    if path == REVENUE:
        return "ifNull(toString(revenue), '')"
    return f"ifNull(toString({property_column(path)}), '')"


def ordered_sql(sequence: Sequence, rows: str) -> str:
    """The rows in order of time; none if some step never happened, which spares the fold."""
    every = (1 << len(sequence.steps)) - 1
    met = f"bitAnd(arrayReduce('groupBitOr', {rows}.2), {every}) = {every}"
    return f"arraySort(arraySlice({rows}, 1, if({met}, length({rows}), 0)))"


def chain_sql(sequence: Sequence, rows: str, binder: Binder) -> str:
    """The latest start of a completed chain in milliseconds, or NONE."""
    if sequence.same is None:
        return _fold(sequence, rows, "r.2", binder)
    keys = f"arrayDistinct(arrayMap(r -> r.3, arrayFilter(r -> r.3 != '', {rows})))"
    without_only = f"bitAnd(r.2, {1 << len(sequence.steps)})"
    steps = f"if(r.3 = k, r.2, {without_only})"
    best = f"arrayMap(k -> {_fold(sequence, rows, steps, binder)}, {keys})"
    return f"arrayMax(arrayPushBack({best}, {NONE}))"


def _fold(sequence: Sequence, rows: str, steps: str, binder: Binder) -> str:
    """``a`` holds the last time, whether it had an event between, then before and reached."""
    count = len(sequence.steps)
    within = binder.bind("Int64", sequence.within) if sequence.within is not None else None
    moved = "(r.1 > a.1)"
    bits = f"({steps})"
    before: list[str] = []
    reached: list[str] = []
    for place in range(count):
        was, had = f"a.{3 + place}", f"a.{3 + count + place}"
        alive = had if place == count - 1 else f"if(a.2 = 1 AND {had} != a.1, {NONE}, {had})"
        base = f"if({moved}, {alive}, {had})"
        before.append(f"if({moved}, {alive}, {was})")
        start = "r.1"
        if place:
            start = before[place - 1]
            if within is not None:
                start = f"if({start} >= r.1 - {within}, {start}, {NONE})"
        reached.append(f"if(bitTest({bits}, {place}), greatest({base}, {start}), {base})")
    between = f"toUInt8(bitTest({bits}, {count}) OR (NOT {moved} AND a.2 = 1))"
    state = ", ".join(["r.1", between, *before, *reached])
    begin = ", ".join([NONE, "toUInt8(0)", *[NONE] * (2 * count)])
    return f"tupleElement(arrayFold((a, r) -> ({state}), {rows}, ({begin})), {2 + 2 * count})"
