"""Sends the sample shop through the front doors: six sources over HTTP, one file by import."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, Full, Queue
from typing import Protocol

import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from tekil.collect.model import SourceKind
from tekil.demo.send import send_batches
from tekil.demo.shop.generate import Shop
from tekil.demo.shop.model import OFFLINE_SOURCE, SOURCE_KINDS, Channel, ShopConfig
from tekil.demo.shop.offline import write_orders
from tekil.demo.shop.truth import Truth, save_truth
from tekil.errors import Conflict
from tekil.kit.clock import Millis

MESSAGES_PER_PERSON = 30.2
"""How long the progress bar is, before the year has been told."""
_WAITING = 6
"""How many bodies may wait per source; bounds the memory."""
_PATIENCE_SECONDS = 0.2

Body = tuple[bytes, int]


class DemoTarget(Protocol):
    """The Tekil that the shop is sent to."""

    @property
    def base_url(self) -> str:
        """The address of the server, such as http://127.0.0.1:8765."""

    def create_source(self, name: str, kind: SourceKind) -> str:
        """Create a source, or find it; answers its write key."""

    def import_csv(self, path: Path, source: str, mapping: Path) -> None:
        """Import a file of orders as ``tekil import FILE --source … --mapping …`` does."""


@dataclass(frozen=True, slots=True)
class ShopRun:
    """What was sent and how long it took."""

    truth: Truth
    sent: int
    """Messages over HTTP, those sent twice counted twice."""
    send_seconds: float
    import_seconds: float


def run_shop_demo(
    target: DemoTarget,
    config: ShopConfig,
    directory: Path,
    *,
    console: Console | None = None,
) -> ShopRun:
    """Tell the shop's year to a server; keep the order file and the truth in ``directory``.

    Returns when everything was accepted; the server may still be working on it. After an
    interruption it tells the very same year again, so that what had come through is dropped as
    seen. Raises Conflict for a directory that holds another shop, and what sending raises.
    """
    config, attempts = _begin(directory, config)
    keys = {one: target.create_source(one.value, kind) for one, kind in SOURCE_KINDS.items()}
    target.create_source(OFFLINE_SOURCE, SourceKind.FILE)
    shop = Shop(config, Truth(attempts=attempts))
    began = time.monotonic()
    with _progress(console or Console(stderr=True), config) as advance:
        sent = _send(target.base_url, keys, shop, advance)
    middle = time.monotonic()
    orders = directory / "lale-offline-orders.csv"
    mapping = write_orders(orders, shop.offline, shop.truth)
    target.import_csv(orders, OFFLINE_SOURCE, mapping)
    ended = time.monotonic()
    save_truth(
        truth_path(directory),
        shop.truth,
        people=config.people,
        seed=config.seed,
        now=config.now,
    )
    return ShopRun(shop.truth, sent, middle - began, ended - middle)


class _Begun(msgspec.Struct):
    """What an attempt leaves behind, for the next one if it is interrupted."""

    people: int
    seed: int
    days: int
    now: int
    attempts: int


def _begin(directory: Path, config: ShopConfig) -> tuple[ShopConfig, int]:
    """Note what is told; go back to the ``now`` of an attempt that was interrupted."""
    path = directory / "lale-begun.json"
    attempts = 1
    if path.exists():
        begun = msgspec.json.decode(path.read_bytes(), type=_Begun)
        if (begun.people, begun.seed, begun.days) != (config.people, config.seed, config.days):
            raise Conflict(
                f'"{directory}" holds a sample shop of {begun.people:,} people with seed '
                f"{begun.seed}. Ask for the same one, or use another data directory."
            )
        attempts = begun.attempts + 1
        config = replace(config, now=Millis(begun.now))
    directory.mkdir(parents=True, exist_ok=True)
    note = _Begun(config.people, config.seed, config.days, config.now, attempts)
    path.write_bytes(msgspec.json.encode(note))
    return config, attempts


def truth_path(directory: Path) -> Path:
    """Where the truth lies, for ``tekil demo --check``."""
    return directory / "lale-truth.json"


def _send(
    base_url: str, keys: dict[Channel, str], shop: Shop, advance: Callable[[int], None]
) -> int:
    stop = threading.Event()
    lanes = {channel: _Lane(stop) for channel in keys}
    with ThreadPoolExecutor(len(lanes), thread_name_prefix="lale") as pool:
        sending = [
            pool.submit(send_batches, base_url, keys[channel], lane, connections=1, on_sent=advance)
            for channel, lane in lanes.items()
        ]
        for one in sending:
            one.add_done_callback(lambda done: stop.set() if done.exception() else None)
        try:
            for batch in shop.batches():
                lanes[batch.channel].put((batch.body, batch.count))
                if stop.is_set():
                    break
        except BaseException:
            stop.set()
            raise
        finally:
            for lane in lanes.values():
                lane.put(None)
        return _total(sending)


def _total(sending: list[Future[int]]) -> int:
    """Wait for all; the first error of any is raised."""
    for one in sending:
        error = one.exception()
        if error is not None:
            raise error
    return sum(one.result() for one in sending)


class _Lane:
    """The bodies on their way to one source: a bounded queue that both sides can leave."""

    def __init__(self, stop: threading.Event) -> None:
        self._queue: Queue[Body | None] = Queue(_WAITING)
        self._stop = stop

    def put(self, body: Body | None) -> None:
        """Wait for room; gives up when the sending has failed."""
        while not self._stop.is_set():
            try:
                self._queue.put(body, timeout=_PATIENCE_SECONDS)
            except Full:
                continue
            return

    def __iter__(self) -> Iterator[Body]:
        while not self._stop.is_set():
            try:
                body = self._queue.get(timeout=_PATIENCE_SECONDS)
            except Empty:
                continue
            if body is None:
                return
            yield body


@contextmanager
def _progress(console: Console, config: ShopConfig) -> Iterator[Callable[[int], None]]:
    """A bar that sending threads may push."""
    bar = Progress(
        TextColumn("[bold]Lale[/bold] · {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        refresh_per_second=4,
    )
    with bar:
        people = f"{config.people:,}"
        task = bar.add_task(
            f"{people} kişinin bir yılı / a year of {people} people",
            total=round(config.people * MESSAGES_PER_PERSON),
        )
        yield lambda count: bar.advance(task, count)
        done = bar.tasks[task].completed
        bar.update(task, total=done, completed=done)
