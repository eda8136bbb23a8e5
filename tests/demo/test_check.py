from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from tekil.demo.check import Score, Stored, check_shop, pairwise
from tekil.demo.shop.show import check_table
from tekil.demo.shop.truth import Truth

KEYS = st.sampled_from([f"k{n}" for n in range(12)])
PARTITION = st.dictionaries(KEYS, st.integers(0, 4))


def by_looking_at_every_pair(truth: dict[str, int], found: dict[str, int]) -> Score:
    right = together = true = 0
    for a, b in combinations(truth, 2):
        same_person = truth[a] == truth[b]
        same_group = a in found and b in found and found[a] == found[b]
        right += same_person and same_group
        together += same_group
        true += same_person
    return Score(right, together, true)


@given(PARTITION, PARTITION)
def test_counting_cells_equals_looking_at_every_pair(
    truth: dict[str, int], found: dict[str, int]
) -> None:
    assert pairwise(truth, found) == by_looking_at_every_pair(truth, found)


@given(PARTITION)
def test_the_truth_is_without_fault(truth: dict[str, int]) -> None:
    score = pairwise(truth, truth)
    assert (score.precision, score.recall) == (1.0, 1.0)


@given(PARTITION)
def test_names_of_groups_do_not_matter(truth: dict[str, int]) -> None:
    renamed = {key: f"profile {person}" for key, person in truth.items()}
    assert pairwise(truth, renamed) == pairwise(truth, truth)


def test_everybody_in_one_group_has_full_recall_and_little_precision() -> None:
    score = pairwise({"a": 1, "b": 1, "c": 2, "d": 3}, dict.fromkeys("abcd", 0))
    assert (score.precision, score.recall) == (1 / 6, 1.0)


def test_everybody_alone_has_full_precision_and_no_recall() -> None:
    score = pairwise({"a": 1, "b": 1}, {"a": 1, "b": 2})
    assert (score.precision, score.recall) == (1.0, 0.0)


def small_truth() -> Truth:
    truth = Truth(messages=10, duplicates=2, offline_orders=1, orders=3)
    truth.meet(1, user_id="C1", email="a@lale.example")
    truth.meet(2, user_id="C2", email="b@lale.example")
    truth.meet(1, anonymous_id="family")
    truth.meet(2, anonymous_id="family")
    truth.revenue["TRY"] = 129_905
    return truth


FOUND = [
    ("user_id", "C1", 1),
    ("email", "a@lale.example", 1),
    ("user_id", "C2", 2),
    ("email", "b@lale.example", 2),
    ("anonymous_id", "family", 1),
]
STORED = Stored(events=11, duplicates=2, orders=3, revenue={"TRY": 129_905})


def failed(found: list[tuple[str, str, int]], stored: Stored) -> set[str]:
    report = check_shop(small_truth(), found, stored)
    assert report.ok == all(line.ok for line in report.lines)
    return {line.name for line in report.lines if not line.ok}


def test_a_right_answer_passes_and_a_shared_device_does_not_count() -> None:
    assert failed(FOUND, STORED) == set()
    elsewhere = [*FOUND[:4], ("anonymous_id", "family", 99)]
    assert failed(elsewhere, STORED) == set()


def test_each_figure_fails_for_its_own_reason() -> None:
    merged = [(namespace, value, 1) for namespace, value, _ in FOUND]
    assert failed(merged, STORED) == {"pairwise precision", "profiles of true people"}
    apart = [(namespace, value, n) for n, (namespace, value, _) in enumerate(FOUND)]
    assert failed(apart, STORED) == {"pairwise recall"}
    assert failed(FOUND[:3] + FOUND[4:], STORED) == {"pairwise recall", "identities missing"}
    assert failed(FOUND, Stored(12, 2, 3, {"TRY": 129_905})) == {"events stored"}
    assert failed(FOUND, Stored(11, 3, 3, {"TRY": 129_905})) == {"duplicates dropped"}
    assert failed(FOUND, Stored(11, 2, 2, {"TRY": 129_905})) == {"orders"}
    assert failed(FOUND, Stored(11, 2, 3, {"TRY": 129_904})) == {"revenue TRY"}
    assert failed(FOUND, Stored(11, 2, 3, {"TRY": 129_905, "USD": 1})) == {"revenue USD"}
    assert failed(FOUND, Stored(11, 2, 3, {})) == {"revenue TRY"}


def test_unreadable_lines_are_counted_as_rejects_when_they_are_told() -> None:
    assert failed(FOUND, Stored(11, 2, 3, {"TRY": 129_905}, rejects=1)) == {"unreadable lines"}
    assert failed(FOUND, Stored(11, 2, 3, {"TRY": 129_905}, rejects=0)) == set()


def test_a_year_told_twice_has_more_duplicates() -> None:
    truth = small_truth()
    truth.attempts = 2
    for duplicates, right in ((1, False), (2, True), (9, True)):
        stored = Stored(11, duplicates, 3, {"TRY": 129_905})
        assert check_shop(truth, FOUND, stored).ok == right


def test_the_report_names_profiles_that_hold_two_people() -> None:
    merged = [(namespace, value, 5) for namespace, value, _ in FOUND]
    ((profile, keys),) = check_shop(small_truth(), merged, STORED).wrong
    assert profile == 5
    assert "user_id:C2 (person 2)" in keys
    assert not any("family" in key for key in keys)


def test_the_table_has_a_row_for_each_figure() -> None:
    report = check_shop(small_truth(), FOUND, STORED)
    assert check_table(report).row_count == len(report.lines)
