"""Group commit: many requests in one transaction, answered only when it is on the disk."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait

import pytest

from tekil.errors import StoreUnavailable, TekilError
from tekil.inbox.committer import QUEUE_LIMIT, GroupCommitter
from tekil.inbox.model import ImportProgress, ImportState, Submission
from tekil.inbox.store import Inbox
from tekil.kit.clock import Millis
from tekil.kit.ids import Seq, SourceId
from tekil.store.state import SqlStore


class Gate(Inbox):
    """An inbox whose transactions can be held back, counted and made to fail."""

    def __init__(self, store: SqlStore) -> None:
        super().__init__(store)
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()
        self.groups: list[int] = []
        self.error: Exception | None = None
        self.poison = b""

    def append(
        self, submissions: Sequence[Submission], progress: ImportProgress | None = None
    ) -> None:
        self.entered.set()
        assert self.open.wait(30)
        if self.error is not None:
            raise self.error
        if self.poison and any(self.poison in s.body for s in submissions):
            raise ValueError("this one cannot be stored")
        super().append(submissions, progress)
        self.groups.append(len(submissions))


class Held:
    """A committer over a gate, and how often it told that there is something new."""

    def __init__(self, store: SqlStore) -> None:
        self.gate = Gate(store)
        self.told = 0
        self.committer = GroupCommitter(self.gate, self.tell)
        self.committer.start()

    def tell(self) -> None:
        self.told += 1

    def bodies(self) -> list[bytes]:
        found = self.gate.entries_after(Seq(0), max_count=10**9, max_entries=10**6)
        return [entry.body for entry in found]

    def hold(self) -> Future[None]:
        """Close the gate with one request inside it."""
        self.gate.open.clear()
        self.gate.entered.clear()
        first = self.committer.submit(request(0))
        assert self.gate.entered.wait(30)
        return first


@pytest.fixture
def held(inbox_store: SqlStore) -> Iterator[Held]:
    made = Held(inbox_store)
    yield made
    made.gate.open.set()
    if not made.committer._closed:
        made.committer.stop()


def request(number: int) -> Submission:
    return Submission(SourceId(1), Millis(number), b'{"n":%d}' % number, 1)


def test_what_waits_shares_one_transaction_in_order(held: Held) -> None:
    first = held.hold()
    futures = [held.committer.submit(request(n)) for n in range(1, 101)]
    assert not any(f.done() for f in [first, *futures])  # no answer before the disk has it
    held.gate.open.set()
    wait([first, *futures], 30)
    assert all(f.exception() is None for f in [first, *futures])
    assert held.gate.groups == [1, 100]
    assert held.bodies() == [b'{"n":%d}' % n for n in range(101)]
    assert held.told == 2


def test_an_answer_means_that_another_connection_can_read_it(held: Held) -> None:
    for number in range(20):
        held.committer.submit(request(number)).result(30)
        assert held.bodies()[-1] == b'{"n":%d}' % number


def test_many_threads_lose_nothing(held: Held) -> None:
    def send(start: int) -> None:
        for number in range(start, start + 25):
            held.committer.submit(request(number)).result(30)

    threads = [threading.Thread(target=send, args=(t * 25,)) for t in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(held.bodies()) == sorted(b'{"n":%d}' % n for n in range(200))


def test_a_failing_store_is_told_to_everybody_and_comes_back(held: Held) -> None:
    held.gate.error = StoreUnavailable("The disk is full.")
    for number in range(3):
        failure = held.committer.submit(request(number)).exception(30)
        assert isinstance(failure, StoreUnavailable)
        assert failure.status == 503
    held.gate.error = RuntimeError("something else")
    failure = held.committer.submit(request(3)).exception(30)
    assert isinstance(failure, TekilError)
    assert failure.status == 503
    assert held.told == 0
    held.gate.error = None
    held.committer.submit(request(4)).result(30)
    assert held.bodies() == [b'{"n":4}']


def test_one_request_that_cannot_be_stored_takes_no_other_with_it(held: Held) -> None:
    held.gate.poison = b":7}"
    first = held.hold()
    futures = [held.committer.submit(request(n)) for n in range(1, 20)]
    held.gate.open.set()
    wait([first, *futures], 30)
    failed = [n for n, f in enumerate(futures, 1) if f.exception() is not None]
    assert failed == [7]
    assert held.bodies() == [b'{"n":%d}' % n for n in range(20) if n != 7]


def test_stopping_commits_what_waits_and_refuses_what_comes_later(held: Held) -> None:
    first = held.hold()
    futures = [held.committer.submit(request(n)) for n in range(1, 11)]
    stopping = threading.Thread(target=held.committer.stop)
    stopping.start()
    held.gate.open.set()
    stopping.join(30)
    assert all(f.result(0) is None for f in [first, *futures])
    late = held.committer.submit(request(99))
    assert isinstance(late.exception(0), StoreUnavailable)
    assert len(held.bodies()) == 11


def test_too_long_a_queue_is_refused_at_once(held: Held) -> None:
    first = held.hold()
    futures = [held.committer.submit(request(n)) for n in range(QUEUE_LIMIT + 2)]
    assert isinstance(futures[-1].exception(0), StoreUnavailable)
    held.gate.open.set()
    wait([first, *futures], 60)
    assert len(held.bodies()) == 1 + sum(f.exception() is None for f in futures)


def test_from_an_event_loop(held: Held) -> None:
    async def run() -> list[object]:
        sent = [held.committer.submit_async(request(n)) for n in range(50)]
        answers = await asyncio.gather(*sent)
        held.gate.error = StoreUnavailable("gone")
        (failure,) = await asyncio.gather(
            held.committer.submit_async(request(99)), return_exceptions=True
        )
        assert isinstance(failure, StoreUnavailable)
        gone = held.committer.submit_async(request(98))
        gone.cancel()  # a client that went away disturbs nobody
        held.gate.error = None
        await held.committer.submit_async(request(50))
        return list(answers)

    assert asyncio.run(run()) == [None] * 50
    assert [b for b in held.bodies() if b != b'{"n":98}'] == [b'{"n":%d}' % n for n in range(51)]


def test_an_import_moves_in_a_transaction_of_its_own(held: Held) -> None:
    def progress(position: int) -> ImportProgress:
        return ImportProgress(
            "h", SourceId(1), "f", position, position, 0, ImportState.RUNNING, Millis(0)
        )

    first = held.hold()
    futures = [
        held.committer.submit(request(1)),
        held.committer.submit(request(2), progress(5)),
        held.committer.submit(request(3), progress(6)),
        held.committer.submit(request(4)),
    ]
    held.gate.open.set()
    wait([first, *futures], 30)
    assert held.bodies() == [b'{"n":%d}' % n for n in range(5)]
    stored = held.gate.import_progress("h", SourceId(1))
    assert stored is not None
    assert stored.position == 6
