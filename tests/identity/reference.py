"""A second, slow solver in plain Python and networkx, written from the README and not the code.

It works on values instead of integer ids, keeps clusters as plain sets, and asks every question
afresh. It shares nothing with the solver but the dataclasses that go in.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass

import networkx as nx
import re2

from tekil.identity.model import Claim, Identity, IdentityRules, Namespace, Separation

Ref = tuple[str, str]


@dataclass
class Answer:
    people: dict[Ref, frozenset[Ref]]
    """The eldest identity of each person, and all of the person's identities."""
    refused: set[tuple[frozenset[Ref], str, str, str]]
    """Ends, kind, strength and reason."""
    shared: dict[Ref, tuple[str, str, int]]
    """Level, namespace and count."""


def _space(rules: IdentityRules, namespace: str) -> Namespace:
    return rules.namespaces.get(namespace, rules.default)


def _is_placeholder(rules: IdentityRules, ref: Ref) -> bool:
    text = ref[1].strip()
    if text[:1] in ("'", '"', "`") and len(text) > 1 and text[0] == text[-1]:
        text = text[1:-1].strip()
    space = _space(rules, ref[0])
    return (
        text == ""
        or text.lower() in [b.lower() for b in space.blocked]
        or any(re2.search(p, text) for p in space.blocked_patterns)
    )


class Reference:
    def __init__(
        self,
        identities: list[Identity],
        claims: list[Claim],
        separations: list[Separation],
        rules: IdentityRules,
    ) -> None:
        self.rules = rules
        self.ref = {i.identity_id: (i.namespace, i.value) for i in identities}
        self.identity = {(i.namespace, i.value): i for i in identities}
        self.claims = [c for c in claims if c.a != c.b]
        self.separations = separations
        self.refused: set[tuple[frozenset[Ref], str, str, str]] = set()
        self.people: list[frozenset[Ref]] = [frozenset([r]) for r in self.identity]
        self.shared: dict[Ref, tuple[str, str, int]] = {}

    def rank(self, ref: Ref) -> int:
        return _space(self.rules, ref[0]).rank

    def ends(self, claim: Claim) -> frozenset[Ref]:
        return frozenset([self.ref[claim.a], self.ref[claim.b]])

    def refuse(self, claim: Claim, reason: str) -> None:
        self.refused.add((self.ends(claim), str(claim.kind), str(claim.strength), reason))

    def answer(self) -> Answer:
        usable = []
        for claim in self.claims:
            if any(_is_placeholder(self.rules, ref) for ref in self.ends(claim)):
                self.refuse(claim, "blocked")
            else:
                usable.append(claim)
        self.find_shared([c for c in usable if c.kind != "join"])
        live = []
        for claim in usable:
            levels = {self.shared[r][0] for r in self.ends(claim) if r in self.shared}
            if claim.kind != "join" and (
                "strong" in levels or (levels and claim.strength == "weak")
            ):
                self.refuse(claim, "quarantined")
            else:
                live.append(claim)
        renames = [c for c in live if self.is_rename(c)]
        joins = [c for c in live if c.kind == "join"]
        evidence = [c for c in live if c not in renames and c not in joins]
        names = nx.Graph()
        names.add_nodes_from(self.identity)
        for stage in (renames, evidence, joins):
            for claim in sorted(stage, key=self.turn):
                self.consider(claim, stage is evidence, joins, names)
                if stage is renames:
                    ends = tuple(self.ends(claim))
                    if self.person(ends[0]) == self.person(ends[1]):
                        names.add_edge(*ends)
        people = {min(person, key=self.age): person for person in self.people}
        return Answer(people, self.refused, self.shared)

    def is_rename(self, claim: Claim) -> bool:
        a, b = (self.identity[r] for r in self.ends(claim))
        return (
            claim.kind == "alias"
            and claim.strength == "strong"
            and a.namespace == b.namespace
            and a.attested
            and b.attested
        )

    def find_shared(self, claims: list[Claim]) -> None:
        for ref in self.identity:
            after = _space(self.rules, ref[0]).shared_after
            if after is None:
                continue
            for level in ("strong", "weak"):
                values = defaultdict(set)
                for claim in claims:
                    ends = self.ends(claim)
                    if ref in ends and claim.strength == level:
                        (other,) = ends - {ref}
                        if self.rank(other) < self.rank(ref):
                            values[other[0]].add(other[1])
                over = sorted(
                    (_space(self.rules, ns).rank, ns, len(vs))
                    for ns, vs in values.items()
                    if len(vs) > after
                )
                if over:
                    self.shared[ref] = (level, over[0][1], over[0][2])
                    break

    def turn(self, claim: Claim) -> tuple[object, ...]:
        high, low = sorted(self.ends(claim), key=lambda r: (self.rank(r), r))
        return (
            ["strong", "weak"].index(claim.strength),
            0 if claim.kind == "alias" else 1,
            self.rank(high),
            self.rank(low),
            claim.event_time,
            high,
            low,
            str(claim.kind),
        )

    def age(self, ref: Ref) -> tuple[object, ...]:
        identity = self.identity[ref]
        return (0 if identity.attested else 1, identity.first_seen, self.rank(ref), ref)

    def person(self, ref: Ref) -> frozenset[Ref]:
        return next(p for p in self.people if ref in p)

    def kept_apart(self, one: frozenset[Ref], other: frozenset[Ref], joins: list[Claim]) -> bool:
        for separation in self.separations:
            ends = frozenset([self.ref[separation.a], self.ref[separation.b]])
            later = [
                j for j in joins if self.ends(j) == ends and j.event_time > separation.event_time
            ]
            if ends & one and ends & other and not later:
                return True
        return False

    def consider(
        self, claim: Claim, constrained: bool, joins: list[Claim], names: nx.Graph[Ref]
    ) -> None:
        x, y = self.ends(claim)
        one, other = self.person(x), self.person(y)
        if one == other:
            return None
        both = one | other
        if self.kept_apart(one, other, joins):
            return self.refuse(claim, "separated")
        if constrained:
            for namespace in {r[0] for r in both}:
                limit = _space(self.rules, namespace).limit
                counted = [r for r in both if r[0] == namespace and self.identity[r].attested]
                different = sum(1 for part in nx.connected_components(names) if part & set(counted))
                if limit is not None and different > limit:
                    return self.refuse(claim, "limit")
            if (
                claim.strength == "weak"
                and self.is_known(one)
                and self.is_known(other)
                and not self.rules.weak_joins_verified
            ):
                return self.refuse(claim, "weak_between_verified")
        self.people = [p for p in self.people if p not in (one, other)] + [both]
        return None

    def is_known(self, person: frozenset[Ref]) -> bool:
        return any(
            self.identity[r].verified
            and self.identity[r].attested
            and _space(self.rules, r[0]).personal
            for r in person
        )


def pairs(people: dict[Ref, frozenset[Ref]]) -> set[frozenset[Ref]]:
    return {
        frozenset(pair) for p in people.values() for pair in itertools.combinations(sorted(p), 2)
    }
