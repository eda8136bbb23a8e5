"""Writes people as CSV or Parquet, a few at a time, so that any number of them fits into memory.

A cell that a spreadsheet would take for a formula gets a leading apostrophe: traits are written
by strangers, and ``=HYPERLINK(…)`` as a first name must not run on a marketer's machine.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

from tekil.errors import InputError
from tekil.kit.json import JsonValue, encode_text

if TYPE_CHECKING:  # the command line knows the formats without loading the stores
    from tekil.profiles.read import Profile

CHUNK = 1_000
"""People read from the store at once."""

ROW_GROUP = 10_000
"""Rows of Parquet that are held until they are written."""

MAX_COLUMNS = 100
BOM = "\ufeff"
FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
IDENTITY_PREFIX = "identity."
BETWEEN_VALUES = " "


class ExportFormat(StrEnum):
    """What a file of people looks like."""

    CSV = "csv"
    PARQUET = "parquet"


class Delimiter(StrEnum):
    """What stands between the cells of a CSV; spreadsheets set to Turkish expect semicolons."""

    COMMA = "comma"
    SEMICOLON = "semicolon"
    TAB = "tab"


DELIMITERS = {Delimiter.COMMA: ",", Delimiter.SEMICOLON: ";", Delimiter.TAB: "\t"}
MEDIA_TYPES = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.PARQUET: "application/vnd.apache.parquet",
}


@dataclass(frozen=True, slots=True)
class Columns:
    """What is told of each person, after the profile id."""

    traits: tuple[str, ...] = ()
    identities: tuple[str, ...] = ()
    """Namespaces, each a column with every value of the person."""

    def __post_init__(self) -> None:
        if len(self.names) > MAX_COLUMNS:
            raise InputError(
                f"An export has at most {MAX_COLUMNS} columns; {len(self.names)} were asked for."
            )
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise InputError(f"Each column can be asked for once; twice: {', '.join(twice)}.")

    @property
    def names(self) -> tuple[str, ...]:
        """The heads of the columns."""
        named = tuple(IDENTITY_PREFIX + namespace for namespace in self.identities)
        return ("profile_id", *named, *self.traits)

    def row(self, person: Profile, computed: Mapping[str, JsonValue]) -> list[JsonValue]:
        """One person's cells; None is nothing. A computed trait goes before one of its name."""
        values = {trait.name: trait.value for trait in person.traits} | dict(computed)
        cells: list[JsonValue] = [person.profile_id]
        for namespace in self.identities:
            own = [view.value for view in person.identities if view.namespace == namespace]
            cells.append(BETWEEN_VALUES.join(own) or None)
        return cells + [values.get(name) for name in self.traits]


def read_columns(traits: str, identities: str) -> Columns:
    """Read the lists of a request, separated by commas. Raises InputError."""
    return Columns(_names(traits), _names(identities))


def csv_file(
    rows: Iterable[Sequence[JsonValue]],
    heads: Sequence[str],
    *,
    delimiter: Delimiter = Delimiter.COMMA,
    bom: bool = False,
    guard: bool = True,
) -> Iterator[bytes]:
    """The pieces of a CSV file in UTF-8 (RFC 4180), one for each thousand rows.

    ``guard`` makes cells that a spreadsheet would run harmless; ``bom`` tells Excel the encoding.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=DELIMITERS[delimiter], lineterminator="\r\n")
    if bom:
        buffer.write(BOM)
    writer.writerow([_guarded(head) if guard else head for head in heads])
    left = iter(rows)
    while True:
        some = [[_cell(value, guard=guard) for value in row] for row in islice(left, CHUNK)]
        writer.writerows(some)
        yield buffer.getvalue().encode()
        if len(some) < CHUNK:
            return
        buffer.seek(0)
        buffer.truncate()


def parquet_file(rows: Iterable[Sequence[JsonValue]], heads: Sequence[str]) -> Iterator[bytes]:
    """The pieces of a Parquet file; every column is a text, what is no text as JSON."""
    import pyarrow as pa  # slow to import, and only exports need it
    import pyarrow.parquet as pq

    schema = pa.schema([(head, pa.string()) for head in heads])
    sink = _Pieces()
    left = iter(rows)
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        while some := list(islice(left, ROW_GROUP)):
            columns = [
                pa.array([_text(row[i]) for row in some], pa.string()) for i in range(len(heads))
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))
            yield sink.take()
    yield sink.take()


class _Pieces(io.RawIOBase):
    """A file that is handed on as it grows and never read back."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._waiting.append(piece)
        self._written += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._written

    def take(self) -> bytes:
        """What was written since the last time."""
        pieces, self._waiting = self._waiting, []
        return b"".join(pieces)


def _cell(value: JsonValue, *, guard: bool) -> str:
    text = _text(value)
    if text is None:
        return ""
    # A number of ours cannot be a formula; a text that looks like one can.
    return _guarded(text) if guard and isinstance(value, str) else text


def _guarded(text: str) -> str:
    """The text as a spreadsheet shows it and does not run it.

    >>> _guarded("=1+1"), _guarded("+905321112233"), _guarded("Işıl")
    ("'=1+1", "'+905321112233", 'Işıl')
    """
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _text(value: JsonValue) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return encode_text(value)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
