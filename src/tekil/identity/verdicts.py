"""Who is shared, told from counts of neighbours instead of the neighbours themselves."""

from __future__ import annotations

from collections.abc import Iterable

from tekil.identity.model import Quarantine, Strength
from tekil.identity.rules import Rulebook


def least_shared_after(rules: Rulebook) -> int | None:
    """The count up to which nobody is shared under any rule; None: nobody ever is."""
    spaces = (*rules.rules.namespaces.values(), rules.rules.default)
    return min((s.shared_after for s in spaces if s.shared_after is not None), default=None)


def verdict_of_counts(
    namespace: str, counts: Iterable[tuple[str, bool, int]], rules: Rulebook
) -> Quarantine | None:
    """The same verdict as ``quarantine_of``; counts are (namespace, strong, how many values)."""
    space = rules.of(namespace)
    if space.shared_after is None:
        return None
    over = [
        (not strong, rules.rank(other), other, count)
        for other, strong, count in counts
        if rules.rank(other) < space.rank and count > space.shared_after
    ]
    if not over:
        return None
    weak, _, other, count = min(over)
    strength = Strength.WEAK if weak else Strength.STRONG
    return Quarantine(strength, other, count, space.shared_after)
