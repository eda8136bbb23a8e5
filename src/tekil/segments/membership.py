"""Who is in which segment now, in memory: what changes, and when to look again."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from pyroaring import BitMap

from tekil.kit.clock import Millis
from tekil.segments.evaluate import Outcome, bitmap
from tekil.segments.model import Condition
from tekil.segments.rules import NEVER, Ids, Instants


@dataclass(frozen=True, slots=True)
class Live:
    """A segment that is followed."""

    segment_id: int
    name: str
    version: int
    condition: Condition
    """With every nested segment in its place."""


@dataclass(frozen=True, slots=True)
class Move:
    """Somebody is to enter or to leave."""

    segment: Live
    profile_id: int
    entered: bool


@dataclass(slots=True)
class Memberships:
    """The members of every live segment; readers get copies."""

    _members: dict[str, BitMap] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, name: str) -> BitMap | None:
        """The members of a segment; None if it is not followed."""
        with self._lock:
            found = self._members.get(name)
            return None if found is None else found.copy()

    def segments_of(self, profile_id: int) -> list[str]:
        """The segments that somebody is in, by name."""
        with self._lock:
            return sorted(name for name, ids in self._members.items() if profile_id in ids)

    def size(self, name: str) -> int:
        """How many members a segment has."""
        with self._lock:
            return len(self._members.get(name, ()))

    def replace(self, name: str, members: BitMap) -> None:
        """Set the members of a segment."""
        with self._lock:
            self._members[name] = members

    def drop(self, name: str) -> None:
        """Forget a segment."""
        with self._lock:
            self._members.pop(name, None)

    def apply(self, moves: Iterable[Move]) -> None:
        """Let people enter and leave."""
        with self._lock:
            for move in moves:
                members = self._members[move.segment.name]
                if move.entered:
                    members.add(move.profile_id)
                else:
                    members.discard(move.profile_id)

    def compare(
        self, outcome: Outcome, live: Iterable[Live], *, everybody: bool = False
    ) -> list[Move]:
        """What is different from what is known of the subjects of an outcome.

        If the outcome is about everybody, members who are not in it are nobody any more.
        """
        judged = bitmap(outcome.subjects)
        moves: list[Move] = []
        for segment in live:
            now_in = outcome.members(segment.name)
            with self._lock:
                members = self._members[segment.name]
                was_in = members.copy() if everybody else members & judged
            if now_in != was_in:
                moves += [Move(segment, who, entered=True) for who in now_in - was_in]
                moves += [Move(segment, who, entered=False) for who in was_in - now_in]
        return moves


class DueTimes:
    """For every profile the instant before which time alone changes nothing."""

    def __init__(self) -> None:
        self._due = np.full(1024, NEVER, dtype=np.int64)
        self._first = int(NEVER)

    def set(self, profiles: Ids, due: Instants) -> None:
        """Note the instants of some profiles, in place of earlier ones."""
        if not len(profiles):
            return
        self._grow(int(profiles.max()))
        self._due[profiles.astype(np.int64)] = due
        self._first = min(self._first, int(due.min()))

    def lower(self, profiles: Ids, due: Instants) -> None:
        """Note instants that come in addition to those known."""
        if len(profiles):
            self._grow(int(profiles.max()))
            places = profiles.astype(np.int64)
            self.set(profiles, np.minimum(self._due[places], due))

    def take(self, now: Millis, limit: int) -> list[int]:
        """Whoever is due, at most so many; they must be judged and set again."""
        if self._first > now:
            return []
        found = np.flatnonzero(self._due <= now)
        if len(found) <= limit:
            self._first = int(np.min(self._due, initial=NEVER, where=self._due > now))
        return [int(place) for place in found[:limit]]

    def _grow(self, highest: int) -> None:
        if highest >= len(self._due):
            longer = np.full(max(highest + 1, 2 * len(self._due)), NEVER, dtype=np.int64)
            longer[: len(self._due)] = self._due
            self._due = longer
