"""From rows of bits to who is in which segment: plain arrays, one entry per subject."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, assert_never

import numpy as np
import numpy.typing as npt

from tekil.segments.model import Quantifier, RandomBucket
from tekil.segments.program import Op, Program, holds_without_events
from tekil.segments.sql import BITS

Ids: TypeAlias = npt.NDArray[np.uint64]
Truth: TypeAlias = npt.NDArray[np.bool_]
Instants: TypeAlias = npt.NDArray[np.int64]
NEVER = np.int64(9_000_000_000_000_000)
SHARES = 1_000_000


@dataclass(frozen=True, slots=True)
class Rows:
    """What a statement returned: bits of the leaves that hold, per subject."""

    subjects: Ids
    due: Instants
    words: tuple[Ids, ...]


@dataclass(slots=True)
class Subjects:
    """Those who are judged, in rising order, and what is known about them."""

    ids: Ids
    due: Instants = field(init=False)
    events: list[Truth] = field(default_factory=list)
    traits: list[Truth] = field(default_factory=list)
    statics: list[Truth] = field(default_factory=list)
    accounts: dict[tuple[int, Quantifier], Truth] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.due = np.full(len(self.ids), NEVER, dtype=np.int64)

    def take(
        self, rows: list[Rows], parts: list[list[int]], defaults: Sequence[bool]
    ) -> list[Truth]:
        """Spread the rows' bits over the subjects; a subject without a row gets the defaults."""
        truths = [np.full(len(self.ids), default, dtype=np.bool_) for default in defaults]
        for found, part in zip(rows, parts, strict=True):
            places, inside = locate(self.ids, found.subjects)
            self.due[places] = np.minimum(self.due[places], found.due[inside])
            for bit, leaf in enumerate(part):
                bits = found.words[bit // BITS][inside] >> np.uint64(bit % BITS)
                truths[leaf][places] = (bits & np.uint64(1)).astype(np.bool_)
        return truths


def locate(ids: Ids, wanted: Ids) -> tuple[npt.NDArray[np.intp], Truth]:
    """The places of the wanted ids among the sorted ids, and which of them are there."""
    if not len(ids) or not len(wanted):
        return np.empty(0, dtype=np.intp), np.zeros(len(wanted), dtype=np.bool_)
    places = np.searchsorted(ids, wanted)
    inside = places < len(ids)
    inside &= ids[np.minimum(places, len(ids) - 1)] == wanted
    return places[inside], inside


def judge(program: Program, subjects: Subjects) -> list[Truth]:
    """The truth of every step for every subject."""
    truths: list[Truth] = []
    for step in program.steps:
        match step.op:
            case Op.EVENT:
                truth = subjects.events[step.inputs[0]]
            case Op.TRAIT:
                truth = subjects.traits[step.inputs[0]]
            case Op.STATIC:
                truth = subjects.statics[step.inputs[0]]
            case Op.ACCOUNT:
                truth = subjects.accounts[step.inputs[0], step.quantifier]
            case Op.ALL:
                truth = _fold(np.logical_and, [truths[i] for i in step.inputs], True, subjects)
            case Op.ANY:
                truth = _fold(np.logical_or, [truths[i] for i in step.inputs], False, subjects)
            case Op.NOT:
                truth = ~truths[step.inputs[0]]
            case _:
                assert_never(step.op)
        truths.append(truth)
    return truths


def _fold(
    function: Callable[[Truth, Truth], Truth], parts: list[Truth], empty: bool, subjects: Subjects
) -> Truth:
    if not parts:
        return np.full(len(subjects.ids), empty, dtype=np.bool_)
    truth = parts[0]
    for part in parts[1:]:
        truth = function(truth, part)
    return truth


def event_defaults(program: Program) -> list[bool]:
    """What each event leaf is for somebody without any event."""
    return [holds_without_events(leaf) for leaf in program.events]


def in_bucket(leaf: RandomBucket, ids: Ids) -> Truth:
    """Whether each subject falls into a random share: stable for an id and a salt."""
    digest = hashlib.blake2b(leaf.salt.encode(), digest_size=8, person=b"tekil bucket").digest()
    seed = int.from_bytes(digest, "little")
    with np.errstate(over="ignore"):
        mixed = ids ^ np.uint64(seed)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        mixed ^= mixed >> np.uint64(31)
    return mixed % np.uint64(SHARES) < np.uint64(leaf.millionths)


def over_accounts(
    truth: Truth, owners: npt.NDArray[np.intp], accounts: npt.NDArray[np.intp], people: int
) -> Mapping[Quantifier, Truth]:
    """Carry a truth about accounts to the people who belong to them, pair by pair."""
    has = np.bincount(owners, minlength=people) > 0
    good = np.bincount(owners[truth[accounts]], minlength=people) > 0
    bad = np.bincount(owners[~truth[accounts]], minlength=people) > 0
    return {Quantifier.ANY: good, Quantifier.ALL: has & ~bad, Quantifier.NONE: ~good}
