"""HTTP routes of rejects: list, count, replay; and replay of what was accepted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict

from tekil.access.guard import requires
from tekil.access.model import Permission
from tekil.errors import InputError
from tekil.inbox.model import RejectReason, RejectRecord, RejectStage
from tekil.inbox.sql import RejectFilter
from tekil.inbox.store import Inbox
from tekil.kit.clock import to_iso
from tekil.kit.ids import SourceId
from tekil.kit.paging import decode_numbers, encode_cursor
from tekil.query import read_instant

router = APIRouter(prefix="/api/v1", tags=["inbox"])

Read = Depends(requires(Permission.REJECTS_READ))
Write = Depends(requires(Permission.REJECTS_WRITE))


class RejectAnswer(BaseModel):
    """One message that could not be used."""

    reject_id: int
    source: str
    received_at: str
    stage: RejectStage
    reason: RejectReason
    detail: str
    item: int
    payload: str
    replayed_at: str | None


class RejectPage(BaseModel):
    """One page of rejects, newest first, with the counts of all that match."""

    items: list[RejectAnswer]
    next: str | None
    counts: dict[str, int]


class RejectSelection(BaseModel):
    """Which rejects to replay; none set means every one not replayed yet."""

    model_config = ConfigDict(extra="forbid")

    reject_ids: list[int] | None = None
    source: str | None = None
    stage: RejectStage | None = None
    reason: RejectReason | None = None
    since: str | None = None
    until: str | None = None


class ReplaySelection(BaseModel):
    """Which accepted messages to work on again."""

    model_config = ConfigDict(extra="forbid")

    source: str | None = None
    since: str | None = None
    until: str | None = None
    types: list[str] | None = None


class ReplayAnswer(BaseModel):
    """What a replay did."""

    replayed: int
    still_rejected: int = 0


def _source_id(request: Request, name: str | None) -> SourceId | None:
    if name is None:
        return None
    find: Callable[[str], SourceId] = request.app.state.source_id_of
    return find(name)


@router.get("/rejects", dependencies=[Read])
def list_rejects(
    request: Request,
    source: str | None = None,
    stage: RejectStage | None = None,
    reason: RejectReason | None = None,
    text: str | None = None,
    since: str | None = None,
    until: str | None = None,
    pending: bool = False,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> RejectPage:
    """Show what could not be used, and why."""
    inbox: Inbox = request.app.state.inbox
    wanted = RejectFilter(
        _source_id(request, source),
        stage,
        reason,
        text,
        read_instant(since, "since"),
        read_instant(until, "until"),
        pending,
    )
    found = inbox.rejects(wanted, before=_before(cursor), limit=limit + 1)
    shown = found[:limit]
    counts = {f"{s}:{r}": n for (s, r), n in inbox.reject_counts(wanted).items()}
    return RejectPage(
        items=[_answer(request, record) for record in shown],
        next=encode_cursor(shown[-1].reject_id) if len(found) > limit else None,
        counts=counts,
    )


@router.post("/rejects/replay", dependencies=[Write])
def replay_rejects(body: RejectSelection, request: Request) -> ReplayAnswer:
    """Check rejects again after a fix; those that are good now go into the inbox."""
    wanted = RejectFilter(
        _source_id(request, body.source),
        body.stage,
        body.reason,
        None,
        read_instant(body.since, "since"),
        read_instant(body.until, "until"),
        pending_only=True,
    )
    replay: Callable[[RejectFilter, list[int] | None], tuple[int, int]]
    replay = request.app.state.replay_rejects
    replayed, still = replay(wanted, body.reject_ids)
    return ReplayAnswer(replayed=replayed, still_rejected=still)


@router.post("/inbox/replay", dependencies=[Write])
def replay_inbox(body: ReplaySelection, request: Request) -> ReplayAnswer:
    """Work accepted messages again; those that are in the history already are not doubled."""
    replay: Callable[..., int] = request.app.state.replay_inbox
    count = replay(
        source_id=_source_id(request, body.source),
        since=read_instant(body.since, "since"),
        until=read_instant(body.until, "until"),
        types=frozenset(body.types) if body.types is not None else None,
    )
    return ReplayAnswer(replayed=count)


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    try:
        (position,) = decode_numbers(cursor)
    except ValueError as error:
        raise InputError(f"{error}; leave it out to begin at the newest.") from error
    return position


def _answer(request: Request, record: RejectRecord) -> RejectAnswer:
    name_of: Callable[[SourceId], str] = request.app.state.source_name_of
    return RejectAnswer(
        reject_id=record.reject_id,
        source=name_of(record.source_id),
        received_at=to_iso(record.received_at),
        stage=record.reject.stage,
        reason=record.reject.reason,
        detail=record.reject.detail,
        item=record.reject.item,
        payload=record.reject.payload.decode("utf-8", "replace"),
        replayed_at=to_iso(record.replayed_at) if record.replayed_at is not None else None,
    )
