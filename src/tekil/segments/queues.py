"""What other threads leave for the one that follows segments: people to judge, jobs to do."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future

from tekil.errors import StoreUnavailable


class Waiting:
    """People who wait to be judged; nobody stands in it twice."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._people: set[int] = set()
        self._since = 0.0

    def add(self, people: Collection[int]) -> None:
        """Have people wait."""
        with self._lock:
            if not self._people:
                self._since = time.monotonic()
            self._people.update(people)

    def take(self) -> set[int]:
        """Take everybody who waits."""
        with self._lock:
            taken, self._people = self._people, set()
        return taken

    def is_empty(self) -> bool:
        """Whether nobody waits."""
        return not self._people

    def seconds(self) -> float:
        """How long the first of them has waited."""
        with self._lock:
            return time.monotonic() - self._since if self._people else 0.0


class Jobs:
    """What the thread shall do between two rounds, each with a future for whoever asked."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[tuple[Callable[[], None], Future[None]]]
        self._waiting = queue.SimpleQueue()

    def put(self, job: Callable[[], None]) -> Future[None]:
        """Leave a job."""
        done: Future[None] = Future()
        self._waiting.put((job, done))
        return done

    def run(self) -> None:
        """Do what waits. Raises what a job raises, after its asker was told."""
        while not self._waiting.empty():
            job, done = self._waiting.get()
            try:
                job()
            except Exception as error:
                done.set_exception(error)
                raise
            done.set_result(None)

    def refuse(self) -> None:
        """Tell every asker that nobody does it here."""
        while not self._waiting.empty():
            _, done = self._waiting.get()
            done.set_exception(
                StoreUnavailable(
                    "Segments cannot be followed by this process now. What was written is stored, "
                    "and is taken up when a process with --role all or worker can."
                )
            )
