"""How fast a source may send: a bucket of tokens that fills at the allowed rate."""

from __future__ import annotations

import math

from tekil.collect.model import Source
from tekil.errors import RateLimited
from tekil.kit.clock import Clock, Millis
from tekil.kit.ids import SourceId


class RateLimiter:
    """One bucket per source; a full bucket holds one second's worth, so short bursts pass."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[SourceId, tuple[float, Millis]] = {}

    def take(self, source: Source, events: int) -> None:
        """Take a token per event. Raises RateLimited with whole seconds to wait.

        A request is let in while the bucket is not empty, and may overdraw it, so that a batch
        larger than one second's worth is slowed down and not shut out.
        """
        rate = source.settings.events_per_second
        if rate is None:
            return
        now = self._clock.now()
        held, at = self._buckets.get(source.source_id, (float(rate), now))
        held = min(float(rate), held + max(0, now - at) * rate / 1000)
        if held <= 0:
            self._buckets[source.source_id] = (held, now)
            wait = max(1, math.ceil((1 - held) / rate))
            raise RateLimited(
                f'The source "{source.name}" may send {rate} events a second; wait {wait} s.',
                retry_after_seconds=wait,
            )
        self._buckets[source.source_id] = (held - events, now)
