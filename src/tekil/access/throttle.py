"""Slows down whoever guesses passwords; kept in memory, per process."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from tekil.errors import RateLimited
from tekil.kit.clock import Clock, Millis

FREE_TRIES = 5
FIRST_WAIT_MS = 15_000
LONGEST_WAIT_MS = 15 * 60_000
FORGET_AFTER_MS = 60 * 60_000
MAX_REMEMBERED = 10_000

# From one address anybody may mistype; for one name from all addresses together the limit is
# wider, so that a stranger cannot lock the owner out with a handful of tries.
TRIES_PER_NAME = 50


@dataclass(slots=True)
class _Tries:
    failures: int
    last_at: Millis


class LoginThrottle:
    """Counts failed tries per address and per name; after the free ones each doubles the wait."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tries: OrderedDict[tuple[str, str], _Tries] = OrderedDict()

    def begin(self, address: str, name: str) -> None:
        """Count a try as failed until it succeeds, so that tries at once count too.

        Raises RateLimited.
        """
        now = self._clock.now()
        keys = (("address", address), FREE_TRIES), (("name", name), TRIES_PER_NAME)
        with self._lock:
            wait = max(self._wait(key, free, now) for key, free in keys)
            if wait > 0:
                seconds = -(-wait // 1000)
                raise RateLimited(
                    f"Too many failed log-ins; try again in {seconds} s.",
                    retry_after_seconds=seconds,
                )
            for key, _ in keys:
                self._count(key, now)

    def succeeded(self, address: str, name: str) -> None:
        """Forget the failures of an address and a name that got in."""
        with self._lock:
            self._tries.pop(("address", address), None)
            self._tries.pop(("name", name), None)

    def _wait(self, key: tuple[str, str], free: int, now: Millis) -> int:
        tries = self._tries.get(key)
        if tries is None or now - tries.last_at >= FORGET_AFTER_MS or tries.failures < free:
            return 0
        doubled = FIRST_WAIT_MS << min(tries.failures - free, 16)
        return tries.last_at + min(doubled, LONGEST_WAIT_MS) - now

    def _count(self, key: tuple[str, str], now: Millis) -> None:
        tries = self._tries.pop(key, None)
        stale = tries is None or now - tries.last_at >= FORGET_AFTER_MS
        self._tries[key] = _Tries(1 if stale or tries is None else tries.failures + 1, now)
        while len(self._tries) > MAX_REMEMBERED:
            self._tries.popitem(last=False)
