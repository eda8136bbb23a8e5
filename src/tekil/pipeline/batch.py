"""One micro-batch from the inbox into the state, in one transaction, and onwards by the outbox.

prepare     each message by itself
drop        messages seen before, in earlier batches or in this one
resolve     identities to integer ids, old or new
settle      claims to people
gather      activity, traits, accounts, schema
commit      all of it with the cursor, and the warehouse's lines in the outbox
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import sqlalchemy as sa

from tekil.collect.sources import SourceRegister
from tekil.events.dedup import MessageSet
from tekil.events.learn import Learner
from tekil.events.rows import account_member_lines, event_line, mapping_lines, trait_line
from tekil.events.store import BATCH, HistoryStore, Parcel
from tekil.identity.graph import IdentityGraph
from tekil.identity.nodes import GraphChanges
from tekil.identity.store import IdentityStore
from tekil.inbox.model import InboxEntry, Reject
from tekil.inbox.store import Inbox
from tekil.kit.clock import DAY_MS, Clock, Millis
from tekil.kit.ids import AccountId, IdentityId, ProfileId, Seq, SourceId
from tekil.pipeline import people
from tekil.pipeline.prepare import Prepared, Preparer
from tekil.profiles.model import TraitWrite
from tekil.profiles.store import ProfileStore
from tekil.store.state import SqlStore

APPLIED_SEQ = "applied_seq"
STORED_BATCH = "stored_batch"
STORED_SEQ = "stored_seq"
NEXT_IDENTITY = "next_identity_id"
NEXT_ACCOUNT = "next_account_id"
EVENTS = "events"
DUPLICATES = "duplicates"
PROFILES = "profiles"
IDENTITIES = "identities"

MAX_MOVES = 200_000
"""Identities that move to another profile by one batch, when rules change."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What one micro-batch did."""

    batch: int
    events: int
    duplicates: int
    parcels: list[Parcel]
    touched: frozenset[ProfileId]
    """Profiles whose events, traits or identities changed."""


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores that a micro-batch writes to."""

    state: SqlStore
    inbox: Inbox
    history: HistoryStore
    identity: IdentityStore
    profiles: ProfileStore


class BatchWorker:
    """Works micro-batches one after the other; there is one in an installation at a time."""

    def __init__(
        self,
        stores: Stores,
        *,
        sources: SourceRegister,
        preparer: Preparer,
        graph: IdentityGraph,
        clock: Clock,
        dedup_days: int,
    ) -> None:
        self._stores = stores
        self._sources = sources
        self._clock = clock
        self._dedup_days = dedup_days
        self._seen = MessageSet()
        self.preparer = preparer
        self.graph = graph
        self.progress = stores.history.progress()
        self.before_taking_over: Callable[[], None] | None = None
        """Brings what lies outside of the stores up to date, such as the identity rules."""

    def take_over(self) -> None:
        """Read everything again: another process may have worked meanwhile."""
        if self.before_taking_over is not None:
            self.before_taking_over()
        self.reload()
        seen = MessageSet()
        since = Millis(self._clock.now() - self._dedup_days * DAY_MS)
        for hashes in self._stores.history.message_hashes(since):
            seen.add(hashes)
        self._seen = seen

    def reload(self) -> None:
        """Read every cursor again and forget what is in memory, after a transaction failed."""
        self.progress = self._stores.history.progress()
        self.graph.reset(self.progress.get(NEXT_IDENTITY, 1))
        self._stores.history.forget_cached()

    @property
    def applied_seq(self) -> Seq:
        """The last request that was worked on."""
        return Seq(self.progress.get(APPLIED_SEQ, 0))

    def work(
        self, entries: Sequence[InboxEntry], stored_batch: int, stored_seq: Seq
    ) -> BatchResult:
        """Work a run of requests; the last two say what the warehouse is known to hold."""
        messages, refused = self._prepare(entries)
        self._stores.inbox.add_rejects(refused)
        fresh = self._drop_duplicates(messages)
        batch = self.progress.get(BATCH, 0) + 1
        hashes = b"".join(m.digest for m in fresh)
        moved = dict(self.progress)
        try:
            with self._stores.state.write() as connection:
                # First of all, so that a worker that was replaced is told so and writes nothing.
                self._stores.history.advance(connection, batch - 1, batch)
                result = self._apply(connection, batch, fresh, moved)
                moved[DUPLICATES] = moved.get(DUPLICATES, 0) + len(messages) - len(fresh)
                moved[APPLIED_SEQ] = entries[-1].seq
                moved[BATCH] = batch
                moved[STORED_BATCH] = stored_batch
                moved[STORED_SEQ] = max(stored_seq, moved.get(STORED_SEQ, 0))
                self._stores.history.save_hashes(connection, batch, self._clock.now(), hashes)
                self._stores.history.save_progress(
                    connection,
                    {k: v for k, v in moved.items() if k != BATCH and self.progress.get(k) != v},
                )
                if stored_batch:
                    self._stores.history.drop_parcels(connection, stored_batch)
        except BaseException:
            self.reload()
            raise
        self.progress = moved
        self._seen.add(hashes)
        return BatchResult(
            batch, len(fresh), len(messages) - len(fresh), result.parcels, result.touched
        )

    def note_stored(self, stored_batch: int, stored_seq: Seq) -> None:
        """Write down what the warehouse holds when no batch follows that would do so."""
        batch = self.progress.get(BATCH, 0)
        moved = {STORED_BATCH: stored_batch, STORED_SEQ: stored_seq}
        if all(self.progress.get(name, 0) >= value for name, value in moved.items()):
            return
        with self._stores.state.write() as connection:
            self._stores.history.advance(connection, batch, batch)
            self._stores.history.save_progress(connection, moved)
            self._stores.history.drop_parcels(connection, stored_batch)
        self.progress |= moved

    def decide(self, act: Callable[[sa.Connection], GraphChanges]) -> list[BatchResult]:
        """Change the graph by hand, in one transaction that ends like a batch.

        A change of many identities becomes several batches for the warehouse.
        """
        first = self.progress.get(BATCH, 0) + 1
        moved = dict(self.progress)
        try:
            with self._stores.state.write() as connection:
                changes = act(connection)
                parcels = _mapping_parcels(changes.profile_of, first)
                moved[BATCH] = max(first, first + len(parcels) - 1)
                moved[PROFILES] = moved.get(PROFILES, 0) + changes.profiles_delta
                self._stores.history.advance(connection, first - 1, moved[BATCH])
                self._stores.history.save_parcels(connection, parcels)
                self._stores.history.save_progress(connection, self._changed(moved))
        except BaseException:
            self.reload()
            raise
        self.progress = moved
        results = [BatchResult(p.batch, 0, 0, [p], frozenset()) for p in parcels[:-1]]
        results.append(BatchResult(moved[BATCH], 0, 0, parcels[-1:], changes.touched))
        return results

    def append(self, act: Callable[[sa.Connection, int], list[Parcel]], events: int) -> BatchResult:
        """Commit events that come from inside, such as entries and exits, like a batch."""
        batch = self.progress.get(BATCH, 0) + 1
        moved = {**self.progress, BATCH: batch, EVENTS: self.progress.get(EVENTS, 0) + events}
        try:
            with self._stores.state.write() as connection:
                parcels = act(connection, batch)
                self._stores.history.advance(connection, batch - 1, batch)
                self._stores.history.save_parcels(connection, parcels)
                self._stores.history.save_progress(connection, self._changed(moved))
        except BaseException:
            self.reload()
            raise
        self.progress = moved
        return BatchResult(batch, events, 0, parcels, frozenset())

    def _changed(self, moved: dict[str, int]) -> dict[str, int]:
        known = self.progress
        return {k: v for k, v in moved.items() if k != BATCH and known.get(k) != v}

    def _prepare(
        self, entries: Iterable[InboxEntry]
    ) -> tuple[list[Prepared], list[tuple[SourceId, Millis, Reject, str]]]:
        messages: list[Prepared] = []
        refused: list[tuple[SourceId, Millis, Reject, str]] = []
        for entry in entries:
            source = self._sources.by_id(entry.source_id)
            if source is None:  # only a state restored from an older backup than the inbox
                continue
            for found in self.preparer.prepare(entry, source):
                if isinstance(found, Reject):
                    origin = f"{entry.seq}-{found.item}"
                    refused.append((entry.source_id, entry.received_at, found, origin))
                else:
                    messages.append(found)
        return messages, refused

    def _drop_duplicates(self, messages: list[Prepared]) -> list[Prepared]:
        known = self._seen.seen([m.digest for m in messages])
        met: set[bytes] = set()
        fresh: list[Prepared] = []
        for place, message in enumerate(messages):
            if place not in known and message.digest not in met:
                met.add(message.digest)
                fresh.append(message)
        return fresh

    def _apply(
        self,
        connection: sa.Connection,
        batch: int,
        messages: list[Prepared],
        moved: dict[str, int],
    ) -> _Applied:
        names = people.earliest_seen(messages)
        nodes = self.graph.resolve(connection, names)
        fresh = [node for node in nodes.values() if node.new]
        people.take_evidence(self.graph, messages, nodes)
        changes = self.graph.finish(connection)
        traits = people.person_traits(messages)
        accounts = self._accounts(connection, messages, moved)
        joined = people.members(messages, accounts)
        company_traits = people.account_traits(messages, accounts)
        stores = self._stores
        stores.identity.write_activity(connection, people.activity(messages))
        stores.profiles.write_traits(connection, traits)
        stores.profiles.write_account_traits(connection, company_traits)
        stores.profiles.write_members(connection, joined)
        stores.profiles.write_terms(connection, people.search_words(fresh, traits))
        learner = _learn(messages)
        stores.history.save_schema(connection, learner)
        moved[EVENTS] = moved.get(EVENTS, 0) + len(messages)
        moved[PROFILES] = moved.get(PROFILES, 0) + changes.profiles_delta
        moved[IDENTITIES] = moved.get(IDENTITIES, 0) + changes.identities_delta
        moved[NEXT_IDENTITY] = self.graph.next_id
        lines = {
            "events": event_lines(messages, accounts),
            "identity_profiles": mapping_lines(changes.profile_of, batch),
            "identity_traits": trait_lines("identity_id", traits),
            "account_traits": trait_lines("account_id", company_traits),
            "identity_accounts": account_member_lines((i, a, at) for (i, a), at in joined.items()),
        }
        parcels = _parcels(batch, messages, lines)
        stores.history.save_parcels(connection, parcels)
        return _Applied(parcels, _touched(changes, messages))

    def _accounts(
        self, connection: sa.Connection, messages: Sequence[Prepared], moved: dict[str, int]
    ) -> dict[str, AccountId]:
        seen = people.accounts_seen(messages)
        if not seen:
            return {}
        next_id = moved.get(NEXT_ACCOUNT, 1)
        found = self._stores.profiles.account_ids(connection, seen, next_id)
        moved[NEXT_ACCOUNT] = max(next_id, *(a + 1 for a in found.values()))
        return found


@dataclass(frozen=True, slots=True)
class _Applied:
    parcels: list[Parcel]
    touched: frozenset[ProfileId]


def event_lines(messages: Sequence[Prepared], accounts: Mapping[str, AccountId]) -> bytes:
    """Rows of ``events``; each message is stored against its highest-ranked identity."""
    lines: list[bytes] = []
    for m in messages:
        ids = [node.identity_id for node in m.nodes]
        lines.append(
            event_line(
                identity_id=ids[0],
                timestamp=m.at,
                received_at=m.received_at,
                type_=m.type,
                event=m.event,
                message_id=m.message_id,
                seq=m.seq,
                item=m.item,
                source_id=m.source_id,
                strong=m.strong,
                identities=",".join(map(str, ids)),
                account_id=accounts[m.group_id] if m.group_id is not None else 0,
                revenue=m.revenue,
                currency=m.currency,
                facts=m.facts,
                properties=m.properties_json,
                context=m.context_json,
            )
        )
    return b"\n".join(lines)


def trait_lines(owner: str, traits: Iterable[TraitWrite]) -> bytes:
    """Rows of ``identity_traits`` or ``account_traits``."""
    return b"\n".join(
        trait_line(
            owner,
            t.owner_id,
            t.name,
            strong=t.strong,
            value=t.value,
            at=t.event_time,
            message_id=t.message_id,
            version=t.version,
        )
        for t in traits
    )


def _parcels(batch: int, messages: Sequence[Prepared], lines: Mapping[str, bytes]) -> list[Parcel]:
    if not messages:
        return []
    first, last = messages[0].seq, messages[-1].seq
    return [Parcel(batch, first, last, table, text) for table, text in lines.items() if text]


def _mapping_parcels(profile_of: Mapping[IdentityId, ProfileId], first: int) -> list[Parcel]:
    moves = iter(profile_of.items())
    parcels: list[Parcel] = []
    while part := dict(islice(moves, MAX_MOVES)):
        batch = first + len(parcels)
        parcels.append(Parcel(batch, 0, 0, "identity_profiles", mapping_lines(part, batch)))
    return parcels


def _learn(messages: Iterable[Prepared]) -> Learner:
    learner = Learner()
    for message in messages:
        learner.see(
            (message.source_id, message.type, message.event), message.at, message.properties
        )
    return learner


def _touched(changes: GraphChanges, messages: Iterable[Prepared]) -> frozenset[ProfileId]:
    return changes.touched | {m.nodes[0].profile_id for m in messages}
