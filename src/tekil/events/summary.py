"""Figures over events: how many and how much, by person, month, source, currency, name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from tekil.access.guard import requires
from tekil.access.model import Permission
from tekil.collect.sources import SourceRegister
from tekil.kit.json import encode
from tekil.kit.paging import encode_cursor
from tekil.query import read_place
from tekil.store.warehouse import Warehouse

router = APIRouter(prefix="/api/v1/events", tags=["events"])

MAX_LIMIT = 50_000


class GroupBy(StrEnum):
    """By what events are counted; times are UTC."""

    IDENTITY = "identity_id"
    MONTH = "month"
    CURRENCY = "currency"
    EVENT = "event"
    TYPE = "type"


_EXPRESSIONS = {
    GroupBy.IDENTITY: "identity_id",
    GroupBy.MONTH: "toYYYYMM(timestamp)",
    GroupBy.CURRENCY: "toString(currency)",
    GroupBy.EVENT: "toString(event)",
    GroupBy.TYPE: "toString(type)",
}


class SummaryPage(BaseModel):
    """One page of groups, each with its events and the sum of their revenue."""

    items: list[dict[str, object]]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class SummaryFilter:
    """Which events to count."""

    event: str | None
    type: str | None
    source_id: int | None


def summary_sql(groups: list[GroupBy], wanted: SummaryFilter) -> str:
    """The query behind a page; names come from this file and values are bound."""
    conditions = ["1"]
    if wanted.event is not None:
        conditions.append("event = {event:String}")
    if wanted.type is not None:
        conditions.append("type = {type:String}")
    if wanted.source_id is not None:
        conditions.append("source_id = {source:UInt32}")
    keys = [f"{_EXPRESSIONS[group]} AS {group}" for group in groups]
    figures = ["count() AS events", "toString(sum(revenue)) AS revenue"]
    grouping = f"GROUP BY {', '.join(groups)} ORDER BY {', '.join(groups)}" if groups else ""
    return (
        f"SELECT {', '.join(keys + figures)} FROM events WHERE {' AND '.join(conditions)} "
        f"{grouping} LIMIT {{limit:UInt32}} OFFSET {{offset:UInt64}}"
    )


@router.get(
    "/summary",
    response_model=SummaryPage,
    dependencies=[Depends(requires(Permission.EVENTS_READ))],
)
def get_summary(
    request: Request,
    group_by: Annotated[list[GroupBy] | None, Query()] = None,
    event: str | None = None,
    type: str | None = None,
    source: str | None = None,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 1_000,
) -> Response:
    """Count events and add up their revenue."""
    sources: SourceRegister = request.app.state.sources
    warehouse: Warehouse = request.app.state.warehouse
    source_id = sources.by_name(source).source_id if source is not None else None
    wanted = SummaryFilter(event, type, source_id)
    groups = list(dict.fromkeys(group_by or []))
    offset = read_place(cursor)
    bound: dict[str, object] = {
        "event": event,
        "type": type,
        "source": source_id,
        "limit": limit + 1,
        "offset": offset,
    }
    sql = summary_sql(groups, wanted)
    given = {name: value for name, value in bound.items() if value is not None}
    names = [*(group.value for group in groups), "events", "revenue"]
    rows = [dict(zip(names, row, strict=True)) for row in warehouse.query(sql, given)]
    more = encode_cursor(offset + limit) if len(rows) > limit else None
    return Response(encode({"items": rows[:limit], "next": more}), media_type="application/json")
