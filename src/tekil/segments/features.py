"""Features: one aggregate over a subject's events each, shared by every leaf that needs it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import assert_never

import msgspec

from tekil.segments.binding import Binder
from tekil.segments.model import Bound, Edge, EventKind, Events, Period, Sequence, Window
from tekil.segments.numbers import LARGEST, MICRO
from tekil.segments.sql_events import events_sql, where_sql
from tekil.segments.sql_sequence import chain_sql, ordered_sql, rows_sql
from tekil.segments.sql_values import (
    REVENUE,
    property_column,
    property_operand,
    window_sql,
)
from tekil.segments.windows import NOW

ANY_EVENT = Events(kind=EventKind.ANY)


class Kind(StrEnum):
    """What is aggregated."""

    COUNT = "count"
    OLDEST = "oldest"
    NEWEST = "newest"
    SUM = "sum"
    NUMBERS = "numbers"
    MIN = "min"
    MAX = "max"
    DISTINCT = "distinct"
    DAYS = "days"
    WEEKS = "weeks"
    FIRST = "first"
    LAST = "last"
    COUNTED = "counted"
    UNIQUE = "unique"
    DAY_LIST = "day_list"


class Feature(msgspec.Struct, frozen=True):
    """An aggregate of some events in a window; equal ones are computed once."""

    kind: Kind
    events: Events
    window: Window
    path: str = ""
    zone: str = ""


@dataclass(slots=True)
class Features:
    """Collects the aggregates of a statement and names their columns."""

    binder: Binder
    given: Events | None = None
    """Kind and names that every row has, so that no aggregate need ask for them again."""
    columns: dict[str, str] = field(default_factory=dict)
    """Name of the column to its SQL, in order."""
    clock: set[str] = field(default_factory=set)
    """Columns that only say when time alone may change something."""
    derived: dict[str, str] = field(default_factory=dict)
    """Name to SQL over the columns, for what is costly and used more than once."""
    _names: dict[Feature | Sequence, str] = field(default_factory=dict)

    def column(self, feature: Feature | Sequence) -> str:
        """The column that holds a feature."""
        if feature not in self._names:
            kind = "rows" if isinstance(feature, Sequence) else feature.kind.value
            name = f"{kind}_{len(self._names)}"
            self._names[feature] = name
            self.columns[name] = (
                rows_sql(feature, self.binder)
                if isinstance(feature, Sequence)
                else feature_sql(feature, self.binder, self.given)
            )
        return self._names[feature]

    def of(self, kind: Kind, events: Events, window: Window, path: str = "") -> str:
        """The column of an aggregate."""
        return self.column(Feature(kind, events, window, path))

    def ahead(self) -> str:
        """The column of the first event that is dated after now."""
        return self._clock(Window(NOW, None))

    def oldest_since(self, low: Bound) -> str:
        """The column of the oldest event since a moment, of whatever kind: shared by all windows.

        To know it for each leaf would double the work; so people are looked at a bit too often.
        """
        return self._clock(Window(low, None))

    def _clock(self, window: Window) -> str:
        name = self.column(Feature(Kind.OLDEST, ANY_EVENT, window))
        self.clock.add(name)
        return name

    def periods(self, period: Period, events: Events, window: Window, zone: str) -> str:
        """The column of a count of different days or weeks."""
        return self.column(Feature(Kind(period.value), events, window, zone=zone))

    def edge(self, edge: Edge, events: Events, window: Window, path: str) -> str:
        """The column of a property of the first or last event, as JSON text."""
        return self.column(Feature(Kind(edge.value), events, window, path))

    def derive(self, kind: str, sql: str) -> str:
        """The derived column of an expression over columns and earlier derived ones."""
        for name, known in self.derived.items():
            if known == sql:
                return name
        name = f"{kind}_{len(self._names)}_{len(self.derived)}"
        self.derived[name] = sql
        return name

    def day_list(self, events: Events, window: Window, zone: str) -> str:
        """The column of the days on which there were events, as numbers."""
        return self.column(Feature(Kind.DAY_LIST, events, window, zone=zone))

    def chain(self, sequence: Sequence) -> str:
        """The derived column of the latest start of a completed sequence."""
        rows = self.column(sequence)
        name = rows.replace("rows", "chain")
        if name not in self.derived:
            ordered = self.derive("ordered", ordered_sql(sequence, rows))
            self.derived[name] = chain_sql(sequence, ordered, self.binder)
        return name


def feature_sql(feature: Feature, binder: Binder, given: Events | None) -> str:
    """The aggregate function of a feature."""
    return _aggregate(feature, _condition(feature, binder, given), binder)


def _condition(feature: Feature, binder: Binder, given: Events | None) -> str:
    events = feature.events
    parts: list[str] = []
    if events == ANY_EVENT:
        pass
    elif given == Events(events.names, events.kind):
        parts.append(where_sql(events.where, binder))
    else:
        parts.append(events_sql(events, binder))
    if feature.window != Window():
        parts.append(window_sql(feature.window, "timestamp", binder))
    return " AND ".join(part for part in parts if part != "1") or "1"


def _aggregate(feature: Feature, where: str, binder: Binder) -> str:
    kind, path = feature.kind, feature.path
    match kind:
        case Kind.COUNT:
            return f"countIf({where})"
        case Kind.OLDEST:
            return f"minOrNullIf(timestamp, {where})"
        case Kind.NEWEST:
            return f"maxOrNullIf(timestamp, {where})"
        case Kind.DAYS | Kind.WEEKS | Kind.DAY_LIST:
            return _of_days(kind, feature.zone, where, binder)
        case Kind.SUM | Kind.NUMBERS | Kind.MIN | Kind.MAX | Kind.DISTINCT:
            return _of_numbers(kind, path, where)
        case Kind.FIRST | Kind.LAST | Kind.COUNTED | Kind.UNIQUE:
            return _of_values(kind, path, where)
        case _:
            assert_never(kind)


def _of_numbers(kind: Kind, path: str, where: str) -> str:
    match kind:
        case Kind.SUM:
            return f"sumIf({micro_sql(path)}, {where})"
        case Kind.NUMBERS:
            return f"countIf({where} AND isNotNull({micro_sql(path)}))"
        case Kind.DISTINCT:
            return f"uniqExactIf({key_sql(path)}, {where})"
        case _:
            return f"{kind.value}OrNullIf({property_operand(path).number}, {where})"


def _of_days(kind: Kind, zone: str, where: str, binder: Binder) -> str:
    match kind:
        case Kind.DAYS:
            return f"uniqExactIf(toDate(timestamp, {binder.text(zone)}), {where})"
        case Kind.WEEKS:
            return f"uniqExactIf(toMonday(timestamp, {binder.text(zone)}), {where})"
        case _:
            return f"groupUniqArrayIf(toInt32(toDate32(timestamp, {binder.text(zone)})), {where})"


def _of_values(kind: Kind, path: str, where: str) -> str:
    json = property_operand(path).json
    match kind:
        case Kind.COUNTED:
            return f"sumMapIf([{json}], [toUInt64(1)], {where} AND {json} != '')"
        case Kind.UNIQUE:
            return f"groupUniqArrayIf({json}, {where} AND {json} != '')"
        case _:
            function = "argMin" if kind is Kind.FIRST else "argMax"
            return f"{function}If({json}, (timestamp, message_id), {where})"


def micro_sql(path: str) -> str:
    """A numeric property in whole millionths, so that sums do not depend on the order."""
    if path == REVENUE:
        return f"toInt128(revenue * {MICRO})"
    number = property_operand(path).number
    return (
        f"if(abs({number}) <= {LARGEST:.0f}, accurateCastOrNull(round({number} * {MICRO}),"
        " 'Int128'), NULL)"
    )


def key_sql(path: str) -> str:
    """A text that is equal for equal values of a property; NULL when it is missing."""
    if path == REVENUE:
        return "toString(revenue)"
    column = property_column(path)
    return f"if(isNotNull({column}), toString({column}), NULL)"
