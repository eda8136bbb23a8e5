"""What the warehouse promises, embedded and over ClickHouse's HTTP interface."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import clickhouse_connect
import msgspec
import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.backends import ChdbHttpServer, EmbeddedEngine, WarehouseBackend

from tekil.errors import StoreUnavailable
from tekil.events import ddl
from tekil.kit.clock import from_datetime, from_iso
from tekil.kit.json import encode
from tekil.store.warehouse import Warehouse, is_temporary

THINGS = """
CREATE TABLE IF NOT EXISTS things (
    id UInt64, name String, price Nullable(Decimal(18, 4)), at DateTime64(3, 'UTC'), properties JSON
) ENGINE = MergeTree ORDER BY id
"""

AT = from_iso("2026-01-02T03:04:05.678Z")

HOSTILE = [
    "'; DROP TABLE things; --",
    "\\' OR 1=1 --",
    "\\",
    "\\N",
    "a\tb\nc\rd",
    "{name:String}",
    "%(name)s %s %",
    '"double" `back` $1 ?',
    "İıŞşĞğÜüÖöÇç",
    "😀\u200b\u0301",
    "\x00\x01\x7f",
    "",
    "null",
    "x" * 20_000,
]


def lines(*rows: dict[str, object]) -> bytes:
    """Rows as JSONEachRow."""
    return b"\n".join(encode(row) for row in rows)


def row(number: int, **changes: object) -> dict[str, object]:
    """One valid row."""
    return {
        "id": number,
        "name": f"name {number}",
        "price": "1.5",
        "at": "2026-01-02 03:04:05.678",
        "properties": {"a": {"b": number}, "tags": ["x", "y"]},
        **changes,
    }


def count(warehouse: Warehouse) -> int:
    """How many rows the table holds."""
    return int(warehouse.query("SELECT count() FROM things")[0][0])


@pytest.fixture
def things(warehouse: Warehouse) -> Warehouse:
    """A warehouse with one table."""
    warehouse.migrate([THINGS])
    return warehouse


def test_what_goes_in_comes_out(things: Warehouse) -> None:
    things.insert_json("things", lines(row(1), row(2, price=None, name="İstanbul")))
    found = things.query(
        "SELECT id, name, price, at, properties.a.b::Int64 FROM things ORDER BY id"
    )
    # An instant comes back without a zone, in UTC.
    assert [(*each[:3], from_datetime(each[3]), each[4]) for each in found] == [
        (1, "name 1", Decimal("1.5"), AT, 1),
        (2, "İstanbul", None, AT, 2),
    ]


def test_a_block_goes_in_whole_or_not_at_all(things: Warehouse) -> None:
    good = [row(number) for number in range(3_000)]
    bad = row(3_000, price="not a number")
    with pytest.raises(ClickHouseError) as caught:
        things.insert_json("things", lines(*good, bad))
    assert not is_temporary(caught.value)
    assert count(things) == 0
    things.insert_json("things", lines(*good))
    assert count(things) == 3_000


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": -1},
        {"id": "x"},
        {"at": "yesterday"},
        {"properties": 5},
        {"unknown_column": 1},
        {"price": "99999999999999999999"},
    ],
    ids=str,
)
def test_a_wrong_row_is_the_rows_fault(things: Warehouse, wrong: dict[str, object]) -> None:
    with pytest.raises(ClickHouseError):
        things.insert_json("things", lines(row(1), row(2, **wrong)))
    assert count(things) == 0


def test_half_a_line_is_refused(things: Warehouse) -> None:
    with pytest.raises(ClickHouseError):
        things.insert_json("things", lines(row(1), row(2))[:-9])
    assert count(things) == 0


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b'{"a.b": 1, "a": {"b": 2}}', {"a.b": 1, "a": {"b": 2}}),
        (b'{"x": 1, "x": 2}', {"x": 1}),
        (b'{"day": "2026-01-01", "at": "2026-01-01 10:00:00"}', None),
        (b'{"number": "5", "yes": "true", "many": [1, "a", {"b": [2]}]}', None),
        (b'{"__proto__": {"a": 1}, "": 1, "a b": 2, "\xc4\xb0": 3}', None),
        (b'{"big": 18446744073709551615, "float": 1.5, "negative": -3}', None),
    ],
)
def test_json_comes_back_as_it_went_in(
    things: Warehouse, sent: bytes, kept: dict[str, object] | None
) -> None:
    things.insert_json("things", lines(row(1, properties=msgspec.Raw(sent))))
    [line] = things.query_json("SELECT properties FROM things")
    assert msgspec.json.decode(line)["properties"] == (kept or msgspec.json.decode(sent))


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:12]))
def test_a_bound_value_is_only_a_value(things: Warehouse, text: str) -> None:
    found = things.query(
        "SELECT {value:String}, length({value:String}), {values:Array(String)}",
        {"value": text, "values": [text, "b"]},
    )
    assert [tuple(each) for each in found] == [(text, len(text.encode()), [text, "b"])]
    things.insert_json("things", lines(row(1, name=text)))
    query = "SELECT id FROM things WHERE name = {name:String}"
    assert things.query(query, {"name": text}) == [(1,)]
    assert things.command("SELECT count() FROM things WHERE name = {n:String}", {"n": text}) == 1


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=200), number=st.integers(0))
def test_any_text_survives_the_way(warehouse: Warehouse, text: str, number: int) -> None:
    number %= 2**64
    found = warehouse.query(
        "SELECT {text:String}, {number:UInt64}", {"text": text, "number": number}
    )
    assert [tuple(each) for each in found] == [(text, number)]
    [line] = warehouse.query_json("SELECT {text:String} AS text", {"text": text})
    assert msgspec.json.decode(line) == {"text": text}


def test_other_types_can_be_bound(warehouse: Warehouse) -> None:
    ids = list(range(5_000))
    [found] = warehouse.query(
        "SELECT length({ids:Array(UInt64)}), arraySum({ids:Array(UInt64)}),"
        " toUnixTimestamp64Milli(fromUnixTimestamp64Milli({at:Int64}, 'UTC')),"
        " {amount:Decimal(18, 4)}, {nothing:Nullable(String)}, {yes:Bool}",
        {"ids": ids, "at": AT, "amount": Decimal("12.3400"), "nothing": None, "yes": True},
    )
    assert tuple(found) == (5_000, sum(ids), AT, Decimal("12.34"), None, True)


def test_query_json_gives_a_line_for_each_row(things: Warehouse) -> None:
    big = 2**63 + 5
    things.insert_json("things", lines(row(1, name="a\nb"), row(big)))
    found = things.query_json(
        "SELECT id, name, properties FROM things WHERE id >= {least:UInt64} ORDER BY id",
        {"least": 1},
    )
    assert [msgspec.json.decode(line) for line in found] == [
        {"id": 1, "name": "a\nb", "properties": {"a": {"b": 1}, "tags": ["x", "y"]}},
        {"id": big, "name": f"name {big}", "properties": {"a": {"b": big}, "tags": ["x", "y"]}},
    ]
    assert list(things.query_json("SELECT id FROM things WHERE id = 5")) == []


def test_a_large_answer_comes_whole(warehouse: Warehouse) -> None:
    query = "SELECT number, repeat('x', 100) FROM numbers({count:UInt64})"
    found = warehouse.query(query, {"count": 200_000})
    assert len(found) == 200_000
    assert [found[0][0], found[-1][0]] == [0, 199_999]


def test_a_wrong_statement_says_what_is_wrong(warehouse: Warehouse) -> None:
    with pytest.raises(StoreUnavailable, match="nowhere"):
        warehouse.query("SELECT * FROM nowhere")
    with pytest.raises(StoreUnavailable, match="nowhere"):
        warehouse.command("DROP TABLE nowhere")
    with pytest.raises(StoreUnavailable, match="nowhere"):
        warehouse.query_json("SELECT * FROM nowhere")
    assert warehouse.query("SELECT 1") == [(1,)]


def test_migrating_again_changes_nothing(warehouse: Warehouse) -> None:
    warehouse.migrate(ddl.STATEMENTS)
    before = warehouse.query("SELECT name, create_table_query FROM system.tables ORDER BY name")
    warehouse.migrate(ddl.STATEMENTS)
    tables = "SELECT name, create_table_query FROM system.tables ORDER BY name"
    assert warehouse.query(tables) == before
    own = warehouse.query("SELECT name FROM system.tables WHERE database = currentDatabase()")
    assert {"events", "identity_profiles", "identity_traits"} <= {each[0] for each in own}


def test_threads_work_side_by_side(things: Warehouse) -> None:
    """Readers see whole blocks only, and nothing is lost or mixed up between threads."""
    blocks, size, writers = 15, 50, 2
    halves: list[int] = []
    errors: list[BaseException] = []
    done = threading.Event()

    def write(writer: int) -> None:
        for block in range(blocks):
            first = (writer * blocks + block) * size
            things.insert_json("things", lines(*(row(first + n) for n in range(size))))

    def read(number: int) -> None:
        while not done.is_set():
            halves.append(count(things) % size)
            echoed = things.query("SELECT {n:UInt64}, sleepEachRow(0.001)", {"n": number})
            assert echoed[0][0] == number

    def guarded(task, number: int) -> None:
        try:
            task(number)
        except BaseException as error:
            errors.append(error)

    readers = [threading.Thread(target=guarded, args=(read, n)) for n in range(3)]
    writing = [threading.Thread(target=guarded, args=(write, n)) for n in range(writers)]
    for thread in readers + writing:
        thread.start()
    for thread in writing:
        thread.join(120)
    done.set()
    for thread in readers:
        thread.join(120)
    assert not errors
    assert count(things) == blocks * size * writers
    assert set(halves) == {0}


def test_the_data_is_still_there_after_closing(warehouse_backend: WarehouseBackend) -> None:
    first = warehouse_backend.open("kept")
    first.migrate([THINGS])
    first.insert_json("things", lines(row(1)))
    first.close()
    second = warehouse_backend.open("kept")
    assert count(second) == 1
    second.close()
    warehouse_backend.drop("kept")


def test_a_closed_warehouse_opens_again_by_itself(things: Warehouse) -> None:
    things.insert_json("things", lines(row(1)))
    things.close()
    assert count(things) == 1


def test_databases_are_apart(warehouse_backend: WarehouseBackend) -> None:
    one, two = warehouse_backend.open("one"), warehouse_backend.open("two")
    one.migrate([THINGS])
    two.migrate([THINGS])
    one.insert_json("things", lines(row(1)))
    assert (count(one), count(two)) == (1, 0)
    for warehouse, name in ((one, "one"), (two, "two")):
        warehouse.close()
        warehouse_backend.drop(name)


def test_the_database_in_the_url_is_made(chdb_http_server: ChdbHttpServer, tmp_path: Path) -> None:
    warehouse = Warehouse(f"{chdb_http_server.url}/from_the_url", tmp_path)
    assert warehouse.query("SELECT currentDatabase()") == [("from_the_url",)]
    warehouse.close()
    chdb_http_server.drop("from_the_url")


# ---- trouble ----------------------------------------------------------------------------------


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ChdbHttpServer]:
    """A server that a test may stop."""
    server = ChdbHttpServer(tmp_path / "own")
    try:
        server.start()
        yield server
    finally:
        server.stop()


def test_a_stopped_server_is_unavailable_and_recovers(own_server: ChdbHttpServer) -> None:
    warehouse = own_server.open("events")
    warehouse.migrate([THINGS])
    warehouse.insert_json("things", lines(row(1)))
    own_server.stop()
    with pytest.raises(StoreUnavailable):
        warehouse.query("SELECT 1")
    with pytest.raises(StoreUnavailable):
        warehouse.command("SELECT 1")
    with pytest.raises(StoreUnavailable):
        warehouse.query_json("SELECT 1")
    with pytest.raises(StoreUnavailable):
        warehouse.insert_json("things", lines(row(2)))
    own_server.start()
    assert count(warehouse) == 1
    warehouse.insert_json("things", lines(row(2)))
    assert count(warehouse) == 2
    warehouse.close()


def test_a_server_that_was_never_there_is_unavailable(tmp_path: Path) -> None:
    warehouse = Warehouse("http://127.0.0.1:9/events", tmp_path)
    with pytest.raises(StoreUnavailable, match="warehouse"):
        warehouse.query("SELECT 1")
    with pytest.raises(StoreUnavailable, match="warehouse"):
        warehouse.insert_json("things", lines(row(1)))
    warehouse.close()


def test_one_process_has_one_embedded_directory(
    embedded_engine: EmbeddedEngine, tmp_path: Path
) -> None:
    """The second directory is refused in words; once the first is closed it opens."""
    first, second = embedded_engine.open("first"), Warehouse(None, tmp_path / "second")
    assert first.query("SELECT 1") == [(1,)]
    with pytest.raises(StoreUnavailable, match="already initialized"):
        second.query("SELECT 1")
    first.close()
    embedded_engine.release()
    assert second.query("SELECT 1") == [(1,)]
    second.close()


@pytest.mark.parametrize(
    ("message", "temporary"),
    [
        ("Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space", True),
        ("Code: 1001. DB::Exception: std::exception. No space left on device", True),
        ("Code: 241. DB::Exception: (total) memory limit exceeded", True),
        ("Code: 27. DB::Exception: Cannot parse input", False),
    ],
)
def test_which_faults_pass_by_themselves(message: str, temporary: bool) -> None:
    code = int(message.split()[1].rstrip("."))
    error = clickhouse_connect.driver.exceptions.DatabaseError(message, code=code)
    assert is_temporary(error) is temporary
