"""Which events a condition means, as SQL over the columns of the event history."""

from __future__ import annotations

from typing import assert_never

from tekil.segments.binding import Binder
from tekil.segments.model import (
    EventKind,
    Events,
    FieldTest,
    PropertyTest,
    Where,
    WhereAll,
    WhereAny,
    WhereNot,
)
from tekil.segments.parse_events import OWN_EVENTS
from tekil.segments.sql_values import field_operand, property_operand, test_sql


def events_sql(events: Events, binder: Binder) -> str:
    """Whether a row is one of these events."""
    parts = [name_sql(events, binder)]
    where = where_sql(events.where, binder)
    if where != "1":
        parts.append(where)
    return " AND ".join(parts)


def name_sql(events: Events, binder: Binder) -> str:
    """Whether a row has the kind and the name of these events."""
    parts: list[str] = []
    if events.kind is not EventKind.ANY:
        parts.append(f"type = {binder.text(events.kind.value)}")
    if len(events.names) == 1:
        parts.append(f"event = {binder.text(events.names[0])}")
    elif events.names:
        parts.append(f"event IN {binder.bind('Array(String)', list(events.names))}")
    else:
        parts.append(f"event NOT IN {binder.bind('Array(String)', list(OWN_EVENTS))}")
    return " AND ".join(parts)


def where_sql(where: Where, binder: Binder) -> str:
    """Whether a row's own values are as asked; '1' if nothing is asked."""
    match where:
        case PropertyTest(path=path, test=test):
            return test_sql(test, property_operand(path), binder)
        case FieldTest(field=field, test=test):
            return test_sql(test, field_operand(field), binder)
        case WhereAll(items=items):
            return _joined(" AND ", items, binder, empty="1")
        case WhereAny(items=items):
            return _joined(" OR ", items, binder, empty="0")
        case WhereNot(item=item):
            return f"NOT ({where_sql(item, binder)})"
        case _:
            assert_never(where)


def _joined(word: str, items: tuple[Where, ...], binder: Binder, empty: str) -> str:
    if not items:
        return empty
    parts = [where_sql(item, binder) for item in items]
    return parts[0] if len(parts) == 1 else f"({word.join(parts)})"
