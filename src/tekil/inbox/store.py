"""The inbox's only access to its database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from tekil.inbox import sql
from tekil.inbox.model import (
    ImportProgress,
    ImportState,
    InboxEntry,
    Reject,
    RejectReason,
    RejectRecord,
    RejectStage,
    Submission,
)
from tekil.inbox.sql import RejectFilter, ReplayFilter
from tekil.inbox.tables import imports, inbox, rejects
from tekil.kit import zstd
from tekil.kit.clock import Millis
from tekil.kit.ids import Seq, SourceId
from tekil.store.state import SqlStore

PAYLOAD_LIMIT_BYTES = 64 * 1024
BATCH_LIMIT_BYTES = 48 * 1024 * 1024
"""Bodies that one read may hold: more would not make the pipeline faster, only larger."""

COMPRESS_FROM_BYTES = 1024
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class Inbox:
    """Accepted requests, durable and in order, and the rejects beside them."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store

    def append(
        self, submissions: Sequence[Submission], progress: ImportProgress | None = None
    ) -> None:
        """Store requests and their rejects in one synced transaction."""
        rows = [_entry_row(s) for s in submissions if s.count]
        refused = [
            _reject_row(s.source_id, s.received_at, r) for s in submissions for r in s.rejects
        ]
        with self.store.write() as connection:
            if not self.store.is_sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sql.APPEND_LOCK)))
            if rows:
                connection.execute(sa.insert(inbox), rows)
            if refused:
                connection.execute(sa.insert(rejects), refused)
            if progress is not None:
                self._save_progress(connection, progress)

    def entries_after(self, seq: Seq, *, max_count: int, max_entries: int) -> list[InboxEntry]:
        """Read the next requests in order, until about ``max_count`` messages are held."""
        query = sql.entries_after_sql(seq, max_entries)
        with self.store.read() as connection:
            return _until_full(_streamed(connection, query), max_count)

    def matching(
        self, wanted: ReplayFilter, *, after: Seq, until: Seq, limit: int
    ) -> list[InboxEntry]:
        """Read a page of accepted requests for a replay."""
        query = sql.entries_matching_sql(wanted, after, until, limit)
        with self.store.read() as connection:
            return _until_full(_streamed(connection, query), None)

    def entry(self, seq: int) -> InboxEntry | None:
        """Read one request; None when it is not held any more."""
        with self.store.read() as connection:
            row = connection.execute(sa.select(inbox).where(inbox.c.seq == seq)).one_or_none()
        return _entry(row) if row is not None else None

    def last_seq(self) -> Seq:
        """The place of the newest request; 0 when there is none."""
        with self.store.read() as connection:
            return Seq(connection.scalar(sa.select(sa.func.max(inbox.c.seq))) or 0)

    def lag(self, applied: Seq) -> tuple[int, Millis | None]:
        """How many messages wait behind ``applied``, and when the oldest came."""
        with self.store.read() as connection:
            count, oldest = connection.execute(sql.lag_sql(applied)).one()
        return int(count or 0), Millis(oldest) if oldest is not None else None

    def trim(self, applied: Seq, before: Millis) -> int:
        """Forget worked-on requests older than ``before``; says how many."""
        with self.store.write() as connection:
            return connection.execute(sql.trim_sql(applied, before)).rowcount

    def add_rejects(self, refused: Sequence[tuple[SourceId, Millis, Reject, str]]) -> None:
        """Add rejects of later stages; the fourth value names the message, so none doubles."""
        rows = [_reject_row(source, at, reject, origin) for source, at, reject, origin in refused]
        if rows:
            with self.store.write() as connection:
                insert = self.store.insert(rejects).on_conflict_do_nothing()
                connection.execute(insert, rows)

    def rejects(
        self, wanted: RejectFilter, *, before: int | None, limit: int
    ) -> list[RejectRecord]:
        """List rejects, newest first, from below the id ``before``."""
        query = sql.rejects_sql(wanted).limit(limit)
        if before is not None:
            query = query.where(rejects.c.reject_id < before)
        with self.store.read() as connection:
            return [_record(row) for row in connection.execute(query)]

    def reject_counts(self, wanted: RejectFilter) -> dict[tuple[str, str], int]:
        """Count rejects by (stage, reason)."""
        with self.store.read() as connection:
            rows = connection.execute(sql.reject_counts_sql(wanted))
            return {(row[0], row[1]): row[2] for row in rows}

    def reject_total(self) -> int:
        """Count every reject that was not replayed."""
        query = sa.select(sa.func.count()).where(rejects.c.replayed_at.is_(None))
        with self.store.read() as connection:
            return int(connection.scalar(query) or 0)

    def replay_rejects(self, accepted: Sequence[tuple[int, Submission]], at: Millis) -> None:
        """Put repaired messages into the inbox and mark their rejects, in one transaction."""
        rows = [_entry_row(submission) for _, submission in accepted]
        done = [{"id": reject_id, "at": at} for reject_id, _ in accepted]
        mark = (
            sa.update(rejects)
            .where(rejects.c.reject_id == sa.bindparam("id"))
            .values(replayed_at=sa.bindparam("at"))
        )
        if not rows:
            return
        with self.store.write() as connection:
            if not self.store.is_sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sql.APPEND_LOCK)))
            connection.execute(sa.insert(inbox), rows)
            connection.execute(mark, done)

    def import_progress(self, file_hash: str, source_id: SourceId) -> ImportProgress | None:
        """How far one file came for one source; None when it was never begun."""
        with self.store.read() as connection:
            row = connection.execute(sql.import_sql(file_hash, source_id)).one_or_none()
        if row is None:
            return None
        return ImportProgress(
            row.file_hash,
            SourceId(row.source_id),
            row.file_name,
            row.position,
            row.rows,
            row.rejected,
            ImportState(row.state),
            Millis(row.updated_at),
        )

    def _save_progress(self, connection: sa.Connection, progress: ImportProgress) -> None:
        moving = {
            "position": progress.position,
            "rows": progress.rows,
            "rejected": progress.rejected,
            "state": progress.state.value,
            "updated_at": progress.at,
        }
        fixed = {
            "file_hash": progress.file_hash,
            "source_id": progress.source_id,
            "file_name": progress.file_name,
            "started_at": progress.at,
        }
        upsert = self.store.insert(imports).on_conflict_do_update(
            index_elements=["file_hash", "source_id"], set_=moving
        )
        connection.execute(upsert, [fixed | moving])


def _entry_row(submission: Submission) -> dict[str, object]:
    body = submission.body
    return {
        "source_id": submission.source_id,
        "received_at": submission.received_at,
        "type": submission.type,
        "ip": submission.ip,
        "user_agent": submission.user_agent,
        "count": submission.count,
        "body": zstd.compress(body, 1) if len(body) >= COMPRESS_FROM_BYTES else body,
    }


def _entry(row: sa.Row[Any]) -> InboxEntry:
    stored = row.body
    return InboxEntry(
        Seq(row.seq),
        SourceId(row.source_id),
        Millis(row.received_at),
        zstd.decompress(stored) if stored[:4] == ZSTD_MAGIC else stored,
        row._mapping["count"],
        row.type,
        row.ip,
        row.user_agent,
    )


def _streamed(connection: sa.Connection, query: sa.Select[Any]) -> sa.CursorResult[Any]:
    """Run a query without fetching more rows than are read: each may have megabytes."""
    return connection.execution_options(stream_results=True, max_row_buffer=256).execute(query)


def _until_full(rows: sa.CursorResult[Any], max_count: int | None) -> list[InboxEntry]:
    """Take rows until they hold enough messages or bytes."""
    entries: list[InboxEntry] = []
    held = size = 0
    with rows:
        for row in rows:
            entries.append(_entry(row))
            held += entries[-1].count
            size += len(entries[-1].body)
            if (max_count is not None and held >= max_count) or size >= BATCH_LIMIT_BYTES:
                break
    return entries


def _reject_row(
    source_id: SourceId, at: Millis, reject: Reject, origin: str | None = None
) -> dict[str, object]:
    return {
        "source_id": source_id,
        "received_at": at,
        "stage": reject.stage.value,
        "reason": reject.reason.value,
        "detail": reject.detail[:1000].replace("\x00", "\ufffd"),  # PostgreSQL takes no NUL
        "payload": reject.payload[:PAYLOAD_LIMIT_BYTES],
        "item": reject.item,
        "origin": origin,
    }


def _record(row: sa.Row[Any]) -> RejectRecord:
    reject = Reject(
        RejectStage(row.stage), RejectReason(row.reason), row.detail, row.payload, row.item
    )
    return RejectRecord(
        row.reject_id,
        SourceId(row.source_id),
        Millis(row.received_at),
        reject,
        Millis(row.replayed_at) if row.replayed_at is not None else None,
    )
