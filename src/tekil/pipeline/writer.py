"""The outbox's way into the warehouse: in order, every line exactly once, whatever fails."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
import structlog
from clickhouse_connect.driver.exceptions import ClickHouseError

from tekil.events.store import HistoryStore, Parcel
from tekil.inbox.model import Reject, RejectReason, RejectStage
from tekil.kit.ids import ProfileId, Seq
from tekil.kit.priority import work_in_background
from tekil.store.warehouse import Warehouse

RETRY_SECONDS = 1.0
GATHER_SECONDS = 2.0
GATHER_BATCHES = 4

STRANGERS_SECONDS = 60.0
STRANGERS_POLL_SECONDS = 0.05

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Batch:
    number: int
    parcels: Sequence[Parcel]
    last_seq: Seq
    touched: frozenset[ProfileId]


class WarehouseWriter:
    """One thread that inserts each batch's lines; after any doubt it looks before it inserts."""

    def __init__(
        self,
        warehouse: Warehouse,
        history: HistoryStore,
        *,
        on_reject: Callable[[int, Reject], None],
        on_stored: Callable[[frozenset[ProfileId]], None] | None = None,
    ) -> None:
        self._warehouse = warehouse
        self._history = history
        self._on_reject = on_reject
        self.on_stored = on_stored
        """Told which profiles a batch touched, once all of it can be queried."""
        self._queue: deque[_Batch] = deque()
        self._wake = threading.Condition()
        self._more = False
        self._ending = False
        self._abandoned = 0
        self._halted = threading.Event()
        self._inserting = threading.Lock()
        """Whoever looks whether rows are there waits for an insert that is under way."""
        self._thread = threading.Thread(target=self._run, name="warehouse-writer", daemon=True)
        self.stored_batch = 0
        self.stored_seq = Seq(0)
        """The last request of which every event can be queried."""
        self.failing = False

    def recover(self, stored_batch: int, last_seq: Seq) -> None:
        """Insert what an earlier worker left in the outbox, looking before inserting."""
        self.abandon()
        self.stored_batch = stored_batch
        self._wait_for_strangers()
        left = self._history.pending_parcels(self.stored_batch)
        while left:
            batches: dict[int, list[Parcel]] = {}
            for parcel in left:
                batches.setdefault(parcel.batch, []).append(parcel)
            for batch, parcels in batches.items():
                self._insert_batch(batch, parcels, look_first=True)
            left = self._history.pending_parcels(self.stored_batch)
        self.stored_seq = last_seq
        if not self._thread.is_alive():
            self._thread.start()

    def abandon(self) -> None:
        """Leave what is queued to the outbox: another worker has taken over."""
        with self._wake:
            self._queue.clear()
            self._abandoned += 1

    def _wait_for_strangers(self) -> None:
        """Let inserts end that a worker, which is gone, has left running at the warehouse.

        A look before they end would miss their rows, and they would be there twice.
        """
        ends = time.monotonic() + STRANGERS_SECONDS
        while time.monotonic() < ends:
            running = self._warehouse.query(
                "SELECT count() FROM system.processes WHERE query_kind = 'Insert'"
                " AND current_database = currentDatabase() AND position(query, 'events') > 0"
            )
            if not running[0][0]:
                return
            self._halted.wait(STRANGERS_POLL_SECONDS)

    def put(
        self,
        batch: int,
        parcels: Sequence[Parcel],
        last_seq: Seq,
        touched: frozenset[ProfileId] = frozenset(),
        *,
        more: bool = False,
    ) -> None:
        """Hand over a committed batch, which ends with the request ``last_seq``.

        ``more`` says that the next one follows at once, so that both may go in one block.
        """
        with self._wake:
            self._queue.append(_Batch(batch, parcels, last_seq, touched))
            self._more = more
            self._wake.notify()

    def hurry(self) -> None:
        """Say that nothing follows after all."""
        if self._more:
            with self._wake:
                self._more = False
                self._wake.notify()

    def waiting(self) -> int:
        """How many batches are not in the warehouse yet."""
        return len(self._queue)

    def stop(self, *, drain: bool) -> None:
        """Insert what is queued (``drain``) or leave it to the outbox, then end."""
        with self._wake:
            self._ending = True
            if not drain:
                self._halted.set()
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        work_in_background()
        while True:
            with self._wake:
                while not self._queue and not self._ending:
                    self._wake.wait()
                self._gather()
                if not self._queue or self._halted.is_set():
                    return
                taken, abandoned = list(self._queue), self._abandoned
            last = taken[-1]
            if not self._until_stored(
                last.number, merged([p for b in taken for p in b.parcels]), abandoned
            ):
                return
            touched = frozenset().union(*(b.touched for b in taken))
            if self.on_stored is not None and touched:
                self.on_stored(touched)
            with self._wake:
                for batch in taken:
                    if self._queue and self._queue[0] is batch:
                        self._queue.popleft()
                        self.stored_seq = batch.last_seq

    def _gather(self) -> None:
        """While the pipeline is behind, wait a moment for more: large blocks cost less to merge."""
        ends = time.monotonic() + GATHER_SECONDS
        while self._more and not self._ending and len(self._queue) < GATHER_BATCHES:
            if not self._wake.wait(ends - time.monotonic()):
                return

    def _until_stored(self, batch: int, parcels: Sequence[Parcel], abandoned: int) -> bool:
        look_first = False
        while not self._halted.is_set():
            try:
                self._insert_batch(batch, parcels, look_first=look_first, abandoned=abandoned)
            except Exception as error:
                if not self.failing:
                    log.error("warehouse cannot be written; trying again", error=str(error)[:500])
                self.failing = look_first = True
                if self._ending:
                    return False
                self._halted.wait(RETRY_SECONDS)
                continue
            if self.failing:
                log.info("warehouse writable again")
                self.failing = False
            return True
        return False

    def _insert_batch(
        self,
        batch: int,
        parcels: Sequence[Parcel],
        *,
        look_first: bool,
        abandoned: int | None = None,
    ) -> None:
        with self._inserting:
            if abandoned not in (None, self._abandoned):
                return  # whoever took over finds it in the outbox
            for parcel in sorted(parcels, key=lambda p: p.table == "events"):
                lines = parcel.lines
                if look_first and parcel.table == "events":
                    lines = self._missing(parcel)
                if lines:
                    self._insert(parcel.table, lines)
            self.stored_batch = max(batch, self.stored_batch)

    def _insert(self, table: str, lines: bytes) -> None:
        """Insert a block; a refused one is halved until the bad lines are found."""
        try:
            self._warehouse.insert_json(table, lines)
            return
        except ClickHouseError as error:
            # Tell a bad row from a warehouse that is gone: this raises for the latter.
            self._warehouse.command("SELECT 1")
            detail = str(error)[:500]
        rows = lines.split(b"\n")
        if len(rows) == 1:
            log.warning("the warehouse refused a row", table=table, detail=detail)
            self._refuse(table, rows[0], detail)
            return
        middle = len(rows) // 2
        self._insert(table, b"\n".join(rows[:middle]))
        self._insert(table, b"\n".join(rows[middle:]))

    def _refuse(self, table: str, row: bytes, detail: str) -> None:
        if table != "events":
            return
        place = msgspec.json.decode(row, type=_Place)
        reject = Reject(RejectStage.STORE, RejectReason.INTERNAL, detail, row, place.item)
        self._on_reject(place.seq, reject)

    def _missing(self, parcel: Parcel) -> bytes:
        """Leave out the rows that an insert, whose answer was never heard, has stored."""
        stored = {
            (seq, item)
            for seq, item in self._warehouse.query(
                "SELECT seq, item FROM events WHERE seq BETWEEN {first:UInt64} AND {last:UInt64}",
                {"first": parcel.first_seq, "last": parcel.last_seq},
            )
        }
        if not stored:
            return parcel.lines
        kept = []
        for row in parcel.lines.split(b"\n"):
            place = msgspec.json.decode(row, type=_Place)
            if (place.seq, place.item) not in stored:
                kept.append(row)
        return b"\n".join(kept)


def merged(parcels: Sequence[Parcel]) -> list[Parcel]:
    """Put what several batches have for one table into one parcel: larger blocks cost less."""
    by_table: dict[str, list[Parcel]] = {}
    for parcel in parcels:
        by_table.setdefault(parcel.table, []).append(parcel)
    return [
        Parcel(
            same[-1].batch,
            min(p.first_seq for p in same),
            max(p.last_seq for p in same),
            table,
            b"\n".join(p.lines for p in same),
        )
        for table, same in by_table.items()
    ]


class _Place(msgspec.Struct):
    seq: int
    item: int
