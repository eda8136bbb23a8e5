"""What identity resolution speaks of: identities, claims, rules, and the people that follow.

Nothing here reads a clock, a store or the order in which things arrived. A time is event time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import msgspec

from tekil.kit.clock import Millis
from tekil.kit.ids import IdentityId, MessageId, ProfileId, SourceId


class Normaliser(StrEnum):
    """How a raw value becomes the value that is compared."""

    EXACT = "exact"
    """As it came."""
    TRIM = "trim"
    """Without white space around it. Upper and lower case stay different."""
    LOWER = "lower"
    """Trimmed, composed (NFC) and in lower case."""
    EMAIL = "email"
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class Namespace:
    """The rules of one kind of identifier."""

    rank: int
    """1 is the highest. Higher-ranked evidence is believed first."""
    limit: int | None = None
    """How many different values one profile may hold; None: any number."""
    normaliser: Normaliser = Normaliser.TRIM
    blocked: tuple[str, ...] = ()
    """Values that name nobody, compared without regard to case, spaces and one layer of quotes."""
    blocked_patterns: tuple[str, ...] = ()
    """RE2 patterns, case-sensitive unless they say (?i); a value that matches names nobody."""
    shared_after: int | None = None
    """A value joined to more values than this of one higher-ranked namespace is shared."""
    personal: bool = True
    """Names a person, not a browser or a device: weak claims never join two verified ones."""
    from_: tuple[str, ...] = ("context.externalIds",)
    """Where in a message values are found."""


@dataclass(frozen=True, slots=True)
class IdentityRules:
    """Everything that decides, together with the claims, who is one person."""

    namespaces: Mapping[str, Namespace]
    default: Namespace
    """For namespaces that have no rules of their own."""
    weak_joins_verified: bool = False
    """Whether a public key may join two profiles that strong sources know."""


class ClaimKind(StrEnum):
    """What kind of evidence says that two identities are one person."""

    MESSAGE = "message"
    """Both stood in one message."""
    ALIAS = "alias"
    """An alias call named one as the former id of the other."""
    JOIN = "join"
    """A person said so."""
    SAME_VALUE = "same_value"
    """Two namespaces hold the same value."""


class Strength(StrEnum):
    """How far a claim is believed; follows the trust of its source."""

    STRONG = "strong"
    WEAK = "weak"


class Identity(msgspec.Struct, frozen=True, gc=False):
    """One identifier value in one namespace, and what is known about it."""

    identity_id: IdentityId
    namespace: str
    value: str
    first_seen: Millis
    verified: bool = False
    """Seen in a strong source."""
    attested: bool = True
    """Seen otherwise than as the former id in an alias call."""


ClaimKey: TypeAlias = tuple[IdentityId, IdentityId, ClaimKind, Strength]


class Claim(msgspec.Struct, frozen=True, gc=False):
    """Evidence that two identities are one person. It has no direction."""

    a: IdentityId
    b: IdentityId
    kind: ClaimKind
    strength: Strength
    event_time: Millis
    message_id: MessageId = MessageId("")
    source_id: SourceId = SourceId(0)

    @property
    def key(self) -> ClaimKey:
        """One claim is kept per key; see ``tekil.identity.rules.standing``."""
        low, high = (self.a, self.b) if self.a <= self.b else (self.b, self.a)
        return (low, high, self.kind, self.strength)


class Separation(msgspec.Struct, frozen=True, gc=False):
    """A person said that two identities are not one person. It has no direction."""

    a: IdentityId
    b: IdentityId
    event_time: Millis = Millis(0)
    """When it was decided; a join of the same two decided later undoes it."""


class RefusalReason(StrEnum):
    """Why a claim was not believed."""

    BLOCKED = "blocked"
    """One of its values is a placeholder that names nobody."""
    QUARANTINED = "quarantined"
    """One of its identities is shared by too many people."""
    SEPARATED = "separated"
    """A person said that the two are not one."""
    LIMIT = "limit"
    """One profile would hold too many values of a namespace."""
    WEAK_BETWEEN_VERIFIED = "weak_between_verified"
    """A public key tried to join two profiles that strong sources know."""


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """A claim that was not believed, why, and the detail that goes with the reason."""

    claim: Claim
    reason: RefusalReason
    identity_id: IdentityId | None = None
    """Which of the two is blocked or quarantined."""
    namespace: str | None = None
    """Whose limit would break, or of whose values the shared identity has too many."""
    limit: int | None = None
    """How many values were allowed."""
    count: int | None = None
    """How many there would be."""
    separation: Separation | None = None
    """The decision that keeps the two apart."""


class Quarantine(msgspec.Struct, frozen=True, gc=False):
    """The verdict that an identity is shared by many people."""

    strength: Strength
    """STRONG: no claim on it is believed unless made by hand. WEAK: only weak ones are not."""
    namespace: str
    """The higher-ranked namespace of whose values it is joined to too many."""
    count: int
    limit: int


@dataclass(frozen=True, slots=True)
class Solution:
    """The people that follow from a set of claims under a set of rules."""

    profile_of: dict[IdentityId, ProfileId]
    """Every identity that was passed in, and the profile that it belongs to."""
    refused: dict[ClaimKey, Refusal]
    """Claims that were not believed. (By hand their ends may still be one person.)"""
    quarantined: dict[IdentityId, Quarantine]

    def clusters(self) -> dict[ProfileId, list[IdentityId]]:
        """The identities of every profile."""
        found: dict[ProfileId, list[IdentityId]] = {}
        for identity, profile in self.profile_of.items():
            found.setdefault(profile, []).append(identity)
        return found
