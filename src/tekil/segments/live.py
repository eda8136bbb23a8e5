"""Follows every change: one thread that judges the people whom a batch or the clock touched.

Nobody guesses what an event changes: whoever was touched is judged anew against the history, and
the difference to the known membership is what entered and left. So a late, repeated or corrected
event, a merge or a missed wake-up can never leave a membership wrong for good.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import Protocol

import numpy as np
import sqlalchemy as sa
import structlog
from pyroaring import BitMap

from tekil.clean.context import ContextFacts
from tekil.errors import StoreUnavailable
from tekil.events.rows import event_line
from tekil.events.store import Parcel
from tekil.kit.clock import Clock, Millis
from tekil.kit.json import encode
from tekil.segments.catalog import read_catalog
from tekil.segments.evaluate import Chosen, Evaluator, Outcome
from tekil.segments.membership import DueTimes, Live, Memberships, Move
from tekil.segments.program import Program, compile_program, expand
from tekil.segments.queues import Jobs, Waiting
from tekil.segments.store import Change, SegmentRow, SegmentStore, Snapshot

TURN_SECONDS = 0.1
"""How long to wait when there is nothing to do, and at least between two rounds."""

RETRY_SECONDS = 2.0
POSTPONE_SECONDS = 5.0
"""How long people wait at most while the pipeline is behind and needs the machine."""

JOB_SECONDS = 120.0
"""How long to wait until a changed definition is followed."""

MAX_CHOSEN = 5_000
"""People judged by one round of queries."""

FULL_ABOVE = 50_000
"""With more people waiting than that everybody is judged at once, which is cheaper."""

MAX_MOVES = 20_000
"""Entries and exits of one transaction."""

SNAPSHOT_EVERY = 20_000
"""A segment's snapshot is renewed after so many changes."""

SEQ_BASE = 1 << 62
"""Our own events are numbered apart from those of the inbox."""

ENTERED = "Segment Entered"
EXITED = "Segment Exited"

log = structlog.get_logger()

Act = Callable[[sa.Connection, int], list[Parcel]]


class Journal(Protocol):
    """What the pipeline does for us."""

    def is_ready(self) -> bool:
        """Whether what earlier runs left is in the warehouse, and work can begin."""

    def is_behind(self) -> bool:
        """Whether much is waiting to be taken in."""

    def append(self, act: Act, events: int) -> None:
        """Commit something in a batch of its own, whose lines then go to the warehouse."""


class LiveSegments:
    """Keeps memberships right while events come in and time passes."""

    def __init__(
        self, store: SegmentStore, evaluator: Evaluator, journal: Journal, clock: Clock
    ) -> None:
        self._store = store
        self._evaluator = evaluator
        self._journal = journal
        self._clock = clock
        self._live: list[Live] = []
        self._program = Program()
        self._due = DueTimes()
        self._next_change = 1
        self._since_snapshot: dict[int, int] = {}
        self._ready = False
        self._judging = False
        self._waiting = Waiting()
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._jobs = Jobs()
        self._thread = threading.Thread(target=self._run, name="segments", daemon=True)
        self.memberships = Memberships()

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """End after the round at hand; what is missed is found at the next start."""
        self._ending.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._jobs.refuse()

    def on_touched(self, profiles: Collection[int]) -> None:
        """Take note of people whose events, traits or identities changed, once that is stored."""
        self._waiting.add(profiles)
        self._wake.set()

    def refresh(self) -> None:
        """Follow the definitions and lists as they are stored now, and wait until that is done.

        Raises StoreUnavailable where nobody follows segments.
        """
        done = self._jobs.put(self._adopt)
        self._wake.set()
        if not self._thread.is_alive():
            self._jobs.refuse()
        try:
            done.result(JOB_SECONDS)
        except TimeoutError as error:
            raise StoreUnavailable(
                "Segments are not followed yet. What was written is stored and taken up soon."
            ) from error

    def stored_members(self, row: SegmentRow) -> BitMap:
        """Who is in a segment by what is stored, for a process that does not follow it."""
        snapshot = self._store.snapshots().get(row.segment_id)
        return BitMap() if snapshot is None else self._replayed(row.segment_id, snapshot)[0]

    def is_settled(self) -> bool:
        """Whether everything that was noted has been judged."""
        return self._ready and self._waiting.is_empty() and not self._judging

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                if not self._ready:
                    if not self._journal.is_ready():
                        self._ending.wait(TURN_SECONDS)
                        continue
                    self._begin()
                self._jobs.run()
                took = self._turn()
            except Exception as error:
                log.error("segments cannot be followed; trying again", error=str(error)[:500])
                self._ready = False
                self._jobs.refuse()
                self._ending.wait(RETRY_SECONDS)
                continue
            self._wake.wait(TURN_SECONDS)
            self._wake.clear()
            self._ending.wait(min(took / 4, 1.0))

    def _begin(self) -> None:
        """Take up from what is stored, and repair what was missed meanwhile."""
        self._evaluator.prepare()
        self._next_change = self._store.last_change_id() + 1
        self._live = []
        self._waiting.take()
        self._adopt()
        self._ready = True

    def _adopt(self) -> None:
        """Follow the stored definitions: compute what is new or was changed."""
        lists = self._store.list_members()
        same_lists = lists == self._evaluator.lists
        self._evaluator.lists = lists
        catalog = read_catalog(self._store)
        live = [
            Live(row.segment_id, name, row.version, expand(condition, catalog.conditions))
            for (name, row), condition in zip(
                catalog.rows.items(), catalog.conditions.values(), strict=True
            )
        ]
        known = {segment.name: segment for segment in self._live}
        for name in known.keys() - catalog.rows.keys():
            self.memberships.drop(name)
        fresh = [s for s in live if s.name not in known or known[s.name].condition != s.condition]
        if not self._ready:
            fresh = self._resume(fresh)
        names = {segment.name for segment in fresh}
        followed = [segment for segment in live if segment.name not in names]
        self._live = live
        self._program = compile_program({s.name: s.condition for s in live})
        now = self._clock.now()
        self._renumber([s for s in followed if s.name in known and known[s.name] != s], now)
        if self._ready and same_lists:
            self._judge_fresh(fresh, now)
        elif live:
            outcome = self._evaluator.everybody(self._program, now)
            self._define(outcome, fresh, now)
            moves = self.memberships.compare(outcome, followed, everybody=True)
            self._commit(outcome, moves, now, "list" if self._ready else "restart")

    def _renumber(self, reworded: list[Live], now: Millis) -> None:
        """Note the members of segments that were written anew and mean what they meant."""
        if not reworded:
            return
        with self._store.store.write() as connection:
            for segment in reworded:
                members = self.memberships.of(segment.name) or BitMap()
                snapshot = Snapshot(segment.version, self._next_change - 1, members)
                self._store.save_snapshot(connection, segment.segment_id, snapshot, now)
                self._since_snapshot[segment.segment_id] = 0

    def _judge_fresh(self, fresh: list[Live], now: Millis) -> None:
        """Only what is new has to be looked at; the others have been followed."""
        if fresh:
            program = compile_program({s.name: s.condition for s in fresh})
            outcome = self._evaluator.everybody(program, now)
            self._define(outcome, fresh, now)
            self._due.lower(outcome.subjects, np.maximum(outcome.due, now + 1))

    def _resume(self, segments: list[Live]) -> list[Live]:
        """Take up the stored memberships; returns the segments that have none of this version."""
        stored = self._store.snapshots()
        fresh: list[Live] = []
        for segment in segments:
            snapshot = stored.get(segment.segment_id)
            if snapshot is None or snapshot.version != segment.version:
                fresh.append(segment)
                continue
            members, replayed = self._replayed(segment.segment_id, snapshot)
            self._since_snapshot[segment.segment_id] = replayed
            self.memberships.replace(segment.name, members)
        return fresh

    def _replayed(self, segment_id: int, snapshot: Snapshot) -> tuple[BitMap, int]:
        members = snapshot.members.copy()
        changes = self._store.changes_after(segment_id, snapshot.change_id)
        for change in changes:
            if change.entered:
                members.add(change.profile_id)
            else:
                members.discard(change.profile_id)
        return members, len(changes)

    def _define(self, outcome: Outcome, fresh: Iterable[Live], now: Millis) -> None:
        """Set the members of segments that are new or mean something new; nobody "enters"."""
        found = [(segment, outcome.members(segment.name)) for segment in fresh]
        if not found:
            return
        with self._store.store.write() as connection:
            for segment, members in found:
                snapshot = Snapshot(segment.version, self._next_change - 1, members)
                self._store.save_snapshot(connection, segment.segment_id, snapshot, now)
            sizes = {segment.segment_id: len(members) for segment, members in found}
            self._store.save_sizes(connection, sizes, now)
        for segment, members in found:
            self._since_snapshot[segment.segment_id] = 0
            self.memberships.replace(segment.name, members)

    def _turn(self) -> float:
        """Judge whoever waits and can be judged; returns the seconds that it took."""
        began = time.monotonic()
        if not self._live:
            self._waiting.take()
            return 0.0
        now = self._clock.now()
        touched = self._take_touched()
        if touched and self._program.account is not None:
            touched |= self._store.companions(touched)
        if len(touched) > FULL_ABOVE:
            outcome = self._evaluator.everybody(self._program, now)
            moves = self.memberships.compare(outcome, self._live, everybody=True)
            self._commit(outcome, moves, now, "event")
            touched = set()
        self._judge(touched, now, "event")
        self._judge(self._due.take(now, MAX_CHOSEN), now, "time")
        self._judging = False
        return time.monotonic() - began

    def _take_touched(self) -> set[int]:
        if self._waiting.seconds() < POSTPONE_SECONDS and self._journal.is_behind():
            return set()
        # Said before they are taken, so that at no moment they seem to be judged already.
        self._judging = True
        return self._waiting.take()

    def _judge(self, profiles: Collection[int], now: Millis, cause: str) -> None:
        waiting = sorted(profiles)
        for start in range(0, len(waiting), MAX_CHOSEN):
            some = waiting[start : start + MAX_CHOSEN]
            pairs = self._store.identities_of(some)
            people = Chosen(
                identities=np.array([i for i, _ in pairs], dtype=np.uint64),
                profiles=np.array([p for _, p in pairs], dtype=np.uint64),
                subjects=np.array(some, dtype=np.uint64),
            )
            outcome = self._evaluator.chosen(self._program, people, now)
            moves = self.memberships.compare(outcome, self._live)
            self._commit(outcome, moves, now, cause)

    def _commit(self, outcome: Outcome, moves: list[Move], now: Millis, cause: str) -> None:
        """Write entries and exits with their events, all or nothing; only then believe them."""
        for start in range(0, len(moves), MAX_MOVES):
            some = moves[start : start + MAX_MOVES]
            here = {profile for _, profile in self._store.identities_of(
                {move.profile_id for move in some}
            )}  # fmt: skip
            changes = [
                Change(
                    change_id=self._next_change + place,
                    segment_id=move.segment.segment_id,
                    profile_id=move.profile_id,
                    entered=move.entered,
                    at=now,
                    cause=cause if move.profile_id in here else "merge",
                )
                for place, move in enumerate(some)
            ]
            lines = [
                _line(move, change)
                for move, change in zip(some, changes, strict=True)
                if move.profile_id in here  # who became part of somebody else did not leave
            ]
            act = partial(self._write, changes=changes, lines=lines, now=now)
            self._journal.append(act, len(lines))
            self._next_change += len(changes)
            self.memberships.apply(some)
        self._due.set(outcome.subjects, np.maximum(outcome.due, now + 1))

    def _write(
        self,
        connection: sa.Connection,
        batch: int,
        *,
        changes: list[Change],
        lines: list[bytes],
        now: Millis,
    ) -> list[Parcel]:
        self._store.save_changes(connection, changes)
        names = {segment.segment_id: segment for segment in self._live}
        delta: dict[int, int] = {}
        for change in changes:
            delta[change.segment_id] = delta.get(change.segment_id, 0) + (
                1 if change.entered else -1
            )
        sizes = {s: self.memberships.size(names[s].name) + d for s, d in delta.items()}
        self._store.save_sizes(connection, sizes, now)
        self._renew_snapshots(connection, changes, now)
        if not lines:
            return []
        first, last = SEQ_BASE + changes[0].change_id, SEQ_BASE + changes[-1].change_id
        return [Parcel(batch, first, last, "events", b"\n".join(lines))]

    def _renew_snapshots(
        self, connection: sa.Connection, changes: list[Change], now: Millis
    ) -> None:
        """Keep what must be replayed at the next start short.

        The snapshot is of before these changes: they are replayed on it.
        """
        segments = {segment.segment_id: segment for segment in self._live}
        for change in changes:
            self._since_snapshot[change.segment_id] = (
                self._since_snapshot.get(change.segment_id, 0) + 1
            )
        for segment_id in {change.segment_id for change in changes}:
            if self._since_snapshot[segment_id] > SNAPSHOT_EVERY:
                segment = segments[segment_id]
                members = self.memberships.of(segment.name) or BitMap()
                snapshot = Snapshot(segment.version, changes[0].change_id - 1, members)
                self._store.save_snapshot(connection, segment_id, snapshot, now)
                self._since_snapshot[segment_id] = 0


def _line(move: Move, change: Change) -> bytes:
    """The event of an entry or exit, as a row of the history."""
    return event_line(
        identity_id=move.profile_id,
        timestamp=change.at,
        received_at=change.at,
        type_="track",
        event=ENTERED if move.entered else EXITED,
        message_id=f"segment-change-{change.change_id}",
        seq=SEQ_BASE + change.change_id,
        item=0,
        source_id=0,
        strong=True,
        identities=str(move.profile_id),
        account_id=0,
        revenue=None,
        currency="",
        facts=ContextFacts(),
        properties=encode({"segment": move.segment.name, "version": move.segment.version}),
        context=b"{}",
    )
