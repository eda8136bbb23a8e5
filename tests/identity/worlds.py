"""Random worlds: identities, claims and separations, small enough that everything collides."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from tekil.identity.model import (
    Claim,
    ClaimKind,
    Identity,
    IdentityRules,
    Namespace,
    Separation,
    Solution,
    Strength,
)
from tekil.kit.clock import Millis
from tekil.kit.ids import IdentityId, MessageId, SourceId

Ref = tuple[str, str]

TIGHT = IdentityRules(
    namespaces={
        "user_id": Namespace(rank=1, limit=1, blocked=("null",)),
        "email": Namespace(rank=2, limit=2, shared_after=2, blocked=("null",)),
        "phone": Namespace(rank=2, limit=2, shared_after=2),
        "device_id": Namespace(rank=20, limit=3, shared_after=1, personal=False),
        "anonymous_id": Namespace(rank=30, shared_after=2, personal=False, blocked=("null",)),
    },
    default=Namespace(rank=10, limit=2, shared_after=3),
)
"""Limits so low that small worlds break them."""

FREE = IdentityRules(
    namespaces={
        "user_id": Namespace(rank=1),
        "email": Namespace(rank=2),
        "anonymous_id": Namespace(rank=30, personal=False),
    },
    default=Namespace(rank=10),
    weak_joins_verified=True,
)
"""No limit at all."""

NAMESPACES = ("user_id", "email", "phone", "loyalty", "device_id", "anonymous_id")
VALUES = ("a", "b", "c", "d", "null")


@dataclass(frozen=True)
class World:
    identities: tuple[Identity, ...]
    claims: tuple[Claim, ...]
    separations: tuple[Separation, ...]

    def ref(self) -> dict[IdentityId, Ref]:
        return {i.identity_id: (i.namespace, i.value) for i in self.identities}

    def having(self, *claims: Claim) -> World:
        return replace(self, claims=(*self.claims, *claims))

    def without(self, claim: Claim) -> World:
        return replace(self, claims=tuple(c for c in self.claims if c is not claim))

    def apart(self, *separations: Separation) -> World:
        return replace(self, separations=(*self.separations, *separations))


@st.composite
def worlds(
    draw: st.DrawFn,
    *,
    most: int = 9,
    separations: int = 2,
    kinds: tuple[ClaimKind, ...] = tuple(ClaimKind),
    strengths: tuple[Strength, ...] = tuple(Strength),
) -> World:
    """Worlds of up to ``most`` identities; times tie often, and ids are in no order."""
    refs = draw(
        st.lists(
            st.tuples(st.sampled_from(NAMESPACES), st.sampled_from(VALUES)),
            min_size=1,
            max_size=most,
            unique=True,
        )
    )
    ids = draw(st.permutations(range(1, len(refs) + 1)))
    identities = tuple(
        Identity(
            IdentityId(identity_id),
            namespace,
            value,
            Millis(draw(st.integers(0, 3))),
            verified=draw(st.booleans()),
            attested=draw(st.integers(0, 5)) > 0,
        )
        for identity_id, (namespace, value) in zip(ids, refs, strict=True)
    )
    end = st.sampled_from(ids).map(IdentityId)
    claims: dict[object, Claim] = {}
    for number in range(draw(st.integers(0, 2 * len(refs)))):
        kind = draw(st.sampled_from(kinds))
        strength = Strength.STRONG if kind is ClaimKind.JOIN else draw(st.sampled_from(strengths))
        claim = Claim(
            draw(end),
            draw(end),
            kind,
            strength,
            Millis(draw(st.integers(0, 4))),
            MessageId(f"m{number}"),
            SourceId(1),
        )
        claims.setdefault(claim.key, claim)
    apart: dict[object, Separation] = {}
    for _ in range(draw(st.integers(0, separations))):
        a, b = draw(end), draw(end)
        if a != b:
            apart[frozenset((a, b))] = Separation(a, b, Millis(draw(st.integers(0, 4))))
    return World(identities, tuple(claims.values()), tuple(apart.values()))


def random_world(dice: random.Random, most: int = 12) -> World:
    """The same by a seed, for thousands of worlds at little cost."""
    every = [(namespace, value) for namespace in NAMESPACES for value in VALUES]
    refs = dice.sample(every, dice.randint(2, most))
    ids = dice.sample(range(1, 100), len(refs))
    identities = tuple(
        Identity(
            IdentityId(i), namespace, value, Millis(dice.randint(0, 3)),
            dice.random() < 0.4, dice.random() < 0.85,
        )
        for i, (namespace, value) in zip(ids, refs, strict=True)
    )  # fmt: skip
    kinds = [ClaimKind.MESSAGE] * 6 + [ClaimKind.ALIAS] * 2 + [ClaimKind.JOIN, ClaimKind.SAME_VALUE]
    claims: dict[object, Claim] = {}
    for number in range(dice.randint(1, 2 * len(refs))):
        a, b = dice.sample(ids, 2)
        kind = dice.choice(kinds)
        strength = (
            Strength.STRONG if kind is ClaimKind.JOIN or dice.random() < 0.5 else Strength.WEAK
        )
        claim = Claim(
            IdentityId(a), IdentityId(b), kind, strength, Millis(dice.randint(0, 4)),
            MessageId(f"m{number}"), SourceId(1),
        )  # fmt: skip
        claims.setdefault(claim.key, claim)
    apart = {}
    for _ in range(dice.choice((0, 0, 0, 1, 2))):
        a, b = dice.sample(ids, 2)
        apart[frozenset((a, b))] = Separation(
            IdentityId(a), IdentityId(b), Millis(dice.randint(0, 4))
        )
    return World(identities, tuple(claims.values()), tuple(apart.values()))


def relabelled(world: World, dice: random.Random) -> World:
    """The same world as it would be had everything arrived in another order."""
    old = [i.identity_id for i in world.identities]
    new = dict(zip(old, dice.sample(range(1, 1000), len(old)), strict=True))

    def ends(a: IdentityId, b: IdentityId) -> tuple[IdentityId, IdentityId]:
        pair = [IdentityId(new[a]), IdentityId(new[b])]
        dice.shuffle(pair)
        return pair[0], pair[1]

    identities = [
        Identity(
            IdentityId(new[i.identity_id]),
            i.namespace,
            i.value,
            i.first_seen,
            i.verified,
            i.attested,
        )
        for i in world.identities
    ]
    claims = [
        Claim(*ends(c.a, c.b), c.kind, c.strength, c.event_time, c.message_id, c.source_id)
        for c in world.claims
    ]
    apart = [Separation(*ends(s.a, s.b), s.event_time) for s in world.separations]
    for each in (identities, claims, apart):
        dice.shuffle(each)  # type: ignore[arg-type]
    return World(tuple(identities), tuple(claims), tuple(apart))


def people(world: World, solution: Solution) -> dict[Ref, frozenset[Ref]]:
    """The solution in values: the identity that gives each profile its id, and all of them."""
    ref = world.ref()
    return {
        ref[IdentityId(profile)]: frozenset(ref[i] for i in members)
        for profile, members in solution.clusters().items()
    }


def refusals(world: World, solution: Solution) -> set[tuple[object, ...]]:
    """The refusals in values, with everything that they say."""
    ref = world.ref()
    found = set()
    for refusal in solution.refused.values():
        claim, apart = refusal.claim, refusal.separation
        found.add(
            (
                frozenset((ref[claim.a], ref[claim.b])),
                claim.kind,
                claim.strength,
                refusal.reason,
                refusal.identity_id and ref[refusal.identity_id],
                refusal.namespace,
                refusal.limit,
                refusal.count,
                apart and frozenset((ref[apart.a], ref[apart.b])),
            )
        )
    return found
