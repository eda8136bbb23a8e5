"""Identities and claims as the live graph holds them in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from tekil.identity.model import Claim, ClaimKey, Identity, Quarantine
from tekil.kit.clock import Millis
from tekil.kit.ids import IdentityId, ProfileId


class Node:
    """One identity in memory: what a row of the table holds, and whether that must be written."""

    __slots__ = (
        "attested",
        "changed",
        "component",
        "first_seen",
        "identity_id",
        "key",
        "namespace",
        "new",
        "profile_id",
        "quarantine",
        "value",
        "verified",
    )

    def __init__(
        self,
        identity_id: IdentityId,
        key: str,
        namespace: str,
        value: str,
        first_seen: Millis,
        *,
        verified: bool = False,
        attested: bool = False,
        quarantine: Quarantine | None = None,
        component: int = 0,
        profile_id: int = 0,
        new: bool = True,
    ) -> None:
        self.identity_id = identity_id
        self.key = key
        self.namespace = namespace
        self.value = value
        self.first_seen = first_seen
        self.verified = verified
        self.attested = attested
        self.quarantine = quarantine
        self.component = component or identity_id
        self.profile_id = ProfileId(profile_id or identity_id)
        self.new = new
        self.changed = new

    def frozen(self) -> Identity:
        """The immutable form that the solver takes."""
        return Identity(
            self.identity_id,
            self.namespace,
            self.value,
            self.first_seen,
            self.verified,
            self.attested,
        )


@dataclass(slots=True)
class Piece:
    """A set of whole components, loaded so that they can be solved apart from all others."""

    members: dict[IdentityId, Node] = field(default_factory=dict)
    outside: dict[IdentityId, Node] = field(default_factory=dict)
    """Quarantined identities at the other end of a member's claims, where the piece was cut."""
    claims: dict[ClaimKey, Claim] = field(default_factory=dict)
    refused: dict[ClaimKey, str | None] = field(default_factory=dict)
    """What the store says of each claim, to see which ones change."""


@dataclass(frozen=True, slots=True)
class GraphChanges:
    """What a batch did to the people: for the warehouse, the counters and the segments."""

    profile_of: dict[IdentityId, ProfileId]
    """Identities that are new or moved to another profile."""
    profiles_delta: int
    identities_delta: int
    touched: frozenset[ProfileId]
    """Profiles that were made, grew, or lost somebody."""
