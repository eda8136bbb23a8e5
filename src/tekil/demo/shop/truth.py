"""The truth about the sample shop: whose each identity is, and what went out of the door."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from tekil.kit.clock import Millis

Key = tuple[str, str]
"""An identity: namespace and normalised value."""


@dataclass(slots=True)
class Truth:
    """Grows while the shop's year is told; complete when the last batch is drawn."""

    owners: dict[Key, int] = field(default_factory=dict)
    """The first person seen with each identity."""
    shared: dict[Key, set[int]] = field(default_factory=dict)
    """Identities seen with several people: kiosks, family computers, a family's phone."""
    messages: int = 0
    """Different messages sent over HTTP."""
    duplicates: int = 0
    """Messages sent again."""
    attempts: int = 1
    """How often the year was told; after an interruption it is told again from the start."""
    offline_orders: int = 0
    """Orders of the order file that can be read."""
    bad_lines: int = 0
    """Lines of the order file that nobody can read."""
    orders: int = 0
    """Order Completed events, those of the file included."""
    revenue: Counter[str] = field(default_factory=Counter)
    """Cents per currency over all Order Completed, the file included."""

    def see(self, namespace: str, value: str, person: int) -> None:
        """Note that this person was met under this identity."""
        key = (namespace, value)
        owner = self.owners.setdefault(key, person)
        if owner != person:
            self.shared.setdefault(key, {owner}).add(person)

    def meet(self, person: int, **ids: str | None) -> None:
        """Note that this person was met under these identities; empty ones do not count."""
        for namespace, value in ids.items():
            if value:
                self.see(namespace, value, person)

    def order(self, currency: str, cents: int) -> None:
        """Note one completed order."""
        self.orders += 1
        self.revenue[currency] += cents

    def identities(self) -> dict[Key, int]:
        """Whose each identity is, without the shared ones, which are nobody's alone."""
        shared = self.shared
        return {key: person for key, person in self.owners.items() if key not in shared}

    def people(self) -> int:
        """How many people were met under an identity of their own."""
        return len(set(self.identities().values()))


class _Saved(msgspec.Struct):
    """The truth as it lies in a file beside the data."""

    people: int
    seed: int
    now: int
    owners: list[tuple[str, str, int]]
    shared: list[tuple[str, str, list[int]]]
    messages: int
    duplicates: int
    attempts: int
    offline_orders: int
    bad_lines: int
    orders: int
    revenue: dict[str, int]


@dataclass(frozen=True, slots=True)
class SavedTruth:
    """A truth read back, with the settings that it was told under."""

    truth: Truth
    people: int
    seed: int
    now: Millis


def save_truth(path: Path, truth: Truth, *, people: int, seed: int, now: Millis) -> None:
    """Write the truth down, so that a later check needs no second telling."""
    saved = _Saved(
        people=people,
        seed=seed,
        now=now,
        owners=[(namespace, value, one) for (namespace, value), one in truth.owners.items()],
        shared=[(space, value, sorted(all_)) for (space, value), all_ in truth.shared.items()],
        messages=truth.messages,
        duplicates=truth.duplicates,
        attempts=truth.attempts,
        offline_orders=truth.offline_orders,
        bad_lines=truth.bad_lines,
        orders=truth.orders,
        revenue=dict(truth.revenue),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(saved))


def load_truth(path: Path) -> SavedTruth:
    """Read a truth that was written down. Raises OSError, msgspec.DecodeError."""
    saved = msgspec.json.decode(path.read_bytes(), type=_Saved)
    truth = Truth(
        owners={(namespace, value): person for namespace, value, person in saved.owners},
        shared={(namespace, value): set(people) for namespace, value, people in saved.shared},
        messages=saved.messages,
        duplicates=saved.duplicates,
        attempts=saved.attempts,
        offline_orders=saved.offline_orders,
        bad_lines=saved.bad_lines,
        orders=saved.orders,
        revenue=Counter(saved.revenue),
    )
    return SavedTruth(truth, saved.people, saved.seed, Millis(saved.now))


def by_person(truth: Truth) -> Iterator[tuple[int, list[Key]]]:
    """Everybody's own identities, person by person."""
    groups: dict[int, list[Key]] = {}
    for key, person in truth.identities().items():
        groups.setdefault(person, []).append(key)
    yield from groups.items()
