"""The fast path gives what solving gives, message after message."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from tests.identity.worlds import FREE, TIGHT

from tekil.identity.components import (
    Component,
    End,
    join_fast,
    new_end,
    see_fast,
    single,
    summarise,
)
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
from tekil.identity.namespaces import DEFAULT_RULES
from tekil.identity.rules import Rulebook, standing
from tekil.identity.solver import components, solve
from tekil.kit.clock import Millis
from tekil.kit.ids import IdentityId, MessageId

Ref = tuple[str, str]


class Engine:
    """The least that somebody must do to keep components up to date without solving."""

    def __init__(self, rules: Rulebook) -> None:
        self.rules = rules
        self.ids: dict[Ref, IdentityId] = {}
        self.identities: dict[IdentityId, Identity] = {}
        self.claims: dict[ClaimKey, Claim] = {}
        self.component: dict[IdentityId, Component] = {}
        self.members: dict[IdentityId, set[IdentityId]] = {}
        self.paths: Counter[str] = Counter()

    def see(self, ref: Ref, at: int, strong: bool, attested: bool) -> End:
        """Note that a message names an identity; its end as the fast path wants it."""
        known = self.ids.get(ref)
        if known is None:
            known = self.ids[ref] = IdentityId(len(self.ids) + 1)
            identity = Identity(known, *ref, Millis(at), strong, attested)
            self.identities[known] = identity
            end = new_end(identity, self.rules)
            self.component[known] = end.component
            self.members[known] = {known}
            return end
        old = self.identities[known]
        identity = Identity(
            known,
            *ref,
            Millis(min(old.first_seen, at)),
            old.verified or strong,
            old.attested or attested,
        )
        self.identities[known] = identity
        return End(self.component[known], identity, self.rules.is_proven(old))

    def take(self, refs: list[Ref], at: int, strength: Strength, alias: bool, name: str) -> None:
        """Take a message: a star from the first identity; an alias attests only the first."""
        strong = strength is Strength.STRONG
        ends = [self.see(ref, at, strong, not alias or not n) for n, ref in enumerate(refs)]
        first = ends[0]
        solve_all = False
        if len(ends) == 1:
            solve_all = not self.put(see_fast(first, self.rules), first)
        kind = ClaimKind.ALIAS if alias else ClaimKind.MESSAGE
        for other in ends[1:]:
            a, b = first.identity.identity_id, other.identity.identity_id
            claim = Claim(a, b, kind, strength, Millis(at), MessageId(name))
            kept = self.claims.get(claim.key)
            self.claims[claim.key] = standing(kept, claim) if kept else claim
            if a == b or solve_all:
                continue
            now = End(self.component[a], first.identity, first.was_proven)
            there = End(self.component[b], other.identity, other.was_proven)
            joined = join_fast(now, there, strength, self.rules)
            solve_all = not self.put(joined, now, there)
            first = End(self.component[a], first.identity, self.rules.is_proven(first.identity))
        self.paths["solved" if solve_all else "fast"] += 1
        if solve_all:
            self.resummarise(self.solution())

    def put(self, component: Component | None, *ends: End) -> bool:
        if component is None:
            return False
        together = set().union(*(self.members[e.identity.identity_id] for e in ends))
        for member in together:
            self.component[member] = component
            self.members[member] = together
        return True

    def solution(self) -> Solution:
        return solve(self.identities.values(), self.claims.values(), [], self.rules)

    def resummarise(self, solution: Solution) -> None:
        for members, claims in components(self.identities, self.claims.values()):
            summary = summarise(
                [self.identities[m] for m in members], claims, [], solution, self.rules
            )
            for member in members:
                self.component[member] = summary
                self.members[member] = set(members)


def check(engine: Engine) -> None:
    solution = engine.solution()
    for identity, component in engine.component.items():
        if component.whole:
            assert solution.profile_of[identity] == component.profile_id
            mine = {i for i, p in solution.profile_of.items() if p == component.profile_id}
            assert mine == engine.members[identity]
            assert len(mine) == component.size
            held = Counter(engine.identities[m].namespace for m in mine)
            assert component.counts == dict(held)
            proven = any(engine.rules.is_proven(engine.identities[m]) for m in mine)
            assert component.proven == proven
            assert not mine & solution.quarantined.keys()
    for refusal in solution.refused.values():
        assert not engine.component[refusal.claim.a].whole
        assert not engine.component[refusal.claim.b].whole


def run(engine: Engine, dice: random.Random, *, values: int, messages: int) -> None:
    namespaces = ["user_id", "email", "phone", "loyalty", "device_id", "anonymous_id"]
    for number in range(messages):
        alias = dice.random() < 0.1
        if alias:
            refs = [
                ("user_id", f"v{dice.randrange(values)}"),
                (dice.choice(["user_id", "anonymous_id"]), f"v{dice.randrange(values)}"),
            ]
            if refs[0] == refs[1]:
                continue
        else:
            chosen = sorted(
                dice.sample(namespaces, dice.randint(1, 3)),
                key=lambda n: (engine.rules.rank(n), n),
            )
            refs = [(n, f"v{dice.randrange(values)}") for n in chosen]
        strength = dice.choice(list(Strength))
        engine.take(refs, dice.randrange(50), strength, alias, f"m{number}")
        check(engine)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("rules", [TIGHT, DEFAULT_RULES, FREE], ids=["tight", "default", "free"])
def test_the_fast_path_agrees_with_the_solver_after_every_message(
    rules: IdentityRules, seed: int
) -> None:
    dice = random.Random(seed)
    for values in (4, 12):
        engine = Engine(Rulebook(rules))
        run(engine, dice, values=values, messages=40)
        assert engine.paths["fast"] > 4


def test_in_an_ordinary_shop_hardly_anything_needs_solving() -> None:
    dice = random.Random(7)
    engine = Engine(Rulebook(DEFAULT_RULES))
    for number in range(600):
        person = dice.randrange(60)
        browser = ("anonymous_id", f"a{person}-{dice.randrange(2)}")
        user, mail = ("user_id", f"u{person}"), ("email", f"e{person}")
        refs, strength = dice.choice(
            [
                ([browser], Strength.WEAK),
                ([user, browser], Strength.WEAK),
                ([user, mail, browser], Strength.WEAK),
                ([user], Strength.STRONG),
                ([user, mail], Strength.STRONG),
            ]
        )
        engine.take(refs, number, strength, False, f"m{number}")
    check(engine)
    assert len(engine.solution().clusters()) <= 60 * 2
    assert engine.paths["solved"] < 0.1 * engine.paths["fast"]


@pytest.mark.parametrize("seed", range(10))
def test_messages_in_any_order_give_the_same_people_by_the_fast_path(seed: int) -> None:
    dice = random.Random(100 + seed)
    messages = [
        (
            [("user_id", f"u{dice.randrange(4)}"), (other, f"v{dice.randrange(4)}")],
            dice.randrange(20),
            dice.choice(list(Strength)),
            other != "email" and dice.random() < 0.2,
            f"m{number}",
        )
        for number in range(25)
        for other in [dice.choice(["email", "anonymous_id", "device_id"])]
    ]
    results = []
    for _ in range(8):
        engine = Engine(Rulebook(DEFAULT_RULES))
        for each in messages:
            engine.take(*each)
        check(engine)
        ref = {i: (e.namespace, e.value) for i, e in engine.identities.items()}
        results.append(
            {
                ref[IdentityId(p)]: {ref[m] for m in members}
                for p, members in engine.solution().clusters().items()
            }
        )
        dice.shuffle(messages)
    assert all(result == results[0] for result in results)


# -- the smallest example of each condition -----------------------------------------------------

RULES = Rulebook(DEFAULT_RULES)


def fresh(number: int, namespace: str, *, verified: bool = False) -> End:
    identity = Identity(IdentityId(number), namespace, f"v{number}", Millis(number), verified)
    return new_end(identity, RULES)


def test_two_proven_strangers_are_not_joined_by_a_weak_claim_without_solving() -> None:
    user, mail = fresh(1, "user_id", verified=True), fresh(2, "email", verified=True)
    assert join_fast(user, mail, Strength.WEAK, RULES) is None
    joined = join_fast(user, mail, Strength.STRONG, RULES)
    assert joined is not None
    assert (joined.size, joined.proven, joined.profile_id) == (2, True, 1)


def test_a_strong_claim_between_two_proven_components_is_not_enough() -> None:
    """The strong claim may hold between ends that only weak claims tie to the proven ones.

    Then the weak claims are believed after it, and the second of them is refused: two profiles.
    """
    user, browser = fresh(1, "user_id", verified=True), fresh(2, "anonymous_id", verified=True)
    mail, device = fresh(3, "email", verified=True), fresh(4, "device_id", verified=True)
    one = join_fast(user, browser, Strength.WEAK, RULES)
    two = join_fast(mail, device, Strength.WEAK, RULES)
    assert one is not None
    assert two is not None
    left, right = End(one, browser.identity, False), End(two, device.identity, False)
    assert join_fast(left, right, Strength.STRONG, RULES) is None
    claims = [
        Claim(IdentityId(a), IdentityId(b), ClaimKind.MESSAGE, strength, Millis(0), MessageId(""))
        for a, b, strength in (
            (1, 2, Strength.WEAK),
            (3, 4, Strength.WEAK),
            (2, 4, Strength.STRONG),
        )
    ]
    ends = (user, browser, mail, device)
    assert len(solve([e.identity for e in ends], claims, [], RULES).clusters()) == 2


def test_a_second_user_id_needs_solving() -> None:
    one = join_fast(fresh(1, "user_id"), fresh(2, "anonymous_id"), Strength.WEAK, RULES)
    assert one is not None
    browser = End(one, fresh(2, "anonymous_id").identity, False)
    assert join_fast(fresh(3, "user_id"), browser, Strength.WEAK, RULES) is None


def test_becoming_proven_beside_another_needs_solving() -> None:
    one = join_fast(fresh(1, "user_id", verified=True), fresh(2, "email"), Strength.WEAK, RULES)
    assert one is not None
    now = Identity(IdentityId(2), "email", "v2", Millis(0), True)
    assert see_fast(End(one, now, False), RULES) is None
    older = see_fast(End(one, fresh(2, "email").identity, False), RULES)
    assert older is one


def test_being_seen_earlier_can_change_the_profile_id() -> None:
    one = join_fast(fresh(5, "user_id"), fresh(6, "anonymous_id"), Strength.WEAK, RULES)
    assert one is not None
    assert one.profile_id == 5
    earlier = Identity(IdentityId(6), "anonymous_id", "v6", Millis(1))
    seen = see_fast(End(one, earlier, False), RULES)
    assert seen is not None
    assert seen.profile_id == 6


def test_blocked_identities_and_what_was_decided_by_hand_are_never_whole() -> None:
    nobody = Identity(IdentityId(1), "user_id", "null", Millis(0))
    assert not single(nobody, RULES).whole
    assert see_fast(new_end(nobody, RULES), RULES) is None
    user, mail = fresh(1, "user_id").identity, fresh(2, "email").identity
    join = Claim(
        IdentityId(1), IdentityId(2), ClaimKind.JOIN, Strength.STRONG, Millis(0), MessageId("")
    )
    solution = solve([user, mail], [join], [], RULES)
    assert not summarise([user, mail], [join], [], solution, RULES).whole
    told = Claim(
        IdentityId(1), IdentityId(2), ClaimKind.MESSAGE, Strength.STRONG, Millis(0), MessageId("")
    )
    solution = solve([user, mail], [told], [], RULES)
    assert summarise([user, mail], [told], [], solution, RULES).whole
    apart = [Separation(IdentityId(1), IdentityId(2))]
    assert not summarise([user, mail], [told], apart, solution, RULES).whole


def test_becoming_attested_by_a_weak_message_beside_a_proven_one_needs_solving() -> None:
    """A strong source knew it already, but only as a former id: now it counts."""
    user = fresh(1, "user_id", verified=True)
    phantom = Identity(IdentityId(2), "email", "p", Millis(0), verified=True, attested=False)
    browser = fresh(3, "anonymous_id")
    attested = Identity(IdentityId(2), "email", "p", Millis(0), verified=True)
    one = join_fast(user, new_end(phantom, RULES), Strength.WEAK, RULES)
    assert one is not None
    now = End(one, attested, False)
    assert join_fast(now, browser, Strength.WEAK, RULES) is None
    two = join_fast(End(one, user.identity, True), browser, Strength.WEAK, RULES)
    assert two is not None
    inside = End(two, browser.identity, False)
    assert join_fast(End(two, attested, False), inside, Strength.WEAK, RULES) is None
    claims = [
        Claim(IdentityId(1), IdentityId(b), ClaimKind.MESSAGE, Strength.WEAK, Millis(0))
        for b in (2, 3)
    ]
    members = [user.identity, attested, browser.identity]
    assert len(solve(members, claims, [], RULES).clusters()) == 2


def test_a_strong_claim_inside_a_component_can_split_it() -> None:
    """The browser was tied to both by weak claims; now a server ties it to one of them."""
    user, browser, mail = (
        fresh(1, "user_id", verified=True),
        fresh(2, "anonymous_id"),
        fresh(3, "email"),
    )
    one = join_fast(user, browser, Strength.WEAK, RULES)
    assert one is not None
    one = join_fast(End(one, user.identity, True), mail, Strength.WEAK, RULES)
    assert one is not None
    now = Identity(IdentityId(3), "email", "v3", Millis(3), verified=True)
    left, right = End(one, now, False), End(one, browser.identity, False)
    assert join_fast(left, right, Strength.STRONG, RULES) is None
    claims = [
        Claim(IdentityId(1), IdentityId(2), ClaimKind.MESSAGE, Strength.WEAK, Millis(0)),
        Claim(IdentityId(1), IdentityId(3), ClaimKind.MESSAGE, Strength.WEAK, Millis(0)),
        Claim(IdentityId(3), IdentityId(2), ClaimKind.MESSAGE, Strength.STRONG, Millis(0)),
    ]
    members = [user.identity, browser.identity, now]
    assert len(solve(members, claims, [], RULES).clusters()) == 2
