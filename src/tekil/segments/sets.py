"""Questions about several segments at once, answered on their members as sets; exact, no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyroaring import BitMap

from tekil.errors import InputError


@dataclass(frozen=True, slots=True)
class Combination:
    """Who is in any of ``union`` and in all of ``all_of``, and in none of ``minus``."""

    union: tuple[str, ...] = ()
    all_of: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.union and not self.all_of:
            raise InputError(
                'Name at least one segment in "union" or "all_of": '
                'people are taken from those, and those in "minus" are left out.'
            )

    @property
    def names(self) -> tuple[str, ...]:
        """Every segment that is named, once each."""
        return tuple(dict.fromkeys((*self.union, *self.all_of, *self.minus)))


@dataclass(frozen=True, slots=True)
class Overlap:
    """How segments overlap; ``matrix[i][j]`` people are in both the i-th and the j-th."""

    sizes: list[int]
    matrix: list[list[int]]
    in_all: int
    in_any: int
    only: list[int]
    """How many are in this one and in no other of them."""


def combine(sets: Mapping[str, BitMap], asked: Combination) -> BitMap:
    """The people whom a combination means, given the members of every segment that it names."""
    found = BitMap.union(*(sets[name] for name in asked.union)) if asked.union else None
    for name in asked.all_of:
        found = sets[name].copy() if found is None else found & sets[name]
    if found is None:  # a combination takes people from somewhere
        return BitMap()
    return found - BitMap.union(*(sets[name] for name in asked.minus)) if asked.minus else found


def overlap(sets: Sequence[BitMap]) -> Overlap:
    """Compare each with each."""
    if not sets:
        return Overlap([], [], 0, 0, [])
    matrix = [[a.intersection_cardinality(b) for b in sets] for a in sets]
    alone = [
        len(own - BitMap.union(*rest)) if (rest := [*sets[:i], *sets[i + 1 :]]) else len(own)
        for i, own in enumerate(sets)
    ]
    return Overlap(
        sizes=[len(members) for members in sets],
        matrix=matrix,
        in_all=len(BitMap.intersection(*sets)),
        in_any=len(BitMap.union(*sets)),
        only=alone,
    )
