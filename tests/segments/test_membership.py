"""Following: only the touched and the due are judged anew, and that is always enough."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tekil.kit.clock import DAY_MS, Millis
from tekil.kit.json import JsonValue, encode_text
from tekil.segments.evaluate import Evaluator, Outcome
from tekil.segments.matches import matches
from tekil.segments.membership import DueTimes, Live, Memberships
from tekil.segments.parse import parse
from tekil.segments.program import compile_program
from tekil.segments.rules import NEVER
from tekil.store.warehouse import Warehouse
from tests.segments.histories import Event, World, write_mapping, write_world
from tests.segments.strategies import NOW, catalogs, clusters, definitions, event_rows, worlds

ROUNDS = 4
STEPS = (0, 1, 1_800_000, 3_600_000, 13 * 3_600_000, DAY_MS, 6 * DAY_MS, 29 * DAY_MS)
PLAIN = catalogs.map(dict)


class Follower:
    """What the live thread does, without the thread."""

    def __init__(
        self, warehouse: Warehouse, world: World, said: list[dict[str, JsonValue]]
    ) -> None:
        self.evaluator = Evaluator(warehouse, world.bitmaps())
        self.conditions = {f"s{i}": parse(one).condition for i, one in enumerate(said)}
        self.program = compile_program(self.conditions)
        self.live = [Live(i, name, 1, c) for i, (name, c) in enumerate(self.conditions.items())]
        self.memberships = Memberships()
        self.due = DueTimes()

    def begin(self, now: Millis) -> None:
        """Judge everybody."""
        outcome = self.evaluator.everybody(self.program, now)
        for segment in self.live:
            self.memberships.replace(segment.name, outcome.members(segment.name))
        self._note(outcome, now)

    def follow(self, world: World, touched: Iterable[int], now: Millis) -> None:
        """Judge whoever was touched, and whoever is due."""
        some = set(touched) | set(self.due.take(now, 1000))
        outcome = self.evaluator.chosen(self.program, world.chosen(some), now)
        self.memberships.apply(self.memberships.compare(outcome, self.live))
        self._note(outcome, now)

    def _note(self, outcome: Outcome, now: Millis) -> None:
        self.due.set(outcome.subjects, np.maximum(outcome.due, now + 1))


@settings(max_examples=25, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
@given(
    world=worlds(),
    said=st.lists(definitions, min_size=8, max_size=8),
    rounds=st.lists(
        st.tuples(st.sampled_from(STEPS), st.lists(event_rows, max_size=4), st.none() | clusters),
        min_size=ROUNDS,
        max_size=ROUNDS,
    ),
)
def test_following_the_touched_and_the_due_is_enough(
    history: Warehouse,
    world: World,
    said: list[dict[str, JsonValue]],
    rounds: list[tuple[int, list[Event], dict[int, int] | None]],
) -> None:
    said = [one for one in said if not any(w in encode_text(one) for w in ('"computed"',))]
    write_world(history, world, NOW)
    follower = Follower(history, world, said)
    follower.begin(NOW)
    now, version = NOW, 1
    for step, events, merged in rounds:
        now = Millis(now + step)
        touched = {world.profile_of[event.identity] for event in events}
        if merged is not None:
            touched |= {p for i, p in merged.items() if world.profile_of[i] != p}
            touched |= {p for i, p in world.profile_of.items() if merged[i] != p}
            world.profile_of = merged
            touched |= {world.profile_of[event.identity] for event in events}
        world.events += events
        version += 1
        write_world(history, world, now)
        write_mapping(history, world.profile_of, version)
        follower.follow(world, _with_companions(world, touched, events), now)
        for name, condition in follower.conditions.items():
            found = set(follower.memberships.of(name) or ())
            expected = {
                who
                for who in world.profiles
                if matches(condition, world.known(who), now, follower.conditions)
            }
            assert found == expected, (encode_text(said[int(name[1:])]), now - NOW)


def _with_companions(world: World, touched: set[int], events: list[Event]) -> set[int]:
    """Whoever shares an account with the touched, or belongs to one in which something was done."""
    accounts = {a for i, a in world.accounts_of if world.profile_of[i] in touched}
    accounts |= {event.account for event in events}
    return touched | {world.profile_of[i] for i, a in world.accounts_of if a in accounts}


def test_due_times_are_taken_once_each_and_in_parts() -> None:
    due = DueTimes()
    due.set(np.array([3, 5000, 7], dtype=np.uint64), np.array([10, 20, 30], dtype=np.int64))
    assert due.take(Millis(9), 10) == []
    assert due.take(Millis(20), 1) == [3]
    due.set(np.array([3], dtype=np.uint64), np.array([NEVER], dtype=np.int64))
    assert due.take(Millis(25), 10) == [5000]
    due.set(np.array([5000], dtype=np.uint64), np.array([NEVER], dtype=np.int64))
    assert due.take(Millis(29), 10) == []
    assert due.take(Millis(30), 10) == [7]
