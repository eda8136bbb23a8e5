"""The way into the warehouse: a refused row alone is left out, a gone warehouse is waited for."""

from __future__ import annotations

import random
from typing import Any

import pytest
from tests.faults.reference import expect
from tests.faults.test_kill import check
from tests.pipeline.house import House
from tests.pipeline.test_batch import deliver, requests, traffic
from tests.server import eventually

from tekil.errors import StoreUnavailable
from tekil.events.store import Parcel
from tekil.inbox.model import RejectReason, RejectStage
from tekil.kit.ids import Seq
from tekil.pipeline import writer as writer_module
from tekil.store.state import SqlStore
from tekil.store.warehouse import Warehouse


@pytest.fixture
def house(state_store: SqlStore, inbox_store: SqlStore, embedded_warehouse: Warehouse) -> House:
    return House(state_store, inbox_store, embedded_warehouse)


def test_a_row_that_the_warehouse_refuses_is_a_reject_and_the_others_are_stored(
    house: House,
) -> None:
    """Validation lets no such row through; if one came, it must not stop the rest."""
    messages = [
        {"type": "track", "event": "e", "userId": f"u{n}", "messageId": f"m{n}"} for n in range(40)
    ]
    house.accept("server", messages)
    result = house.work()
    assert result is not None
    spoilt = []
    for parcel in result.parcels:
        lines = parcel.lines
        if parcel.table == "events":
            rows = lines.split(b"\n")
            for place in (0, 17, 39):
                rows[place] = rows[place].replace(b'"properties":{}', b'"properties":{"a":1e999}')
            lines = b"\n".join(rows)
        spoilt.append(Parcel(parcel.batch, parcel.first_seq, parcel.last_seq, parcel.table, lines))
    house.writer.recover(result.batch, Seq(0))
    house.writer.put(result.batch, spoilt, Seq(1))
    eventually(lambda: house.writer.stored_seq, lambda seq: seq == 1)
    house.writer.stop(drain=True)
    rows = house.warehouse.query("SELECT item FROM events ORDER BY item")
    assert [item for (item,) in rows] == [n for n in range(40) if n not in (0, 17, 39)]
    assert sorted(reject.item for _, reject in house.rejected) == [0, 17, 39]
    for seq, reject in house.rejected:
        assert (seq, reject.stage, reject.reason) == (
            1, RejectStage.STORE, RejectReason.INTERNAL
        )  # fmt: skip
        assert reject.detail


class Flaky(Warehouse):
    """A warehouse that is gone for a while, or whose answer to an insert is lost."""

    failures: list[str]

    def insert_json(self, table: str, lines: bytes) -> None:
        fate = self.failures.pop() if self.failures else "good"
        if fate == "gone":
            raise StoreUnavailable("gone")
        super().insert_json(table, lines)
        if fate == "answer lost":
            raise StoreUnavailable("answer lost")


@pytest.mark.parametrize("seed", [1, 2])
def test_a_warehouse_that_comes_and_goes(
    house: House, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(writer_module, "RETRY_SECONDS", 0.001)
    draw, sent = random.Random(seed), traffic(seed, 150)
    flaky: Any = house.warehouse
    monkeypatch.setattr(flaky, "__class__", Flaky)
    flaky.failures = []
    deliver(house, requests(draw, sent))
    house.writer.recover(0, Seq(0))
    while (result := house.work(draw.randint(1, 9))) is not None:
        flaky.failures = draw.choices(["gone", "answer lost", "good"], k=4)
        house.writer.put(result.batch, result.parcels, house.worker.applied_seq)
        if draw.random() < 0.5:
            last = house.worker.applied_seq
            eventually(lambda: house.writer.stored_seq, lambda seq, last=last: seq == last)
    flaky.failures = []
    last = house.worker.applied_seq
    eventually(lambda: house.writer.stored_seq, lambda seq: seq == last)
    assert house.writer.failing is False
    house.writer.stop(drain=True)
    check(house.stored(), expect(sent))
