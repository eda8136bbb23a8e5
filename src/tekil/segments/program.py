"""All live definitions as one program: every distinct condition once, leaves before branches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar, assert_never

from tekil.errors import InvalidDefinition, UnknownName, did_you_mean
from tekil.segments.model import (
    All,
    AnyOf,
    Computation,
    ComputedTest,
    Condition,
    Consent,
    EdgeTime,
    EdgeValue,
    EventCount,
    EventDistinct,
    EventLeaf,
    EventNumber,
    EventPeriods,
    Exists,
    InList,
    InSegment,
    ListHas,
    ListMode,
    Not,
    OfAccounts,
    OneOf,
    Quantifier,
    RandomBucket,
    Range,
    Sequence,
    StaticLeaf,
    Sum,
    Test,
    TraitTest,
)

T = TypeVar("T")


class Op(StrEnum):
    """Where the truth of a step comes from."""

    EVENT = "event"
    TRAIT = "trait"
    STATIC = "static"
    ACCOUNT = "account"
    ALL = "all"
    ANY = "any"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class Step:
    """One condition; ``inputs`` are places of steps for a branch, of a leaf in its list else."""

    op: Op
    inputs: tuple[int, ...]
    quantifier: Quantifier = Quantifier.ANY


@dataclass(slots=True)
class Program:
    """Steps in an order in which every step comes after those that it needs."""

    steps: list[Step] = field(default_factory=list)
    places: dict[Condition, int] = field(default_factory=dict)
    roots: dict[str, int] = field(default_factory=dict)
    events: list[EventLeaf] = field(default_factory=list)
    traits: list[TraitTest] = field(default_factory=list)
    statics: list[StaticLeaf] = field(default_factory=list)
    account: Program | None = None
    """The conditions on accounts that conditions on people need."""


def compile_program(
    wanted: Mapping[str, Condition], known: Mapping[str, Condition] | None = None
) -> Program:
    """Compile definitions; ``known`` are all that they may name. Raises InputError."""
    known = wanted if known is None else known
    compiler = _Compiler(Program(), known, {})
    for name, condition in wanted.items():
        compiler.program.roots[name] = compiler.add(condition, (name,))
    return compiler.program


@dataclass(slots=True)
class _Compiler:
    program: Program
    known: Mapping[str, Condition]
    done: dict[str, int]
    """Segments that were compiled already."""

    def add(self, condition: Condition, via: tuple[str, ...]) -> int:
        """The place of a condition's step; ``via`` are the segments being compiled."""
        if isinstance(condition, InSegment):
            return self._segment(condition.name, via)
        place = self.program.places.get(condition)
        if place is None:
            step = self._step(condition, via)
            place = len(self.program.steps)
            self.program.steps.append(step)
            self.program.places[condition] = place
        return place

    def _segment(self, name: str, via: tuple[str, ...]) -> int:
        if name in via:
            circle = " → ".join([*via[via.index(name) :], name])
            raise InvalidDefinition(
                f"Segments refer to each other in a circle: {circle}. Take one of these out.",
                errors=[{"path": "segment", "message": circle, "value": name, "allowed": []}],
            )
        if name not in self.known:
            raise UnknownName(f'There is no segment "{name}".{did_you_mean(name, self.known)}')
        if name not in self.done:
            self.done[name] = self.add(self.known[name], (*via, name))
        place = self.done[name]
        self.program.places[InSegment(name)] = place
        return place

    def _step(self, condition: Condition, via: tuple[str, ...]) -> Step:
        program = self.program
        match condition:
            case TraitTest():
                return Step(Op.TRAIT, (_append(program.traits, condition),))
            case (
                EventCount()
                | EventNumber()
                | EventDistinct()
                | EventPeriods()
                | EdgeTime()
                | EdgeValue()
                | Sequence()
                | ComputedTest()
            ):
                return Step(Op.EVENT, (_append(program.events, condition),))
            case InList() | Consent() | RandomBucket():
                return Step(Op.STATIC, (_append(program.statics, condition),))
            case OfAccounts(quantifier=quantifier, condition=inner):
                if program.account is None:
                    program.account = Program()
                place = _Compiler(program.account, {}, {}).add(inner, ())
                return Step(Op.ACCOUNT, (place,), quantifier)
            case All(items=items):
                return Step(Op.ALL, tuple(self.add(item, via) for item in items))
            case AnyOf(items=items):
                return Step(Op.ANY, tuple(self.add(item, via) for item in items))
            case Not(item=item):
                return Step(Op.NOT, (self.add(item, via),))
            case InSegment(name=name):
                return self.program.steps[self._segment(name, via)]
            case _:
                assert_never(condition)


def expand(condition: Condition, known: Mapping[str, Condition]) -> Condition:
    """The condition with every nested segment in its place; they must not form a circle."""
    match condition:
        case InSegment(name=name):
            return expand(known[name], known)
        case All(items=items):
            return All(tuple(expand(item, known) for item in items))
        case AnyOf(items=items):
            return AnyOf(tuple(expand(item, known) for item in items))
        case Not(item=item):
            return Not(expand(item, known))
        case _:
            return condition


def holds_without_events(leaf: EventLeaf) -> bool:
    """Whether a leaf holds for somebody who did nothing."""
    match leaf:
        case EventCount(count=count) | EventDistinct(count=count) | EventPeriods(count=count):
            return count.holds(0)
        case EventNumber(how=how, range=limits):
            return how is Sum.SUM and limits.holds(0)
        case ComputedTest(computed=computed, test=test):
            return computed.how in FROM_NOTHING and _holds_for_nothing(test)
        case EdgeTime() | EdgeValue() | Sequence():
            return False
        case _:
            assert_never(leaf)


FROM_NOTHING = frozenset(
    {Computation.COUNT, Computation.SUM, Computation.DISTINCT, Computation.STREAK}
)
"""What is 0 for somebody who did nothing; the others are missing."""


def _holds_for_nothing(test: Test) -> bool:
    match test:
        case Range():
            return test.holds(0)
        case OneOf(numbers=numbers):
            return 0 in numbers
        case ListHas(mode=mode, values=values):
            only = values.numbers == (0.0,) and not values.texts and not values.flags
            return 0 in values.numbers if mode is ListMode.ANY else only
        case Exists():
            return True
        case _:
            return False


def _append(items: list[T], item: T) -> int:
    items.append(item)
    return len(items) - 1
