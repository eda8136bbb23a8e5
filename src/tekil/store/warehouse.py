"""The warehouse: ClickHouse in this process (chdb) or at a URL, one client and one dialect."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from tekil.errors import StoreUnavailable

INSERT_SETTINGS = {
    # An event with the same path twice ({"a.b":1,"a":{"b":2}}) keeps the first value.
    "type_json_skip_duplicated_paths": 1,
    "input_format_skip_unknown_fields": 0,
    "date_time_input_format": "best_effort",
    # A text stays a text: "2026-01-01" inside JSON would otherwise become a Date and lose its form.
    "input_format_try_infer_dates": 0,
    "input_format_try_infer_datetimes": 0,
}
LARGE_QUERY = {"max_query_size": 64 << 20, "max_ast_elements": 2_000_000}
"""For statements that a program builds out of many definitions at once."""


class Warehouse:
    """Runs statements on ClickHouse; one client per thread, because a client is one session."""

    def __init__(self, url: str | None, path: Path) -> None:
        self.url = url
        self.path = path
        self._local = threading.local()
        self._clients: list[Client] = []
        self._lock = threading.Lock()

    def command(self, sql: str, parameters: Mapping[str, object] | None = None) -> object:
        """Run a statement that returns nothing or one value."""
        try:
            return self._client().command(sql, parameters=dict(parameters or {}))
        except ClickHouseError as error:
            raise unavailable(error) from error

    def query(
        self, sql: str, parameters: Mapping[str, object] | None = None
    ) -> Sequence[Sequence[Any]]:
        """Run a query with bound ``{name:Type}`` parameters and return its rows."""
        try:
            return self._client().query(sql, parameters=dict(parameters or {})).result_rows
        except ClickHouseError as error:
            raise unavailable(error) from error

    def query_json(
        self, sql: str, parameters: Mapping[str, object] | None = None
    ) -> Iterable[bytes]:
        """Run a query and return each row as one line of JSON."""
        try:
            data = self._client().raw_query(
                sql,
                parameters=dict(parameters or {}),
                fmt="JSONEachRow",
                settings={"output_format_json_quote_64bit_integers": 0},
            )
        except ClickHouseError as error:
            raise unavailable(error) from error
        return [line for line in data.split(b"\n") if line]

    def query_binary(self, sql: str, parameters: Mapping[str, object] | None = None) -> bytes:
        """Run a large generated query and return its rows as RowBinary, for fixed-width columns."""
        try:
            data: bytes = self._client().raw_query(
                sql, parameters=dict(parameters or {}), fmt="RowBinary", settings=dict(LARGE_QUERY)
            )
        except ClickHouseError as error:
            raise unavailable(error) from error
        return data

    def insert_json(self, table: str, lines: bytes) -> None:
        """Insert one block of JSONEachRow lines: all of it or nothing. Raises ClickHouseError."""
        self._client().raw_insert(
            table, insert_block=lines, fmt="JSONEachRow", settings=INSERT_SETTINGS
        )

    def migrate(self, statements: Iterable[str]) -> None:
        """Run idempotent DDL (CREATE … IF NOT EXISTS, ADD COLUMN IF NOT EXISTS)."""
        for statement in statements:
            self.command(statement)

    def close(self) -> None:
        """Close every thread's client."""
        with self._lock:
            for client in self._clients:
                client.close()
            self._clients.clear()
            self._local = threading.local()

    def _client(self) -> Client:
        client: Client | None = getattr(self._local, "client", None)
        if client is None:
            client = self._open()
            self._local.client = client
            with self._lock:
                self._clients.append(client)
        return client

    def _open(self) -> Client:
        if self.url is None:
            self.path.mkdir(parents=True, exist_ok=True)
            return clickhouse_connect.get_client(interface="chdb", path=str(self.path))
        return clickhouse_connect.get_client(dsn=self.url, autogenerate_session_id=False)


def unavailable(error: ClickHouseError) -> StoreUnavailable:
    """Say which store failed and how."""
    return StoreUnavailable(f"The warehouse cannot answer: {str(error)[:500]}")
