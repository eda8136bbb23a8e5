"""Ready definitions: everybody has one lifecycle stage, and fifths are fifths."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tekil.kit.clock import DAY_MS, FixedClock
from tekil.kit.json import JsonValue
from tekil.segments.evaluate import Evaluator
from tekil.segments.matches import Happening, Known, matches
from tekil.segments.parse import parse
from tekil.segments.program import compile_program
from tekil.segments.ready import lifecycle
from tekil.segments.service import SegmentService
from tekil.store.warehouse import Warehouse
from tests.segments.histories import Event, World, write_world
from tests.segments.strategies import NOW


@settings(suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(0, 400 * DAY_MS), min_size=1, max_size=6))
def test_every_buyer_is_in_one_stage(ages: list[int]) -> None:
    events = [
        Happening(NOW - age, "track", "Order Completed", str(n), {}) for n, age in enumerate(ages)
    ]
    who = Known(1, events, {})
    stages = [
        one.name
        for one in lifecycle("Order Completed")
        if matches(parse(one.definition).condition, who, NOW)
    ]
    assert len(stages) == 1, (stages, ages)


def test_rfm_parts_the_buyers_into_fifths(history: Warehouse) -> None:
    people = range(1, 51)
    world = World(
        events=[
            Event(i, NOW - (i * 6 + n) * 3_600_000, name="Order Completed", revenue=Decimal(i))
            for i in people
            for n in range(i % 5 + 1)
        ],
        profile_of={i: i for i in range(1, 61)},
    )
    write_world(history, world, NOW)
    evaluator = Evaluator(history)
    service = SegmentService(None, evaluator, None, FixedClock(NOW), None)  # type: ignore[arg-type]
    found = service.ready_rfm("Order Completed", "revenue", "365d")
    conditions = {one.name: parse(one.definition).condition for one in found}
    outcome = evaluator.everybody(compile_program(conditions), NOW)
    sizes: dict[str, list[int]] = {}
    for name in conditions:
        measure = name.split("_")[1]
        sizes.setdefault(measure, []).append(len(outcome.members(name)))
    for measure in ("recency", "frequency", "monetary"):
        assert len(sizes[measure]) == 5
        assert sum(sizes[measure]) == len(people), sizes
        assert all(8 <= size <= 12 for size in sizes[measure]), sizes


def test_rfm_of_nobody_is_nothing(history: Warehouse) -> None:
    evaluator = Evaluator(history)
    service = SegmentService(None, evaluator, None, FixedClock(NOW), None)  # type: ignore[arg-type]
    empty: list[JsonValue] = []
    assert list(service.ready_rfm("Order Completed", "revenue", "365d")) == empty
