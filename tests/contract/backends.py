"""The real stores that tests run on: SQLite and PostgreSQL, chdb in-process and behind HTTP."""

from __future__ import annotations

import contextlib
import gc
import getpass
import itertools
import os
import pwd
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import clickhouse_connect
import psycopg

from tekil.store.state import SqlStore
from tekil.store.warehouse import Warehouse

HERE = Path(__file__).parent
POSTGRES_BINARIES = Path("/usr/lib/postgresql")
START_TIMEOUT_SECONDS = 60
SCHEMAS = ("state", "inbox")

# What a test database may lose in a power cut does not matter; that tests are quick does.
POSTGRES_OPTIONS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "autovacuum": "off",
    "timezone": "UTC",
}


class BackendMissing(Exception):
    """A program that the tests need is not installed."""


def postgres_bin() -> Path:
    """The newest PostgreSQL's programs. Raises BackendMissing."""
    found = sorted(
        POSTGRES_BINARIES.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]), reverse=True
    )
    if found:
        return found[0].parent
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    raise BackendMissing(
        "The tests need a PostgreSQL server, which is not installed. "
        "Install it with: apt-get install postgresql"
    )


class PostgresServer:
    """A PostgreSQL of our own in a temporary directory, reached over a Unix socket."""

    def __init__(self) -> None:
        self.bin = postgres_bin()
        # Short, because the name of a socket may have 107 characters; not under pytest's own
        # directory, which only its owner may enter.
        self.directory = Path(tempfile.mkdtemp(prefix="tekil-pg-", dir="/tmp"))
        self.user, self._as_user = _run_as()
        if self._as_user:
            shutil.chown(self.directory, self.user)
        self.process: subprocess.Popen[bytes] | None = None
        self._names = itertools.count()
        self._init()

    @property
    def data(self) -> Path:
        """Where the server keeps its files."""
        return self.directory / "data"

    def url(self, database: str) -> str:
        """The URL by which SqlStore reaches a database."""
        return f"postgresql://postgres@/{database}?host={self.directory}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = [f"-c{name}={value}" for name, value in POSTGRES_OPTIONS.items()]
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *_die_with_parent("QUIT", self._as_user),
                    str(self.bin / "postgres"),
                    f"-D{self.data}",
                    f"-k{self.directory}",
                    *options,
                ],
                stdout=log,
                stderr=log,
                cwd="/",
            )
        ready = [str(self.bin / "pg_isready"), "-q", "-t1", f"-h{self.directory}"]
        for _ in range(START_TIMEOUT_SECONDS * 20):
            if self.process.poll() is not None:
                break
            if subprocess.run(ready, check=False).returncode == 0:
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.05)
        log_text = (self.directory / "log").read_text()
        raise RuntimeError(f"PostgreSQL did not start:\n{log_text[-4000:]}")

    def stop(self) -> None:
        """Stop the server at once, as a crash would: SIGQUIT, no checkpoint."""
        if self.process is not None:
            self.process.send_signal(3)
            self.process.wait(START_TIMEOUT_SECONDS)
            self.process = None

    def remove(self) -> None:
        """Stop the server and delete its files."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def create_database(self, template: str = "template1") -> str:
        """Make a database of its own for one test; the answer is its name."""
        name = f"t{next(self._names)}_{secrets.token_hex(3)}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return name

    def drop_database(self, name: str) -> None:
        """Delete a database, also when somebody is still connected."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def execute(self, sql: str) -> None:
        """Run one statement outside of any test's database."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(sql)

    def _init(self) -> None:
        command = [
            *self._as_user,
            str(self.bin / "initdb"),
            f"-D{self.data}",
            "-Upostgres",
            "-Atrust",
            "-EUTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
        if done.returncode != 0:
            raise RuntimeError(f"initdb failed:\n{done.stdout}\n{done.stderr}")


def _run_as() -> tuple[str, list[str]]:
    """PostgreSQL refuses to run as root: then it runs as the package's own user."""
    if os.geteuid() != 0:
        return getpass.getuser(), []
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return name, [
                "setpriv",
                f"--reuid={entry.pw_uid}",
                f"--regid={entry.pw_gid}",
                "--clear-groups",
            ]
    raise BackendMissing("PostgreSQL must not run as root, and there is no user to run it as.")


def _die_with_parent(signal_name: str, as_user: list[str]) -> list[str]:
    prefix = as_user or ["setpriv"]
    return [*prefix, f"--pdeathsig={signal_name}"] if shutil.which("setpriv") else []


class SqlBackend(Protocol):
    """Somewhere to open the state and the inbox, empty and migrated."""

    name: str

    def url(self, schema: str) -> str:
        """The URL of the migrated database of a schema."""

    def empty_url(self, schema: str) -> str:
        """The URL of a database in which nothing is yet."""

    def close(self) -> None:
        """Delete everything."""


class SqliteBackend:
    """SQLite files, copied from ones that were migrated once."""

    name = "sqlite"

    def __init__(self, directory: Path, migrated: Path) -> None:
        self.directory = directory
        for schema in SCHEMAS:
            shutil.copy(migrated / f"{schema}.db", directory)

    def url(self, schema: str) -> str:
        """The URL of the migrated file of a schema."""
        return f"sqlite:///{self.directory / schema}.db"

    def empty_url(self, schema: str) -> str:
        """The URL of a file that is not there yet."""
        return f"sqlite:///{self.directory / schema}-empty.db"

    def close(self) -> None:
        """Leave the files to pytest."""


class MigratedDatabases:
    """Databases with both schemas in them, as in real use, and no rows.

    Making one takes longer than most tests do, so they are emptied and used again.
    """

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self._template = server.create_database()
        migrate(dict.fromkeys(SCHEMAS, server.url(self._template)))
        with psycopg.connect(server.url(self._template)) as connection:
            self._tables = _tables(connection)
            for table in self._tables - VERSION_TABLES:
                # What a migration puts into a table would be gone after the first test.
                rows = connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()
                assert rows == (0,), f"{table} is not empty after the migrations"
        self._free: list[str] = []

    def take(self) -> str:
        """The name of an empty database."""
        return self._free.pop() if self._free else self.server.create_database(self._template)

    def give_back(self, database: str) -> None:
        """Empty a database for the next test."""
        self.server.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
        )
        with psycopg.connect(self.server.url(database), autocommit=True) as connection:
            made_by_the_test = _tables(connection) - self._tables
            drops = [f'DROP TABLE "{table}" CASCADE' for table in sorted(made_by_the_test)]
            emptied = ", ".join(f'"{table}"' for table in sorted(self._tables - VERSION_TABLES))
            connection.execute(
                "; ".join([*drops, f"TRUNCATE {emptied} RESTART IDENTITY CASCADE"]).encode()
            )
        self._free.append(database)


VERSION_TABLES = {"state_version", "inbox_version"}


def _tables(connection: psycopg.Connection) -> set[str]:
    query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    return {name for (name,) in connection.execute(query)}


class PostgresBackend:
    """A PostgreSQL database which holds both schemas, as in real use."""

    name = "postgresql"

    def __init__(self, databases: MigratedDatabases) -> None:
        self._databases = databases
        self.database = databases.take()
        self._others: list[str] = []

    def url(self, schema: str) -> str:
        """The URL of the migrated database."""
        assert schema in SCHEMAS
        return self._databases.server.url(self.database)

    def empty_url(self, schema: str) -> str:
        """The URL of a new, empty database."""
        assert schema in SCHEMAS
        self._others.append(self._databases.server.create_database())
        return self._databases.server.url(self._others[-1])

    def close(self) -> None:
        """Make room for the next test."""
        self._databases.give_back(self.database)
        for name in self._others:
            self._databases.server.drop_database(name)


def migrate(urls: dict[str, str]) -> None:
    """Bring each schema's database up to date."""
    for schema, url in urls.items():
        store = SqlStore(url, schema=schema)
        store.migrate()
        if store.is_sqlite:
            # One file, without a journal beside it, so that it can be copied.
            with store.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        store.close()


class WarehouseBackend(Protocol):
    """Somewhere to open a warehouse in a database of its own."""

    name: str

    def open(self, database: str) -> Warehouse:
        """Open a warehouse in a database, which it makes if need be."""

    def drop(self, database: str) -> None:
        """Delete a database."""


class EmbeddedEngine:
    """chdb in this process, on one directory for all tests.

    A process can have one engine directory open at a time, and every opening costs some threads
    and memory for good. So the engine stays open over many tests, each with its own database; a
    test that opens a data directory of its own needs ``release`` before it.
    """

    name = "embedded"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pin: clickhouse_connect.driver.Client | None = None

    def open(self, database: str) -> Warehouse:
        """Open a warehouse in a database of its own."""
        if self._pin is None:
            gc.collect()  # a forgotten client of another directory would be in the way
            self._pin = clickhouse_connect.get_client(interface="chdb", path=str(self.path))
        return Warehouse(None, self.path, database=database)

    def drop(self, database: str) -> None:
        """Delete a database."""
        if self._pin is not None:
            self._pin.command(f"DROP DATABASE IF EXISTS `{database}` SYNC")

    def release(self) -> None:
        """Close the engine, so that another directory can be opened."""
        if self._pin is not None:
            self._pin.close()
            self._pin = None


@dataclass
class ChdbHttpServer:
    """chdb in a process of its own behind ClickHouse's HTTP interface; see chdb_http.py."""

    path: Path
    port: int = 0
    process: subprocess.Popen[str] | None = None
    name = "http"

    @property
    def url(self) -> str:
        """The URL by which Warehouse reaches it."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, on the same port as before, and wait until it answers."""
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "chdb_http.py"), str(self.path), str(self.port)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            raise RuntimeError(f"chdb_http.py did not start: {line!r}")
        self.port = int(line.split()[-1])

    def stop(self) -> None:
        """End it at once, as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def open(self, database: str) -> Warehouse:
        """Open a warehouse in a database of its own."""
        return Warehouse(self.url, self.path, database=database)

    def drop(self, database: str) -> None:
        """Delete a database."""
        with contextlib.closing(clickhouse_connect.get_client(dsn=self.url)) as client:
            client.command(f"DROP DATABASE IF EXISTS `{database}` SYNC")


_databases = itertools.count()


@contextlib.contextmanager
def fresh_warehouse(backend: WarehouseBackend) -> Iterator[Warehouse]:
    """A warehouse in a database of its own, deleted at the end."""
    database = f"t{next(_databases)}"
    warehouse = backend.open(database)
    try:
        yield warehouse
    finally:
        warehouse.close()
        backend.drop(database)
