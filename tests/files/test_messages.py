"""From rows to messages: exact, deterministic, one reject for each bad line."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.files.fakes import built, plan_of, write

from tekil.collect.files import units
from tekil.collect.files.messages import Builder
from tekil.collect.files.model import Row
from tekil.collect.files.reader import read_rows
from tekil.collect.files.units import adjacent, read_units, stand_together
from tekil.inbox.model import RejectReason, RejectStage


def test_a_person(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        "user_id;E-posta;telefon;ad;puan;kayıt tarihi;kart no;vip;boş\n"
        "42; ada@example.com ;0532 123 45 67;Ada;1.234,50;31.12.2025 10:00;K-1;evet;\n",
    )
    (message,), rejects = built(path, "timezone: Europe/Istanbul")
    assert rejects == []
    message_id = message.pop("messageId")
    assert message_id.startswith("file-")
    assert message == {
        "type": "identify",
        "userId": "42",
        "context": {
            "externalIds": [
                {"id": v, "type": t, "collection": "users", "encoding": "none"}
                for v, t in (
                    ("ada@example.com", "email"),
                    ("0532 123 45 67", "phone"),
                    ("K-1", "loyalty_card"),
                )
            ]
        },
        "traits": {
            "firstName": "Ada",
            "puan": 1234.5,
            "createdAt": "2025-12-31T07:00:00.000Z",
            "vip": True,
            "email": "ada@example.com",
            "phone": "0532 123 45 67",
        },
    }


def test_an_event(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        "event,email,anonymous_id,time,amount,para birimi,page,device_id\n"
        "Paid,a@x.com,anon-1,2025-01-01 10:00,19.90,EUR,/x,D1\n",
    )
    (message,), _ = built(path, "columns: {time: {to: timestamp, format: '%Y-%m-%d %H:%M'}}")
    del message["messageId"]
    assert message == {
        "type": "track",
        "event": "Paid",
        "anonymousId": "anon-1",
        "timestamp": "2025-01-01T10:00:00.000Z",
        "context": {
            "externalIds": [
                {"id": "a@x.com", "type": "email", "collection": "users", "encoding": "none"}
            ],
            "device": {"id": "D1"},
        },
        "properties": {"page": "/x", "revenue": 19.9, "currency": "EUR"},
    }


def test_money_stays_exact_in_the_text_of_the_message(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "event,user_id,revenue\nPaid,1,0.10\nPaid,1,123456789012.34\n")
    plan = plan_of(path)
    builder = Builder(plan.look, plan.mapping)
    made = [builder.build([row]).message for row in read_rows(path, plan.look)]
    assert b'"revenue":0.10' in (made[0] or b"")
    assert b'"revenue":123456789012.34' in (made[1] or b"")


ORDERS = """\
Sipariş No,E-posta,Tarih,Ürün Kodu,Adet,Birim Fiyat,Tutar
A,a@x.com,31.12.2025 10:00,0012,2,"1,10","2,20"
B,b@x.com,31.12.2025 11:00,0013,1,"3,30","3,30"
A,a@x.com,31.12.2025 10:00,0013,1,"3,30","3,30"
C,c@x.com,31.12.2025 12:00,0013,bir,"3,30","3,30"
C,c@x.com,31.12.2025 12:00,0012,1,"3,30","3,30"
,d@x.com,31.12.2025 12:00,0012,1,"3,30","3,30"
"""


def test_orders_gather_their_lines_and_are_whole_or_not_at_all(tmp_path: Path) -> None:
    messages, rejects = built(write(tmp_path / "o.csv", ORDERS))
    by_order = {m["properties"]["order_id"]: m for m in messages}
    assert set(by_order) == {"A", "B"}
    assert by_order["A"]["event"] == "Order Completed"
    assert by_order["A"]["timestamp"] == "2025-12-31T10:00:00.000Z"
    assert by_order["A"]["properties"] == {
        "order_id": "A",
        "revenue": 5.5,
        "products": [
            {"sku": "0012", "quantity": 2, "price": 1.1, "line_total": 2.2},
            {"sku": "0013", "quantity": 1, "price": 3.3, "line_total": 3.3},
        ],
    }
    assert [(r.item, r.stage, r.reason) for r in sorted(rejects, key=lambda r: r.item)] == [
        (line, RejectStage.IMPORT, RejectReason.INVALID_ROW) for line in (5, 6, 7)
    ]
    details = {r.item: r.detail for r in rejects}
    assert details[5] == 'Line 5: column "Adet": "bir" is not a number with decimal ",".'
    assert details[6] == "Line 6: held back, as line 5 of its order is wrong."
    assert details[7] == "Line 7: it has no order_id."
    payload = json.loads(next(r.payload for r in rejects if r.item == 5))
    assert payload["Adet"] == "bir"
    assert payload["Tarih"] == "31.12.2025 12:00"


def test_a_day_is_midnight_in_the_zone_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "o.csv", "order id;email;tarih\n1;a@x.com;31.12.2025\n")
    (message,), _ = built(path, "timezone: Europe/Istanbul")
    assert message["timestamp"] == "2025-12-30T21:00:00.000Z"


def test_the_revenue_of_an_order(tmp_path: Path) -> None:
    def revenue(text: str) -> object:
        (message,), _ = built(write(tmp_path / "o.csv", text))
        return message["properties"].get("revenue")

    assert revenue("order id,email,price,qty\n1,a@x.com,1.15,3\n1,a@x.com,0.1,1\n") == 3.55
    assert revenue("order id,email,total,sku\n1,a@x.com,9,x\n1,a@x.com,,y\n") == 9
    assert revenue("order id,email,sku\n1,a@x.com,x\n") is None


def test_lines_that_disagree_about_their_order(tmp_path: Path) -> None:
    text = "order id,customer id,email,total\n1,7,a@x.com,5\n1,8,a@x.com,5\n"
    messages, rejects = built(write(tmp_path / "o.csv", text))
    assert messages == []
    assert "user_id is 8 here and 7 on line 2" in rejects[1].detail


def test_bad_rows_name_line_and_cause(tmp_path: Path) -> None:
    text = (
        "event,email,user id,time\n"
        "A,a@x.com,1,2025-01-01T00:00:00\n"
        ",a@x.com,1,2025-01-01T00:00:00\n"
        "A,,,2025-01-01T00:00:00\n"
        "A,not an address,,2025-01-01T00:00:00\n"
        "A,a@x.com,1,yesterday\n"
        "A,a@x.com," + "9" * 600 + ",2025-01-01T00:00:00\n"
        "A,b@x.com,2,1800-01-01T00:00:00\n"
        "A,b@x.com,2,2025-01-02T00:00:00\n"
    )
    messages, rejects = built(write(tmp_path / "e.csv", text))
    assert len(messages) == 2
    details = {r.item: (r.reason, r.detail) for r in rejects}
    assert details[3] == (RejectReason.INVALID_ROW, "Line 3: it has no event name.")
    assert details[4][1] == 'Line 4: it says nobody: "email", "user id" are empty.'
    assert details[5][1] == 'Line 5: nobody can be known by email "not an address".'
    assert details[6][1] == 'Line 6: column "time": "yesterday" is not a date of the form iso.'
    assert details[7][0] is RejectReason.ID_TOO_LONG
    assert details[8][0] is RejectReason.INVALID_TIMESTAMP


def test_message_ids(tmp_path: Path) -> None:
    def ids(name: str, text: str | bytes, mapping: str = "") -> list[str]:
        return [m["messageId"] for m in built(write(tmp_path / name, text), mapping)[0]]

    people = "email,city\na@x.com,X\na@x.com,X\n"
    first = ids("a.csv", people)
    assert len(set(first)) == 2
    assert first == ids("b.csv", people) == ids("b.csv.gz", gzip.compress(people.encode()))
    assert first != ids("a.csv", people, "columns: {city: ignore}")
    events = "event,email,city\nA,a@x.com,X\nA,a@x.com,X\n"
    seen = ids("e.csv", events)
    assert len(set(seen)) == 2
    assert seen == ids("e.csv", events, "columns: {city: ignore}")
    # Exports that overlap count an order once, also when its lines stand elsewhere.
    orders = ids("o.csv", ORDERS)
    lines = ORDERS.splitlines(keepends=True)
    assert set(ids("p.csv", lines[0] + lines[2] + lines[1] + lines[3])) == set(orders)
    # Without a time, two files may mean two orders by the same number.
    one, two = "order id,email,sku\n1,a@x.com,x\n", "order id,email,sku\n1,a@x.com,x\n2,a@x.com,x\n"
    assert not set(ids("q.csv", one)) & set(ids("r.csv", two))
    assert ids("m.csv", "message id,email,event\nM1,a@x.com,A\n") == ["M1"]


def test_json_lines_and_parquet_keep_their_values(tmp_path: Path) -> None:
    line = {"user_id": 42, "event": "A", "n": 1.5, "tags": ["x"], "properties": {"deep": {"a": 1}}}
    (message,), _ = built(write(tmp_path / "e.jsonl", json.dumps(line)))
    assert message["userId"] == "42"
    assert message["properties"] == {"n": 1.5, "tags": ["x"], "deep": {"a": 1}}
    table = pa.table(
        {
            "user id": [7.0, None],
            "order no": ["1", "2"],
            "order total": [Decimal("19.90"), Decimal("1.00")],
            "email": [None, "a@x.com"],
        }
    )
    pq.write_table(table, tmp_path / "o.parquet")
    messages, _ = built(tmp_path / "o.parquet")
    assert messages[0]["userId"] == "7"
    assert [m["properties"]["revenue"] for m in messages] == [19.9, 1.0]


def test_an_order_too_long_for_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "MAX_ORDER_LINES", 10)
    text = "order id,email,sku\n" + "1,a@x.com,s\n" * 25 + "2,a@x.com,s\n"
    messages, rejects = built(write(tmp_path / "o.csv", text))
    assert [m["properties"]["order_id"] for m in messages] == ["2"]
    assert sorted(r.item for r in rejects) == list(range(2, 27))
    assert 'order "1" has more than 10 lines' in rejects[0].detail


@given(st.integers(0, 2**32), st.lists(st.integers(1, 6), min_size=1, max_size=30))
def test_any_order_of_lines_gives_the_same_orders(
    tmp_path_factory: pytest.TempPathFactory, seed: int, sizes: list[int]
) -> None:
    lines = [
        f"O{order},u{order}@x.com,31.12.2025,S{line},{line + 1}.25\n"
        for order, size in enumerate(sizes)
        for line in range(size)
    ]
    head = "order id,email,date,sku,amount\n"
    folder = tmp_path_factory.mktemp("orders")
    mapping = "kind: orders\ncolumns: {amount: line_total}"
    straight = built(write(folder / "a.csv", head + "".join(lines)), mapping)[0]
    Random(seed).shuffle(lines)
    shuffled = built(write(folder / "b.csv", head + "".join(lines)), mapping)[0]

    def key(message: dict[str, object]) -> tuple[object, ...]:
        properties = message["properties"]
        assert isinstance(properties, dict)
        products = sorted(p["sku"] for p in properties["products"])
        return properties["order_id"], properties["revenue"], tuple(products)

    assert sorted(map(key, straight)) == sorted(map(key, shuffled))
    assert len(straight) == len(sizes)
    for message, size in zip(straight, sizes, strict=True):
        cents = sum((line + 1) * 100 + 25 for line in range(size))
        assert Decimal(str(message["properties"]["revenue"])) * 100 == cents


@given(st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=30))
def test_units_cover_every_row_once_in_a_fixed_order(keys: list[str]) -> None:
    rows = [Row(n, {"k": k}) for n, k in enumerate(keys, 1)]
    together = stand_together(rows, "k")
    named = [k for k in keys if k]
    runs = sum(1 for i, k in enumerate(named) if i == 0 or named[i - 1] != k)
    assert together == (runs == len(set(named)))
    if together:
        found = list(adjacent(rows, "k"))
        assert sorted(r.line for unit in found for r in unit) == list(range(1, len(rows) + 1))
        assert all(len({r.values["k"] for r in unit}) == 1 for unit in found)


def test_sorting_on_disk_equals_reading_straight(tmp_path: Path) -> None:
    path = write(tmp_path / "o.csv", ORDERS)
    plan = plan_of(path)
    found = list(read_units(lambda: read_rows(path, plan.look), plan.mapping))
    assert [[r.line for r in unit] for unit in found] == [[2, 4], [3], [7], [5, 6]]


@given(st.data())
def test_any_row_becomes_a_message_or_a_reject(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    cell = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-10, 10),
        st.floats(),
        st.text(max_size=5),
        st.lists(st.integers(), max_size=2),
        st.just({"a": 1}),
    )
    path = write(
        tmp_path_factory.mktemp("x") / "a.csv",
        "order id,email,date,qty,price,total,vip,city\n1,a@x.com,2025-01-01,1,1.5,1.5,yes,X\n",
    )
    plan = plan_of(path)
    builder = Builder(plan.look, plan.mapping)
    values = {c.name: data.draw(cell) for c in plan.mapping.columns}
    made = builder.build([Row(5, values)])
    assert (made.message is None) == (len(made.rejects) == 1)
    if made.message is not None:
        assert json.loads(made.message)["properties"]["order_id"]
