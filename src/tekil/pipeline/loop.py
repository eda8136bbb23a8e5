"""The pipeline's thread: takes what the inbox holds, batch after batch, until it is stopped."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from typing import TypeAlias

import structlog

from tekil.errors import StoreUnavailable
from tekil.events.store import LeaseLost
from tekil.inbox.store import Inbox
from tekil.kit.clock import Millis
from tekil.kit.ids import Seq
from tekil.pipeline.batch import STORED_BATCH, STORED_SEQ, BatchResult, BatchWorker
from tekil.pipeline.chores import Chores
from tekil.pipeline.writer import WarehouseWriter
from tekil.store.lease import Lease

MAX_MESSAGES = 20_000
"""Messages of one micro-batch: more would only take longer to be seen."""

MIN_MESSAGES = 1_000
BATCH_SECONDS = 1.0
"""A batch of nothing but new people costs several times one of known people. The size follows
what the last batch took, so that whoever else writes to the state waits about this long."""

MAX_ENTRIES = 10_000
LINGER_SECONDS = 0.12
"""Batches begin no faster than this, so that a trickle does not become thousands of tiny parts."""

POLL_SECONDS = 1.0
"""How long to sleep when nobody wakes us: another process may have filled the inbox."""

MAX_WAITING = 8
"""Batches that may wait for the warehouse in memory; with more the pipeline pauses."""

RETRY_SECONDS = 1.0

Command: TypeAlias = Callable[[BatchWorker], Iterable[BatchResult]]
"""Work for the pipeline's thread; what it commits it gives back, to be handed on."""

log = structlog.get_logger()


class PipelineLoop:
    """Runs the worker and the writer."""

    def __init__(
        self,
        inbox: Inbox,
        worker: BatchWorker,
        writer: WarehouseWriter,
        lease: Lease,
        chores: Chores,
    ) -> None:
        self._inbox = inbox
        self.worker = worker
        self.writer = writer
        self._lease = lease
        self._chores = chores
        self._ready = False
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._commands: queue.SimpleQueue[tuple[Command, Future[None]]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="pipeline", daemon=True)
        self._failing = False
        self._size = MAX_MESSAGES // 4

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    @property
    def is_ready(self) -> bool:
        """Whether it holds the lease, with all that an earlier worker left in the warehouse."""
        return self._ready

    def wake(self) -> None:
        """Say that the inbox holds something new."""
        self._wake.set()

    def run(self, command: Command) -> None:
        """Have the pipeline's thread do something between two batches, and wait for it.

        It is how changes by hand reach the graph, which has one writer. Raises what the command
        raises, and StoreUnavailable where no pipeline works.
        """
        done: Future[None] = Future()
        self._commands.put((command, done))
        self._wake.set()
        if not self._thread.is_alive():
            self._refuse_commands()
        done.result()

    def stop(self) -> None:
        """Finish the batch at hand and end; what is left stays in the inbox and the outbox."""
        self._ending.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._refuse_commands()
        self.writer.stop(drain=True)
        self._lease.release()

    def lag(self) -> tuple[int, Millis | None]:
        """How many accepted messages cannot be queried yet, and when the oldest came."""
        return self._inbox.lag(self.stored_seq(self.worker.progress))

    def stored_seq(self, progress: Mapping[str, int]) -> Seq:
        """The last request of which every event can be queried, whoever stored it."""
        return Seq(max(self.writer.stored_seq, progress.get(STORED_SEQ, 0)))

    def settle(self) -> None:
        """Wait until the inbox is empty and all of it is in the warehouse."""
        self.wake()
        while not self._ending.is_set():
            if self._ready and not self.lag()[0]:
                return
            self._ending.wait(0.01)

    def _run(self) -> None:
        while not self._ending.is_set():
            began = time.monotonic()
            try:
                if not self._may_work():
                    self._refuse_commands()
                    self._ending.wait(POLL_SECONDS)
                    continue
                self._obey()
                busy = self._step()
                self._chores.run_if_due(self.writer.stored_seq)
            except Exception as error:
                if not self._failing:
                    log.error("the pipeline cannot work; trying again", error=str(error)[:500])
                self._failing = True
                self._ready = self._ready and not isinstance(error, LeaseLost)
                self._refuse_commands()
                self._ending.wait(RETRY_SECONDS)
                continue
            if self._failing:
                self._failing = False
                log.info("the pipeline works again")
            self._rest(began, busy)

    def _obey(self) -> None:
        """Run the commands that wait; what goes wrong with one is its caller's affair."""
        while not self._commands.empty():
            command, done = self._commands.get()
            try:
                for result in command(self.worker):
                    self._publish(result)
            except Exception as error:
                done.set_exception(error)
            else:
                done.set_result(None)

    def _refuse_commands(self) -> None:
        while not self._commands.empty():
            _, done = self._commands.get()
            done.set_exception(
                StoreUnavailable(
                    "No pipeline works in this process, so nothing was changed. Ask the process "
                    "that runs with --role all or worker; if it is starting, try again."
                )
            )

    def _publish(self, result: BatchResult, *, more: bool = False) -> None:
        """Hand a committed batch on to the warehouse, and so to who follows what changes."""
        applied = self.worker.applied_seq
        self.writer.put(result.batch, result.parcels, applied, result.touched, more=more)

    def _may_work(self) -> bool:
        """Take the lease, and what an earlier worker left, before the first batch."""
        if self._ready and self._lease.holds():
            return True
        if self._ready:
            log.warning("the lease is lost; what is left in the outbox is whose it is now")
            self.writer.abandon()
        self._ready = False
        if not self._lease.acquire():
            return False
        self.worker.take_over()
        progress = self.worker.progress
        self.writer.recover(progress.get(STORED_BATCH, 0), self.worker.applied_seq)
        self._ready = True
        return True

    def _rest(self, began: float, busy: int) -> None:
        if not busy:
            self._wake.wait(POLL_SECONDS)
        self._wake.clear()
        if busy < MIN_MESSAGES:
            left = LINGER_SECONDS - (time.monotonic() - began)
            if left > 0:
                self._ending.wait(left)

    def _step(self) -> int:
        """Work one micro-batch; returns how many messages it held."""
        if self.writer.waiting() >= MAX_WAITING:
            self._ending.wait(0.01)
            return MAX_MESSAGES
        entries = self._inbox.entries_after(
            self.worker.applied_seq, max_count=self._size, max_entries=MAX_ENTRIES
        )
        # In this order: the batch must not be behind the request that it speaks for.
        stored_seq, stored_batch = self.writer.stored_seq, self.writer.stored_batch
        if not entries:
            self.writer.hurry()
            self.worker.note_stored(stored_batch, stored_seq)
            return 0
        began = time.monotonic()
        count = sum(entry.count for entry in entries)
        result = self.worker.work(entries, stored_batch, stored_seq)
        self._publish(result, more=count >= self._size)
        self._size = next_size(self._size, count, time.monotonic() - began)
        return count


def next_size(size: int, count: int, seconds: float) -> int:
    """How many messages the next batch may hold, from what the last one held and took.

    >>> next_size(20_000, 20_000, 4.0), next_size(5_000, 5_000, 0.2), next_size(5_000, 300, 0.1)
    (5000, 10000, 5000)
    """
    fitting = int(count * BATCH_SECONDS / max(seconds, 0.001))
    if fitting < size and count >= MIN_MESSAGES:
        return max(MIN_MESSAGES, fitting)
    if count >= size:
        return min(MAX_MESSAGES, fitting, size * 2)
    return size
