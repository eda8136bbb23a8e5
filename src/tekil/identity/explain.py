"""Why two identities are one person, or why they are not."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tekil.identity.model import Claim, Identity, Refusal, Separation, Solution
from tekil.identity.rules import Rulebook
from tekil.identity.union import claim_order
from tekil.kit.ids import IdentityId


@dataclass(frozen=True, slots=True)
class Step:
    """One claim of a chain, read from one identity to the next."""

    from_id: IdentityId
    to_id: IdentityId
    claim: Claim


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer to "why are these two one person?"."""

    one_person: bool
    chain: tuple[Step, ...]
    """The shortest way from the one to the other over claims that were believed."""
    refused: tuple[Refusal, ...]
    """When they are two people: the claims between the two that were not believed, and why."""
    separations: tuple[Separation, ...]
    """When they are two people: the decisions by hand that keep them apart."""


def explain(
    a: IdentityId,
    b: IdentityId,
    *,
    identities: Iterable[Identity],
    claims: Iterable[Claim],
    separations: Iterable[Separation],
    solution: Solution,
    rules: Rulebook,
) -> Explanation:
    """Explain from the same input that ``solve`` had. Raises KeyError for an unknown identity.

    Of ways that are equally short the one whose claims are believed first is shown, so that the
    answer is the same each time.
    """
    one, other = solution.profile_of[a], solution.profile_of[b]
    known = {identity.identity_id: identity for identity in identities}
    ordered = sorted(claims, key=lambda claim: claim_order(claim, known, rules))
    if one == other:
        return Explanation(True, _chain(a, b, ordered, solution), (), ())
    profiles = {one, other}
    between = [
        claim
        for claim in ordered
        if {solution.profile_of[claim.a], solution.profile_of[claim.b]} == profiles
    ]
    refused = tuple(solution.refused[c.key] for c in between if c.key in solution.refused)
    apart = [
        s
        for s in separations
        if {solution.profile_of.get(s.a), solution.profile_of.get(s.b)} == profiles
    ]
    apart.sort(key=lambda s: (s.event_time, sorted(_ref(known, i) for i in (s.a, s.b))))
    return Explanation(False, (), refused, tuple(apart))


def _ref(known: Mapping[IdentityId, Identity], identity: IdentityId) -> tuple[str, str]:
    return (known[identity].namespace, known[identity].value)


def _chain(
    a: IdentityId, b: IdentityId, ordered: list[Claim], solution: Solution
) -> tuple[Step, ...]:
    """Breadth first over believed claims; each identity remembers how it was reached."""
    beside: dict[IdentityId, list[Claim]] = {}
    for claim in ordered:
        if claim.key not in solution.refused:
            beside.setdefault(claim.a, []).append(claim)
            beside.setdefault(claim.b, []).append(claim)
    reached: dict[IdentityId, Step | None] = {a: None}
    waiting = deque([a])
    while waiting and b not in reached:
        here = waiting.popleft()
        for claim in beside.get(here, ()):
            there = claim.b if claim.a == here else claim.a
            if there not in reached:
                reached[there] = Step(here, there, claim)
                waiting.append(there)
    steps: list[Step] = []
    step = reached[b]
    while step is not None:
        steps.append(step)
        step = reached[step.from_id]
    return tuple(reversed(steps))
