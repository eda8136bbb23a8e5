"""The pipeline without its threads: accept, work a batch, store it, crash at any point."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from tests.faults.stored import Stored

from tekil.clean.email import normalise_email
from tekil.clean.phone import normalise_phone
from tekil.collect.model import SourceKind
from tekil.collect.sources import SourceRegister
from tekil.errors import Conflict
from tekil.events.ddl import STATEMENTS
from tekil.events.store import HistoryStore
from tekil.identity.graph import IdentityGraph
from tekil.identity.identifiers import Identifiers
from tekil.identity.model import Normaliser
from tekil.identity.namespaces import DEFAULT_RULES
from tekil.identity.rules import Rulebook
from tekil.identity.store import IdentityStore
from tekil.inbox.model import Reject, Submission
from tekil.inbox.store import Inbox
from tekil.kit.clock import FixedClock, from_iso
from tekil.kit.ids import Seq
from tekil.kit.json import decode_object, encode
from tekil.pipeline.batch import (
    DUPLICATES,
    EVENTS,
    IDENTITIES,
    NEXT_IDENTITY,
    PROFILES,
    STORED_BATCH,
    BatchResult,
    BatchWorker,
    Stores,
)
from tekil.pipeline.prepare import Preparer
from tekil.pipeline.writer import WarehouseWriter
from tekil.profiles.store import ProfileStore
from tekil.store.state import SqlStore
from tekil.store.warehouse import Warehouse

Message = dict[str, Any]
NOW = from_iso("2026-11-22T10:00:00Z")


class House:
    """One installation; ``restart`` forgets all that is in memory."""

    def __init__(self, state: SqlStore, inbox_store: SqlStore, warehouse: Warehouse) -> None:
        self.state, self.inbox_store, self.warehouse = state, inbox_store, warehouse
        warehouse.migrate(STATEMENTS)
        self.clock = FixedClock(NOW)
        self.rejected: list[tuple[int, Reject]] = []
        self.restart()
        for name, kind in (("server", SourceKind.HTTP), ("site", SourceKind.WEB)):
            try:
                self.sources.add(name, kind)
            except Conflict:
                continue

    def restart(self) -> None:
        """Begin anew from what is on the disk."""
        self.sources = SourceRegister(self.state, self.clock)
        self.inbox = Inbox(self.inbox_store)
        self.history = HistoryStore(self.state)
        identity = IdentityStore(self.state)
        rules = Rulebook(DEFAULT_RULES)
        identifiers = Identifiers(
            rules,
            {
                Normaliser.EMAIL: lambda text, _: normalise_email(text),
                Normaliser.PHONE: normalise_phone,
            },
        )
        next_id = self.history.progress().get(NEXT_IDENTITY, 1)
        self.worker = BatchWorker(
            Stores(self.state, self.inbox, self.history, identity, ProfileStore(self.state)),
            sources=self.sources,
            preparer=Preparer(identifiers, None),
            graph=IdentityGraph(identity, rules, self.history.installation_key(), next_id),
            clock=self.clock,
            dedup_days=30,
        )
        self.worker.take_over()
        self.writer = WarehouseWriter(
            self.warehouse, self.history, on_reject=lambda seq, r: self.rejected.append((seq, r))
        )

    def accept(self, source: str, messages: Sequence[Message]) -> None:
        """Put one request into the inbox."""
        body = encode({"batch": list(messages)})
        source_id = self.sources.by_name(source).source_id
        self.inbox.append([Submission(source_id, self.clock.now(), body, len(messages))])

    def work(self, entries: int = 10_000) -> BatchResult | None:
        """Work one batch of at most this many requests; nothing goes to the warehouse yet."""
        found = self.inbox.entries_after(
            self.worker.applied_seq, max_count=10**9, max_entries=entries
        )
        if not found:
            return None
        return self.worker.work(found, self.writer.stored_batch, Seq(0))

    def work_all(self, cuts: Iterable[int] = ()) -> None:
        """Work everything, in batches of these sizes and then in one."""
        for size in cuts:
            self.work(size)
        while self.work() is not None:
            pass

    def store(self) -> None:
        """Bring into the warehouse what is not there, as after a start."""
        self.writer.recover(self.worker.progress.get(STORED_BATCH, 0), self.worker.applied_seq)
        self.writer.stop(drain=True)
        self.writer = WarehouseWriter(
            self.warehouse, self.history, on_reject=lambda seq, r: self.rejected.append((seq, r))
        )

    def stored(self) -> Live:
        """Everything that is in the stores now."""
        return Live(self.state, self.inbox_store, self.warehouse)

    def stats(self) -> dict[str, object]:
        """The counters, by the names that the API gives them."""
        progress = self.history.progress()
        return {name: progress.get(name, 0) for name in (EVENTS, DUPLICATES, PROFILES, IDENTITIES)}


class Live(Stored):
    """What the open stores hold, in the shape in which it is expected."""

    def __init__(self, state: SqlStore, inbox: SqlStore, warehouse: Warehouse) -> None:
        self._state, self._inbox, self._warehouse = state, inbox, warehouse
        super().__init__(Path())

    def state(self, query: str) -> list[dict[str, Any]]:
        return _rows(self._state, query)

    def inbox(self, query: str) -> list[dict[str, Any]]:
        return _rows(self._inbox, query)

    def warehouse(self, query: str) -> list[dict[str, Any]]:
        return [dict(decode_object(line)) for line in self._warehouse.query_json(query)]

    def dump(self) -> str:
        """All of the state, for comparing before and after."""
        tables = (
            "identities", "identity_activity", "claims", "traits", "accounts", "account_traits",
            "account_members", "event_schema", "property_schema", "progress", "message_hashes",
            "outbox", "search_terms",
        )  # fmt: skip
        return json.dumps(
            {
                table: sorted(
                    repr(sorted(row.items())) for row in self.state(f"SELECT * FROM {table}")
                )
                for table in tables
            }
        )


def _rows(store: SqlStore, query: str) -> list[dict[str, Any]]:
    with store.read() as connection:
        return [dict(row._mapping) for row in connection.execute(sa.text(query))]
