"""Combinations and overlaps against Python's own sets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from tekil.errors import InputError
from tekil.segments.sets import Combination, combine, overlap

PEOPLE = st.frozensets(st.integers(min_value=0, max_value=60), max_size=40)
NAMES = ("a", "b", "c", "d")
SOME = st.lists(st.sampled_from(NAMES), max_size=4).map(tuple)


@given(people=st.tuples(PEOPLE, PEOPLE, PEOPLE, PEOPLE), union=SOME, all_of=SOME, minus=SOME)
def test_a_combination_is_that_of_sets(
    people: tuple[frozenset[int], ...],
    union: tuple[str, ...],
    all_of: tuple[str, ...],
    minus: tuple[str, ...],
) -> None:
    if not union and not all_of:
        with pytest.raises(InputError, match="at least one segment"):
            Combination(union, all_of, minus)
        return
    plain = dict(zip(NAMES, people, strict=True))
    asked = Combination(union, all_of, minus)
    before = {name: BitMap(ids) for name, ids in plain.items()}
    sets = {name: before[name].copy() for name in asked.names}

    want = {
        who
        for who in frozenset().union(*people)
        if (not union or any(who in plain[n] for n in union))
        and all(who in plain[n] for n in all_of)
        and not any(who in plain[n] for n in minus)
    }
    assert set(combine(sets, asked)) == want
    assert all(sets[name] == before[name] for name in sets), "nobody's members were changed"


@given(st.lists(PEOPLE, min_size=1, max_size=5))
def test_an_overlap_counts_every_pair(people: list[frozenset[int]]) -> None:
    found = overlap([BitMap(ids) for ids in people])
    assert found.matrix == [[len(a & b) for b in people] for a in people]
    assert found.sizes == [len(ids) for ids in people]
    assert found.in_all == len(frozenset.intersection(*people))
    assert found.in_any == len(frozenset.union(*people))
    for place, own in enumerate(people):
        rest = frozenset().union(*(p for i, p in enumerate(people) if i != place))
        assert found.only[place] == len(own - rest)


def test_nothing_overlaps_with_nothing() -> None:
    assert overlap([]).matrix == []
