"""Why somebody is in a segment or not: every branch with its truth and what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tekil.kit.clock import Millis
from tekil.kit.json import JsonValue, decode
from tekil.segments import sql
from tekil.segments.evaluate import Chosen, Evaluator
from tekil.segments.model import (
    All,
    AnyOf,
    Computed,
    ComputedTest,
    Condition,
    Exists,
    InSegment,
    Not,
)
from tekil.segments.parse import Definition
from tekil.segments.program import FROM_NOTHING, Op, Program, Step, compile_program
from tekil.segments.sql import Ask, Scope

NAME = "this"


@dataclass(frozen=True, slots=True)
class Reason:
    """One place of a definition for one person."""

    path: str
    kind: str
    holds: bool
    measured: tuple[JsonValue, ...]
    """For a leaf: what was found, one value for each test; None for nothing."""


@dataclass(frozen=True, slots=True)
class Why:
    """Whether somebody is in, and each place of the definition."""

    holds: bool
    reasons: tuple[Reason, ...]


def explain(
    evaluator: Evaluator,
    definition: Definition,
    known: dict[str, Condition],
    person: Chosen,
    now: Millis,
) -> Why:
    """Judge one person and tell each branch."""
    program = compile_program({NAME: definition.condition}, {**known, NAME: definition.condition})
    truths = evaluator.chosen(program, person, now).truths
    values = _Measured(evaluator, program, person, now)
    reasons = tuple(
        Reason(
            branch.path,
            branch.kind,
            bool(truths[program.places[branch.condition]][0]),
            tuple(values.of(leaf) for leaf in _leaves(branch.condition))
            if branch.kind not in ("all", "any", "not", "segment", "account")
            else (),
        )
        for branch in definition.branches
    )
    return Why(bool(truths[program.roots[NAME]][0]), reasons)


def values_of(
    evaluator: Evaluator, computed: Mapping[str, Computed], person: Chosen, now: Millis
) -> dict[str, JsonValue]:
    """The values of computed traits for one person, by one query; missing ones are left out."""
    leaves = {name: ComputedTest(one, Exists()) for name, one in computed.items()}
    program = compile_program(leaves)
    measured = _Measured(evaluator, program, person, now)
    found = {name: measured.of(leaf) for name, leaf in leaves.items()}
    for name, one in computed.items():
        if found[name] is None and one.how in FROM_NOTHING:
            found[name] = 0
    return {name: value for name, value in found.items() if value is not None}


def values_of_many(
    evaluator: Evaluator, computed: Mapping[str, Computed], people: Chosen, now: Millis
) -> dict[int, dict[str, JsonValue]]:
    """The values of computed traits for many people, by one query; missing ones are left out."""
    leaves = {name: ComputedTest(one, Exists()) for name, one in computed.items()}
    program = compile_program(leaves)
    nothing: dict[str, JsonValue] = {n: 0 for n, one in computed.items() if one.how in FROM_NOTHING}
    found = {int(subject): dict(nothing) for subject in people.subjects}
    if not program.events:
        return found
    parts = sql.split(program.events, Scope.CHOSEN)
    ask = Ask(Scope.CHOSEN, due=False, measured=True)
    statement = sql.events_statement(program.events, parts, ask)
    given = {"identities": people.identities.tolist(), "profiles": people.profiles.tolist()}
    places = {name: program.steps[program.places[leaf]].inputs[0] for name, leaf in leaves.items()}
    for _, subject, texts in evaluator.warehouse.query(
        statement.sql, {**statement.at(now), **given}
    ):
        values = {name: _value(texts[place]) for name, place in places.items()}
        found[subject] |= {name: v for name, v in values.items() if v is not None}
    return found


def _leaves(condition: Condition) -> list[Condition]:
    match condition:
        case All(items=items) | AnyOf(items=items):
            return [leaf for item in items for leaf in _leaves(item)]
        case Not(item=item):
            return _leaves(item)
        case InSegment():
            return []
        case _:
            return [condition]


class _Measured:
    """What the leaves of a program measured for one person."""

    def __init__(self, evaluator: Evaluator, program: Program, person: Chosen, now: Millis) -> None:
        self._program = program
        self._events: list[JsonValue] = [None] * len(program.events)
        self._traits: list[JsonValue] = [None] * len(program.traits)
        ask = Ask(Scope.CHOSEN, due=False, measured=True)
        given = {"identities": person.identities.tolist(), "profiles": person.profiles.tolist()}
        if program.events:
            parts = sql.split(program.events, Scope.CHOSEN)
            statement = sql.events_statement(program.events, parts, ask)
            self._read(evaluator, statement.sql, {**statement.at(now), **given}, self._events)
        if program.traits:
            statement = sql.traits_statement(program.traits, ask)
            self._read(evaluator, statement.sql, {**statement.at(now), **given}, self._traits)

    def _read(
        self,
        evaluator: Evaluator,
        statement: str,
        values: dict[str, object],
        into: list[JsonValue],
    ) -> None:
        for _, _, texts in evaluator.warehouse.query(statement, values):
            into[:] = [_value(text) for text in texts]

    def of(self, leaf: Condition) -> JsonValue:
        """What a leaf measured."""
        step: Step = self._program.steps[self._program.places[leaf]]
        match step.op:
            case Op.EVENT:
                return self._events[step.inputs[0]]
            case Op.TRAIT:
                return self._traits[step.inputs[0]]
            case _:
                return None


def _value(text: str) -> JsonValue:
    if not text:
        return None
    try:
        return decode(text)
    except ValueError:
        return text
