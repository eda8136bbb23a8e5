"""One worker at a time on PostgreSQL."""

from __future__ import annotations

import pytest
from tests.contract.backends import PostgresServer

from tekil.store.lease import Lease
from tekil.store.state import SqlStore


def test_a_lease_is_held_by_one(postgres_server: PostgresServer) -> None:
    url = postgres_server.url(postgres_server.create_database())
    one, two = SqlStore(url, schema="state"), SqlStore(url, schema="state")
    first, second = Lease(one), Lease(two)
    assert first.acquire()
    assert first.acquire()
    assert not second.acquire()
    assert (first.holds(), second.holds()) == (True, False)
    first.release()
    assert not first.holds()
    assert second.acquire()
    second.release()
    one.close()
    two.close()


def test_a_lease_ends_with_its_connection(postgres_server: PostgresServer) -> None:
    database = postgres_server.create_database()
    store = SqlStore(postgres_server.url(database), schema="state")
    first, second = Lease(store), Lease(store)
    assert first.acquire()
    postgres_server.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
    )
    assert not first.holds()
    assert second.acquire()
    second.release()
    store.close()


def test_other_numbers_are_other_leases(postgres_server: PostgresServer) -> None:
    store = SqlStore(postgres_server.url(postgres_server.create_database()), schema="state")
    leases = [Lease(store, number) for number in (1, 2)]
    assert all(lease.acquire() for lease in leases)
    for lease in leases:
        lease.release()
    store.close()


@pytest.mark.parametrize("sql_backend", ["sqlite"], indirect=True)
def test_a_data_directory_needs_no_lease(state_store: SqlStore) -> None:
    lease = Lease(state_store)
    assert lease.acquire()
    assert lease.holds()
    lease.release()
