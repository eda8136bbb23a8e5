"""Message histories for the live graph: batches in, people out, beside the same by the solver."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec
import sqlalchemy as sa
from hypothesis import strategies as st
from tests.identity.reference import Reference

from tekil.identity.graph import IdentityGraph
from tekil.identity.identifiers import Link, Ref
from tekil.identity.model import (
    Claim,
    ClaimKey,
    ClaimKind,
    Identity,
    IdentityRules,
    Separation,
    Solution,
    Strength,
)
from tekil.identity.nodes import GraphChanges
from tekil.identity.rules import Rulebook, standing
from tekil.identity.solver import solve
from tekil.identity.store import IdentityStore
from tekil.identity.tables import claims, identities, separations
from tekil.kit.clock import Millis
from tekil.kit.ids import IdentityId, MessageId, SourceId
from tekil.pipeline.people import earliest_seen, take_evidence
from tekil.store.state import SqlStore

KEY = b"key"
NAMESPACES = ("user_id", "email", "phone", "loyalty", "device_id", "anonymous_id")


@dataclass
class Told:
    """One message, as far as the graph looks at it; or a decision by hand."""

    refs: list[Ref]
    links: list[Link]
    at: Millis
    strong: bool
    message_id: MessageId
    source_id: SourceId = field(default=1)  # type: ignore[assignment]
    hand: str = ""
    """``join`` or ``separate``: then ``refs`` are the two."""


def message(number: int, refs: Sequence[Ref], at: int, *, strong: bool, former: Ref | None) -> Told:
    links = [Link(refs[0], other, ClaimKind.MESSAGE) for other in refs[1:]]
    if former is not None and former != refs[0]:
        links.append(Link(refs[0], former, ClaimKind.ALIAS))
    return Told(list(refs), links, Millis(at), strong, MessageId(f"m{number}"))


@st.composite
def histories(draw: st.DrawFn, *, most: int = 25, values: str = "abcde") -> list[Told]:
    """Messages over few values, so that everything collides; decisions by hand in between."""
    ref = st.tuples(st.sampled_from(NAMESPACES), st.sampled_from(values))
    told: list[Told] = []
    for number in range(draw(st.integers(1, most))):
        refs = draw(st.lists(ref, min_size=1, max_size=3, unique=True))
        refs.sort(key=lambda each: NAMESPACES.index(each[0]))
        at, strong = draw(st.integers(0, 6)), draw(st.booleans())
        former = draw(ref) if draw(st.integers(0, 5)) == 0 else None
        told.append(message(number, refs, at, strong=strong, former=former))
    return told


@st.composite
def crowds(draw: st.DrawFn, *, most: int = 30) -> list[Told]:
    """Many users around few mailboxes and devices, first by weak sources and then by strong ones.

    So identities become shared, first for weak claims and then for all; and ids that were only
    named by an alias, whose claim is refused, are seen later.
    """
    user = st.tuples(st.just("user_id"), st.sampled_from("abcdefg"))
    hub = st.sampled_from([("email", "k"), ("email", "m"), ("phone", "k"), ("device_id", "k"),
                           ("anonymous_id", "k")])  # fmt: skip
    told: list[Told] = []
    count = draw(st.integers(1, most))
    for number in range(count):
        refs = draw(st.lists(hub, min_size=0, max_size=2, unique=True))
        if not refs or draw(st.integers(0, 3)):
            refs.append(draw(user))
        refs.sort(key=lambda each: NAMESPACES.index(each[0]))
        strong = draw(st.integers(0, count)) < number
        former = draw(user) if draw(st.integers(0, 3)) == 0 else None
        told.append(message(number, refs, draw(st.integers(0, 6)), strong=strong, former=former))
    return told


@st.composite
def decisions(draw: st.DrawFn, told: list[Told]) -> list[Told]:
    """Joins and separations of identities that the messages name, each at its own time."""
    seen = sorted({ref for each in told for ref in each.refs})
    if len(seen) < 2:
        return []
    found = []
    for number in range(draw(st.integers(0, 4))):
        pair = draw(st.lists(st.sampled_from(seen), min_size=2, max_size=2, unique=True))
        kind = draw(st.sampled_from(("join", "separate")))
        found.append(
            Told(pair, [], Millis(100 + number), True, MessageId(f"h{number}"), SourceId(0), kind)
        )
    return found


@dataclass
class Evidence:
    """What a store would hold after all messages, kept in plain dictionaries."""

    identities: dict[Ref, Identity] = field(default_factory=dict)
    claims: dict[ClaimKey, Claim] = field(default_factory=dict)
    separations: dict[frozenset[int], Separation] = field(default_factory=dict)

    def take(self, told: Told) -> None:
        if told.hand:
            one, other = (self.identities[ref].identity_id for ref in told.refs)
            if told.hand == "join":
                self._claim(one, other, ClaimKind.JOIN, told)
            else:
                self.separations[frozenset((one, other))] = Separation(one, other, told.at)
            return
        for ref in told.refs:
            self._see(ref, told, attested=True)
        for link in told.links:
            for ref in (link.left, link.right):
                self._see(ref, told, attested=ref in told.refs)
            left, right = self.identities[link.left], self.identities[link.right]
            self._claim(left.identity_id, right.identity_id, link.kind, told)

    def solution(self, rules: Rulebook) -> Solution:
        return solve(
            self.identities.values(), self.claims.values(), self.separations.values(), rules
        )

    def reference(self, rules: IdentityRules) -> Reference:
        return Reference(
            list(self.identities.values()),
            list(self.claims.values()),
            list(self.separations.values()),
            rules,
        )

    def _see(self, ref: Ref, told: Told, *, attested: bool) -> None:
        old = self.identities.get(ref)
        self.identities[ref] = Identity(
            old.identity_id if old else IdentityId(len(self.identities) + 1),
            *ref,
            Millis(min(told.at, old.first_seen) if old else told.at),
            (attested and told.strong) or (old is not None and old.verified),
            attested or (old is not None and old.attested),
        )

    def _claim(self, a: IdentityId, b: IdentityId, kind: ClaimKind, told: Told) -> None:
        strength = Strength.STRONG if told.strong else Strength.WEAK
        claim = Claim(a, b, kind, strength, told.at, told.message_id, told.source_id)
        kept = self.claims.get(claim.key)
        self.claims[claim.key] = standing(kept, claim) if kept else claim


class Live:
    """The incremental graph on a real store."""

    def __init__(
        self, store: SqlStore, rules: IdentityRules, *, cached: int = 1000, fresh: bool = True
    ) -> None:
        self.store = store
        self.identity = IdentityStore(store)
        if fresh:
            with store.write() as connection:
                for table in (identities, claims, separations):
                    connection.execute(sa.delete(table))
        self.graph = IdentityGraph(
            self.identity, Rulebook(rules), KEY, 1, cached_nodes=cached, cached_claims=cached
        )
        self.profiles = 0
        self.mapping: dict[IdentityId, int] = {}

    def batch(self, told: Sequence[Told]) -> GraphChanges:
        """Work messages as the pipeline does; a decision by hand is a batch of its own."""
        assert not any(each.hand for each in told)
        with self.store.write() as connection:
            nodes = self.graph.resolve(connection, earliest_seen(told))  # type: ignore[arg-type]
            take_evidence(self.graph, told, nodes)  # type: ignore[arg-type]
            changes = self.graph.finish(connection)
        self._note(changes)
        return changes

    def decide(self, told: Told) -> GraphChanges:
        with self.store.write() as connection:
            nodes = self.graph.resolve(connection, dict.fromkeys(told.refs, Millis(2**60)))
            one, other = sorted(nodes[ref].identity_id for ref in told.refs)
            apart = []
            if told.hand == "join":
                self.graph.claim(
                    Claim(
                        one, other, ClaimKind.JOIN, Strength.STRONG, told.at, told.message_id,
                        told.source_id,
                    )
                )  # fmt: skip
            else:
                apart = [Separation(one, other, told.at)]
                self.identity.write_separation(connection, apart[0], "tester", "")
            changes = self.graph.finish(connection, apart)
        self._note(changes)
        return changes

    def run(self, told: Iterable[Told], cuts: Iterable[int]) -> None:
        """Work a history in batches that end where ``cuts`` and the decisions say."""
        waiting: list[Told] = []
        ends = set(cuts)
        for place, each in enumerate(told):
            if each.hand or place in ends:
                if waiting:
                    self.batch(waiting)
                waiting = []
            if each.hand:
                self.decide(each)
            else:
                waiting.append(each)
        if waiting:
            self.batch(waiting)

    def _note(self, changes: GraphChanges) -> None:
        before = dict(self.mapping)
        self.profiles += changes.profiles_delta
        self.mapping.update(changes.profile_of)
        for identity, profile in changes.profile_of.items():
            assert profile in changes.touched
            assert before.get(identity, profile) in changes.touched

    def people(self) -> dict[Ref, frozenset[Ref]]:
        rows = self.rows()
        ref = {row.identity_id: (row.namespace, row.value) for row in rows}
        found: dict[Ref, set[Ref]] = {}
        for row in rows:
            assert self.mapping[row.identity_id] == row.profile_id, "the warehouse is told wrong"
            found.setdefault(ref[row.profile_id], set()).add(ref[row.identity_id])
        return {eldest: frozenset(members) for eldest, members in found.items()}

    def rows(self) -> list[sa.Row[tuple[object, ...]]]:
        with self.store.read() as connection:
            return list(connection.execute(sa.select(identities)))

    def refused(self) -> set[tuple[frozenset[Ref], str, str, str]]:
        ref = {row.identity_id: (row.namespace, row.value) for row in self.rows()}
        with self.store.read() as connection:
            rows = connection.execute(sa.select(claims).where(claims.c.refused.is_not(None))).all()
        return {
            (
                frozenset((ref[row.a], ref[row.b])),
                row.kind,
                "strong" if row.strong else "weak",
                msgspec.json.decode(row.refused)["reason"],
            )
            for row in rows
        }

    def shared(self) -> dict[Ref, str]:
        return {
            (row.namespace, row.value): msgspec.json.decode(row.quarantine)["strength"]
            for row in self.rows()
            if row.quarantine
        }

    def check_labels(self) -> None:
        """Whatever claims connect, shut out ones aside, has one label: its least id."""
        label = {row.identity_id: row.component for row in self.rows()}
        parent = {i: i for i in label}

        def top(member: int) -> int:
            while parent[member] != member:
                member = parent[member]
            return member

        with self.store.read() as connection:
            for row in connection.execute(sa.select(claims)):
                reason = msgspec.json.decode(row.refused)["reason"] if row.refused else ""
                if reason not in ("quarantined", "blocked"):
                    low, high = sorted((top(row.a), top(row.b)))
                    parent[high] = low
        assert {i: top(i) for i in label} == label


def check(live: Live, evidence: Evidence, rules: IdentityRules) -> None:
    """The state is what the solver and the reference make of all the evidence at once."""
    answer = evidence.reference(rules).answer()
    assert live.people() == answer.people
    assert live.refused() == answer.refused
    assert live.shared() == {ref: level for ref, (level, _, _) in answer.shared.items()}
    live.check_labels()
    attested = {ref for ref, each in evidence.identities.items() if each.attested}
    assert live.profiles == sum(1 for members in answer.people.values() if members & attested)
    rows = {(row.namespace, row.value): row for row in live.rows()}
    assert {
        ref: (row.first_seen, bool(row.verified), bool(row.attested)) for ref, row in rows.items()
    } == {ref: (e.first_seen, e.verified, e.attested) for ref, e in evidence.identities.items()}
    solution = evidence.solution(Rulebook(rules))
    ref_of = {each.identity_id: ref for ref, each in evidence.identities.items()}
    assert {
        (row.namespace, row.value): rows_ref(rows, row.profile_id) for row in rows.values()
    } == {ref_of[i]: ref_of[IdentityId(p)] for i, p in solution.profile_of.items()}


def rows_ref(rows: dict[Ref, sa.Row[tuple[object, ...]]], profile_id: int) -> Ref:
    return next(ref for ref, row in rows.items() if row.identity_id == profile_id)
