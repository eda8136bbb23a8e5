"""Who is one person: a constrained union over claims, in an order made of intrinsic facts only.

    1. Claims on blocked and on quarantined identities are set aside.
    2. Strong aliases between two ids of one namespace: a rename; the two count as one value.
    3. All other evidence: strong before weak, aliases before the rest, then by the ranks of the
       two namespaces, event time and values. A claim that would break a limit, join what was
       separated, or join two verified profiles on weak evidence is refused.
    4. Joins by hand: they join what step 3 has left, and take nothing away from anybody else.

Integer ids and the order of arrival decide nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tekil.identity.model import (
    Claim,
    ClaimKey,
    ClaimKind,
    Identity,
    Quarantine,
    Refusal,
    RefusalReason,
    Separation,
    Solution,
    Strength,
)
from tekil.identity.rules import Rulebook, eldest_key, quarantine_of
from tekil.identity.union import Union, find
from tekil.kit.ids import IdentityId, ProfileId


def solve(
    identities: Iterable[Identity],
    claims: Iterable[Claim],
    separations: Iterable[Separation],
    rules: Rulebook,
    quarantined: Mapping[IdentityId, Quarantine | None] | None = None,
) -> Solution:
    """Find the people. Any set of whole raw components may be solved apart from the others.

    ``quarantined`` gives verdicts that are known already, for identities of which not every
    claim is passed (None: known to be fine); then components may also be cut at them.
    Raises KeyError for a claim on an identity that was not passed; a separation of such a one
    has nothing to keep apart here and is left out.
    """
    known = {identity.identity_id: identity for identity in identities}
    live, refused, verdicts = _set_aside(known, claims, rules, quarantined or {})
    apart: dict[IdentityId, list[Separation]] = {}
    for separation in separations:
        apart.setdefault(separation.a, []).append(separation)
    profile_of: dict[IdentityId, ProfileId] = {}
    for members, inside in components(known, live):
        kept = _inside(members, apart) if apart else []
        if not kept and _is_whole(members, inside, known, rules):
            groups: Iterable[list[IdentityId]] = (members,)
        else:
            union = Union([known[member] for member in members], kept, rules)
            union.believe(inside, refused)
            groups = union.groups()
        for group in groups:
            profile = ProfileId(min(group, key=lambda i: eldest_key(known[i], rules)))
            for member in group:
                profile_of[member] = profile
    return Solution(profile_of, refused, verdicts)


def components(
    known: Mapping[IdentityId, Identity], claims: Iterable[Claim]
) -> list[tuple[list[IdentityId], list[Claim]]]:
    """The raw connected components, each with its claims, without any rule."""
    parent = dict(zip(known, known, strict=True))
    kept = list(claims)
    for claim in kept:
        a, b = find(parent, claim.a), find(parent, claim.b)
        if a != b:
            parent[a] = b
    found: dict[IdentityId, tuple[list[IdentityId], list[Claim]]] = {}
    for member in known:
        root = find(parent, member)
        group = found.get(root)
        if group is None:
            found[root] = ([member], [])
        else:
            group[0].append(member)
    for claim in kept:
        found[find(parent, claim.a)][1].append(claim)
    return list(found.values())


def _inside(
    members: list[IdentityId], apart: Mapping[IdentityId, list[Separation]]
) -> list[Separation]:
    mine = set(members)
    return [s for member in members for s in apart.get(member, ()) if s.b in mine]


def _set_aside(
    known: Mapping[IdentityId, Identity],
    claims: Iterable[Claim],
    rules: Rulebook,
    verdicts: Mapping[IdentityId, Quarantine | None],
) -> tuple[list[Claim], dict[ClaimKey, Refusal], dict[IdentityId, Quarantine]]:
    """Part the claims into those that may be believed and those refused beforehand."""
    refused: dict[ClaimKey, Refusal] = {}
    usable: list[Claim] = []
    degree: dict[IdentityId, int] = {}
    blocked = {i for i, each in known.items() if rules.is_blocked(each.namespace, each.value)}
    for claim in claims:
        a, b = claim.a, claim.b
        if a == b:
            continue
        if blocked and (a in blocked or b in blocked):
            at_fault = _first(known, [i for i in (a, b) if i in blocked], rules)
            refused[claim.key] = Refusal(claim, RefusalReason.BLOCKED, at_fault)
            continue
        usable.append(claim)
        degree[a] = degree.get(a, 0) + 1
        degree[b] = degree.get(b, 0) + 1
    shared = _judge(known, usable, degree, rules, verdicts)
    if not shared:
        return usable, refused, shared
    live: list[Claim] = []
    for claim in usable:
        against = [i for i in (claim.a, claim.b) if _shuts_out(shared.get(i), claim)]
        if against:
            at_fault = _first(known, against, rules)
            verdict = shared[at_fault]
            refused[claim.key] = Refusal(
                claim,
                RefusalReason.QUARANTINED,
                at_fault,
                verdict.namespace,
                verdict.limit,
                verdict.count,
            )
        else:
            live.append(claim)
    return live, refused, shared


def _shuts_out(verdict: Quarantine | None, claim: Claim) -> bool:
    return (
        verdict is not None
        and claim.kind is not ClaimKind.JOIN
        and (verdict.strength is Strength.STRONG or claim.strength is Strength.WEAK)
    )


def _judge(
    known: Mapping[IdentityId, Identity],
    claims: list[Claim],
    degree: dict[IdentityId, int],
    rules: Rulebook,
    verdicts: Mapping[IdentityId, Quarantine | None],
) -> dict[IdentityId, Quarantine]:
    """Find the shared identities, from all the evidence and before anything is joined."""
    suspects: dict[IdentityId, list[tuple[Identity, Strength]]] = {}
    for identity, count in degree.items():
        if count > 1 and identity not in verdicts:
            after = rules.of(known[identity].namespace).shared_after
            if after is not None and count > after:
                suspects[identity] = []
    found = {i: v for i, v in verdicts.items() if v is not None and i in known}
    if not suspects:
        return found
    for claim in claims:
        if claim.kind is not ClaimKind.JOIN:
            for end, other in ((claim.a, claim.b), (claim.b, claim.a)):
                if end in suspects:
                    suspects[end].append((known[other], claim.strength))
    for identity, neighbours in suspects.items():
        verdict = quarantine_of(known[identity], neighbours, rules)
        if verdict is not None:
            found[identity] = verdict
    return found


def _first(
    known: Mapping[IdentityId, Identity], among: list[IdentityId], rules: Rulebook
) -> IdentityId:
    """The lowest-ranked of the identities at fault; by value where ranks are equal."""
    if len(among) == 1:
        return among[0]
    return max(
        among,
        key=lambda i: (
            rules.rank(known[i].namespace),
            known[i].namespace,
            known[i].value,
        ),
    )


def _is_whole(
    members: list[IdentityId],
    claims: list[Claim],
    known: Mapping[IdentityId, Identity],
    rules: Rulebook,
) -> bool:
    """Whether nothing in a component without separations can be refused: the usual case."""
    counts: dict[str, int] = {}
    proven = 0
    for member in members:
        identity = known[member]
        if identity.attested:
            space = rules.of(identity.namespace)
            if space.limit is not None:
                count = counts.get(identity.namespace, 0) + 1
                if count > space.limit:
                    return False
                counts[identity.namespace] = count
            if identity.verified and space.personal:
                proven += 1
    if proven < 2 or rules.weak_joins_verified:
        return True
    return all(c.strength is Strength.STRONG or c.kind is ClaimKind.JOIN for c in claims)
