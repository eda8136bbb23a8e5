"""HTTP routes of the event history as a whole: its schema and its figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from tekil.access.guard import requires
from tekil.access.model import Permission
from tekil.collect.sources import SourceRegister
from tekil.events.store import HistoryStore, LearnedEvent
from tekil.kit.clock import to_iso
from tekil.kit.json import JsonObject, encode
from tekil.kit.paging import encode_cursor
from tekil.query import read_place

router = APIRouter(prefix="/api/v1", tags=["events"])

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


class InboxLag(BaseModel):
    """How far the pipeline is behind what was accepted."""

    messages: int
    seconds: float


class Stats(BaseModel):
    """Figures of the whole installation."""

    events: int
    profiles: int
    identities: int
    rejects: int
    duplicates: int
    inbox_lag: InboxLag


class SchemaPage(BaseModel):
    """One page of the learned schema, the most frequent events first."""

    items: list[dict[str, object]]
    next: str | None = None


@router.get("/stats", dependencies=[Depends(requires(Permission.STATS_READ))])
def get_stats(request: Request) -> Stats:
    """Count everything."""
    read: Callable[[], Stats] = request.app.state.stats
    return read()


@router.get(
    "/schema",
    response_model=SchemaPage,
    dependencies=[Depends(requires(Permission.SCHEMA_READ))],
)
def get_schema(
    request: Request,
    source: str | None = None,
    event: str | None = None,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
) -> Response:
    """Show which events and properties came, of which types, from which sources, how often."""
    sources: SourceRegister = request.app.state.sources
    history: HistoryStore = request.app.state.history
    items = schema_items(history, sources)
    if source is not None:
        sources.by_name(source)
        items = [item for item in items if item["source"] == source]
    if event is not None:
        items = [item for item in items if item["event"] == event]
    start = read_place(cursor)
    shown = items[start : start + limit]
    more = encode_cursor(start + limit) if start + limit < len(items) else None
    return Response(encode({"items": shown, "next": more}), media_type="application/json")


def schema_items(history: HistoryStore, sources: SourceRegister) -> list[JsonObject]:
    """The learned schema, an item for each event of each source."""
    return [_schema_item(learned, sources) for learned in history.schema()]


def _schema_item(learned: LearnedEvent, sources: SourceRegister) -> JsonObject:
    source = sources.by_id(learned.source_id)
    properties: JsonObject = {
        name: {
            "count": facts.count,
            "types": [*sorted(facts.types)],
            "examples": facts.examples,
        }
        for name, facts in learned.properties.items()
    }
    return {
        "source": source.name if source is not None else str(learned.source_id),
        "type": learned.type,
        "event": learned.event,
        "count": learned.count,
        "first_seen": to_iso(learned.first_seen),
        "last_seen": to_iso(learned.last_seen),
        "properties": properties,
    }
