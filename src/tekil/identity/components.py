"""The fast path: summaries of raw components by which most claims need no solving.

A component is *whole* when all its identities are one profile, nothing in it was refused or
quarantined, and no person has joined or separated anything in it. Adding evidence to whole
components gives a whole component again, if

    (1) no namespace has more values in the union than ``Rulebook.cap`` allows, so that no limit
        can break and nobody can become shared; and
    (2) the proven identities of the union all hang together by strong claims, or there are none.

A whole component has at most one group of proven identities held together by strong claims, for
two could only have been joined by a weak claim or by hand. So (2) can be told from one bit per
component and from whether the ends of the new claim were proven before; see ``join_fast``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from tekil.identity.model import Claim, ClaimKind, Identity, Separation, Solution, Strength
from tekil.identity.rules import EldestKey, Rulebook, eldest_key
from tekil.kit.ids import IdentityId, ProfileId

Eldest: TypeAlias = "tuple[EldestKey, IdentityId]"


class Component(msgspec.Struct, frozen=True, gc=False):
    """What must be known of a raw component to add evidence to it without solving."""

    counts: dict[str, int]
    """How many values of each namespace it holds."""
    proven: bool
    """Whether one of its identities is proven; see ``Rulebook.is_proven``."""
    whole: bool
    eldest: Eldest
    size: int

    @property
    def profile_id(self) -> ProfileId:
        """The profile that a whole component is."""
        return ProfileId(self.eldest[1])


@dataclass(frozen=True, slots=True)
class End:
    """One end of a new claim."""

    component: Component
    """Its component as it was before the message."""
    identity: Identity
    """As it is after the message."""
    was_proven: bool
    """Whether it was proven when ``component`` was summarised."""


def new_end(identity: Identity, rules: Rulebook) -> End:
    """The end of a claim at an identity that was never seen before."""
    return End(single(identity, rules), identity, rules.is_proven(identity))


def single(identity: Identity, rules: Rulebook) -> Component:
    """The component of an identity without claims."""
    return Component(
        counts={identity.namespace: 1},
        proven=rules.is_proven(identity),
        whole=not rules.is_blocked(identity.namespace, identity.value),
        eldest=(eldest_key(identity, rules), identity.identity_id),
        size=1,
    )


def summarise(
    members: Iterable[Identity],
    claims: Iterable[Claim],
    separations: Iterable[Separation],
    solution: Solution,
    rules: Rulebook,
) -> Component:
    """The summary of one component that was solved; all its claims and separations are needed."""
    counts: dict[str, int] = {}
    profiles: set[ProfileId] = set()
    proven, clean = False, True
    eldest: list[Eldest] = []
    for each in members:
        counts[each.namespace] = counts.get(each.namespace, 0) + 1
        profiles.add(solution.profile_of[each.identity_id])
        proven = proven or rules.is_proven(each)
        eldest.append((eldest_key(each, rules), each.identity_id))
        clean = (
            clean
            and each.identity_id not in solution.quarantined
            and not rules.is_blocked(each.namespace, each.value)
        )
    by_hand = any(separations) or any(
        claim.kind is ClaimKind.JOIN or claim.key in solution.refused for claim in claims
    )
    whole = clean and not by_hand and len(profiles) == 1
    return Component(counts, proven, whole, min(eldest), len(eldest))


def see_fast(end: End, rules: Rulebook) -> Component | None:
    """The component after one of its identities was seen again, without a new claim.

    None: only the solver can tell, because an identity became proven beside others that were.
    """
    now = rules.is_proven(end.identity)
    whole = end.component
    if not whole.whole:
        return None
    if now and not end.was_proven and whole.proven and not rules.weak_joins_verified:
        return None
    key = (eldest_key(end.identity, rules), end.identity.identity_id)
    if key >= whole.eldest and (whole.proven or not now):
        return whole
    return msgspec.structs.replace(whole, proven=whole.proven or now, eldest=min(whole.eldest, key))


def join_fast(left: End, right: End, strength: Strength, rules: Rulebook) -> Component | None:
    """The component after a new claim, not made by hand, between two identities.

    The ends may lie in the same component (then pass the same object). None: only the solver
    can tell. Takes for granted that no separation touches either component.
    """
    one, other = left.component, right.component
    if not (one.whole and other.whole):
        return None
    same = one is other
    counts = one.counts
    if not same:
        counts = dict(one.counts)
        for namespace, count in other.counts.items():
            counts[namespace] = counts.get(namespace, 0) + count
    for namespace, count in counts.items():
        cap = rules.cap(namespace)
        if cap is not None and count > cap:
            return None
    if not rules.weak_joins_verified and _proven_groups(left, right, strength, same, rules) > 1:
        return None
    return Component(
        counts,
        one.proven
        or other.proven
        or rules.is_proven(left.identity)
        or rules.is_proven(right.identity),
        True,
        min(
            one.eldest,
            other.eldest,
            (eldest_key(left.identity, rules), left.identity.identity_id),
            (eldest_key(right.identity, rules), right.identity.identity_id),
        ),
        one.size if same else one.size + other.size,
    )


def _proven_groups(left: End, right: End, strength: Strength, same: bool, rules: Rulebook) -> int:
    """How many groups of proven identities, each held together by strong claims, there may be."""
    left_now, right_now = rules.is_proven(left.identity), rules.is_proven(right.identity)
    if strength is Strength.STRONG:
        if same:
            outside = int(left.component.proven and not (left.was_proven or right.was_proven))
        else:
            outside = int(left.component.proven and not left.was_proven)
            outside += int(right.component.proven and not right.was_proven)
        return outside + int(left_now or right_now)
    newly = int(left_now and not left.was_proven) + int(right_now and not right.was_proven)
    if same:
        return newly + int(left.component.proven)
    return newly + int(left.component.proven) + int(right.component.proven)
