"""The live graph gives the same people as solving all the evidence at once, however it comes."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.identity.worlds import TIGHT
from tests.identity_live.stream import (
    Evidence,
    Live,
    Told,
    check,
    crowds,
    decisions,
    histories,
    message,
)

from tekil.identity.model import IdentityRules
from tekil.identity.namespaces import DEFAULT_RULES
from tekil.kit.clock import Millis
from tekil.kit.ids import MessageId
from tekil.store.state import SqlStore

SHARED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def cuts_of(told: list[Told], dice: random.Random) -> list[int]:
    return [place for place in range(len(told)) if dice.random() < 0.4]


@settings(max_examples=80, deadline=None, suppress_health_check=SHARED)
@given(told=histories(), dice=st.randoms(use_true_random=False), data=st.data())
def test_any_order_and_any_cuts_give_the_people_that_the_solver_finds(
    told: list[Told], dice: random.Random, data: st.DataObject, state_store: SqlStore
) -> None:
    by_hand = data.draw(decisions(told))
    shuffled = list(told)
    dice.shuffle(shuffled)
    history = shuffled + by_hand
    evidence = Evidence()
    for each in history:
        evidence.take(each)
    live = Live(state_store, TIGHT, cached=dice.choice((0, 2, 1000)))
    live.run(history, cuts_of(history, dice))
    check(live, evidence, TIGHT)


@settings(max_examples=40, deadline=None, suppress_health_check=SHARED)
@given(told=histories(most=40, values="ab"), dice=st.randoms(use_true_random=False))
def test_the_state_is_right_after_every_batch_and_not_only_at_the_end(
    told: list[Told], dice: random.Random, state_store: SqlStore
) -> None:
    evidence = Evidence()
    live = Live(state_store, TIGHT, cached=2)
    for place in range(0, len(told), 5):
        part = told[place : place + 5]
        for each in part:
            evidence.take(each)
        live.batch(part)
        check(live, evidence, TIGHT)


@settings(max_examples=60, deadline=None, suppress_health_check=SHARED)
@given(told=histories(), data=st.data(), dice=st.randoms(use_true_random=False))
def test_a_decision_may_come_at_any_moment(
    told: list[Told], data: st.DataObject, dice: random.Random, state_store: SqlStore
) -> None:
    by_hand = data.draw(decisions(told))
    history: list[Told] = list(told)
    for each in by_hand:
        named = [n for n, m in enumerate(history) if not m.hand and set(m.refs) & set(each.refs)]
        history.insert(dice.randint(max(named) + 1, len(history)), each)
    evidence = Evidence()
    for each in history:
        evidence.take(each)
    live = Live(state_store, TIGHT, cached=2)
    live.run(history, cuts_of(history, dice))
    check(live, evidence, TIGHT)


@settings(max_examples=80, deadline=None, suppress_health_check=SHARED)
@given(told=crowds(), data=st.data(), dice=st.randoms(use_true_random=False))
def test_crowds_around_mailboxes_and_devices(
    told: list[Told], data: st.DataObject, dice: random.Random, state_store: SqlStore
) -> None:
    history = told + data.draw(decisions(told))
    evidence = Evidence()
    for each in history:
        evidence.take(each)
    live = Live(state_store, TIGHT, cached=dice.choice((0, 1000)))
    live.run(history, range(len(history)))
    check(live, evidence, TIGHT)


def play(store: SqlStore, told: list[Told], rules: IdentityRules = TIGHT) -> Live:
    """Work a history one message at a time and check the state after each."""
    evidence = Evidence()
    live = Live(store, rules, cached=0)
    for each in told:
        evidence.take(each)
        live.decide(each) if each.hand else live.batch([each])
        check(live, evidence, rules)
    return live


def seen(number: int, *names: str, strong: bool, former: str | None = None) -> Told:
    """A message that names ``namespace:value``, the highest-ranked first."""
    refs = [(each.partition(":")[0], each.partition(":")[2]) for each in names]
    old = (former.partition(":")[0], former.partition(":")[2]) if former else None
    return message(number, refs, number, strong=strong, former=old)


def test_what_is_shared_for_weak_claims_becomes_shared_for_all(state_store: SqlStore) -> None:
    told = [seen(n, f"user_id:w{n}", "email:info", strong=False) for n in range(4)]
    told += [seen(9 + n, f"user_id:s{n}", "email:info", strong=True) for n in range(4)]
    live = play(state_store, told)
    assert live.shared() == {("email", "info"): "strong"}


def test_claims_that_another_verdict_refuses_count_all_the_same(state_store: SqlStore) -> None:
    """Three e-mails, two of them shared themselves, make a device shared for strong claims."""
    told = [
        seen(10 * k + n, f"user_id:{k}{n}", f"email:m{k}", strong=True)
        for k in range(3)
        for n in range(3)
    ]
    told += [seen(50 + n, f"user_id:w{n}", "anonymous_id:x", strong=False) for n in range(3)]
    told += [seen(60 + k, f"email:m{k}", "anonymous_id:x", strong=True) for k in range(3)]
    live = play(state_store, told)
    assert live.shared()["anonymous_id", "x"] == "strong"


def test_a_claim_between_two_shared_identities_is_stored_as_refused(
    state_store: SqlStore,
) -> None:
    told = [seen(n, f"user_id:{n}", "email:m", strong=True) for n in range(3)]
    told += [seen(9 + n, f"user_id:{n}", "anonymous_id:x", strong=True) for n in range(3)]
    told += [seen(20, "email:m", "anonymous_id:x", strong=True)]
    live = play(state_store, told)
    ends = frozenset({("email", "m"), ("anonymous_id", "x")})
    assert (ends, "message", "strong", "quarantined") in live.refused()


def test_somebody_named_by_a_refused_alias_counts_from_when_they_are_seen(
    state_store: SqlStore,
) -> None:
    told = [
        seen(1, "user_id:new", strong=True),
        seen(2, "user_id:new", strong=True, former="user_id:old"),
        Told([("user_id", "new"), ("user_id", "old")], [], Millis(90), True, MessageId("h"),
             hand="separate"),
        seen(3, "user_id:old", strong=False),
    ]  # fmt: skip
    live = play(state_store, told)
    assert live.profiles == 2


def test_a_shared_identity_that_hands_join_belongs_to_that_person(state_store: SqlStore) -> None:
    told = [seen(n, f"user_id:{n}", "email:info", strong=True) for n in range(4)]
    told.append(
        Told([("user_id", "1"), ("email", "info")], [], Millis(90), True, MessageId("h"),
             hand="join")
    )  # fmt: skip
    told.append(seen(5, "user_id:5", "email:info", strong=True))
    live = play(state_store, told)
    assert frozenset({("user_id", "1"), ("email", "info")}) in live.people().values()


def test_a_long_random_history_under_the_default_rules(state_store: SqlStore) -> None:
    seed = 20261122
    dice = random.Random(seed)
    told = []
    for number in range(1500):
        refs = []
        for namespace, most in (("user_id", 60), ("email", 40), ("anonymous_id", 120)):
            if dice.random() < 0.5:
                refs.append((namespace, f"{namespace}{int(dice.paretovariate(0.7)) % most}"))
        if refs:
            strong = dice.random() < 0.3
            told.append(message(number, refs, dice.randint(0, 99), strong=strong, former=None))
    evidence = Evidence()
    for each in told:
        evidence.take(each)
    live = Live(state_store, DEFAULT_RULES, cached=20)
    live.run(told, range(0, len(told), 37))
    check(live, evidence, DEFAULT_RULES)


@pytest.mark.parametrize("backward", [False, True])
def test_quarantine_cuts_a_component_into_parts_with_labels_of_their_own(
    state_store: SqlStore, *, backward: bool
) -> None:
    told = [
        message(n, [("user_id", f"u{n}"), ("anonymous_id", "kiosk")], n, strong=False, former=None)
        for n in range(8)
    ]
    history = told[::-1] if backward else told
    evidence = Evidence()
    live = Live(state_store, DEFAULT_RULES)
    for each in history:
        evidence.take(each)
        live.batch([each])
        check(live, evidence, DEFAULT_RULES)
    assert {row.component for row in live.rows()} == {row.identity_id for row in live.rows()}
