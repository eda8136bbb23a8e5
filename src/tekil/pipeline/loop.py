"""The pipeline's thread: takes what the inbox holds, batch after batch, until it is stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from tekil.inbox.store import Inbox
from tekil.pipeline.batch import BatchResult, BatchWorker
from tekil.pipeline.writer import WarehouseWriter

MAX_MESSAGES = 20_000
"""Messages of one micro-batch: more would only take longer to be seen."""

MAX_ENTRIES = 10_000
LINGER_SECONDS = 0.12
"""Batches begin no faster than this, so that a trickle does not become thousands of tiny parts."""

POLL_SECONDS = 1.0
"""How long to sleep when nobody wakes us: another process may have filled the inbox."""

MAX_WAITING = 8
"""Batches that may wait for the warehouse in memory; with more the pipeline pauses."""

RETRY_SECONDS = 1.0

log = structlog.get_logger()


class PipelineLoop:
    """Runs the worker and the writer."""

    def __init__(
        self,
        inbox: Inbox,
        worker: BatchWorker,
        writer: WarehouseWriter,
        on_batch: Callable[[BatchResult], None] | None = None,
    ) -> None:
        self._inbox = inbox
        self.worker = worker
        self.writer = writer
        self._on_batch = on_batch
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._exclusive = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="pipeline", daemon=True)
        self._failing = False

    def start(self) -> None:
        """Begin to work."""
        self.writer.start()
        self._thread.start()

    def wake(self) -> None:
        """Say that the inbox holds something new."""
        self._wake.set()

    def pause(self) -> threading.Lock:
        """A lock that keeps the pipeline between two batches, for work on the whole graph."""
        return self._exclusive

    def stop(self) -> None:
        """Finish the batch at hand and end; what is left stays in the inbox and the outbox."""
        self._ending.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self.writer.stop(drain=True)

    def settle(self) -> None:
        """Wait until the inbox is empty and all of it is in the warehouse."""
        self.wake()
        while not self._ending.is_set():
            waiting, _ = self._inbox.lag(self.worker.applied_seq)
            if not waiting and not self.writer.waiting():
                return
            self._ending.wait(0.01)

    def _run(self) -> None:
        while not self._ending.is_set():
            began = time.monotonic()
            try:
                busy = self._step()
            except Exception as error:
                if not self._failing:
                    log.error("the pipeline cannot work; trying again", error=str(error)[:500])
                self._failing = True
                self._ending.wait(RETRY_SECONDS)
                continue
            if self._failing:
                self._failing = False
                log.info("the pipeline works again")
            self._rest(began, busy)

    def _rest(self, began: float, busy: int) -> None:
        if not busy:
            self._wake.wait(POLL_SECONDS)
        self._wake.clear()
        if busy < MAX_MESSAGES // 2:
            left = LINGER_SECONDS - (time.monotonic() - began)
            if left > 0:
                self._ending.wait(left)

    def _step(self) -> int:
        """Work one micro-batch; returns how many messages it held."""
        if self.writer.waiting() >= MAX_WAITING:
            self._ending.wait(0.01)
            return MAX_MESSAGES
        with self._exclusive:
            entries = self._inbox.entries_after(
                self.worker.applied_seq, max_count=MAX_MESSAGES, max_entries=MAX_ENTRIES
            )
            if not entries:
                return 0
            result = self.worker.work(entries, self.writer.stored_batch)
            self.writer.put(result.batch, result.parcels)
        if self._on_batch is not None:
            self._on_batch(result)
        return sum(entry.count for entry in entries)
