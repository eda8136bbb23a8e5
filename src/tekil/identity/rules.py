"""The rules in force, made ready to be asked thousands of times a second."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

import re2

from tekil.identity.model import (
    Claim,
    ClaimKind,
    Identity,
    IdentityRules,
    Namespace,
    Quarantine,
    Strength,
)

EldestKey: TypeAlias = "tuple[bool, int, int, str, str]"

_CACHED_VALUES: Final = 100_000
_QUOTES: Final = "\"'`"


class Rulebook:
    """Identity rules with what can be worked out from them once.

    It caches, so that one is built per set of rules and shared; it is safe to share
    between threads because an entry is only ever replaced by an equal one.
    """

    def __init__(self, rules: IdentityRules) -> None:
        self.rules = rules
        self.weak_joins_verified = rules.weak_joins_verified
        self._named = dict(rules.namespaces)
        self._default = rules.default
        self._guards = {name: _Guard(space) for name, space in self._named.items()}
        self._default_guard = _Guard(rules.default)
        self._caps = {name: self._cap(space) for name, space in self._named.items()}
        self._default_cap = self._cap(rules.default)

    def of(self, namespace: str) -> Namespace:
        """The rules of a namespace; those for the unseen when it has none of its own."""
        return self._named.get(namespace, self._default)

    def rank(self, namespace: str) -> int:
        """1 is the highest."""
        return self._named.get(namespace, self._default).rank

    def is_blocked(self, namespace: str, value: str) -> bool:
        """Whether a normalised value names nobody."""
        return self._guards.get(namespace, self._default_guard).blocks(value)

    def is_proven(self, identity: Identity) -> bool:
        """Whether a strong source knows it as the name of a person.

        Weak claims attach others to it but never join it to another proven one. A former id
        that was only ever named by an alias call is not counted, for nobody was seen under it.
        """
        return identity.verified and identity.attested and self.of(identity.namespace).personal

    def cap(self, namespace: str) -> int | None:
        """Up to so many values in one raw component, no claim is refused on their account."""
        return self._caps.get(namespace, self._default_cap)

    def _cap(self, space: Namespace) -> int | None:
        bounds = [] if space.limit is None else [space.limit]
        for other in (*self._named.values(), self._default):
            if other.rank > space.rank and other.shared_after is not None:
                bounds.append(other.shared_after)
        return min(bounds, default=None)


class _Guard:
    """Says whether a value is blocked, and remembers the answer."""

    def __init__(self, space: Namespace) -> None:
        self._exact = frozenset(bare(value).lower() for value in space.blocked) | {""}
        self._pattern: Any = None
        if space.blocked_patterns:
            self._pattern = re2.compile(one_pattern(space.blocked_patterns))
        self._known: dict[str, bool] = {}

    def blocks(self, value: str) -> bool:
        known = self._known.get(value)
        if known is None:
            if len(self._known) >= _CACHED_VALUES:
                self._known = {}
            known = self._known[value] = self._decide(value)
        return known

    def _decide(self, value: str) -> bool:
        plain = bare(value)
        if plain.lower() in self._exact:
            return True
        return self._pattern is not None and bool(self._pattern.search(plain))


def one_pattern(patterns: Iterable[str]) -> str:
    """One RE2 pattern that is found wherever one of several is."""
    return "|".join(f"(?:{pattern})" for pattern in patterns)


def bare(value: str) -> str:
    """A value without the spaces and the one layer of quotes that sloppy clients add.

    >>> bare(' "NULL" ')
    'NULL'
    """
    text = value.strip()
    if len(text) >= 2 and text[0] == text[-1] and text[0] in _QUOTES:
        text = text[1:-1].strip()
    return text


def standing(one: Claim, other: Claim) -> Claim:
    """Of two claims with the same key the one to keep, whichever came first.

    Evidence stands from the first time that it was given. A join by hand stands from the last
    time, because it competes with separations made before and after it. The choice is
    commutative, associative and idempotent, so that the kept set does not depend on arrival.
    """
    first, second = sorted((one, other), key=_evidence_order)
    return second if one.kind is ClaimKind.JOIN else first


def _evidence_order(claim: Claim) -> tuple[int, str, int]:
    return (claim.event_time, claim.message_id, claim.source_id)


def quarantine_of(
    identity: Identity, neighbours: Iterable[tuple[Identity, Strength]], rules: Rulebook
) -> Quarantine | None:
    """Whether an identity is shared, judged by what claims not made by hand join it to.

    Counts distinct values of one higher-ranked namespace, over the strong claims and over the
    weak ones apart. Weak claims can only shut out weak ones: otherwise anybody with a public
    key could cut a customer off from his own e-mail.
    """
    space = rules.of(identity.namespace)
    if space.shared_after is None:
        return None
    counted: dict[Strength, dict[str, set[str]]] = {Strength.STRONG: {}, Strength.WEAK: {}}
    for other, strength in neighbours:
        if rules.rank(other.namespace) < space.rank:
            counted[strength].setdefault(other.namespace, set()).add(other.value)
    for strength, found in counted.items():
        over = [
            (rules.rank(namespace), namespace, len(values))
            for namespace, values in found.items()
            if len(values) > space.shared_after
        ]
        if over:
            _, namespace, count = min(over)
            return Quarantine(strength, namespace, count, space.shared_after)
    return None


def eldest_key(identity: Identity, rules: Rulebook) -> EldestKey:
    """The identity of a profile with the least key gives the profile its id."""
    return (
        not identity.attested,
        identity.first_seen,
        rules.rank(identity.namespace),
        identity.namespace,
        identity.value,
    )
