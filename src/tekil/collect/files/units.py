"""Units of an import: one row each for people and events, all lines of an order for orders.

The lines of an order need not stand together. If they do (which one pass finds out), the file is
read straight through; if not, its rows are sorted by order on disk. Memory stays bounded: one
order, and the 64-bit hashes of at most ``REMEMBERED`` order ids.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec

from tekil.collect.files.cells import read_id
from tekil.collect.files.model import FileKind, Mapping, Row

REMEMBERED = 2_000_000
MAX_ORDER_LINES = 5_000

_encode = msgspec.msgpack.Encoder(decimal_format="string").encode
_decode = msgspec.msgpack.Decoder(tuple[int, dict[str, object], str | None]).decode

Rows = Callable[[], Iterator[Row]]
"""Opens the file anew."""


def read_units(rows: Rows, mapping: Mapping) -> Iterator[list[Row]]:
    """All units of a file, in an order that depends on the file alone."""
    if mapping.kind is not FileKind.ORDERS:
        return ([row] for row in rows())
    column = mapping.target_of("order_id")
    if column is None:
        raise ValueError("a mapping of orders without order_id")
    if stand_together(rows(), column.name):
        return adjacent(rows(), column.name)
    return _sorted_units(rows, column.name)


def order_key(row: Row, column: str) -> str | None:
    """The order that a row belongs to; None for a row that does not say."""
    if row.fault is not None:
        return None
    try:
        return read_id(row.values.get(column))
    except ValueError:
        return None


def stand_together(rows: Iterable[Row], column: str) -> bool:
    """Whether the lines of each order follow one another; False also if it is too much to know."""
    closed: set[int] = set()
    current: str | None = None
    for row in rows:
        key = order_key(row, column)
        if key is None or key == current:
            continue
        mark = hash(key)
        if mark in closed or len(closed) >= REMEMBERED:
            return False
        closed.add(mark)
        current = key
    return True


def adjacent(rows: Iterable[Row], column: str) -> Iterator[list[Row]]:
    """Rows of the same order that follow one another; a row without an order is on its own."""
    unit: list[Row] = []
    current: str | None = None
    full = False
    for row in rows:
        key = order_key(row, column)
        if key is None:
            yield [row]
            continue
        if key != current:
            if unit:
                yield unit
            unit, current, full = [], key, False
        if full:
            yield [_too_long(row, key)]
            continue
        unit.append(row)
        if len(unit) > MAX_ORDER_LINES:
            yield [_too_long(r, key) for r in unit]
            unit, full = [], True
    if unit:
        yield unit


def _too_long(row: Row, key: str) -> Row:
    return replace(row, fault=f'order "{key}" has more than {MAX_ORDER_LINES} lines')


def _sorted_units(rows: Rows, column: str) -> Iterator[list[Row]]:
    with tempfile.TemporaryDirectory(prefix="tekil-import-") as directory:
        database = sqlite3.connect(Path(directory) / "rows.db", isolation_level=None)
        try:
            yield from adjacent(_in_order(database, rows(), column), column)
        finally:
            database.close()


def _in_order(database: sqlite3.Connection, rows: Iterator[Row], column: str) -> Iterator[Row]:
    database.execute("PRAGMA journal_mode=OFF")
    database.execute("PRAGMA synchronous=OFF")
    database.execute("CREATE TABLE line (number INTEGER PRIMARY KEY, id TEXT, row BLOB)")
    database.execute("BEGIN")
    database.executemany(
        "INSERT INTO line VALUES (?, ?, ?)",
        (
            (number, order_key(row, column), _encode((row.line, row.values, row.fault)))
            for number, row in enumerate(rows)
        ),
    )
    database.execute("COMMIT")
    found = database.execute(
        "SELECT row FROM line ORDER BY "
        "CASE WHEN id IS NULL THEN number ELSE min(number) OVER (PARTITION BY id) END, number"
    )
    for (stored,) in found:
        line, values, fault = _decode(stored)
        yield Row(line, values, fault)  # type: ignore[arg-type]
