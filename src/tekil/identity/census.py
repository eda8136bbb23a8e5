"""Everybody counted anew under some rules: the whole graph in chunks of whole components.

Who is shared is worked out first, by one statement, so that the graph can be cut at shared
identities; no chunk then has to hold all the visitors of a kiosk. A chunk holds whole components
and whole profiles as they are now, so that the difference of two chunks is exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from tekil.identity.diff import RulesDiff, rules_diff
from tekil.identity.model import ClaimKey, ClaimKind, Quarantine, Solution, Strength
from tekil.identity.nodes import GraphChanges, Node, Piece
from tekil.identity.piece import settle
from tekil.identity.rules import Rulebook
from tekil.identity.store import IdentityStore
from tekil.identity.verdicts import least_shared_after, verdict_of_counts
from tekil.kit.ids import IdentityId, ProfileId

CHUNK = 50_000
"""Identities that are solved together, or more if one component is larger."""


@dataclass(slots=True)
class Outcome:
    """What the rules make of everybody, beside what the store says."""

    diff: RulesDiff = field(default_factory=RulesDiff)
    moved: dict[IdentityId, ProfileId] = field(default_factory=dict)
    touched: set[ProfileId] = field(default_factory=set)

    def changes(self) -> GraphChanges:
        """The same as a batch would say it."""
        delta = self.diff.profiles_after - self.diff.profiles_before
        return GraphChanges(self.moved, delta, 0, frozenset(self.touched))


class Census:
    """Solves everything that a store holds."""

    def __init__(
        self, store: IdentityStore, connection: sa.Connection, rules: Rulebook, chunk: int = CHUNK
    ) -> None:
        self._store = store
        self._connection = connection
        self._rules = rules
        self._chunk = chunk
        self._blocked: set[int] = set()
        self._between_shared: list[tuple[int, int]] = []
        self._verdicts: dict[IdentityId, Quarantine] = {}

    def take(self, *, write: bool) -> Outcome:
        """Solve everything; write it, or only say what would change."""
        outcome = Outcome()
        parent = self._everybody()
        self._verdicts = self._shared()
        self._connect(parent)
        for ids in self._chunks(parent):
            self._solve(ids, outcome, write=write)
        return outcome

    def _everybody(self) -> NDArray[np.int64]:
        """A place for each identity, tied to its present profile; notes who is blocked."""
        greatest = self._store.greatest_id(self._connection)
        parent = np.full(greatest + 1, -1, dtype=np.int64)
        is_blocked = self._rules.is_blocked
        ties = []
        for identity_id, namespace, value, profile_id in self._store.everybody(self._connection):
            parent[identity_id] = identity_id
            if identity_id != profile_id:
                ties.append((identity_id, profile_id))
            if is_blocked(namespace, value):
                self._blocked.add(identity_id)
        for identity_id, profile_id in ties:
            _tie(parent, identity_id, profile_id)
        return parent

    def _shared(self) -> dict[IdentityId, Quarantine]:
        least = least_shared_after(self._rules)
        if least is None:
            return {}
        counts: dict[IdentityId, list[tuple[str, bool, int]]] = {}
        for identity_id, namespace, strong, count in self._store.neighbour_counts(
            self._connection, above=least, without=self._blocked
        ):
            if identity_id not in self._blocked:
                counts.setdefault(identity_id, []).append((namespace, strong, count))
        found: dict[IdentityId, Quarantine] = {}
        for node in self._store.nodes_by_id(self._connection, counts):
            verdict = verdict_of_counts(node.namespace, counts[node.identity_id], self._rules)
            if verdict is not None:
                found[node.identity_id] = verdict
        return found

    def _connect(self, parent: NDArray[np.int64]) -> None:
        """Tie together what must be solved together."""
        for a, b, kind, strong in self._store.every_claim(self._connection):
            if a in self._verdicts and b in self._verdicts:
                self._between_shared.append((a, b))
            if not (a in self._blocked or b in self._blocked) and not (
                kind != ClaimKind.JOIN.value
                and (self._shuts_out(a, strong) or self._shuts_out(b, strong))
            ):
                _tie(parent, a, b)

    def _shuts_out(self, identity_id: int, strong: bool) -> bool:
        verdict = self._verdicts.get(IdentityId(identity_id))
        return verdict is not None and (verdict.strength is Strength.STRONG or not strong)

    def _chunks(self, parent: NDArray[np.int64]) -> Iterator[list[IdentityId]]:
        ids = np.flatnonzero(parent >= 0)
        roots = np.fromiter((_root(parent, i) for i in ids.tolist()), np.int64, len(ids))
        order = np.argsort(roots, kind="stable")
        ids, roots = ids[order], roots[order]
        ends = np.append(np.flatnonzero(np.diff(roots)) + 1, len(ids)).tolist()
        start = 0
        for end in ends:
            if end - start >= self._chunk or end == ends[-1]:
                if end > start:
                    yield [IdentityId(i) for i in ids[start:end].tolist()]
                start = end

    def _solve(self, ids: list[IdentityId], outcome: Outcome, *, write: bool) -> None:
        piece = self._load(ids)
        members = piece.members
        before = _solution(members)
        was = {identity_id: node.profile_id for identity_id, node in members.items()}
        for identity_id, node in members.items():
            verdict = self._verdicts.get(identity_id)
            if verdict != node.quarantine:
                node.quarantine, node.changed = verdict, True
        for identity_id, node in piece.outside.items():
            node.quarantine = self._verdicts.get(identity_id)
        apart = self._store.separations_touching(self._connection, ids)
        refusals = settle(piece, apart, self._rules)
        after = _solution(members)
        outcome.diff = outcome.diff.plus(rules_diff(before, after))
        for identity_id, node in members.items():
            if node.profile_id != was[identity_id]:
                outcome.moved[identity_id] = node.profile_id
                outcome.touched |= {node.profile_id, was[identity_id]}
        if write:
            self._write(piece, refusals)

    def _load(self, ids: list[IdentityId]) -> Piece:
        piece = Piece()
        for node in self._store.nodes_by_id(self._connection, ids):
            piece.members[node.identity_id] = node
        alone = [i for i in ids if i not in self._verdicts]
        loaded = self._store.claims_touching(self._connection, alone)
        mine = [pair for pair in self._between_shared if pair[0] in piece.members]
        mine += [pair for pair in self._between_shared if pair[1] in piece.members]
        if mine:
            loaded.update(self._store.claims_between(self._connection, set(mine)))
        for key, (claim, refused) in loaded.items():
            piece.claims[key] = claim
            piece.refused[key] = refused
        ends = {end for claim in piece.claims.values() for end in (claim.a, claim.b)}
        for node in self._store.nodes_by_id(self._connection, ends - piece.members.keys()):
            piece.outside[node.identity_id] = node
        return piece

    def _write(self, piece: Piece, refusals: dict[ClaimKey, str | None]) -> None:
        self._store.write_nodes(self._connection, piece.members.values())
        changed = {k: why for k, why in refusals.items() if piece.refused.get(k) != why}
        self._store.write_refusals(self._connection, changed)


def _solution(members: dict[IdentityId, Node]) -> Solution:
    """The people as the nodes say; ids that nobody was seen under are nobody."""
    return Solution(
        {i: node.profile_id for i, node in members.items() if node.attested},
        {},
        {i: node.quarantine for i, node in members.items() if node.quarantine is not None},
    )


def _root(parent: NDArray[np.int64], member: int) -> int:
    while True:
        above = int(parent[member])
        if above == member:
            return member
        parent[member] = member = int(parent[above])


def _tie(parent: NDArray[np.int64], one: int, other: int) -> None:
    a, b = _root(parent, one), _root(parent, other)
    if a != b:
        parent[max(a, b)] = min(a, b)
