"""What a file is, what its columns mean, and how far an import has come."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

Value: TypeAlias = "bool | int | float | str | Decimal | list[Value] | dict[str, Value] | None"
"""A cell: text in a CSV file; any JSON value, or a decimal, elsewhere."""


class FileFormat(StrEnum):
    """How rows are written."""

    CSV = "csv"
    JSON_LINES = "jsonl"
    PARQUET = "parquet"


class FileKind(StrEnum):
    """What a row stands for."""

    PEOPLE = "people"
    """One person; becomes an identify message."""
    EVENTS = "events"
    """One thing that happened; becomes a track message."""
    ORDERS = "orders"
    """One line of an order; the lines of an order become one ``Order Completed``."""


class ValueType(StrEnum):
    """How the text of a column is read."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    """A day or an instant; see ``Column.format``."""
    BOOLEAN = "boolean"
    JSON = "json"
    """Kept as it is: objects and lists of JSON Lines and Parquet."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row as read; ``fault`` says why it cannot be used."""

    line: int
    """The line on which it begins; in Parquet the number of the row, from 1."""
    values: dict[str, Value]
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class FileLook:
    """What the first pass over a file found, before anything of it is sent."""

    name: str
    format: FileFormat
    gzipped: bool
    encoding: str
    """A Python codec name; empty for Parquet."""
    encoding_why: str
    """How the encoding was found, for people to read."""
    delimiter: str
    """Of a CSV file; else empty."""
    columns: tuple[str, ...]
    content_hash: str
    """Of the content, not of its compression: people.csv and people.csv.gz are the same."""
    size: int
    """Bytes on disk."""
    rows_about: int
    """How many rows there are, as far as counting line ends tells."""


@dataclass(frozen=True, slots=True)
class Column:
    """What one column means."""

    name: str
    target: str
    """A field such as ``email`` or ``traits.city``; empty leaves the column out."""
    type: ValueType = ValueType.TEXT
    format: str = ""
    """Of a date: iso, unix, unix_ms or a strptime pattern; of a number: its decimal sign."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """How the rows of a file become messages; a guess or a mapping file."""

    kind: FileKind
    columns: tuple[Column, ...]
    event: str = ""
    """The event name where no column holds it."""
    currency: str = ""
    """The currency where no column holds it."""
    timezone: str = "UTC"
    """In which dates without a zone are read."""

    def target_of(self, target: str) -> Column | None:
        """The first column that goes to a field."""
        return next((c for c in self.columns if c.target == target), None)


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done with a file, shown before it is done."""

    look: FileLook
    mapping: Mapping
    examples: dict[str, tuple[str, ...]]
    """Some values of each column."""
    guessed: frozenset[str]
    """The columns that the mapping file did not name."""
    notes: tuple[str, ...] = ()
    """What a person should know before saying yes."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Which import this is: a file's content, read in one way."""

    import_key: str
    """Made of the content and the mapping: another mapping is another import."""
    file_name: str
    source: str
    kind: FileKind


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import has come, in the importer's own eyes."""

    position: int = 0
    """Units (rows, or whole orders) behind us, good and bad."""
    rows: int = 0
    """Rows behind us."""
    rejected: int = 0
    """Rows that became rejects."""
    done: bool = False
