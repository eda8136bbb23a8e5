"""Group commit: many requests that arrive together share one synced transaction."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future

import structlog

from tekil.errors import StoreUnavailable, TekilError
from tekil.inbox.model import ImportProgress, Submission
from tekil.inbox.store import Inbox

MAX_GROUP_BYTES = 16 * 1024 * 1024
QUEUE_LIMIT = 20_000

log = structlog.get_logger()


class GroupCommitter:
    """One thread that appends to the inbox; callers get a future that ends with the commit."""

    def __init__(self, inbox: Inbox, on_commit: Callable[[], None]) -> None:
        self._inbox = inbox
        self._on_commit = on_commit
        self._queue: queue.SimpleQueue[_Pending | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="inbox-committer", daemon=True)
        self._closed = False
        self._failing = False

    def start(self) -> None:
        """Begin to commit."""
        self._thread.start()

    def submit(
        self, submission: Submission, progress: ImportProgress | None = None
    ) -> Future[None]:
        """Queue a request; the future ends once it is synced, or with StoreUnavailable."""
        future: Future[None] = Future()
        if self._closed:
            future.set_exception(StoreUnavailable("The server is shutting down; send this again."))
        elif self._queue.qsize() > QUEUE_LIMIT:
            future.set_exception(StoreUnavailable("The inbox cannot keep up; send this again."))
        else:
            self._queue.put(_Pending(submission, progress, future))
        return future

    def submit_async(self, submission: Submission) -> asyncio.Future[None]:
        """Like ``submit`` for the running event loop, which is woken once per commit."""
        future = asyncio.get_running_loop().create_future()
        if self._closed:
            future.set_exception(StoreUnavailable("The server is shutting down; send this again."))
        elif self._queue.qsize() > QUEUE_LIMIT:
            future.set_exception(StoreUnavailable("The inbox cannot keep up; send this again."))
        else:
            self._queue.put(_Pending(submission, None, future))
        return future

    def stop(self) -> None:
        """Commit what is queued, then end."""
        self._closed = True
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            first = self._queue.get()
            if first is None:
                return
            group, ended = self._gather(first)
            self._commit(group)
            if ended:
                return

    def _gather(self, first: _Pending) -> tuple[list[_Pending], bool]:
        group, size = [first], len(first.submission.body)
        while size < MAX_GROUP_BYTES and first.progress is None:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if item is None:
                return group, True
            group.append(item)
            size += len(item.submission.body)
            if item.progress is not None:
                break
        return group, False

    def _commit(self, group: list[_Pending]) -> None:
        try:
            progress = group[-1].progress
            self._inbox.append([p.submission for p in group], progress)
        except Exception as error:
            if len(group) > 1 and not isinstance(error, StoreUnavailable):
                for pending in group:  # one of them cannot be stored; the others must be
                    self._commit([pending])
                return
            self._report(error)
            failure = error if isinstance(error, TekilError) else StoreUnavailable(str(error))
            _settle(group, failure)
            return
        if self._failing:
            self._failing = False
            log.info("inbox writable again")
        _settle(group, None)
        self._on_commit()

    def _report(self, error: Exception) -> None:
        if not self._failing:
            log.error("inbox cannot be written; requests are answered 503", error=str(error))
        self._failing = True


class _Pending:
    """A request that waits for its commit."""

    __slots__ = ("future", "progress", "submission")

    def __init__(
        self,
        submission: Submission,
        progress: ImportProgress | None,
        future: Future[None] | asyncio.Future[None],
    ) -> None:
        self.submission = submission
        self.progress = progress
        self.future = future


def _settle(group: list[_Pending], failure: Exception | None) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for pending in group:
        future = pending.future
        if isinstance(future, asyncio.Future):
            by_loop.setdefault(future.get_loop(), []).append(future)
        elif failure is None:
            future.set_result(None)
        else:
            future.set_exception(failure)
    for loop, futures in by_loop.items():
        loop.call_soon_threadsafe(_settle_on_loop, futures, failure)


def _settle_on_loop(futures: list[asyncio.Future[None]], failure: Exception | None) -> None:
    for future in futures:
        if future.done():  # the client went away
            continue
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(failure)
