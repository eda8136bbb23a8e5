"""Fixtures that every test may use: the stores, on each backend that Tekil runs on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tekil.store.state import SqlStore
from tekil.store.warehouse import Warehouse
from tests.contract.backends import (
    SCHEMAS,
    ChdbHttpServer,
    EmbeddedEngine,
    MigratedDatabases,
    PostgresBackend,
    PostgresServer,
    SqlBackend,
    SqliteBackend,
    WarehouseBackend,
    fresh_warehouse,
    migrate,
)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A real PostgreSQL; fails, with the command to install it, where there is none."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: PostgresServer) -> MigratedDatabases:
    """Migrated databases without rows."""
    return MigratedDatabases(postgres_server)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of files that were migrated once and are copied for each test."""
    directory = tmp_path_factory.mktemp("migrated")
    migrate({schema: f"sqlite:///{directory / schema}.db" for schema in SCHEMAS})
    return directory


@pytest.fixture(params=["sqlite", "postgresql"])
def sql_backend(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SqlBackend]:
    """Each SQL database in turn, holding an empty migrated state and inbox."""
    backend: SqlBackend
    if request.param == "sqlite":
        migrated = request.getfixturevalue("migrated_sqlite")
        backend = SqliteBackend(tmp_path_factory.mktemp("sqlite"), migrated)
    else:
        backend = PostgresBackend(request.getfixturevalue("migrated_postgres"))
    yield backend
    backend.close()


@pytest.fixture
def state_store(sql_backend: SqlBackend) -> Iterator[SqlStore]:
    """An empty, migrated state store, on SQLite and on PostgreSQL."""
    store = SqlStore(sql_backend.url("state"), schema="state")
    yield store
    store.close()


@pytest.fixture
def inbox_store(sql_backend: SqlBackend) -> Iterator[SqlStore]:
    """An empty, migrated inbox store beside ``state_store``."""
    store = SqlStore(sql_backend.url("inbox"), schema="inbox")
    yield store
    store.close()


@pytest.fixture(scope="session")
def embedded_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    """chdb in this process."""
    engine = EmbeddedEngine(tmp_path_factory.mktemp("chdb"))
    yield engine
    engine.release()


@pytest.fixture(scope="session")
def chdb_http_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChdbHttpServer]:
    """chdb behind ClickHouse's HTTP interface."""
    server = ChdbHttpServer(tmp_path_factory.mktemp("chdb-http"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(params=["embedded", "http"])
def warehouse_backend(request: pytest.FixtureRequest) -> WarehouseBackend:
    """Each way to reach a warehouse in turn."""
    name = "embedded_engine" if request.param == "embedded" else "chdb_http_server"
    backend: WarehouseBackend = request.getfixturevalue(name)
    return backend


@pytest.fixture
def warehouse(warehouse_backend: WarehouseBackend) -> Iterator[Warehouse]:
    """An empty warehouse, embedded and over HTTP."""
    with fresh_warehouse(warehouse_backend) as opened:
        yield opened


@pytest.fixture
def embedded_warehouse(embedded_engine: EmbeddedEngine) -> Iterator[Warehouse]:
    """An empty embedded warehouse, for tests of logic that was proven on both elsewhere."""
    with fresh_warehouse(embedded_engine) as opened:
        yield opened


_WAREHOUSE_FIXTURES = {"warehouse", "embedded_warehouse", "warehouse_backend", "embedded_engine"}


@pytest.fixture(autouse=True)
def _free_engine(request: pytest.FixtureRequest) -> None:
    """Let a test open an embedded warehouse in its own directory: a process has one engine."""
    names = set(request.fixturenames)
    if "tmp_path" in names and not names & _WAREHOUSE_FIXTURES:
        engine: EmbeddedEngine = request.getfixturevalue("embedded_engine")
        engine.release()
