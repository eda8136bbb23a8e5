"""How exactly the identity graph found the true people, and whether all that was sent is there.

Two partitions of the same identities are compared by the pairs inside their groups:

    precision   of the pairs that were put together, the share that truly is one person
    recall      of the pairs that truly are one person, the share that was put together

Both follow from a table of counts (how many identities of person p lie in profile q), so they
cost one pass and never look at a pair. Everything here is pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from tekil.demo.shop.catalogue import money
from tekil.demo.shop.model import pairs
from tekil.demo.shop.truth import Truth

LEAST_PRECISION = 0.999
"""Under this the check fails: putting two people together is the worse mistake."""
LEAST_RECALL = 0.97
"""Under this the check fails too. The rest is owed to people whom no evidence joins."""

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Score:
    """The pairs of two partitions, counted."""

    right: int
    """Pairs put together that truly are one person."""
    found: int
    """Pairs put together."""
    true: int
    """Pairs that truly are one person."""

    @property
    def precision(self) -> float:
        """1 when nothing was put together."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """1 when there was nothing to put together."""
        return self.right / self.true if self.true else 1.0


def pairwise(truth: Mapping[K, Hashable], found: Mapping[K, Hashable]) -> Score:
    """Compare two partitions over the identities of ``truth``.

    An identity of ``truth`` that was not found stands alone, which costs recall. One that only
    ``found`` has is left out: nothing is known about it.

    >>> pairwise({"a": 1, "b": 1, "c": 2}, {"a": "x", "b": "x", "c": "x"})
    Score(right=1, found=3, true=1)
    """
    cells: Counter[tuple[Hashable, Hashable]] = Counter()
    groups: Counter[Hashable] = Counter()
    for key, person in truth.items():
        if key in found:
            group = found[key]
            cells[person, group] += 1
            groups[group] += 1
    return Score(
        right=pairs(cells.values()),
        found=pairs(groups.values()),
        true=pairs(Counter(truth.values()).values()),
    )


@dataclass(frozen=True, slots=True)
class Stored:
    """What the stores say after everything was worked on."""

    events: int
    """Events in the history."""
    duplicates: int
    """Messages dropped because their id had been seen."""
    orders: int
    """Order Completed events."""
    revenue: Mapping[str, int]
    """Cents of ``revenue`` over all Order Completed, per currency."""
    rejects: int | None = None
    """Rejected lines of the order file; None leaves them out of the check."""


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of the report."""

    name: str
    expected: str
    found: str
    ok: bool


@dataclass(frozen=True, slots=True)
class Report:
    """The whole check."""

    score: Score
    lines: tuple[Line, ...]
    wrong: tuple[tuple[Hashable, tuple[str, ...]], ...] = field(default=())
    """Some profiles that hold several people, each with its identities: where to look first."""

    @property
    def ok(self) -> bool:
        """Whether every figure is as it must be."""
        return all(line.ok for line in self.lines)


def check_shop(truth: Truth, found: Iterable[tuple[str, str, Hashable]], stored: Stored) -> Report:
    """Compare what Tekil found with what truly happened in the sample shop.

    ``found`` yields namespace, normalised value and profile of every identity. Identities that
    several people used (kiosks, family computers and tablets, a family's phone, the e-mail that
    hurried agents type) are nobody's alone and take no part in the pairs.
    """
    profile_of = {(namespace, value): profile for namespace, value, profile in found}
    whose = truth.identities()
    score = pairwise(whose, profile_of)
    missing = sum(1 for key in truth.owners if key not in profile_of)
    profiles = len({profile_of[key] for key in whose if key in profile_of})
    people = truth.people()
    lines = [
        _at_least("pairwise precision", score.precision, LEAST_PRECISION),
        _at_least("pairwise recall", score.recall, LEAST_RECALL),
        _equal("identities missing", 0, missing),
        Line("profiles of true people", f"{people:,}", f"{profiles:,}", profiles >= people * 0.99),
        _equal("events stored", truth.messages + truth.offline_orders, stored.events),
        _duplicates(truth, stored.duplicates),
        *(
            []
            if stored.rejects is None
            else [_equal("unreadable lines", truth.bad_lines, stored.rejects)]
        ),
        _equal("orders", truth.orders, stored.orders),
        *(
            _amount(currency, truth.revenue[currency], stored.revenue.get(currency, 0))
            for currency in sorted({*truth.revenue, *stored.revenue})
        ),
    ]
    return Report(score, tuple(lines), _mixed(whose, profile_of))


def _at_least(name: str, value: float, least: float) -> Line:
    return Line(name, f"≥ {least:.2%}", f"{value:.4%}", value >= least)


def _equal(name: str, expected: int, found: int) -> Line:
    return Line(name, f"{expected:,}", f"{found:,}", expected == found)


def _duplicates(truth: Truth, found: int) -> Line:
    """Exactly those sent twice; more when an interrupted demo had to be told again."""
    if truth.attempts == 1:
        return _equal("duplicates dropped", truth.duplicates, found)
    expected = f"≥ {truth.duplicates:,}"
    return Line("duplicates dropped", expected, f"{found:,}", found >= truth.duplicates)


def _amount(currency: str, expected: int, found: int) -> Line:
    return Line(f"revenue {currency}", money(expected), money(found), expected == found)


def _mixed(
    whose: Mapping[tuple[str, str], int], profile_of: Mapping[tuple[str, str], Hashable]
) -> tuple[tuple[Hashable, tuple[str, ...]], ...]:
    """The first ten profiles in which several people lie."""
    owners: dict[Hashable, set[int]] = {}
    for key, person in whose.items():
        if key in profile_of:
            owners.setdefault(profile_of[key], set()).add(person)
    several = [profile for profile, people in owners.items() if len(people) > 1][:10]
    members: dict[Hashable, list[str]] = {profile: [] for profile in several}
    for key, person in whose.items():
        profile = profile_of.get(key)
        if profile in members:
            members[profile].append(f"{key[0]}:{key[1]} (person {person})")
    return tuple((profile, tuple(keys)) for profile, keys in members.items())
