"""Whatever the order, the cuts and the crashes: the same people, events, traits and counts."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from tests.faults.reference import expect
from tests.faults.test_kill import check, check_counts
from tests.faults.traffic import Message, Traffic
from tests.pipeline.house import House

from tekil.events.store import HistoryStore, LeaseLost
from tekil.store.state import SqlStore
from tekil.store.warehouse import Warehouse

Sent = list[tuple[str, Message]]


@pytest.fixture
def house(state_store: SqlStore, inbox_store: SqlStore, embedded_warehouse: Warehouse) -> House:
    return House(state_store, inbox_store, embedded_warehouse)


def traffic(seed: int, count: int = 180) -> Sent:
    """Messages of a crowd that is hard to tell apart, from a server and a site."""
    made = Traffic(seed)
    while len(made.sent) < count:
        for source in ("server", "site"):
            some = made.requests(source)
            next(some)
            some.close()  # it holds a lock until then
    return made.sent


def requests(draw: random.Random, sent: Sent) -> list[tuple[str, list[Message]]]:
    """The messages in any order, in requests of any size, some of them twice."""
    doubled = sent + draw.sample(sent, len(sent) // 5)
    draw.shuffle(doubled)
    made: list[tuple[str, list[Message]]] = []
    while doubled:
        size = draw.randint(1, 20)
        part, doubled = doubled[:size], doubled[size:]
        for source in ("server", "site"):
            messages = [message for from_, message in part if from_ == source]
            if messages:
                made.append((source, messages))
    return made


def deliver(house: House, made: Sequence[tuple[str, list[Message]]]) -> None:
    for source, messages in made:
        house.accept(source, messages)


def check_all(house: House, sent: Sent) -> None:
    expected, stored = expect(sent), house.stored()
    check(stored, expected)
    check_counts(stored, expected, house.stats())
    assert house.rejected == []


@pytest.mark.parametrize("seed", [1, 2])
def test_any_order_and_any_cut_give_the_same(house: House, seed: int) -> None:
    draw, sent = random.Random(seed), traffic(seed)
    made = requests(draw, sent)
    deliver(house, made)
    house.work_all(draw.randint(1, 12) for _ in made)
    house.store()
    check_all(house, sent)


def test_working_everything_twice_is_working_it_once(house: House) -> None:
    sent = traffic(7)
    draw = random.Random(7)
    for _ in range(2):
        deliver(house, requests(draw, sent))
        house.work_all([3, 5])
    house.restart()
    deliver(house, requests(draw, sent))
    house.work_all([2])
    house.store()
    check_all(house, sent)


@pytest.mark.parametrize("seed", [11])
def test_a_crash_between_the_state_and_the_warehouse_loses_and_doubles_nothing(
    house: House, seed: int
) -> None:
    """Killed at random: before anything was inserted, in the middle, or after all of it."""
    draw, sent = random.Random(seed), traffic(seed)
    deliver(house, requests(draw, sent))
    while (result := house.work(draw.randint(1, 6))) is not None:
        fate = draw.random()
        parcels = sorted(result.parcels, key=lambda p: p.table)
        if fate < 0.4:
            for parcel in parcels[: draw.randint(0, len(parcels))]:
                house.warehouse.insert_json(parcel.table, parcel.lines)
            house.restart()
        elif fate < 0.6:  # half of the events arrived: a large block is several parts
            for parcel in parcels:
                if parcel.table == "events":
                    lines = parcel.lines.split(b"\n")
                    some = draw.sample(lines, draw.randint(0, len(lines)))
                    if some:
                        house.warehouse.insert_json("events", b"\n".join(some))
            house.restart()
        if draw.random() < 0.5:
            house.store()
    house.restart()
    house.store()
    check_all(house, sent)


class Fault(Exception):
    """Something that breaks in the middle of a transaction."""


@pytest.mark.parametrize("step", ["advance", "save_parcels", "save_progress"])
def test_a_fault_in_a_transaction_leaves_everything_as_it_was(
    house: House, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    sent = traffic(21, 120)
    made = requests(random.Random(21), sent)
    deliver(house, made[: len(made) // 2])
    house.work_all()
    before = house.stored().dump()
    deliver(house, made[len(made) // 2 :])
    real = getattr(HistoryStore, step)

    def broken(self: HistoryStore, connection: sa.Connection, *rest: Any) -> None:
        real(self, connection, *rest)
        raise Fault(step)

    with monkeypatch.context() as patched:
        patched.setattr(HistoryStore, step, broken)
        for _ in range(2):
            with pytest.raises(Fault):
                house.work()
    assert house.stored().dump() == before
    house.work_all([2, 3])
    house.store()
    check_all(house, sent)


def test_a_worker_that_was_replaced_writes_nothing(house: House) -> None:
    sent = traffic(31, 60)
    made = requests(random.Random(31), sent)
    deliver(house, made)
    stale = house.worker
    house.restart()
    house.work(2)
    before = house.stored().dump()
    entries = house.inbox.entries_after(stale.applied_seq, max_count=10**9, max_entries=3)
    with pytest.raises(LeaseLost):
        stale.work(entries, 0, stale.applied_seq)
    assert house.stored().dump() == before
    house.work_all()
    house.store()
    check_all(house, sent)


def test_what_the_schema_counts_is_exact(house: House) -> None:
    sent = traffic(41)
    deliver(house, requests(random.Random(41), sent))
    house.work_all([1, 2, 3, 4, 5])
    properties: dict[tuple[str, str, str, str], int] = {}
    for source, message in sent:
        told = message.get("properties") or message.get("traits") or {}
        name = message.get("event") or message.get("name") or ""
        for each in told:
            key = (source, message["type"], name, each)
            properties[key] = properties.get(key, 0) + 1
    stored = house.stored()
    found = {
        (stored.sources[row["source_id"]], row["type"], row["event"], row["property"]): row["count"]
        for row in stored.state("SELECT * FROM property_schema")
    }
    assert found == properties
    for row in stored.state("SELECT * FROM property_schema"):
        assert set(row["types"].split(",")) <= {"integer", "text"}


def test_bad_messages_are_rejected_once_and_the_others_go_on(house: House) -> None:
    good = {"type": "track", "event": "e", "userId": "u1", "messageId": "good"}
    bad = [
        {"type": "track", "event": "e", "userId": "  ", "messageId": "nobody"},
        {"type": "identify", "userId": "u1", "traits": {"k" * 400: 1}},
    ]
    house.accept("server", [*bad, good])
    house.work_all()
    house.restart()
    house.store()
    assert house.stats()["events"] == 1
    assert house.inbox.reject_total() == 2
    assert list(house.stored().found.events) == ["good"]
