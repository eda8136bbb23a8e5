"""The rulebook, and which of two claims stands."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tekil.identity.model import Claim, ClaimKind, Identity, IdentityRules, Namespace, Strength
from tekil.identity.namespaces import DEFAULT_RULES, PLACEHOLDERS
from tekil.identity.rules import Rulebook, bare, quarantine_of, standing
from tekil.kit.clock import Millis
from tekil.kit.ids import IdentityId, MessageId, SourceId

RULES = Rulebook(DEFAULT_RULES)


@pytest.mark.parametrize("placeholder", PLACEHOLDERS)
def test_every_placeholder_is_blocked_in_any_dress(placeholder: str) -> None:
    dresses = [placeholder, placeholder.upper(), f" {placeholder} ", f'"{placeholder}"']
    for namespace in (*DEFAULT_RULES.namespaces, "never_seen"):
        for value in [*dresses, f"'{placeholder}'", f"`{placeholder}`"]:
            assert RULES.is_blocked(namespace, value)


@pytest.mark.parametrize("value", ["", " ", '""', "000", "0-0", "--", "00000000-0000"])
def test_blank_zeros_and_dashes_are_blocked(value: str) -> None:
    assert RULES.is_blocked("user_id", value)


@pytest.mark.parametrize("value", ["42", "u0", "10", "-2", "testing", "nullify", '"', "O'Neil"])
def test_real_ids_are_not_blocked(value: str) -> None:
    assert not RULES.is_blocked("user_id", value)
    assert not RULES.is_blocked("user_id", value)


def test_patterns_see_upper_and_lower_case_and_no_quotes() -> None:
    space = Namespace(rank=1, blocked=("Secret",), blocked_patterns=("^TEST-", "(?i)^qa[0-9]+$"))
    rules = Rulebook(IdentityRules({"user_id": space}, space))
    blocked = ["TEST-1", "'TEST-1'", "qa7", "QA7", "SECRET", ""]
    assert [value for value in blocked if not rules.is_blocked("user_id", value)] == []
    assert not any(rules.is_blocked("user_id", value) for value in ("test-1", "qa", "null"))


def test_one_layer_of_quotes_is_taken_off_and_only_if_they_match() -> None:
    assert bare("\"'x'\"") == "'x'"
    assert bare("\"x'") == "\"x'"


def test_an_unseen_namespace_has_the_default_rules() -> None:
    assert RULES.of("braze_id") is DEFAULT_RULES.default
    assert RULES.rank("braze_id") == 10


def test_ranks_of_the_defaults() -> None:
    order = ["user_id", "email", "phone", "braze_id", "device_id", "advertising_id", "anonymous_id"]
    assert sorted(order, key=RULES.rank) == order


def test_the_cap_covers_the_limit_and_everybody_who_could_become_shared() -> None:
    assert RULES.cap("user_id") == 1
    assert RULES.cap("email") == 4, "5 are allowed, but a browser joined to 5 is shared"
    assert RULES.cap("anonymous_id") is None, "nothing ranks below it"


def test_proven_is_a_person_seen_by_a_strong_source() -> None:
    def proven(namespace: str, verified: bool, attested: bool) -> bool:
        return RULES.is_proven(
            Identity(IdentityId(1), namespace, "x", Millis(0), verified, attested)
        )

    assert proven("user_id", True, True)
    assert not proven("user_id", False, True)
    assert not proven("user_id", True, False)
    assert not proven("anonymous_id", True, True)


# -- standing -----------------------------------------------------------------------------------

claims = st.builds(
    Claim,
    st.just(IdentityId(1)),
    st.just(IdentityId(2)),
    st.just(ClaimKind.MESSAGE),
    st.just(Strength.WEAK),
    st.integers(0, 3).map(Millis),
    st.sampled_from(["m1", "m2"]).map(MessageId),
    st.integers(1, 2).map(SourceId),
)


@given(st.lists(claims, min_size=1, max_size=4))
def test_the_claim_that_stands_does_not_depend_on_the_order(given_claims: list[Claim]) -> None:
    results = set()
    for order in itertools.permutations(given_claims):
        kept = order[0]
        for claim in order[1:]:
            kept = standing(kept, claim)
        results.add(kept)
    assert len(results) == 1
    (kept,) = results
    assert kept.event_time == min(c.event_time for c in given_claims)
    assert standing(kept, kept) == kept


def test_of_joins_by_hand_the_last_stands() -> None:
    early, late = (
        Claim(
            IdentityId(1), IdentityId(2), ClaimKind.JOIN, Strength.STRONG, Millis(t), MessageId("")
        )
        for t in (1, 2)
    )
    assert standing(early, late) is late
    assert standing(late, early) is late


def test_a_claim_has_no_direction() -> None:
    ends = (IdentityId(3), IdentityId(8))
    one = Claim(*ends, ClaimKind.ALIAS, Strength.WEAK, Millis(0))
    other = Claim(*ends[::-1], ClaimKind.ALIAS, Strength.WEAK, Millis(0))
    assert one.key == other.key == (3, 8, ClaimKind.ALIAS, Strength.WEAK)


# -- quarantine ---------------------------------------------------------------------------------


def neighbours(namespace: str, count: int, strength: Strength) -> list[tuple[Identity, Strength]]:
    return [
        (Identity(IdentityId(n), namespace, f"v{n}", Millis(0)), strength) for n in range(count)
    ]


def test_shared_begins_above_the_bound_and_counts_one_namespace() -> None:
    browser = Identity(IdentityId(99), "anonymous_id", "x", Millis(0))
    strong, weak = Strength.STRONG, Strength.WEAK
    assert quarantine_of(browser, neighbours("user_id", 4, strong), RULES) is None
    four_of_each = neighbours("user_id", 4, strong) + neighbours("email", 4, strong)
    assert quarantine_of(browser, four_of_each, RULES) is None
    four_and_four = neighbours("user_id", 4, strong) + neighbours("user_id", 8, weak)[4:]
    assert quarantine_of(browser, four_and_four, RULES) is None
    by_weak = neighbours("user_id", 1, strong) + neighbours("user_id", 5, weak)
    verdict = quarantine_of(browser, by_weak, RULES)
    assert verdict is not None
    assert (verdict.strength, verdict.count, verdict.limit) == (weak, 5, 4)
    both = neighbours("email", 6, strong) + neighbours("user_id", 5, strong)
    verdict = quarantine_of(browser, both, RULES)
    assert verdict is not None
    assert (verdict.strength, verdict.namespace, verdict.count) == (strong, "user_id", 5)


def test_only_higher_ranks_count_and_the_same_value_once() -> None:
    mail = Identity(IdentityId(99), "email", "x", Millis(0))
    assert quarantine_of(mail, neighbours("anonymous_id", 50, Strength.STRONG), RULES) is None
    assert quarantine_of(mail, neighbours("email", 50, Strength.STRONG), RULES) is None
    assert quarantine_of(mail, neighbours("user_id", 1, Strength.STRONG) * 9, RULES) is None
    user = Identity(IdentityId(99), "user_id", "x", Millis(0))
    assert quarantine_of(user, neighbours("email", 50, Strength.STRONG), RULES) is None
    assert Namespace(rank=1).shared_after is None
