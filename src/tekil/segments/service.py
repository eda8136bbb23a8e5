"""What people do with segments: define, preview, look into, compare."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from pyroaring import BitMap

from tekil.errors import Conflict, InvalidDefinition, NotFound
from tekil.kit.clock import Clock, Millis
from tekil.kit.durations import parse_duration
from tekil.kit.json import JsonValue
from tekil.segments.catalog import Catalog, read_catalog
from tekil.segments.elsewhere import FollowedElsewhere
from tekil.segments.evaluate import Chosen, Evaluator
from tekil.segments.live import LiveSegments
from tekil.segments.model import Ago, Condition, Events, InSegment, Window
from tekil.segments.parse import parse, parse_computed
from tekil.segments.plan import check_name, check_nesting, check_size
from tekil.segments.program import compile_program
from tekil.segments.ready import Quintiles, Ready, quintiles_statement, rfm
from tekil.segments.sql import RELOAD_PROFILE_OF
from tekil.segments.store import Change, Rewrite, SegmentRow, SegmentStore
from tekil.segments.why import Why, explain, values_of, values_of_many

SAMPLE = 10
MAX_NUMBER = 2**32 - 1
"""No bitmap holds larger numbers."""

PREVIEW = "(preview)"


@dataclass(frozen=True, slots=True)
class BranchSize:
    """How many people one branch of a definition holds for."""

    path: str
    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class Preview:
    """The answer while somebody types."""

    count: int
    of: int
    sample: list[str]
    branches: list[BranchSize]
    took_ms: int


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody's public and inner id."""

    public_id: str
    profile_id: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why somebody is in a segment or not, and since when."""

    why: Why
    last_change: Change | None
    last_event: dict[str, JsonValue] | None
    """The last thing known of the person when that changed."""


class SegmentService:
    """The rules of the room, over its store, its evaluator and what is followed live."""

    def __init__(
        self,
        store: SegmentStore,
        evaluator: Evaluator,
        live: LiveSegments,
        clock: Clock,
        find: Callable[[str], Person],
    ) -> None:
        self.store = store
        self.live = live
        self.find = find
        self._evaluator = evaluator
        self._clock = clock

    # ---- definitions -----------------------------------------------------------------------------

    def put(self, name: str, description: str, definition: JsonValue, by: str) -> SegmentRow:
        """Create or change a segment, and follow it. Raises InputError for what is wrong."""
        check_name(name)
        catalog = self.catalog()
        known = catalog.conditions
        known[name] = parse(definition, catalog.computed).condition
        check_nesting(known)
        compile_program({name: known[name]}, known)
        for other, condition in known.items():  # a change may close a circle elsewhere
            compile_program({other: condition}, known)
        check_size(known)
        row = self.store.write_segment(name, description, definition, self._clock.now(), by)
        self.live.refresh()
        return row

    def delete(self, name: str) -> None:
        """Delete a segment. Raises NotFound, and Conflict while others name it."""
        row = self.store.segment(name)
        users = [
            other
            for other, definition in self.catalog().segments.items()
            if other != name and any(b.condition == InSegment(name) for b in definition.branches)
        ]
        if users:
            raise Conflict(
                f'"{name}" is used by {", ".join(users)}: change those first.', used_by=users
            )
        self.store.delete_segment(row.segment_id)
        self.live.refresh()

    def rewrite(self, changed: Rewrite, by: str) -> None:
        """Write and delete many definitions that were checked, together, and follow them."""
        self.store.rewrite(changed, self._clock.now(), by)
        self.live.refresh()

    def put_list(self, name: str, description: str, members: BitMap, by: str) -> None:
        """Store a list, and move whoever that moves."""
        self.store.write_list(name, description, members, self._clock.now(), by)
        self.live.refresh()

    def catalog(self) -> Catalog:
        """Every stored definition."""
        return read_catalog(self.store)

    # ---- computed traits -------------------------------------------------------------------------

    def put_computed(self, name: str, description: str, definition: JsonValue, by: str) -> None:
        """Create or change a computed trait. Raises InputError for what is wrong."""
        check_name(name)
        parse_computed(definition)
        self.store.write_computed_trait(name, description, definition, self._clock.now(), by)
        self.live.refresh()

    def delete_computed(self, name: str) -> None:
        """Delete a computed trait. Raises NotFound, and Conflict while segments name it."""
        catalog = self.catalog()
        if name not in catalog.computed:
            raise NotFound(f'There is no computed trait "{name}".')
        others = {key: value for key, value in catalog.computed.items() if key != name}
        users: list[str] = []
        for segment, row in catalog.rows.items():
            try:
                parse(row.definition, others)
            except InvalidDefinition:
                users.append(segment)
        if users:
            raise Conflict(f'"{name}" is used by {", ".join(users)}: change those first.')
        self.store.delete_computed_trait(name)
        self.live.refresh()

    def computed_values(self, profile_id: int) -> dict[str, JsonValue]:
        """What each computed trait is for somebody now; missing ones are left out."""
        computed = self.catalog().computed
        if not computed:
            return {}
        return values_of(self._evaluator, computed, self._chosen(profile_id), self._clock.now())

    def ready_rfm(self, event: str, amount: str, window: str) -> list[Ready]:
        """RFM definitions with the quintiles of today; none where nobody did the event."""
        span = Window(Ago(parse_duration(window)), Ago(0))
        statement = quintiles_statement(Events((event,)), amount, span)
        now = self._clock.now()
        self._evaluator.warehouse.command(RELOAD_PROFILE_OF)
        rows = self._evaluator.warehouse.query(statement.sql, statement.at(now))
        *limits, people = rows[0]
        if not people:
            return []
        recency, frequency, monetary = (tuple(map(float, column)) for column in limits)
        return rfm(event, amount, window, Quintiles(recency, frequency, monetary))

    # ---- people ----------------------------------------------------------------------------------

    def preview(self, definition: JsonValue) -> Preview:
        """Count everybody for whom a definition holds, and for whom each branch of it."""
        began = self._clock.now()
        catalog = self.catalog()
        read = parse(definition, catalog.computed)
        known = catalog.conditions
        program = compile_program({PREVIEW: read.condition}, {**known, PREVIEW: read.condition})
        self._evaluator.lists = self.store.list_members()
        outcome = self._evaluator.everybody(program, began, due=False)
        members = outcome.members(PREVIEW)
        sample = self.store.public_ids(list(islice(members, SAMPLE)))
        return Preview(
            count=len(members),
            of=len(outcome.subjects),
            sample=list(sample.values()),
            branches=[
                BranchSize(b.path, b.kind, int(np.sum(outcome.truths[program.places[b.condition]])))
                for b in read.branches
            ],
            took_ms=self._clock.now() - began,
        )

    def judge(self, conditions: Mapping[str, Condition]) -> dict[str, BitMap]:
        """Who would be in each of these now, by one pass over everybody, as if it were stored."""
        if not conditions:
            return {}
        program = compile_program(conditions)
        self._evaluator.lists = self.store.list_members()
        outcome = self._evaluator.everybody(program, self._clock.now(), due=False)
        return {name: outcome.members(name) for name in conditions}

    def members(self, name: str) -> BitMap:
        """Who is in a segment. Raises NotFound."""
        row = self.store.segment(name)
        found = self.live.memberships.of(name)
        return found if found is not None else self.live.stored_members(row)

    def segments_of(self, profile_id: int) -> list[str]:
        """The segments that somebody is in, by name."""
        if isinstance(self.live, FollowedElsewhere):
            return self.store.segments_of(profile_id)
        return self.live.memberships.segments_of(profile_id)

    def page(self, name: str, after: int, limit: int) -> tuple[list[Person], int | None]:
        """Members in order of their inner id, and where the next page begins."""
        members = self.members(name)
        first = min(max(after + 1, 0), MAX_NUMBER)
        some = list(islice(members.iter_equal_or_larger(first), limit + 1))
        public = self.store.public_ids(some[:limit])
        people = [Person(public[i], i) for i in some[:limit] if i in public]
        return people, some[limit - 1] if len(some) > limit else None

    def why(self, name: str, ref: str) -> Explanation:
        """Explain somebody's place in a segment. Raises NotFound."""
        row = self.store.segment(name)
        person = self.find(ref)
        catalog = self.catalog()
        chosen = self._chosen(person.profile_id)
        now = self._clock.now()
        self._evaluator.lists = self.store.list_members()
        why = explain(self._evaluator, catalog.segments[name], catalog.conditions, chosen, now)
        change = self.store.last_change(row.segment_id, person.profile_id)
        event = None if change is None else self._last_event(chosen, change.at)
        return Explanation(why, change, event)

    def overlap(self, names: list[str]) -> tuple[list[int], list[list[int]], int, int]:
        """Sizes, how many each two share, how many are in all and in any. Raises NotFound."""
        sets = [self.members(name) for name in names]
        matrix = [[a.intersection_cardinality(b) for b in sets] for a in sets]
        sizes = [len(members) for members in sets]
        return sizes, matrix, len(BitMap.intersection(*sets)), len(BitMap.union(*sets))

    def computed_of(
        self, names: Collection[str], profiles: Sequence[int]
    ) -> dict[int, dict[str, JsonValue]]:
        """What some computed traits are for some people now; names of none are left out."""
        known = self.catalog().computed
        computed = {name: known[name] for name in names if name in known}
        if not computed:
            return {}
        chosen = self._chosen(*profiles)
        return values_of_many(self._evaluator, computed, chosen, self._clock.now())

    def _chosen(self, *profiles: int) -> Chosen:
        pairs = self.store.identities_of(profiles)
        return Chosen(
            identities=np.array([i for i, _ in pairs], dtype=np.uint64),
            profiles=np.array([p for _, p in pairs], dtype=np.uint64),
            subjects=np.array(sorted(profiles), dtype=np.uint64),
        )

    def _last_event(self, person: Chosen, at: Millis) -> dict[str, JsonValue] | None:
        rows = self._evaluator.warehouse.query(
            "SELECT message_id, type, event, toUnixTimestamp64Milli(timestamp) FROM events"
            " WHERE identity_id IN {identities:Array(UInt64)} AND source_id != 0"
            " AND received_at <= fromUnixTimestamp64Milli({at:Int64})"
            " ORDER BY received_at DESC, seq DESC, item DESC LIMIT 1",
            {"identities": person.identities.tolist(), "at": at},
        )
        keys = ("message_id", "type", "event", "timestamp")
        return dict(zip(keys, rows[0], strict=True)) if rows else None
