"""One component's clusters while its claims are believed one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from tekil.identity.model import (
    Claim,
    ClaimKey,
    ClaimKind,
    Identity,
    Refusal,
    RefusalReason,
    Separation,
    Strength,
)
from tekil.identity.rules import Rulebook
from tekil.kit.ids import IdentityId

_RENAME, _EVIDENCE, _BY_HAND = range(3)

Order: TypeAlias = "tuple[int, bool, bool, int, int, int, str, str, str, str, str]"


class Union:
    """Clusters that grow by claims, within the rules."""

    def __init__(
        self, members: list[Identity], separations: Iterable[Separation], rules: Rulebook
    ) -> None:
        self._known = {each.identity_id: each for each in members}
        self._rules = rules
        self._parent = {each.identity_id: each.identity_id for each in members}
        self._counts: dict[IdentityId, dict[str, int]] = {}
        self._proven: set[IdentityId] = set()
        self._separations = list(separations)
        self._rivals: dict[IdentityId, list[Separation]] = {}
        for each in members:
            space = rules.of(each.namespace)
            limited = space.limit is not None and each.attested
            self._counts[each.identity_id] = {each.namespace: 1} if limited else {}
            if rules.is_proven(each):
                self._proven.add(each.identity_id)

    def believe(self, claims: list[Claim], refused: dict[ClaimKey, Refusal]) -> None:
        """Believe every claim that may be believed; note the others with their reasons."""
        self._keep_apart(claims)
        ordered = [(claim_order(claim, self._known, self._rules), claim) for claim in claims]
        ordered.sort(key=lambda pair: pair[0])
        for order, claim in ordered:
            a, b = find(self._parent, claim.a), find(self._parent, claim.b)
            if a == b:
                continue
            refusal = self._objection(claim, a, b, order[0])
            if refusal is None:
                self._unite(a, b)
                if order[0] == _RENAME:
                    self._count_once(self._known[claim.a].namespace, b)
            else:
                refused[claim.key] = refusal

    def groups(self) -> Iterable[list[IdentityId]]:
        """The clusters as they stand."""
        found: dict[IdentityId, list[IdentityId]] = {}
        for member in self._parent:
            found.setdefault(find(self._parent, member), []).append(member)
        return found.values()

    def _keep_apart(self, claims: list[Claim]) -> None:
        """Note who must stay apart. Of a join and a separation of the same two the later holds."""
        if not self._separations:
            return
        joined = {
            frozenset((claim.a, claim.b)): claim.event_time
            for claim in claims
            if claim.kind is ClaimKind.JOIN
        }
        for each in self._separations:
            decided = joined.get(frozenset((each.a, each.b)))
            if decided is None or decided <= each.event_time:
                self._rivals.setdefault(each.a, []).append(each)
                self._rivals.setdefault(each.b, []).append(each)

    def _objection(self, claim: Claim, a: IdentityId, b: IdentityId, stage: int) -> Refusal | None:
        """Why the two clusters may not become one on this claim; None: they may."""
        if self._rivals:
            separation = self._separation(a, b)
            if separation is not None:
                return Refusal(claim, RefusalReason.SEPARATED, separation=separation)
        if stage != _EVIDENCE:
            return None
        broken = self._broken_limit(a, b)
        if broken is not None:
            _, namespace, limit, count = broken
            return Refusal(claim, RefusalReason.LIMIT, None, namespace, limit, count)
        if (
            claim.strength is Strength.WEAK
            and a in self._proven
            and b in self._proven
            and not self._rules.weak_joins_verified
        ):
            return Refusal(claim, RefusalReason.WEAK_BETWEEN_VERIFIED)
        return None

    def _separation(self, a: IdentityId, b: IdentityId) -> Separation | None:
        """The decision that keeps two clusters apart; the same one whatever the ids."""
        one, other = self._rivals.get(a), self._rivals.get(b)
        if one is None or other is None:
            return None
        ends = {a, b}
        return min(
            (
                each
                for each in (one if len(one) <= len(other) else other)
                if {find(self._parent, each.a), find(self._parent, each.b)} == ends
            ),
            key=self._separation_order,
            default=None,
        )

    def _separation_order(self, separation: Separation) -> tuple[int, list[tuple[str, str]]]:
        ends = (self._known[separation.a], self._known[separation.b])
        return (separation.event_time, sorted((end.namespace, end.value) for end in ends))

    def _broken_limit(self, a: IdentityId, b: IdentityId) -> tuple[int, str, int, int] | None:
        """Rank, namespace, limit and count of the highest-ranked limit that would break."""
        one, other = self._counts[a], self._counts[b]
        worst: tuple[int, str, int, int] | None = None
        for namespace, count in one.items():
            space = self._rules.of(namespace)
            total = count + other.get(namespace, 0)
            if space.limit is not None and total > space.limit and namespace in other:
                broken = (space.rank, namespace, space.limit, total)
                worst = broken if worst is None else min(worst, broken)
        return worst

    def _unite(self, a: IdentityId, b: IdentityId) -> None:
        """Let ``b`` stand for both clusters."""
        self._parent[a] = b
        counts = self._counts[b]
        for namespace, count in self._counts[a].items():
            counts[namespace] = counts.get(namespace, 0) + count
        if a in self._proven:
            self._proven.add(b)
        if a in self._rivals:
            self._rivals[b] = self._rivals.get(b, []) + self._rivals[a]

    def _count_once(self, namespace: str, root: IdentityId) -> None:
        """Two values of which one is the former name of the other count as one."""
        if namespace in self._counts[root]:
            self._counts[root][namespace] -= 1


def find(parent: dict[IdentityId, IdentityId], member: IdentityId) -> IdentityId:
    """The member that stands for a cluster; shortens the way for the next time."""
    while True:
        above = parent[member]
        if above == member:
            return member
        parent[member] = member = parent[above]


def claim_order(claim: Claim, known: Mapping[IdentityId, Identity], rules: Rulebook) -> Order:
    """The place of a claim in the order in which claims are believed.

    Made of facts about the claim itself: no integer id, no arrival.
    """
    a, b = known[claim.a], known[claim.b]
    high = (rules.rank(a.namespace), a.namespace, a.value)
    low = (rules.rank(b.namespace), b.namespace, b.value)
    if low < high:
        high, low = low, high
    alias = claim.kind is ClaimKind.ALIAS
    weak = claim.strength is Strength.WEAK
    if claim.kind is ClaimKind.JOIN:
        stage = _BY_HAND
    elif alias and not weak and a.namespace == b.namespace and a.attested and b.attested:
        stage = _RENAME
    else:
        stage = _EVIDENCE
    return (
        stage, weak, not alias, high[0], low[0], claim.event_time,
        high[1], high[2], low[1], low[2], claim.kind,
    )  # fmt: skip
