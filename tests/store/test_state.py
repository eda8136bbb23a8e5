"""What the state store promises, on SQLite and on PostgreSQL."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from tests.contract.backends import PostgresServer, SqlBackend

import tekil
from tekil.errors import StoreUnavailable
from tekil.store.schema import inbox_metadata, state_metadata
from tekil.store.state import SqlStore

METADATA = {"state": state_metadata, "inbox": inbox_metadata}

things = sa.Table(
    "things",
    sa.MetaData(),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("count", sa.BigInteger, nullable=False),
)


@pytest.fixture
def store(state_store: SqlStore) -> SqlStore:
    """A store with one small table more."""
    with state_store.write() as connection:
        things.create(connection)
    return state_store


def put(store: SqlStore, name: str, count: int) -> None:
    """Write one row."""
    with store.write() as connection:
        connection.execute(things.insert().values(name=name, count=count))


def counts(store: SqlStore) -> dict[str, int]:
    """Read all rows."""
    with store.read() as connection:
        return {row.name: row.count_ for row in connection.execute(_all_things)}


_all_things = sa.select(things.c.name, things.c.count.label("count_"))


def test_a_write_is_there_afterwards(store: SqlStore) -> None:
    put(store, "a", 1)
    assert counts(store) == {"a": 1}


def test_an_exception_undoes_the_whole_write(store: SqlStore) -> None:
    put(store, "a", 1)

    def fail_half_way() -> None:
        with store.write() as connection:
            connection.execute(things.insert().values(name="b", count=2))
            connection.execute(things.update().values(count=9))
            raise KeyError("b")

    with pytest.raises(KeyError):
        fail_half_way()
    assert counts(store) == {"a": 1}


def test_a_refused_statement_undoes_the_whole_write(store: SqlStore) -> None:
    put(store, "a", 1)

    def twice() -> None:
        with store.write() as connection:
            connection.execute(things.insert().values(name="b", count=2))
            connection.execute(things.insert().values(name="a", count=2))

    with pytest.raises(sa.exc.IntegrityError):
        twice()
    assert counts(store) == {"a": 1}
    put(store, "b", 3)
    assert counts(store) == {"a": 1, "b": 3}


def test_nobody_sees_a_write_before_its_end(store: SqlStore) -> None:
    with store.write() as connection:
        connection.execute(things.insert().values(name="a", count=1))
        assert counts(store) == {}
    assert counts(store) == {"a": 1}


def test_a_read_is_one_snapshot(store: SqlStore) -> None:
    put(store, "a", 1)
    with store.read() as connection:
        before = connection.execute(_all_things).all()
        put(store, "b", 2)
        assert connection.execute(_all_things).all() == before
    assert counts(store) == {"a": 1, "b": 2}


def test_a_read_keeps_nothing(store: SqlStore) -> None:
    with contextlib.suppress(sa.exc.DBAPIError), store.read() as connection:
        connection.execute(things.insert().values(name="a", count=1))
    assert counts(store) == {}


def test_writes_run_one_after_the_other(store: SqlStore) -> None:
    """Read, think, write: nobody gets in between, so no change is lost."""
    put(store, "a", 0)
    threads, times = 4, 25

    def count_up() -> None:
        for _ in range(times):
            with store.write() as connection:
                now = connection.execute(sa.select(things.c.count)).scalar_one()
                connection.execute(things.update().values(count=now + 1))

    run_together([count_up] * threads)
    assert counts(store) == {"a": threads * times}


def test_ids_are_given_in_the_order_of_commits(state_store: SqlStore) -> None:
    """A reader that has seen id 5 will never find a new id 4: whoever follows a log needs that."""
    log = sa.Table(
        "log",
        sa.MetaData(),
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("writer", sa.Integer, nullable=False),
    )
    with state_store.write() as connection:
        log.create(connection)
    seen: list[int] = []
    done = threading.Event()

    def append(writer: int) -> None:
        for _ in range(30):
            with state_store.write() as connection:
                connection.execute(log.insert().values(writer=writer))

    def follow() -> None:
        while True:
            last = done.is_set()
            with state_store.read() as connection:
                after = seen[-1] if seen else 0
                query = sa.select(log.c.id).where(log.c.id > after).order_by(log.c.id)
                seen.extend(connection.execute(query).scalars())
            if last:
                return

    follower = threading.Thread(target=follow)
    follower.start()
    run_together([lambda n=n: append(n) for n in range(3)])
    done.set()
    follower.join(60)
    assert len(seen) == 90
    assert seen == sorted(set(seen))


def test_an_upsert_inserts_then_updates(store: SqlStore) -> None:
    for count in (1, 2):
        statement = store.insert(things).values(name="a", count=count)
        with store.write() as connection:
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["name"], set_={"count": statement.excluded.count + 10}
                )
            )
    assert counts(store) == {"a": 12}


@pytest.mark.parametrize(
    "text",
    ["'; DROP TABLE things; --", "a\\b", '"quoted"', "İıŞşĞğ", "😀", "%s %(x)s :y ?", "\t\n\r", ""],
)
def test_any_text_is_only_text(store: SqlStore, text: str) -> None:
    put(store, text, 7)
    with store.read() as connection:
        found = connection.execute(sa.select(things.c.name).where(things.c.name == text))
        assert found.scalar_one() == text


def test_numbers_have_64_bits(store: SqlStore) -> None:
    put(store, "a", 2**63 - 1)
    assert counts(store) == {"a": 2**63 - 1}


# ---- schema -----------------------------------------------------------------------------------


def import_all_tables() -> None:
    """Every room declares its tables when its ``tables`` module is imported."""
    for package in pkgutil.walk_packages(tekil.__path__, "tekil."):
        if package.name.endswith(".tables"):
            importlib.import_module(package.name)


@pytest.mark.parametrize("schema", ["state", "inbox"])
def test_migrations_give_the_declared_tables(sql_backend: SqlBackend, schema: str) -> None:
    import_all_tables()
    store = SqlStore(sql_backend.empty_url(schema), schema=schema)
    store.migrate()
    with store.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "include_name": lambda name, kind, _: not_version(name)},
        )
        assert compare_metadata(context, METADATA[schema]) == []
    store.close()


def not_version(name: str | None) -> bool:
    """The tables in which alembic remembers where it is are declared nowhere."""
    return name not in ("state_version", "inbox_version")


@pytest.mark.parametrize("schema", ["state", "inbox"])
def test_migrating_again_changes_nothing(sql_backend: SqlBackend, schema: str) -> None:
    store = SqlStore(sql_backend.empty_url(schema), schema=schema)
    store.migrate()
    before = describe(store)
    store.migrate()
    assert describe(store) == before
    assert before
    store.close()


def describe(store: SqlStore) -> dict[str, list[str]]:
    """Tables and their columns."""
    inspector = sa.inspect(store.engine)
    return {
        table: [column["name"] for column in inspector.get_columns(table)]
        for table in sorted(inspector.get_table_names())
    }


def test_both_schemas_fit_into_one_postgresql_database(postgres_server: PostgresServer) -> None:
    url = postgres_server.url(postgres_server.create_database())
    for schema in METADATA:
        store = SqlStore(url, schema=schema)
        store.migrate()
        store.close()
    store = SqlStore(url, schema="state")
    store.migrate()
    assert {"state_version", "inbox_version"} <= set(describe(store))
    store.close()


def test_several_processes_may_start_at_once(postgres_server: PostgresServer) -> None:
    """On PostgreSQL; a data directory with SQLite in it belongs to one process at a time."""
    url = postgres_server.url(postgres_server.create_database())
    program = (
        "import sys; from tekil.store.state import SqlStore;"
        "SqlStore(sys.argv[1], schema='state').migrate()"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program, url], stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    errors = [process.communicate(timeout=60)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], errors


# ---- trouble ----------------------------------------------------------------------------------


def test_a_file_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    store = SqlStore(f"sqlite:///{tmp_path / 'no-such-directory' / 'state.db'}", schema="state")
    with pytest.raises(StoreUnavailable, match="state database"):
        store.migrate()
    with pytest.raises(StoreUnavailable, match="state database"), store.read():
        pass
    store.close()


def test_a_full_disk_is_unavailable_and_recovers(tmp_path: Path) -> None:
    store = SqlStore(f"sqlite:///{tmp_path / 'state.db'}", schema="state")
    with store.write() as connection:
        things.create(connection)

    def fill() -> None:
        with store.write() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count=4")
            for number in range(1000):
                connection.execute(things.insert().values(name=f"{number:09}" * 100, count=1))

    with pytest.raises(StoreUnavailable, match="full"):
        fill()
    assert counts(store) == {}
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1000000")
    put(store, "a", 1)
    assert counts(store) == {"a": 1}
    store.close()


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL that a test may stop."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


def test_a_stopped_database_is_unavailable_and_recovers(own_postgres: PostgresServer) -> None:
    store = SqlStore(own_postgres.url(own_postgres.create_database()), schema="state")
    with store.write() as connection:
        things.create(connection)
    put(store, "a", 1)

    def stop_half_way() -> None:
        with store.write() as connection:
            connection.execute(things.insert().values(name="b", count=2))
            own_postgres.stop()

    with pytest.raises(StoreUnavailable):
        stop_half_way()
    for _ in range(3):
        with pytest.raises(StoreUnavailable), store.read():
            pass
    own_postgres.start()
    assert counts(store) == {"a": 1}
    put(store, "c", 3)
    assert counts(store) == {"a": 1, "c": 3}
    store.close()


def run_together(tasks: list) -> None:
    """Run tasks in threads of their own and raise what one of them raised."""
    errors: list[BaseException] = []

    def guarded(task) -> None:
        try:
            task()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    if errors:
        raise errors[0]
