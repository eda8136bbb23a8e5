"""Compares definitions that are wanted with those that are stored, and says what would move.

Everything is checked before anything is written. Who would enter and leave is counted by judging
everybody by both, in the same pass and at the same instant: so the figures are exact, and a
segment that is not changed itself shows the people who move because it names one that is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pyroaring import BitMap

from tekil.errors import InputError, InvalidDefinition
from tekil.kit.json import JsonValue, encode_canonical
from tekil.segments.model import All, AnyOf, Computed, Condition, InSegment, Not
from tekil.segments.parse import parse, parse_computed
from tekil.segments.program import compile_program
from tekil.segments.store import Draft, Rewrite

NAME = re.compile(r"[^/\x00-\x1f]{1,200}")
MAX_EXPANDED = 20_000
"""Conditions of a segment, those of the segments that it names counted each time."""

MAX_NESTED = 50
"""Segments that name each other, one inside of the other."""

MAX_SHOWN = 20
"""Faults that one message lists."""


class Kind(StrEnum):
    """What a definition defines."""

    SEGMENT = "segment"
    COMPUTED_TRAIT = "computed_trait"


UNFIT_NAMES = frozenset({".", "..", "schema", "values"})
"""Names that an address would take for something else."""


class Change(StrEnum):
    """What becomes of a definition."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    KEPT = "kept"
    """It is stored, not wanted, and was not asked to be deleted."""
    UNCHANGED = "unchanged"


WRITES = (Change.ADDED, Change.CHANGED)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A definition as it should be."""

    kind: Kind
    name: str
    definition: JsonValue
    description: str = ""
    origin: str = ""
    """Where it was written down, for messages; such as a file's name."""

    @property
    def place(self) -> str:
        """How messages name it."""
        return self.origin or f'{self.kind.value.replace("_", " ")} "{self.name}"'

    @property
    def draft(self) -> Draft:
        """What is stored of it."""
        return Draft(self.name, self.description, self.definition)


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of one definition; the sizes are of segments."""

    kind: Kind
    name: str
    change: Change
    before: int | None = None
    after: int | None = None
    entering: int = 0
    leaving: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that would be done, and what it is done with."""

    steps: tuple[Step, ...]
    rewrite: Rewrite

    @property
    def changes(self) -> int:
        """How many definitions would be written or deleted."""
        return sum(step.change in (*WRITES, Change.REMOVED) for step in self.steps)


@dataclass(slots=True)
class Meaning:
    """What a whole set of definitions means."""

    segments: dict[str, Condition] = field(default_factory=dict)
    computed: dict[str, Computed] = field(default_factory=dict)


def check_name(name: str) -> None:
    """Refuse what the API could not address. Raises InvalidDefinition."""
    if name in UNFIT_NAMES or not NAME.fullmatch(name):
        raise InvalidDefinition(
            f'"{name}": nothing can have this name; use 1 to 200 letters without / and '
            f"control characters, and none of {', '.join(sorted(UNFIT_NAMES))}."
        )


def merged(stored: Iterable[Wanted], wanted: Iterable[Wanted], *, prune: bool) -> list[Wanted]:
    """The definitions that would be stored afterwards. Raises InvalidDefinition for twins."""
    after: dict[tuple[Kind, str], Wanted] = {}
    for each in wanted:
        twin = after.get((each.kind, each.name))
        if twin is not None:
            raise InvalidDefinition(
                f'"{each.name}" is defined twice: in {twin.place} and in {each.place}. '
                "Take one of them out."
            )
        after[each.kind, each.name] = each
    if not prune:
        for each in stored:
            after.setdefault((each.kind, each.name), each)
    return list(after.values())


def read(definitions: Iterable[Wanted]) -> Meaning:
    """What definitions mean together. Raises InvalidDefinition that holds every fault of all."""
    meaning, faults = Meaning(), _Faults()
    ordered = sorted(definitions, key=lambda each: (each.kind is Kind.SEGMENT, each.name))
    for each in ordered:  # computed traits first: segments name them
        try:
            check_name(each.name)
            if each.kind is Kind.COMPUTED_TRAIT:
                meaning.computed[each.name] = parse_computed(each.definition)
            else:
                found = parse(each.definition, meaning.computed)
                meaning.segments[each.name] = found.condition
        except InputError as error:
            faults.add(each, error)
    faults.raise_if_any()
    check_nesting(meaning.segments)
    for each in ordered:
        if each.kind is Kind.SEGMENT:
            try:
                compile_program({each.name: meaning.segments[each.name]}, meaning.segments)
            except InputError as error:
                faults.add(each, error)
    faults.raise_if_any()
    check_size(meaning.segments)
    return meaning


def check_nesting(conditions: Mapping[str, Condition]) -> None:
    """Refuse chains of segments that name each other too deep; circles are told elsewhere.

    Raises InvalidDefinition.
    """
    depths: dict[str, int] = {}

    def too_deep(name: str) -> InvalidDefinition:
        return InvalidDefinition(
            f'"{name}" names segments that name others, more than {MAX_NESTED} deep: '
            "write some of those conditions out."
        )

    def depth(name: str, via: tuple[str, ...]) -> int:
        if name in via or name not in conditions:
            return 0
        if len(via) > MAX_NESTED:
            raise too_deep(via[0])
        if name not in depths:
            inner = [depth(each, (*via, name)) for each in named(conditions[name])]
            depths[name] = 1 + max(inner, default=0)
        if len(via) + depths[name] > MAX_NESTED + 1:
            raise too_deep(via[0])
        return depths[name]

    for name in conditions:
        depth(name, ())


def named(condition: Condition) -> list[str]:
    """The segments that a condition names."""
    match condition:
        case InSegment(name=name):
            return [name]
        case All(items=items) | AnyOf(items=items):
            return [name for item in items for name in named(item)]
        case Not(item=item):
            return named(item)
        case _:
            return []


def check_size(conditions: Mapping[str, Condition]) -> None:
    """Refuse segments that name each other so often that together they grow beyond all bounds.

    They must not form a circle. Raises InvalidDefinition.
    """
    sizes: dict[str, int] = {}

    def size(condition: Condition) -> int:
        match condition:
            case InSegment(name=name):
                if name not in sizes:
                    sizes[name] = size(conditions[name])
                return sizes[name]
            case All(items=items) | AnyOf(items=items):
                return 1 + sum(size(item) for item in items)
            case Not(item=item):
                return 1 + size(item)
            case _:
                return 1

    for name, condition in conditions.items():
        if size(condition) > MAX_EXPANDED:
            raise InvalidDefinition(
                f'"{name}" has {size(condition):,} conditions with those of the segments that it '
                f"names; at most {MAX_EXPANDED:,} are allowed. Name each segment once."
            )


def both(before: Meaning, after: Meaning) -> dict[str, Condition]:
    """Both sets of segments side by side, each naming its own; to be judged in one pass."""
    return {
        _aside(prefix, name): _renamed(condition, prefix)
        for prefix, meaning in (("before", before), ("after", after))
        for name, condition in meaning.segments.items()
    }


def plan(
    stored: Iterable[Wanted],
    wanted: Iterable[Wanted],
    people: Mapping[str, BitMap],
    *,
    prune: bool,
) -> Plan:
    """What would be done; ``people`` are those that hold for ``both``, found by one pass."""
    was = {(each.kind, each.name): each for each in stored}
    will = {(each.kind, each.name): each for each in wanted}
    steps = []
    for key in sorted(was.keys() | will.keys()):
        change = _change(was.get(key), will.get(key), prune=prune)
        steps.append(_step(*key, change, people))
    return Plan(tuple(steps), _rewrite(steps, will))


def _change(was: Wanted | None, will: Wanted | None, *, prune: bool) -> Change:
    if was is None:
        return Change.ADDED
    if will is None:
        return Change.REMOVED if prune else Change.KEPT
    same = was.description == will.description and encode_canonical(
        was.definition
    ) == encode_canonical(will.definition)
    return Change.UNCHANGED if same else Change.CHANGED


def _step(kind: Kind, name: str, change: Change, people: Mapping[str, BitMap]) -> Step:
    if kind is not Kind.SEGMENT:
        return Step(kind, name, change)
    before = people.get(_aside("before", name))
    after = people.get(_aside("after", name))
    was, will = before or BitMap(), after or BitMap()
    return Step(
        kind,
        name,
        change,
        before=None if before is None else len(before),
        after=None if after is None else len(after),
        entering=len(will - was),
        leaving=len(was - will),
    )


def _rewrite(steps: Iterable[Step], will: Mapping[tuple[Kind, str], Wanted]) -> Rewrite:
    def drafts(kind: Kind) -> tuple[Draft, ...]:
        return tuple(
            will[kind, step.name].draft
            for step in steps
            if step.kind is kind and step.change in WRITES
        )

    def without(kind: Kind) -> tuple[str, ...]:
        return tuple(s.name for s in steps if s.kind is kind and s.change is Change.REMOVED)

    return Rewrite(
        segments=drafts(Kind.SEGMENT),
        computed_traits=drafts(Kind.COMPUTED_TRAIT),
        without_segments=without(Kind.SEGMENT),
        without_computed_traits=without(Kind.COMPUTED_TRAIT),
    )


def _aside(prefix: str, name: str) -> str:
    return f"{prefix}:{name}"


def _renamed(condition: Condition, prefix: str) -> Condition:
    match condition:
        case InSegment(name=name):
            return InSegment(_aside(prefix, name))
        case All(items=items):
            return All(tuple(_renamed(item, prefix) for item in items))
        case AnyOf(items=items):
            return AnyOf(tuple(_renamed(item, prefix) for item in items))
        case Not(item=item):
            return Not(_renamed(item, prefix))
        case _:
            return condition


@dataclass(slots=True)
class _Faults:
    """Every fault of every definition, so that somebody can mend them all at once."""

    found: list[dict[str, JsonValue]] = field(default_factory=list)

    def add(self, each: Wanted, error: InputError) -> None:
        """Note what is wrong with one definition."""
        told = error.attributes.get("errors")
        faults = told if isinstance(told, list) else []
        if not faults:
            faults = [{"path": "$", "message": error.message}]
        for fault in faults:
            inner = str(fault["path"])
            path = "definition" if inner == "$" else f"definition.{inner}"
            # A circle's fault names only the circle; the error says what to do.
            message = error.message if inner == "segment" else fault["message"]
            self.found.append({**fault, "path": f"{each.place}: {path}", "message": message})

    def raise_if_any(self) -> None:
        """Raises InvalidDefinition that holds every fault."""
        if not self.found:
            return
        lines = [f"{fault['path']}: {fault['message']}" for fault in self.found[:MAX_SHOWN]]
        if len(self.found) > MAX_SHOWN:
            lines.append(f"… and {len(self.found) - MAX_SHOWN} more")
        raise InvalidDefinition("\n".join(lines), errors=self.found)
