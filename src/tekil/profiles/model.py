"""Traits and memberships of accounts as they pass through the pipeline."""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from tekil.kit.clock import Millis
from tekil.kit.ids import MessageId, SourceId

TIE_BITS = 18
"""Times until the year 3000 take 45 bits; with these a version fits 63."""


class TraitWrite(msgspec.Struct, frozen=True, gc=False):
    """One value of one trait, with where it came from; ``value`` and ``original`` are JSON."""

    owner_id: int
    name: str
    strong: bool
    value: str
    original: str | None
    version: int
    event_time: Millis
    message_id: MessageId
    source_id: SourceId

    @property
    def order(self) -> tuple[int, str]:
        """The greater one is kept; made of intrinsic facts, so arrival does not matter."""
        return (self.version, self.message_id)


def trait_version(at: Millis, message_id: str) -> int:
    """Order values by event time, then by a hash that is the same whenever it is computed.

    >>> trait_version(Millis(2), "a") > trait_version(Millis(1), "b")
    True
    """
    tie = int.from_bytes(blake2b(message_id.encode(), digest_size=4).digest(), "big")
    return (max(at, 0) << TIE_BITS) | (tie >> (32 - TIE_BITS))
