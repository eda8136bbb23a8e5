"""An installation of several processes: PostgreSQL, ClickHouse over HTTP, and roles."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from tests.contract.backends import ChdbHttpServer, PostgresServer
from tests.server import Server, eventually, start_server

from tekil.store.lease import PIPELINE


class Installation:
    """Two empty stores, and the processes that a test starts on them."""

    def __init__(self, postgres: PostgresServer, clickhouse: ChdbHttpServer, place: Path) -> None:
        self.postgres = postgres
        self.clickhouse = clickhouse
        self.place = place
        self.database = postgres.create_database()
        self.warehouse = f"w{secrets.token_hex(4)}"
        self.admin_token = secrets.token_urlsafe(32)
        self._open = ExitStack()
        self.processes: list[Server] = []

    def start(self, role: str) -> Server:
        """Start a process of a role; each has a directory of its own, as on its own machine."""
        name = f"{role}-{len(self.processes)}"
        server = start_server(
            self.place / name,
            admin_token=self.admin_token,
            environ={
                "TEKIL_STATE_URL": f"{self.url}&application_name={name}",
                "TEKIL_WAREHOUSE_URL": f"{self.clickhouse.url}/{self.warehouse}",
            },
            arguments=("--role", role),
        )
        self.processes.append(server)
        return server

    @property
    def url(self) -> str:
        """The URL of the state and the inbox."""
        return self.postgres.url(self.database)

    def stored(self) -> list[tuple[str, int, int]]:
        """Every stored event: message id, and the place by which it is known."""
        with_client = self.clickhouse.open(self.warehouse)
        try:
            rows = with_client.query("SELECT message_id, seq, item FROM events")
            return [(str(m), int(s), int(i)) for m, s, i in rows]
        finally:
            with_client.close()

    def lease_holders(self) -> list[str]:
        """The names of the processes that hold the lease on the pipeline."""
        query = (
            "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)"
            f" WHERE locktype = 'advisory' AND granted AND objid = {PIPELINE}"
            " AND datname = current_database()"
        )
        with psycopg.connect(self.url) as connection:
            return [name for (name,) in connection.execute(query)]

    def cut(self, server: Server) -> None:
        """End every database session of a process that itself lives on."""
        query = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = %s AND datname = current_database()"
        )
        with psycopg.connect(self.url) as connection:
            connection.execute(query, [server.data.name])

    def active_worker(self) -> Server:
        """The process that works; waits until there is one."""
        holders = eventually(self.lease_holders, lambda h: len(h) == 1, what="one worker at work")
        return next(s for s in self.processes if s.data.name == holders[0])

    def close(self) -> None:
        """Stop every process and delete the stores."""
        for server in self.processes:
            if server.process.poll() is None:
                server.stop()
            server.api.close()
        self.postgres.drop_database(self.database)
        self.clickhouse.drop(self.warehouse)


@pytest.fixture
def installation(
    postgres_server: PostgresServer, chdb_http_server: ChdbHttpServer, tmp_path: Path
) -> Iterator[Installation]:
    """Empty stores of its own for each test."""
    made = Installation(postgres_server, chdb_http_server, tmp_path)
    try:
        yield made
    finally:
        made.close()
    for server in made.processes:
        assert "Traceback" not in server.log(), server.log()
