"""What a change of rules would do, counted and shown."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from tests.identity.house import Call, House
from tests.identity.worlds import FREE, TIGHT, random_world

from tekil.identity.diff import Merge, RulesDiff, Split, rules_diff
from tekil.identity.model import Quarantine, Solution, Strength
from tekil.identity.namespaces import DEFAULT_RULES
from tekil.identity.rules import Rulebook
from tekil.identity.solver import components, solve
from tekil.kit.ids import IdentityId, ProfileId


def solution(*groups: list[int], shared: tuple[int, ...] = ()) -> Solution:
    verdict = Quarantine(Strength.STRONG, "user_id", 9, 4)
    return Solution(
        {IdentityId(i): ProfileId(group[0]) for group in groups for i in group},
        {},
        {IdentityId(i): verdict for i in shared},
    )


def test_equal_solutions_have_no_diff() -> None:
    same = solution([1, 2], [3])
    assert rules_diff(same, same) == RulesDiff(profiles_before=2, profiles_after=2)


def test_merges_splits_and_quarantine_are_told_apart() -> None:
    before = solution([1, 2, 3], [4], [5, 6], shared=(4,))
    after = solution([1], [2, 3], [4, 5, 6], shared=(2,))
    assert rules_diff(before, after) == RulesDiff(
        profiles_before=3,
        profiles_after=3,
        identities_moved=4,
        merged=1,
        split=1,
        quarantined=1,
        released=1,
        merges=(Merge((ProfileId(4), ProfileId(5)), ProfileId(4)),),
        splits=(Split(ProfileId(1), (ProfileId(1), ProfileId(2))),),
        newly_quarantined=(IdentityId(2),),
        newly_released=(IdentityId(4),),
    )


def test_samples_are_bounded_and_counts_are_not() -> None:
    before = solution(*([n] for n in range(100)))
    pairs = [[2 * n, 2 * n + 1] for n in range(48)]
    after = solution([96, 97, 98, 99], *pairs)
    diff = rules_diff(before, after, samples=5)
    assert diff.merged == 49
    assert len(diff.merges) == 5
    assert len(diff.merges[0].before) == 4, "the largest first"
    back = rules_diff(after, before, samples=5)
    assert (back.split, len(back.splits), len(back.splits[0].after)) == (49, 5, 4)


def test_different_identities_are_an_error() -> None:
    with pytest.raises(KeyError):
        rules_diff(solution([1]), solution([1, 2]))


@pytest.mark.parametrize("seed", range(10))
def test_the_diff_of_pieces_adds_up_to_the_diff_of_all(seed: int) -> None:
    dice = random.Random(seed)
    tight, free = Rulebook(TIGHT), Rulebook(FREE)
    for _ in range(20):
        world = random_world(dice)
        known = {i.identity_id: i for i in world.identities}

        def both(members: list[IdentityId], claims: object) -> RulesDiff:
            inside = [known[m] for m in members]  # noqa: B023
            before, after = (
                solve(inside, claims, world.separations, book)  # type: ignore[arg-type]  # noqa: B023
                for book in (tight, free)
            )
            return rules_diff(before, after)

        total = RulesDiff()
        for members, claims in components(known, world.claims):
            total = total.plus(both(members, claims))
        assert total == both(list(known), world.claims)


def test_raising_a_limit_shows_who_would_merge() -> None:
    house = House()
    house.take(Call(1, "identify", user="a", traits={"email": "x@example.com"}, server=True))
    house.take(Call(2, "identify", user="b", traits={"email": "x@example.com"}, server=True))
    before = house.solution()
    spaces = dict(DEFAULT_RULES.namespaces)
    spaces["user_id"] = replace(spaces["user_id"], limit=2)
    house.rules = Rulebook(replace(DEFAULT_RULES, namespaces=spaces))
    diff = rules_diff(before, house.solution())
    assert (diff.merged, diff.split, diff.profiles_before, diff.profiles_after) == (1, 0, 2, 1)
