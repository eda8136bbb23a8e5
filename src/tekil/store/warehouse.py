"""The warehouse: ClickHouse in this process (chdb) or at a URL, one client and one dialect."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.binding import quote_identifier
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError, OperationalError

from tekil.errors import StoreUnavailable

# Set once per client: with a single embedded query they would cost more than the query.
CLIENT_SETTINGS = {
    "output_format_json_quote_64bit_integers": 0,
    # A key with a dot in it stays one key, on the way in and on the way out.
    "json_type_escape_dots_in_keys": 1,
}

INSERT_SETTINGS = {
    # An object with the same key twice keeps the first value.
    "type_json_skip_duplicated_paths": 1,
    "input_format_skip_unknown_fields": 0,
    "date_time_input_format": "best_effort",
    # A text stays a text: "2026-01-01" inside JSON would otherwise become a Date and lose its form.
    "input_format_try_infer_dates": 0,
    "input_format_try_infer_datetimes": 0,
}
LARGE_QUERY = {"max_query_size": 64 << 20, "max_ast_elements": 2_000_000}
"""For statements that a program builds out of many definitions at once."""

UNKNOWN_DATABASE = 81

# Faults of the machine and not of the rows: timeouts, too many queries or parts, no memory, no
# space, a read-only table, a lost network or keeper, a shutdown.
TEMPORARY_CODES = frozenset(
    {159, 160, 164, 201, 202, 203, 209, 210, 236, 241, 242, 243, 252, 279, 319, 425, 439, 999}
)
TEMPORARY_WORDS = ("No space left on device", "Too many open files", "Input/output error")


class Warehouse:
    """Runs statements on ClickHouse; one client per thread, because a client is one session.

    ``database`` (or the path of the URL) is made if it is not there.
    """

    def __init__(self, url: str | None, path: Path, *, database: str | None = None) -> None:
        self.url = url
        self.path = path
        self.database = database or (urlsplit(url).path.strip("/") if url else "") or None
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
        """Insert one block of JSONEachRow lines: all of it or nothing.

        Raises StoreUnavailable when a later try can help, else ClickHouseError: a row is wrong.
        """
        try:
            self._client().raw_insert(
                table, insert_block=lines, fmt="JSONEachRow", settings=INSERT_SETTINGS
            )
        except ClickHouseError as error:
            if is_temporary(error):
                raise unavailable(error) from error
            raise

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
        try:
            return self._connect(self.database)
        except DatabaseError as error:
            if error.code != UNKNOWN_DATABASE or self.database is None:
                raise
        self._create_database(self.database)
        return self._connect(self.database)

    def _connect(self, database: str | None) -> Client:
        if self.url is None:
            self.path.mkdir(parents=True, exist_ok=True)
            return clickhouse_connect.get_client(
                interface="chdb", path=str(self.path), database=database, settings=CLIENT_SETTINGS
            )
        address = urlsplit(self.url)._replace(path="").geturl()
        return clickhouse_connect.get_client(
            dsn=address, database=database, settings=CLIENT_SETTINGS, autogenerate_session_id=False
        )

    def _create_database(self, name: str) -> None:
        client = self._connect("default")
        try:
            client.command(f"CREATE DATABASE IF NOT EXISTS {quote_identifier(name)}")
        finally:
            client.close()


def is_temporary(error: ClickHouseError) -> bool:
    """Whether the fault lies with the machine or the network, so that a later try can help."""
    return (
        isinstance(error, OperationalError)
        or (isinstance(error, DatabaseError) and error.code in TEMPORARY_CODES)
        or any(word in str(error) for word in TEMPORARY_WORDS)
    )


def unavailable(error: ClickHouseError) -> StoreUnavailable:
    """Say which store failed and how."""
    return StoreUnavailable(f"The warehouse cannot answer: {str(error)[:500]}")
