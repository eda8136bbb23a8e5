"""Counting everybody anew gives what the solver gives, and the difference is exact."""

from __future__ import annotations

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.identity.worlds import FREE, TIGHT
from tests.identity_live.stream import Evidence, Live, Told, check, decisions, histories

from tekil.identity.census import Census, Outcome
from tekil.identity.diff import rules_diff
from tekil.identity.model import IdentityRules, Solution
from tekil.identity.namespaces import DEFAULT_RULES
from tekil.identity.rules import Rulebook
from tekil.store.state import SqlStore

SHARED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
RULES = st.sampled_from([TIGHT, FREE, DEFAULT_RULES])


def attested(evidence: Evidence, solution: Solution) -> Solution:
    seen = {each.identity_id for each in evidence.identities.values() if each.attested}
    profiles = {i: p for i, p in solution.profile_of.items() if i in seen}
    return Solution(profiles, {}, solution.quarantined)


def apply(live: Live, rules: IdentityRules, chunk: int, *, write: bool) -> Outcome:
    with live.store.write() if write else live.store.read() as connection:
        outcome = Census(live.identity, connection, Rulebook(rules), chunk).take(write=write)
    if write:
        live.graph.reset(live.graph.next_id, Rulebook(rules))
        live._note(outcome.changes())
    return outcome


@settings(max_examples=50, deadline=None, suppress_health_check=SHARED)
@given(
    told=histories(), more=histories(most=8), old=RULES, new=RULES,
    dice=st.randoms(use_true_random=False), data=st.data(),
)  # fmt: skip
def test_new_rules_apply_to_the_past_as_if_they_had_always_been(
    told: list[Told],
    more: list[Told],
    old: IdentityRules,
    new: IdentityRules,
    dice: random.Random,
    data: st.DataObject,
    state_store: SqlStore,
) -> None:
    history = told + data.draw(decisions(told))
    evidence = Evidence()
    for each in history:
        evidence.take(each)
    live = Live(state_store, old)
    live.run(history, range(0, len(history), 4))
    chunk = dice.choice((1, 3, 1000))
    announced = apply(live, new, chunk, write=False)
    check(live, evidence, old)
    done = apply(live, new, chunk, write=True)
    check(live, evidence, new)
    assert announced.diff == done.diff
    assert announced.moved == done.moved
    with state_store.read() as connection:
        again = Census(live.identity, connection, Rulebook(new), chunk).take(write=False)
    assert not again.moved, "the second time there is nothing left to do"
    expected = rules_diff(
        attested(evidence, evidence.solution(Rulebook(old))),
        attested(evidence, evidence.solution(Rulebook(new))),
    )
    figures = ("profiles_before", "profiles_after", "identities_moved", "merged", "split",
               "quarantined", "released")  # fmt: skip
    assert {f: getattr(done.diff, f) for f in figures} == {f: getattr(expected, f) for f in figures}
    for place in range(0, len(more), 3):
        for each in more[place : place + 3]:
            evidence.take(each)
        live.batch(more[place : place + 3])
    check(live, evidence, new)
