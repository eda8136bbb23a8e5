"""A house small enough for one test: messages in, people out, through the real functions."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass

from tekil.clean.email import normalise_email
from tekil.clean.phone import normalise_phone
from tekil.identity.identifiers import Identifiers, Ref
from tekil.identity.model import (
    Claim,
    ClaimKey,
    ClaimKind,
    Identity,
    IdentityRules,
    Normaliser,
    Separation,
    Solution,
    Strength,
)
from tekil.identity.namespaces import DEFAULT_RULES
from tekil.identity.rules import Rulebook, standing
from tekil.identity.solver import solve
from tekil.kit.clock import Millis
from tekil.kit.ids import IdentityId, MessageId
from tekil.kit.json import JsonObject

NORMALISERS = {
    Normaliser.EMAIL: lambda text, _region: normalise_email(text),
    Normaliser.PHONE: normalise_phone,
}


@dataclass(frozen=True)
class Call:
    """One call of a tracking library."""

    at: int
    type: str = "track"
    user: str | None = None
    anon: str | None = None
    previous: str | None = None
    traits: JsonObject | None = None
    context: JsonObject | None = None
    server: bool = False
    """Sent with a secret key."""


class House:
    """Keeps what a store would keep."""

    def __init__(self, rules: IdentityRules = DEFAULT_RULES) -> None:
        self.rules = Rulebook(rules)
        self.identifiers = Identifiers(self.rules, NORMALISERS)
        self.identities: dict[Ref, Identity] = {}
        self.claims: dict[ClaimKey, Claim] = {}
        self.separations: list[Separation] = []

    def take(self, call: Call) -> list[Ref]:
        strength = Strength.STRONG if call.server else Strength.WEAK
        found = self.identifiers.find(
            call.type, call.user, call.anon, traits=call.traits, context=call.context
        )
        links = self.identifiers.links(
            found,
            strength,
            previous_id=call.previous if call.type == "alias" else None,
            anonymous_id=call.anon,
        )
        for ref in found:
            self._see(ref, call.at, verified=call.server, attested=True)
        for link in links:
            for ref in (link.left, link.right):
                if ref not in found:
                    self._see(ref, call.at, verified=False, attested=False)
            self._claim(link.left, link.right, link.kind, strength, call.at)
        return found

    def join(self, a: Ref, b: Ref, at: int) -> None:
        self._claim(a, b, ClaimKind.JOIN, Strength.STRONG, at)

    def separate(self, a: Ref, b: Ref, at: int) -> None:
        one, other = self.identities[a].identity_id, self.identities[b].identity_id
        self.separations.append(Separation(one, other, Millis(at)))

    def solution(self) -> Solution:
        return solve(self.identities.values(), self.claims.values(), self.separations, self.rules)

    def people(self) -> set[frozenset[str]]:
        """Everybody, as sets of ``namespace:value``, without ids only ever named by an alias."""
        ref = {i.identity_id: f"{n}:{v}" for (n, v), i in self.identities.items() if i.attested}
        groups = (
            frozenset(ref[m] for m in members if m in ref)
            for members in self.solution().clusters().values()
        )
        return {group for group in groups if group}

    def _see(self, ref: Ref, at: int, *, verified: bool, attested: bool) -> None:
        old = self.identities.get(ref)
        self.identities[ref] = Identity(
            old.identity_id if old else IdentityId(len(self.identities) + 1),
            *ref,
            Millis(min(at, old.first_seen) if old else at),
            verified or (old is not None and old.verified),
            attested or (old is not None and old.attested),
        )

    def _claim(self, a: Ref, b: Ref, kind: ClaimKind, strength: Strength, at: int) -> None:
        one, other = self.identities[a].identity_id, self.identities[b].identity_id
        claim = Claim(one, other, kind, strength, Millis(at), MessageId(f"m{at}"))
        kept = self.claims.get(claim.key)
        self.claims[claim.key] = standing(kept, claim) if kept else claim


def people_of(*calls: Call, rules: IdentityRules = DEFAULT_RULES) -> set[frozenset[str]]:
    """The people that follow from calls; fails if they depend on the order of arrival."""
    orders = (
        list(itertools.permutations(calls))
        if len(calls) <= 4
        else [random.Random(n).sample(calls, len(calls)) for n in range(40)]
    )
    answers = []
    for order in orders:
        house = House(rules)
        for call in order:
            house.take(call)
        answers.append(house.people())
    assert all(answer == answers[0] for answer in answers), "the order of arrival decided"
    return answers[0]


def person(*refs: str) -> frozenset[str]:
    return frozenset(refs)
