"""The only file that writes the event history's state tables."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from tekil.errors import StoreError
from tekil.events.learn import EventFacts, EventKey, Learner, PropertyFacts, add_example, bounded
from tekil.events.tables import (
    event_schema,
    installation,
    message_hashes,
    outbox,
    progress,
    property_schema,
)
from tekil.kit import zstd
from tekil.kit.clock import Millis
from tekil.kit.ids import SourceId
from tekil.kit.json import decode, encode_text
from tekil.store.lists import in_list
from tekil.store.many import execute_many
from tekil.store.state import SqlStore

MAX_CACHED_PROPERTIES = 100_000
BATCH = "batch"
"""The cursor that counts micro-batches."""


class LeaseLost(StoreError):
    """Another worker has taken over; what this one was doing is void."""

    code = "lease_lost"


@dataclass(frozen=True, slots=True)
class Parcel:
    """Lines of one micro-batch for one warehouse table."""

    batch: int
    first_seq: int
    last_seq: int
    table: str
    lines: bytes


@dataclass(frozen=True, slots=True)
class LearnedEvent:
    """What is known of one event of one source."""

    source_id: SourceId
    type: str
    event: str
    count: int
    first_seen: Millis
    last_seen: Millis
    properties: dict[str, PropertyFacts]


class HistoryStore:
    """Cursors, counters, message hashes, the outbox and the learned schema."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self._properties: dict[tuple[int, str, str, str], PropertyFacts] = {}
        self._names: dict[SourceId, set[tuple[str, str]]] | None = None

    def installation_key(self) -> bytes:
        """The secret that makes this installation's ids its own; made on first use."""
        with self.store.write() as connection:
            found = connection.scalar(
                sa.select(installation.c.value).where(installation.c.name == "key")
            )
            if found is None:
                found = secrets.token_bytes(32)
                connection.execute(sa.insert(installation), [{"name": "key", "value": found}])
        return bytes(found)

    def progress(self) -> dict[str, int]:
        """Read every cursor and counter."""
        query = sa.select(progress.c.name, progress.c.value)
        with self.store.read() as connection:
            return {row.name: row.value for row in connection.execute(query)}

    def save_progress(self, connection: sa.Connection, values: Mapping[str, int]) -> None:
        """Write cursors and counters."""
        if not values:
            return
        insert = self.store.insert(progress)
        upsert = insert.on_conflict_do_update(
            index_elements=["name"], set_={"value": insert.excluded.value}
        )
        execute_many(connection, upsert, [{"name": k, "value": v} for k, v in values.items()])

    def advance(self, connection: sa.Connection, previous: int, batch: int) -> None:
        """Move the batch number from ``previous``. Raises LeaseLost if another worker did."""
        if previous == 0:
            first = self.store.insert(progress).on_conflict_do_nothing()
            connection.execute(first, [{"name": BATCH, "value": 0}])
        moved = connection.execute(
            sa.update(progress)
            .where(progress.c.name == BATCH, progress.c.value == previous)
            .values(value=batch)
        )
        if moved.rowcount != 1:
            raise LeaseLost(f"Batch {batch} was worked by another process.")

    def message_hashes(self, since: Millis) -> list[bytes]:
        """Read the message hashes of every batch not older than ``since``."""
        query = sa.select(message_hashes.c.hashes).where(message_hashes.c.at >= since)
        with self.store.read() as connection:
            return [bytes(row[0]) for row in connection.execute(query)]

    def save_hashes(self, connection: sa.Connection, batch: int, at: Millis, hashes: bytes) -> None:
        """Remember the messages of a batch."""
        if hashes:
            row = {"batch": batch, "at": at, "hashes": hashes}
            connection.execute(sa.insert(message_hashes), [row])

    def forget_hashes(self, before: Millis) -> None:
        """Drop the hashes of batches that nobody resends any more."""
        with self.store.write() as connection:
            connection.execute(sa.delete(message_hashes).where(message_hashes.c.at < before))

    def save_parcels(self, connection: sa.Connection, parcels: Sequence[Parcel]) -> None:
        """Put lines for the warehouse into the outbox."""
        rows = [
            {
                "batch": p.batch,
                "first_seq": p.first_seq,
                "last_seq": p.last_seq,
                "table": p.table,
                "lines": zstd.compress(p.lines, 1),
            }
            for p in parcels
        ]
        if rows:
            connection.execute(sa.insert(outbox), rows)

    def pending_parcels(self, after: int) -> list[Parcel]:
        """Read what may not be in the warehouse yet, oldest first."""
        next_batches = (  # whole batches: one that is read in part would count as stored
            sa.select(outbox.c.batch)
            .where(outbox.c.batch > after)
            .distinct()
            .order_by(outbox.c.batch)
            .limit(16)
        )
        query = (
            sa.select(outbox)
            .where(outbox.c.batch.in_(next_batches))
            .order_by(outbox.c.batch, outbox.c.table)
        )
        with self.store.read() as connection:
            return [
                Parcel(r.batch, r.first_seq, r.last_seq, r.table, zstd.decompress(r.lines))
                for r in connection.execute(query)
            ]

    def drop_parcels(self, connection: sa.Connection, until: int) -> None:
        """Forget parcels that are known to be in the warehouse."""
        connection.execute(sa.delete(outbox).where(outbox.c.batch <= until))

    def save_schema(self, connection: sa.Connection, learner: Learner) -> None:
        """Add what a batch told about events and their properties."""
        if not learner.events:
            return
        names = self._known_names(connection)
        events = bounded(learner.events, names)
        self._save_events(connection, events)
        for source_id, type_, event in events:
            names.setdefault(source_id, set()).add((type_, event))
        changed: dict[tuple[int, str, str, str], PropertyFacts] = {}
        for key, facts in events.items():
            for name, found in facts.properties().items():
                changed[(*key, name)] = found
        self._merge_known(connection, changed)
        insert = self.store.insert(property_schema)
        upsert = insert.on_conflict_do_update(
            index_elements=["source_id", "type", "event", "property"],
            set_={
                "count": property_schema.c.count + insert.excluded["count"],
                "types": insert.excluded["types"],
                "examples": insert.excluded["examples"],
            },
        )
        rows = [_property_row(key, facts) for key, facts in changed.items()]
        if rows:
            execute_many(connection, upsert, rows)

    def _known_names(self, connection: sa.Connection) -> dict[SourceId, set[tuple[str, str]]]:
        if self._names is None:
            self._names = {}
            columns = (event_schema.c.source_id, event_schema.c.type, event_schema.c.event)
            for source_id, type_, event in connection.execute(sa.select(*columns)):
                self._names.setdefault(SourceId(source_id), set()).add((type_, event))
        return self._names

    def forget_cached(self) -> None:
        """Read the schema from the store again, after a transaction failed."""
        self._names = None
        self._properties.clear()

    def schema(self) -> list[LearnedEvent]:
        """Read the whole learned schema, the most frequent events first."""
        by_count = (event_schema.c.count.desc(), event_schema.c.event, event_schema.c.type)
        with self.store.read() as connection:
            events = connection.execute(sa.select(event_schema).order_by(*by_count)).all()
            rows = connection.execute(
                sa.select(property_schema).order_by(property_schema.c.property)
            ).all()
        properties: dict[EventKey, dict[str, PropertyFacts]] = {}
        for row in rows:
            key = (SourceId(row.source_id), row.type, row.event)
            properties.setdefault(key, {})[row.property] = _property_facts(row)
        return [_learned(row, properties) for row in events]

    def _save_events(
        self, connection: sa.Connection, events: Mapping[EventKey, EventFacts]
    ) -> None:
        insert = self.store.insert(event_schema)
        least = sa.func.min if self.store.is_sqlite else sa.func.least
        greatest = sa.func.max if self.store.is_sqlite else sa.func.greatest
        upsert = insert.on_conflict_do_update(
            index_elements=["source_id", "type", "event"],
            set_={
                "count": event_schema.c.count + insert.excluded["count"],
                "first_seen": least(event_schema.c.first_seen, insert.excluded.first_seen),
                "last_seen": greatest(event_schema.c.last_seen, insert.excluded.last_seen),
            },
        )
        rows = [
            {
                "source_id": source_id,
                "type": type_,
                "event": event,
                "count": facts.count,
                "first_seen": facts.first_seen,
                "last_seen": facts.last_seen,
            }
            for (source_id, type_, event), facts in events.items()
        ]
        execute_many(connection, upsert, rows)

    def _merge_known(
        self,
        connection: sa.Connection,
        changed: Mapping[tuple[int, str, str, str], PropertyFacts],
    ) -> None:
        """Join types and examples with those known, which are cached: there are few of them."""
        if len(self._properties) > MAX_CACHED_PROPERTIES:
            self._properties.clear()
        if any(key not in self._properties for key in changed):
            names = {key[2] for key in changed if key not in self._properties}
            query = sa.select(property_schema).where(
                in_list(connection, property_schema.c.event, names)
            )
            for row in connection.execute(query):
                key = (row.source_id, row.type, row.event, row.property)
                self._properties.setdefault(key, _property_facts(row))
        for key, facts in changed.items():
            known = self._properties.setdefault(key, PropertyFacts())
            known.types |= facts.types
            for example in facts.examples:
                add_example(known, example)
            facts.types, facts.examples = known.types, known.examples


def _learned(
    row: sa.Row[Any], properties: Mapping[EventKey, dict[str, PropertyFacts]]
) -> LearnedEvent:
    key = (SourceId(row.source_id), row.type, row.event)
    seen = Millis(row.first_seen), Millis(row.last_seen)
    return LearnedEvent(*key, row._mapping["count"], *seen, properties.get(key, {}))


def _property_facts(row: sa.Row[Any]) -> PropertyFacts:
    examples = decode(row.examples)
    known = examples if isinstance(examples, list) else []
    return PropertyFacts(row._mapping["count"], {t for t in row.types.split(",") if t}, known)


def _property_row(key: tuple[int, str, str, str], facts: PropertyFacts) -> dict[str, object]:
    return {
        "source_id": key[0],
        "type": key[1],
        "event": key[2],
        "property": key[3],
        "count": facts.count,
        "types": ",".join(sorted(facts.types)),
        "examples": encode_text(facts.examples),
    }
