"""Several processes: one answers and writes definitions, another one follows them."""

from __future__ import annotations

import threading
import time

import structlog

from tekil.errors import StoreUnavailable, TekilError
from tekil.segments.live import LiveSegments
from tekil.segments.store import SegmentStore

LOOK_SECONDS = 1.0
"""How often a process asks whether another one changed a definition."""

PATIENCE_SECONDS = 20.0
WAIT_SECONDS = 0.1

log = structlog.get_logger()


class FollowedElsewhere(LiveSegments):
    """Segments as a process knows them that does not follow them itself."""

    def refresh(self) -> None:
        """Wait until a worker has judged every segment as it is defined now.

        Raises StoreUnavailable if none does so soon.
        """
        until = time.monotonic() + PATIENCE_SECONDS
        while not self._store.is_followed():
            if time.monotonic() > until:
                raise StoreUnavailable(
                    "The definition is stored, but no worker has taken it up yet. It is followed "
                    "as soon as a process with --role worker or all runs."
                )
            time.sleep(WAIT_SECONDS)


class Watch:
    """Takes up the definitions that other processes write."""

    def __init__(self, store: SegmentStore, live: LiveSegments) -> None:
        self._store = store
        self._live = live
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="definitions", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._ending.set()

    def _run(self) -> None:
        known: object = None
        while not self._ending.wait(LOOK_SECONDS):
            try:
                found = self._store.stamp()
                if found != known:
                    self._live.refresh()
                    known = found
            except TekilError as error:
                log.warning("definitions of others wait", error=error.message[:500])
