"""Ready definitions to copy and change: lifecycle stages, and RFM scores by quintiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tekil.kit.json import JsonValue
from tekil.segments.binding import Binder, Statement
from tekil.segments.model import Events, Window
from tekil.segments.sql import PROFILE_OF
from tekil.segments.sql_events import events_sql
from tekil.segments.sql_values import property_operand, window_sql
from tekil.segments.windows import NOW

Object = dict[str, JsonValue]
SCORES = (1, 2, 3, 4, 5)
MEASURES = ("recency", "frequency", "monetary")


@dataclass(frozen=True, slots=True)
class Ready:
    """A definition with a name and what it is for."""

    name: str
    description: str
    definition: JsonValue


@dataclass(frozen=True, slots=True)
class Quintiles:
    """For each measure the four values that part the buyers into five equal parts."""

    recency_days: tuple[float, ...]
    frequency: tuple[float, ...]
    monetary: tuple[float, ...]


def lifecycle(event: str, active_days: int = 30, lapsed_days: int = 120) -> list[Ready]:
    """Stages by how long ago somebody first and last did the event; nobody is in two."""
    active, lapsed = f"{active_days}d", f"{lapsed_days}d"
    recent: Object = {"event": event, "within": {"last": active}}
    between: Object = {"event": event, "within": {"between": [lapsed, active]}}
    before: Object = {"event": event, "within": {"before": lapsed}}
    new: Object = {"event": event, "first": {"within": {"last": active}}}
    return [
        Ready("new", f'First "{event}" in the last {active_days} days.', new),
        Ready(
            "active",
            f'"{event}" in the last {active_days} days, and not for the first time.',
            {"all": [recent, {"not": new}, {"any": [between, {"not": before}]}]},
        ),
        Ready(
            "at_risk",
            f'Last "{event}" {active_days} to {lapsed_days} days ago.',
            {"all": [{"not": recent}, between]},
        ),
        Ready(
            "lapsed",
            f'No "{event}" for {lapsed_days} days, but before.',
            {"all": [{"not": recent}, {"not": between}, before]},
        ),
        Ready(
            "won_back",
            f'"{event}" in the last {active_days} days, after none for long.',
            {"all": [recent, {"not": between}, before]},
        ),
    ]


def rfm(event: str, amount: str, window: str, quintiles: Quintiles) -> list[Ready]:
    """A segment for each score of each measure; 5 is best. The limits are those of today.

    Where many people share a value some fifths are empty, and have no segment.
    """
    counted: Object = {"event": event, "within": {"last": window}}
    found: list[Ready] = []
    hours = [float(max(1, round(days * 24))) for days in quintiles.recency_days]
    for low, high, part in _parts(hours):
        inside: list[JsonValue] = [
            counted if high is None else {"event": event, "within": {"last": f"{high:.0f}h"}}
        ]
        if low is not None:
            inside.append({"not": {"event": event, "within": {"last": f"{low:.0f}h"}}})
        found.append(_scored("recency", 6 - part, {"all": inside}))  # the latest are the best
    for low, high, part in _parts(quintiles.frequency):
        limits: Object = {"gte": 1} if low is None else {"gt": low}
        if high is not None:
            limits["lte"] = high
        found.append(_scored("frequency", part, {**counted, "count": limits}))
    for low, high, part in _parts(quintiles.monetary):
        spent: Object = {**counted, "sum": amount}
        spent |= {} if low is None else {"gt": low}
        spent |= {} if high is None else {"lte": high}
        found.append(_scored("monetary", part, {"all": [counted, spent]}))
    best: list[JsonValue] = [{"segment": f"rfm_{measure}_5"} for measure in MEASURES]
    found.append(Ready("rfm_best", "The best fifth in all three measures.", {"all": best}))
    return found


def quintiles_statement(events: Events, amount: str, window: Window) -> Statement:
    """One row: limits of recency in days, of frequency and amount, and how many people did it."""
    binder = Binder()
    where = f"{events_sql(events, binder)} AND {window_sql(window, 'timestamp', binder)}"
    value = f"ifNull({property_operand(amount).number}, 0)"
    now = binder.moment(NOW)
    people = (
        f"    SELECT\n        dictGet('{PROFILE_OF}', 'profile_id', identity_id) AS subject,\n"
        f"        dateDiff('second', max(timestamp), {now}) / 86400 AS recency,\n"
        f"        count() AS frequency,\n        sum({value}) AS monetary\n"
        f"    FROM events\n    WHERE {where}\n    GROUP BY subject"
    )
    limits = ", ".join(f"quantilesExactInclusive(0.2, 0.4, 0.6, 0.8)({m})" for m in MEASURES)
    sql = f"SELECT {limits}, count()\nFROM (\n{people}\n)"
    return Statement(sql, binder.values)


def _scored(measure: str, score: int, definition: JsonValue) -> Ready:
    return Ready(
        f"rfm_{measure}_{score}", f"{measure.capitalize()} score {score} of 5.", definition
    )


def _parts(limits: Sequence[float]) -> list[tuple[float | None, float | None, int]]:
    """The ends of the fifths that are not empty, the smallest first, with their numbers."""
    ends: list[float | None] = [None, *(round(limit, 4) for limit in limits), None]
    parts = [(ends[n - 1], ends[n], n) for n in SCORES]
    return [part for part in parts if part[0] is None or part[0] != part[1]]
