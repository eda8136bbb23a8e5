"""Statements of the inbox; nothing here runs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from tekil.inbox.model import RejectReason, RejectStage
from tekil.inbox.tables import imports, inbox, rejects
from tekil.kit.clock import Millis
from tekil.kit.ids import Seq, SourceId

# Any number that nothing else in this database locks: appends of several collectors take turns,
# so that sequence numbers become visible in the order in which they were handed out.
APPEND_LOCK = 7_463_001


@dataclass(frozen=True, slots=True)
class RejectFilter:
    """Which rejects to list, count or replay."""

    source_id: SourceId | None = None
    stage: RejectStage | None = None
    reason: RejectReason | None = None
    text: str | None = None
    since: Millis | None = None
    until: Millis | None = None
    pending_only: bool = False


@dataclass(frozen=True, slots=True)
class ReplayFilter:
    """Which accepted requests to work on again; types are looked at message by message."""

    source_id: SourceId | None = None
    since: Millis | None = None
    until: Millis | None = None


def entries_after_sql(seq: Seq, limit: int) -> sa.Select[Any]:
    """The next requests in order."""
    return sa.select(inbox).where(inbox.c.seq > seq).order_by(inbox.c.seq).limit(limit)


def entries_matching_sql(
    wanted: ReplayFilter, after: Seq, until: Seq, limit: int
) -> sa.Select[Any]:
    """Accepted requests to replay, a page at a time."""
    query = sa.select(inbox).where(inbox.c.seq > after, inbox.c.seq <= until)
    if wanted.source_id is not None:
        query = query.where(inbox.c.source_id == wanted.source_id)
    if wanted.since is not None:
        query = query.where(inbox.c.received_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(inbox.c.received_at < wanted.until)
    return query.order_by(inbox.c.seq).limit(limit)


def lag_sql(applied: Seq) -> sa.Select[Any]:
    """How many messages wait, and since when the oldest does."""
    return sa.select(sa.func.sum(inbox.c.count), sa.func.min(inbox.c.received_at)).where(
        inbox.c.seq > applied
    )


def trim_sql(applied: Seq, before: Millis) -> sa.Delete:
    """Forget requests that are worked on and older than the retention."""
    return sa.delete(inbox).where(inbox.c.seq <= applied, inbox.c.received_at < before)


def rejects_sql(wanted: RejectFilter) -> sa.Select[Any]:
    """Rejects that match, newest first; the caller adds a limit."""
    return _filtered(sa.select(rejects), wanted).order_by(rejects.c.reject_id.desc())


def reject_counts_sql(wanted: RejectFilter) -> sa.Select[Any]:
    """How many rejects match, by stage and reason."""
    query = sa.select(rejects.c.stage, rejects.c.reason, sa.func.count())
    return _filtered(query, wanted).group_by(rejects.c.stage, rejects.c.reason)


def import_sql(file_hash: str, source_id: SourceId) -> sa.Select[Any]:
    """How far one file came for one source."""
    return sa.select(imports).where(
        imports.c.file_hash == file_hash, imports.c.source_id == source_id
    )


def _filtered(query: sa.Select[Any], wanted: RejectFilter) -> sa.Select[Any]:
    if wanted.source_id is not None:
        query = query.where(rejects.c.source_id == wanted.source_id)
    if wanted.stage is not None:
        query = query.where(rejects.c.stage == wanted.stage.value)
    if wanted.reason is not None:
        query = query.where(rejects.c.reason == wanted.reason.value)
    if wanted.text:
        text = wanted.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        query = query.where(rejects.c.detail.like(f"%{text}%", escape="\\"))
    if wanted.since is not None:
        query = query.where(rejects.c.received_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(rejects.c.received_at < wanted.until)
    if wanted.pending_only:
        query = query.where(rejects.c.replayed_at.is_(None))
    return query
