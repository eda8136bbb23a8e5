"""What the pipeline does now and then: forget what need not be kept any longer."""

from __future__ import annotations

from tekil.events.store import HistoryStore
from tekil.inbox.store import Inbox
from tekil.kit.clock import DAY_MS, Clock, Millis
from tekil.kit.ids import Seq

EVERY_MS = 3_600_000


class Chores:
    """Trims the inbox and the memory of message ids, once an hour."""

    def __init__(
        self, inbox: Inbox, history: HistoryStore, clock: Clock, *, inbox_days: int, dedup_days: int
    ) -> None:
        self._inbox = inbox
        self._history = history
        self._clock = clock
        self._inbox_days = inbox_days
        self._dedup_days = max(dedup_days, 30)
        self._done_at = Millis(0)

    def run_if_due(self, stored: Seq) -> None:
        """Trim what is older than the retention and known to be in the warehouse."""
        now = self._clock.now()
        if now - self._done_at < EVERY_MS:
            return
        self._done_at = now
        self._inbox.trim(stored, Millis(now - self._inbox_days * DAY_MS))
        self._history.forget_hashes(Millis(now - self._dedup_days * DAY_MS))
