"""What a change of rules would do: who would merge and who would split."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tekil.identity.model import Solution
from tekil.kit.ids import IdentityId, ProfileId

SAMPLES = 20


@dataclass(frozen=True, slots=True)
class Merge:
    """Several profiles that would become one."""

    before: tuple[ProfileId, ...]
    after: ProfileId


@dataclass(frozen=True, slots=True)
class Split:
    """One profile that would become several."""

    before: ProfileId
    after: tuple[ProfileId, ...]


@dataclass(frozen=True, slots=True)
class RulesDiff:
    """Counts are exact; lists are samples of bounded length, the largest cases first."""

    profiles_before: int = 0
    profiles_after: int = 0
    identities_moved: int = 0
    """Identities whose profile would have another id."""
    merged: int = 0
    """Profiles after the change that unite several from before it."""
    split: int = 0
    """Profiles before the change that would come apart."""
    quarantined: int = 0
    """Identities that would be quarantined and are not now."""
    released: int = 0
    """Identities that are quarantined and would not be."""
    merges: tuple[Merge, ...] = field(default=())
    splits: tuple[Split, ...] = field(default=())
    newly_quarantined: tuple[IdentityId, ...] = field(default=())
    newly_released: tuple[IdentityId, ...] = field(default=())

    def plus(self, other: RulesDiff, samples: int = SAMPLES) -> RulesDiff:
        """The diff of two sets of components together, for solving in pieces."""
        return RulesDiff(
            self.profiles_before + other.profiles_before,
            self.profiles_after + other.profiles_after,
            self.identities_moved + other.identities_moved,
            self.merged + other.merged,
            self.split + other.split,
            self.quarantined + other.quarantined,
            self.released + other.released,
            _largest_merges((*self.merges, *other.merges), samples),
            _largest_splits((*self.splits, *other.splits), samples),
            tuple(sorted((*self.newly_quarantined, *other.newly_quarantined))[:samples]),
            tuple(sorted((*self.newly_released, *other.newly_released))[:samples]),
        )


def rules_diff(before: Solution, after: Solution, samples: int = SAMPLES) -> RulesDiff:
    """Compare two solutions over the same identities. Raises KeyError if they are not the same."""
    fed_by: dict[ProfileId, set[ProfileId]] = {}
    led_to: dict[ProfileId, set[ProfileId]] = {}
    moved = 0
    for identity, new in after.profile_of.items():
        old = before.profile_of[identity]
        moved += old != new
        fed_by.setdefault(new, set()).add(old)
        led_to.setdefault(old, set()).add(new)
    merges = [Merge(tuple(sorted(old)), new) for new, old in fed_by.items() if len(old) > 1]
    splits = [Split(old, tuple(sorted(new))) for old, new in led_to.items() if len(new) > 1]
    shut = sorted(after.quarantined.keys() - before.quarantined.keys())
    freed = sorted(before.quarantined.keys() - after.quarantined.keys())
    return RulesDiff(
        profiles_before=len(led_to),
        profiles_after=len(fed_by),
        identities_moved=moved,
        merged=len(merges),
        split=len(splits),
        quarantined=len(shut),
        released=len(freed),
        merges=_largest_merges(merges, samples),
        splits=_largest_splits(splits, samples),
        newly_quarantined=tuple(shut[:samples]),
        newly_released=tuple(freed[:samples]),
    )


def _largest_merges(merges: Iterable[Merge], samples: int) -> tuple[Merge, ...]:
    return tuple(sorted(merges, key=lambda m: (-len(m.before), m.after))[:samples])


def _largest_splits(splits: Iterable[Split], samples: int) -> tuple[Split, ...]:
    return tuple(sorted(splits, key=lambda s: (-len(s.after), s.before))[:samples])
