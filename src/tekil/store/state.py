"""The state store: one engine, transactions at the edge, SQLite or PostgreSQL."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite

from tekil.errors import InputError, MigrationFailed, StoreUnavailable

MIGRATIONS = Path(__file__).parent / "migrations"

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # a commit that was answered survives a power cut
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=10000",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-65536",
    "PRAGMA mmap_size=1073741824",
    # 40 MB: pages that every batch changes are copied back once for many batches.
    "PRAGMA wal_autocheckpoint=10000",
)

# Waits no longer than SQLite does by its busy_timeout.
_PG_WRITE_LOCK = sa.text(
    "SELECT set_config('lock_timeout', '10000', true),"
    " pg_advisory_xact_lock(hashtextextended(:schema, 0))"
)


class SqlStore:
    """A SQL database; ``write`` is a serialised transaction, ``read`` a consistent snapshot."""

    def __init__(self, url: str, *, schema: str) -> None:
        self.url = url
        self.schema = schema
        self.engine = _engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Run a write transaction; commits at the end, rolls back on any exception."""
        with self._mapped_errors(), self.engine.connect() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                # One writer at a time as on SQLite: what was read stays true until the commit,
                # and ids become visible in order, so that whoever follows them misses none.
                connection.execute(_PG_WRITE_LOCK, {"schema": f"tekil.{self.schema}"})
            with connection.begin() if not connection.in_transaction() else _commit(connection):
                yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Run statements on one consistent snapshot."""
        with self._mapped_errors(), self.engine.connect() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN")
            else:
                connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            yield connection

    def migrate(self) -> None:
        """Bring the schema up to date. Raises MigrationFailed."""
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS / self.schema))
        config.set_main_option("version_path_separator", "os")
        config.attributes["engine"] = self.engine
        config.attributes["version_table"] = f"{self.schema}_version"
        try:
            command.upgrade(config, "head")
        except sa.exc.OperationalError as error:
            raise StoreUnavailable(
                f"The {self.schema} database cannot be opened: {error}"
            ) from error
        except Exception as error:
            raise MigrationFailed(
                f"The {self.schema} schema could not be brought up to date: {error}. "
                "Nothing was changed; restore the last backup or report this with `tekil doctor`."
            ) from error

    def insert(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that can say ON CONFLICT, in this store's dialect."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def _mapped_errors(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError) as error:
            raise StoreUnavailable(
                f"The {self.schema} database cannot answer: {error.__cause__ or error}"
            ) from error
        except (sa.exc.DataError, OverflowError) as error:
            # PostgreSQL is stricter than SQLite: the character NUL in a text, a number too large.
            raise InputError(
                f"A value cannot be stored or looked up: {error.__cause__ or error}."
            ) from error


@contextmanager
def _commit(connection: sa.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _engine(url: str) -> sa.Engine:
    if not url.startswith("sqlite"):
        normalised = url.replace("postgresql://", "postgresql+psycopg://", 1)
        return sa.create_engine(normalised, pool_pre_ping=True, pool_size=10, max_overflow=20)
    engine = sa.create_engine(
        url, pool_size=16, max_overflow=32, connect_args={"check_same_thread": False}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # pysqlite's own transaction handling is switched off: BEGIN IMMEDIATE is said explicitly.
    connection.isolation_level = None
    for pragma in SQLITE_PRAGMAS:
        connection.execute(pragma)


logging.getLogger("alembic").setLevel(logging.WARNING)
