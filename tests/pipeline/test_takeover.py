"""Who takes over waits until the inserts of the one before have ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from tekil.events.store import HistoryStore
from tekil.kit.ids import Seq
from tekil.pipeline import writer as writer_module
from tekil.pipeline.writer import WarehouseWriter
from tekil.store.warehouse import Warehouse


class BusyWarehouse:
    """A warehouse at which a dead worker's insert runs for a while."""

    def __init__(self, looks: int) -> None:
        self.left = looks
        self.asked = 0

    def query(self, sql: str, parameters: object = None) -> Sequence[Sequence[Any]]:
        """Answer how many inserts run."""
        assert "system.processes" in sql
        self.asked += 1
        self.left -= 1
        return [[max(0, self.left)]]


class EmptyOutbox:
    """An outbox that notes how often the warehouse had been asked when it was read."""

    def __init__(self, warehouse: BusyWarehouse) -> None:
        self.warehouse = warehouse
        self.read_after: list[int] = []

    def pending_parcels(self, after: int) -> list[object]:
        """Nothing waits."""
        self.read_after.append(self.warehouse.left)
        return []


def test_recovery_waits_for_a_strangers_insert() -> None:
    warehouse = BusyWarehouse(looks=4)
    outbox = EmptyOutbox(warehouse)
    writer = WarehouseWriter(
        cast(Warehouse, warehouse), cast(HistoryStore, outbox), on_reject=lambda *_: None
    )
    writer.recover(0, Seq(7))
    writer.stop(drain=True)
    assert warehouse.asked == 4
    assert outbox.read_after == [0]
    assert writer.stored_seq == 7
    assert writer_module.STRANGERS_SECONDS >= 30
