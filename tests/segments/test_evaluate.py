"""Full evaluation = evaluation of chosen people = the plain judgement, on random everything."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tekil.kit.clock import DAY_MS, Millis
from tekil.kit.json import JsonValue, encode_text
from tekil.segments.evaluate import Evaluator, Outcome
from tekil.segments.matches import matches
from tekil.segments.model import Computed, Condition
from tekil.segments.parse import parse, parse_computed
from tekil.segments.program import compile_program
from tekil.store.warehouse import Warehouse
from tests.segments.histories import World, write_mapping, write_world
from tests.segments.strategies import LATER, NOW, catalogs, clusters, definitions, restless, worlds

EXAMPLES = 30
CONDITIONS = 20
DUE_EXAMPLES = 40
SOON = (1, 59_999, 3_600_000, 12 * 3_600_000, DAY_MS, 3 * DAY_MS, 8 * DAY_MS, 40 * DAY_MS)


def judged(world: World, conditions: dict[str, Condition], now: int) -> dict[str, set[int]]:
    """Who is in which segment by the plain judgement."""
    people = {profile: world.known(profile) for profile in world.profiles}
    return {
        name: {who for who, known in people.items() if matches(condition, known, now, conditions)}
        for name, condition in conditions.items()
    }


def members(outcome: Outcome) -> dict[str, set[int]]:
    """Who is in which segment by the warehouse."""
    return {name: set(outcome.members(name)) for name in outcome.program.roots}


def check(
    warehouse: Warehouse,
    world: World,
    said: list[dict[str, JsonValue]],
    computed: dict[str, Computed],
    now: Millis,
) -> None:
    """Compare the three ways for everybody in a world."""
    conditions = {
        f"s{i}": parse(definition, computed).condition for i, definition in enumerate(said)
    }
    program = compile_program(conditions)
    evaluator = Evaluator(warehouse, world.bitmaps())
    expected = judged(world, conditions, now)
    full = members(evaluator.everybody(program, now))
    some = world.profiles[::2]
    live = members(evaluator.chosen(program, world.chosen(some), now))
    for number, definition in enumerate(said):
        name = f"s{number}"
        assert full[name] == expected[name], encode_text(definition)
        assert live[name] == expected[name] & set(some), encode_text(definition)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
@given(
    world=worlds(),
    said=st.lists(definitions, min_size=CONDITIONS, max_size=CONDITIONS),
    catalog=catalogs,
    merged=clusters,
    later=st.sampled_from(LATER),
    seed=st.integers(0, 1000),
)
def test_three_ways_agree(
    history: Warehouse,
    world: World,
    said: list[dict[str, JsonValue]],
    catalog: dict[str, dict[str, JsonValue]],
    merged: dict[int, int],
    later: int,
    seed: int,
) -> None:
    write_world(history, world, NOW, seed)
    computed = {name: parse_computed(definition) for name, definition in catalog.items()}
    check(history, world, said, computed, NOW)
    world.profile_of = merged
    write_mapping(history, merged, version=2)
    check(history, world, said, computed, Millis(NOW + later))


@settings(
    max_examples=DUE_EXAMPLES,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
@given(
    world=worlds(),
    said=st.lists(st.one_of(restless, restless, definitions), min_size=4, max_size=4),
    catalog=catalogs,
)
def test_nothing_changes_before_it_is_due(
    history: Warehouse,
    world: World,
    said: list[dict[str, JsonValue]],
    catalog: dict[str, dict[str, JsonValue]],
) -> None:
    computed = {name: parse_computed(definition) for name, definition in catalog.items()}
    write_world(history, world, NOW)
    evaluator = Evaluator(history, world.bitmaps())
    people = {who: world.known(who) for who in world.profiles}
    for one in said:  # each alone: the first of many would hide the others
        condition = parse(one, computed).condition
        outcome = evaluator.everybody(compile_program({"s": condition}), NOW)
        for who, due in zip(outcome.subjects.tolist(), outcome.due.tolist(), strict=True):
            assert due > NOW
            before = matches(condition, people[who], NOW)
            for at in {*(NOW + soon for soon in SOON), min(due, NOW + 99 * DAY_MS) - 1}:
                if at < due:
                    holds = matches(condition, people[who], at)
                    assert holds == before, (who, at, due, encode_text(one))
