"""Long lists in a WHERE, on SQLite and PostgreSQL."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tekil.store.lists import in_list
from tekil.store.state import SqlStore

words = sa.Table(
    "words",
    sa.MetaData(),
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("word", sa.Text, nullable=False),
)

HOSTILE = ["'; DROP TABLE words; --", 'a"b', "{a,b}", "NULL", "İ,ı", "\\", "", "[1]"]


@pytest.fixture
def store(state_store: SqlStore) -> SqlStore:
    """A store with some words."""
    with state_store.write() as connection:
        words.create(connection)
        rows = [{"id": n, "word": word} for n, word in enumerate([*HOSTILE, "other"])]
        connection.execute(words.insert(), [*rows, {"id": 2**62, "word": "big"}])
    return state_store


def ids(store: SqlStore, column: sa.Column, values: list) -> list[int]:
    """The rows whose column is one of the values."""
    with store.read() as connection:
        query = sa.select(words.c.id).where(in_list(connection, column, values))
        return list(connection.execute(query.order_by(words.c.id)).scalars())


def test_texts(store: SqlStore) -> None:
    assert ids(store, words.c.word, HOSTILE) == list(range(len(HOSTILE)))


def test_numbers(store: SqlStore) -> None:
    assert ids(store, words.c.id, [1, 2**62, 5, 77]) == [1, 5, 2**62]


def test_nothing(store: SqlStore) -> None:
    assert ids(store, words.c.id, []) == []
    assert ids(store, words.c.word, []) == []


def test_more_than_any_database_takes_as_parameters(store: SqlStore) -> None:
    assert ids(store, words.c.id, list(range(100_000))) == list(range(len(HOSTILE) + 1))
