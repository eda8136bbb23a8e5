"""The solver against a slow reference, and what must hold whatever comes in."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from dataclasses import replace

import networkx as nx
import pytest
from hypothesis import given, settings
from tests.identity.reference import Reference
from tests.identity.worlds import (
    FREE,
    TIGHT,
    World,
    people,
    random_world,
    refusals,
    relabelled,
    worlds,
)

from tekil.identity.model import (
    Claim,
    ClaimKind,
    Identity,
    IdentityRules,
    Quarantine,
    RefusalReason,
    Separation,
    Solution,
    Strength,
)
from tekil.identity.namespaces import DEFAULT_RULES
from tekil.identity.rules import Rulebook
from tekil.identity.solver import components, solve
from tekil.kit.clock import Millis
from tekil.kit.ids import IdentityId, MessageId

BOOK = Rulebook(TIGHT)
DEFAULT_BOOK = Rulebook(DEFAULT_RULES)
NO_JOIN = (ClaimKind.MESSAGE, ClaimKind.ALIAS, ClaimKind.SAME_VALUE)


def solved(world: World, book: Rulebook = BOOK) -> Solution:
    return solve(world.identities, world.claims, world.separations, book)


def check_against_reference(world: World, rules: IdentityRules, book: Rulebook) -> Solution:
    solution = solved(world, book)
    answer = Reference(
        list(world.identities), list(world.claims), list(world.separations), rules
    ).answer()
    assert people(world, solution) == answer.people
    assert {r[:4] for r in refusals(world, solution)} == answer.refused
    ref = world.ref()
    shared = {ref[i]: (q.strength, q.namespace, q.count) for i, q in solution.quarantined.items()}
    assert shared == answer.shared
    return solution


@pytest.mark.parametrize("seed", range(20))
def test_thousands_of_worlds_are_solved_as_by_the_reference(seed: int) -> None:
    dice = random.Random(seed)
    reasons: Counter[RefusalReason] = Counter()
    for _ in range(150):
        solution = check_against_reference(random_world(dice), TIGHT, BOOK)
        reasons.update(refusal.reason for refusal in solution.refused.values())
    assert set(reasons) == set(RefusalReason), "the worlds must reach every reason"


@given(worlds())
@settings(max_examples=200, deadline=None)
def test_any_world_is_solved_as_by_the_reference(world: World) -> None:
    check_against_reference(world, TIGHT, BOOK)
    check_against_reference(world, DEFAULT_RULES, DEFAULT_BOOK)


@pytest.mark.parametrize("seed", range(10))
def test_neither_order_nor_integer_ids_decide_anything(seed: int) -> None:
    dice = random.Random(1000 + seed)
    for _ in range(50):
        world = random_world(dice)
        first = solved(world)
        for _ in range(6):
            other = relabelled(world, dice)
            again = solved(other)
            assert people(other, again) == people(world, first)
            assert refusals(other, again) == refusals(world, first)


@given(worlds(separations=0))
@settings(max_examples=200, deadline=None)
def test_without_limits_people_are_the_connected_components(world: World) -> None:
    graph = nx.Graph()
    graph.add_nodes_from(i.identity_id for i in world.identities if i.value != "")
    graph.add_edges_from((c.a, c.b) for c in world.claims)
    expected = {frozenset(part) for part in nx.connected_components(graph)}
    solution = solved(world, Rulebook(FREE))
    assert {frozenset(members) for members in solution.clusters().values()} == expected
    assert not solution.refused


@given(worlds(most=12))
@settings(max_examples=200, deadline=None)
def test_a_raw_component_alone_is_solved_as_among_all(world: World) -> None:
    whole = solved(world)
    known = {i.identity_id: i for i in world.identities}
    pieces = components(known, world.claims)
    seen: dict[IdentityId, int] = {}
    refused = {}
    quarantined = {}
    for members, claims in pieces:
        piece = solve([known[m] for m in members], claims, world.separations, BOOK)
        seen.update(piece.profile_of)
        refused.update(piece.refused)
        quarantined.update(piece.quarantined)
    assert seen == whole.profile_of
    assert refused == whole.refused
    assert quarantined == whole.quarantined


@given(worlds(most=12))
@settings(max_examples=200, deadline=None)
def test_components_may_be_cut_at_shared_and_blocked_identities(world: World) -> None:
    """Solved with the ends of its dead claims and the verdicts on them, a piece comes out right."""
    whole = solved(world)
    known = {i.identity_id: i for i in world.identities}
    dead = {RefusalReason.QUARANTINED, RefusalReason.BLOCKED}
    live = [
        c
        for c in world.claims
        if c.key not in whole.refused or whole.refused[c.key].reason not in dead
    ]
    for members, _ in components(known, live):
        mine = set(members)
        touching = [c for c in world.claims if c.a in mine or c.b in mine]
        beyond = {end for c in touching for end in (c.a, c.b)} - mine
        piece = solve(
            [known[i] for i in (*members, *beyond)],
            touching,
            world.separations,
            BOOK,
            quarantined={i: whole.quarantined.get(i) for i in beyond},
        )
        assert {m: piece.profile_of[m] for m in members} == {
            m: whole.profile_of[m] for m in members
        }
        assert piece.refused == {
            c.key: whole.refused[c.key] for c in touching if c.key in whole.refused
        }


@given(worlds(kinds=(ClaimKind.MESSAGE, ClaimKind.SAME_VALUE)))
@settings(max_examples=200, deadline=None)
def test_no_profile_breaks_a_limit(world: World) -> None:
    known = {i.identity_id: i for i in world.identities}
    for members in solved(world).clusters().values():
        held = Counter(known[m].namespace for m in members if known[m].attested)
        for namespace, count in held.items():
            limit = BOOK.of(namespace).limit
            assert limit is None or count <= limit


@given(worlds(separations=3))
@settings(max_examples=200, deadline=None)
def test_the_separated_are_never_one_person_unless_joined_later(world: World) -> None:
    solution = solved(world)
    for separation in world.separations:
        pair = {separation.a, separation.b}
        joined = [
            c.event_time for c in world.claims if c.kind is ClaimKind.JOIN and {c.a, c.b} == pair
        ]
        if not joined or max(joined) <= separation.event_time:
            assert solution.profile_of[separation.a] != solution.profile_of[separation.b]


@given(worlds(kinds=NO_JOIN))
@settings(max_examples=200, deadline=None)
def test_weak_claims_never_bring_two_proven_identities_together(world: World) -> None:
    """What a public key says may add to what the strong sources say, and take nothing away."""
    strong = [c for c in world.claims if c.strength is Strength.STRONG]
    without = solve(world.identities, strong, world.separations, BOOK).profile_of
    everything = solved(world).profile_of
    proven = [i.identity_id for i in world.identities if BOOK.is_proven(i)]
    for a in proven:
        for b in proven:
            assert (everything[a] == everything[b]) == (without[a] == without[b])
    for a in without:
        for b in without:
            assert without[a] != without[b] or everything[a] == everything[b]


# -- merging and un-merging ---------------------------------------------------------------------


def partition(solution: Solution) -> set[frozenset[IdentityId]]:
    return {frozenset(members) for members in solution.clusters().values()}


@pytest.mark.parametrize("seed", range(8))
def test_separating_two_people_changes_nobody(seed: int) -> None:
    dice = random.Random(2000 + seed)
    for _ in range(60):
        world = random_world(dice, most=9)
        solution = solved(world)
        for one, other in itertools.combinations(world.identities, 2):
            a, b = one.identity_id, other.identity_id
            if solution.profile_of[a] != solution.profile_of[b]:
                later = world.apart(Separation(a, b, Millis(99)))
                assert solved(later).profile_of == solution.profile_of


@pytest.mark.parametrize("seed", range(10))
def test_separating_the_ends_of_the_merging_claim_restores_the_state_before(seed: int) -> None:
    """Exactly: as if the claim had never been made, with all that followed from it."""
    dice = random.Random(3000 + seed)
    merges = 0
    for _ in range(150):
        world = random_world(dice)
        solution = solved(world)
        for claim in world.claims:
            before = solved(world.without(claim))
            together = before.profile_of[claim.a] == before.profile_of[claim.b]
            if claim.key not in solution.refused and not together:
                merges += 1
                undone = world.apart(Separation(claim.a, claim.b, Millis(99)))
                assert solved(undone).profile_of == before.profile_of
    assert merges > 100


@pytest.mark.parametrize("seed", range(8))
def test_a_join_by_hand_unites_two_profiles_and_touches_no_other(seed: int) -> None:
    dice = random.Random(4000 + seed)
    for _ in range(30):
        world = replace(random_world(dice, most=9), separations=())
        before = solved(world)
        clean = [i.identity_id for i in world.identities if i.value != "null"]
        for a, b in itertools.combinations(clean, 2):
            if before.profile_of[a] != before.profile_of[b]:
                check_join(world, before, a, b)


def check_join(world: World, before: Solution, a: IdentityId, b: IdentityId) -> None:
    join = Claim(a, b, ClaimKind.JOIN, Strength.STRONG, Millis(50), MessageId("hand"))
    after = solved(world.having(join))
    ones = {i for i, p in before.profile_of.items() if p == before.profile_of[a]}
    others = {i for i, p in before.profile_of.items() if p == before.profile_of[b]}
    untouched = partition(before) - {frozenset(ones), frozenset(others)}
    assert partition(after) == untouched | {frozenset(ones | others)}

    undone = world.having(join).apart(Separation(a, b, Millis(51)))
    assert solved(undone).profile_of == before.profile_of
    joined_again = world.having(join).apart(Separation(a, b, Millis(49)))
    assert partition(solved(joined_again)) == partition(after)


# -- single rules, each by the smallest example -------------------------------------------------


def identity(number: int, namespace: str, value: str, **known: object) -> Identity:
    return Identity(IdentityId(number), namespace, value, Millis(number), **known)  # type: ignore[arg-type]


def message(a: int, b: int, at: int = 0, strength: Strength = Strength.STRONG) -> Claim:
    return Claim(
        IdentityId(a), IdentityId(b), ClaimKind.MESSAGE, strength, Millis(at), MessageId(f"m{at}")
    )


def test_an_unknown_end_of_a_claim_is_an_error_and_of_a_separation_is_not() -> None:
    alone = identity(1, "user_id", "1")
    with pytest.raises(KeyError):
        solve([alone], [message(1, 2)], [], BOOK)
    apart = Separation(IdentityId(1), IdentityId(2))
    assert solve([alone], [], [apart], BOOK).profile_of == {1: 1}


def test_a_limit_refusal_says_which_limit_and_how_many() -> None:
    world = [identity(1, "user_id", "1"), identity(2, "user_id", "2"), identity(3, "email", "e")]
    solution = solve(world, [message(1, 3, 10), message(2, 3, 5)], [], DEFAULT_BOOK)
    assert solution.profile_of[IdentityId(2)] == solution.profile_of[IdentityId(3)]
    (refusal,) = solution.refused.values()
    assert refusal.claim == message(1, 3, 10)
    assert (refusal.reason, refusal.namespace, refusal.limit, refusal.count) == (
        RefusalReason.LIMIT,
        "user_id",
        1,
        2,
    )


def test_weak_claims_cannot_shut_out_a_strong_one_by_making_its_identity_look_shared() -> None:
    mailbox = identity(1, "email", "ada@example.com", verified=True)
    customer = identity(2, "user_id", "ada", verified=True)
    liars = [identity(i, "user_id", f"liar{i}") for i in range(10, 20)]
    lies = [message(1, liar.identity_id, 0, Strength.WEAK) for liar in liars]
    solution = solve([mailbox, customer, *liars], [message(1, 2, 9), *lies], [], DEFAULT_BOOK)
    assert solution.profile_of[IdentityId(1)] == solution.profile_of[IdentityId(2)]
    assert solution.quarantined[IdentityId(1)].strength is Strength.WEAK
    assert {r.reason for r in solution.refused.values()} == {RefusalReason.QUARANTINED}
    assert len(solution.refused) == len(lies)


def test_a_shared_identity_joins_only_by_hand() -> None:
    mailbox = identity(1, "email", "info@example.com")
    users = [identity(i, "user_id", f"u{i}") for i in range(2, 8)]
    claims = [message(1, user.identity_id, user.identity_id) for user in users]
    by_hand = Claim(
        IdentityId(1), IdentityId(4), ClaimKind.JOIN, Strength.STRONG, Millis(99), MessageId("h")
    )
    alone = solve([mailbox, *users], claims, [], DEFAULT_BOOK)
    assert len(alone.clusters()) == 7
    joined = solve([mailbox, *users], [*claims, by_hand], [], DEFAULT_BOOK)
    assert joined.profile_of[IdentityId(1)] == joined.profile_of[IdentityId(4)]
    assert len(joined.clusters()) == 6
    verdict = joined.quarantined[IdentityId(1)]
    assert (verdict.strength, verdict.namespace, verdict.count, verdict.limit) == (
        Strength.STRONG,
        "user_id",
        6,
        4,
    )


def test_the_profile_id_is_the_eldest_attested_identity() -> None:
    young = identity(7, "user_id", "1")
    old = identity(9, "anonymous_id", "x")
    phantom = Identity(IdentityId(1), "anonymous_id", "p", Millis(0), attested=False)
    claims = [message(7, 9), message(7, 1)]
    solution = solve([young, old, phantom], claims, [], DEFAULT_BOOK)
    assert set(solution.profile_of.values()) == {7}
    only = solve([phantom], [], [], DEFAULT_BOOK)
    assert only.profile_of == {1: 1}


def test_a_chain_of_renamed_users_is_one_person_and_keeps_one_user_to_a_profile() -> None:
    names = [identity(i, "user_id", f"u{i}") for i in range(1, 6)]
    renames = [
        Claim(
            IdentityId(i),
            IdentityId(i + 1),
            ClaimKind.ALIAS,
            Strength.STRONG,
            Millis(i),
            MessageId(""),
        )
        for i in range(1, 5)
    ]
    stranger = identity(50, "user_id", "other")
    browser = identity(60, "anonymous_id", "x")
    claims = [*renames, message(5, 60, 1), message(50, 60, 2)]
    solution = solve([*names, stranger, browser], claims, [], DEFAULT_BOOK)
    assert sorted(map(len, solution.clusters().values())) == [1, 6]
    assert solution.profile_of[IdentityId(50)] == 50


def test_weak_evidence_may_join_the_verified_where_the_rules_say_so() -> None:
    world = [identity(1, "user_id", "1", verified=True), identity(2, "email", "e", verified=True)]
    weak = [message(1, 2, 0, Strength.WEAK)]
    refused = solve(world, weak, [], DEFAULT_BOOK)
    assert [r.reason for r in refused.refused.values()] == [RefusalReason.WEAK_BETWEEN_VERIFIED]
    trusting = IdentityRules(DEFAULT_RULES.namespaces, DEFAULT_RULES.default, True)
    assert len(solve(world, weak, [], Rulebook(trusting)).clusters()) == 1


def test_a_verdict_that_is_known_is_not_looked_at_again() -> None:
    """A hub is passed with some of its claims only; the rest was counted before."""
    hub = identity(1, "anonymous_id", "kiosk")
    users = [identity(i, "user_id", f"u{i}") for i in range(2, 9)]
    claims = [message(1, u.identity_id, 1, Strength.WEAK) for u in users]
    claims.append(message(1, 2, 1))
    verdict = Quarantine(Strength.STRONG, "user_id", 50, 4)
    known = solve([hub, *users], claims, [], DEFAULT_BOOK, {IdentityId(1): verdict})
    assert known.quarantined == {1: verdict}
    assert len(known.clusters()) == 8
    judged = solve([hub, *users], claims, [], DEFAULT_BOOK)
    assert judged.quarantined[IdentityId(1)].strength is Strength.WEAK
    assert len(judged.clusters()) == 7
    fine = solve([hub, *users], claims, [], DEFAULT_BOOK, {IdentityId(1): None})
    assert not fine.quarantined
    assert {r.reason for r in fine.refused.values()} == {RefusalReason.LIMIT}


def test_a_refusal_names_the_lowest_ranked_identity_at_fault() -> None:
    user, browser = identity(1, "user_id", "null"), identity(2, "anonymous_id", "null")
    (refusal,) = solve([user, browser], [message(1, 2)], [], DEFAULT_BOOK).refused.values()
    assert (refusal.reason, refusal.identity_id) == (RefusalReason.BLOCKED, 2)
