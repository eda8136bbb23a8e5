"""The test server answers clickhouse-connect as a ClickHouse server would."""

from __future__ import annotations

import contextlib
import gzip
from collections.abc import Iterator

import clickhouse_connect
import httpx
import lz4.frame
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from tests.contract.backends import ChdbHttpServer


@pytest.fixture(params=["lz4", "zstd", "gzip", False])
def client(request: pytest.FixtureRequest, chdb_http_server: ChdbHttpServer) -> Iterator[Client]:
    """A client, with each way to compress."""
    with contextlib.closing(
        clickhouse_connect.get_client(dsn=chdb_http_server.url, compress=request.param)
    ) as opened:
        yield opened


@pytest.fixture
def table(client: Client) -> Iterator[str]:
    """An empty table."""
    client.command("CREATE OR REPLACE TABLE numbers_in (id UInt64, name String) ENGINE = Memory")
    yield "numbers_in"
    client.command("DROP TABLE numbers_in")


def test_answers_in_every_compression(client: Client) -> None:
    rows = client.query("SELECT number, toString(number) FROM numbers(100000)").result_rows
    assert rows[-1] == (99999, "99999")
    assert len(rows) == 100_000


def test_native_inserts_in_every_compression(client: Client, table: str) -> None:
    rows = [[number, f"n{number}"] for number in range(5_000)]
    summary = client.insert(table, rows, column_names=["id", "name"])
    assert summary.written_rows == 5_000
    assert client.query(f"SELECT count(), max(id) FROM {table}").result_rows == [(5_000, 4_999)]


@pytest.mark.parametrize("compression", [None, "gzip", "lz4"])
def test_raw_inserts(client: Client, table: str, compression: str | None) -> None:
    block = b'{"id":1,"name":"a"}\n{"id":2,"name":"b FORMAT JSONEachRow\\n"}\n'
    packed = {None: bytes, "gzip": gzip.compress, "lz4": lz4.frame.compress}[compression](block)
    client.raw_insert(table, insert_block=packed, fmt="JSONEachRow", compression=compression)
    found = client.query(f"SELECT name FROM {table} ORDER BY id").result_rows
    assert found == [("a",), ("b FORMAT JSONEachRow\n",)]


def test_inserts_of_values_and_of_a_query(client: Client, table: str) -> None:
    client.command(f"INSERT INTO {table} VALUES (1, 'a'), (2, 'b')")
    client.command(f"INSERT INTO {table} SELECT number + 10, 'x' FROM numbers(3)")
    assert client.command(f"SELECT count() FROM {table}") == 5


def test_settings_last_for_one_request(client: Client) -> None:
    query = "SELECT getSetting('max_block_size')"
    assert client.command(query, settings={"max_block_size": 123}) == 123
    assert client.command(query) != 123


def test_long_parameters_come_as_a_form(client: Client) -> None:
    texts = ["İ'\\\n\t" * 10, "x" * 100_000]
    found = client.query("SELECT {texts:Array(String)}", parameters={"texts": texts}).result_rows
    assert found == [(texts,)]


def test_columns_without_rows(client: Client) -> None:
    found = client.query("SELECT 1::UInt8 AS a, 'x' AS b LIMIT 0")
    assert found.column_names == ("a", "b")


@pytest.mark.parametrize(
    ("sql", "code", "status"),
    [("SELECT * FROM nowhere", 60, 404), ("SELEC 1", 62, 400), ("SELECT throwIf(1)", 395, 500)],
)
def test_errors_have_their_numbers(
    chdb_http_server: ChdbHttpServer, client: Client, sql: str, code: int, status: int
) -> None:
    with pytest.raises(DatabaseError) as caught:
        client.query(sql)
    assert caught.value.code == code
    answer = httpx.post(chdb_http_server.url, content=sql)
    assert answer.status_code == status
    assert answer.headers["X-ClickHouse-Exception-Code"] == str(code)
    assert answer.text.startswith(f"Code: {code}. DB::Exception: ")


def test_health_and_plain_requests(chdb_http_server: ChdbHttpServer) -> None:
    assert httpx.get(f"{chdb_http_server.url}/ping").text == "Ok.\n"
    assert httpx.get(chdb_http_server.url).text == "Ok.\n"
    found = httpx.get(chdb_http_server.url, params={"query": "SELECT {x:String}", "param_x": "y"})
    assert found.text == "y\n"
    assert found.headers["X-ClickHouse-Format"] == "TabSeparated"
