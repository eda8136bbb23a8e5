"""Rows of a file, one after another, with their line numbers; never the whole file at once.

A row that cannot be read is a ``Row`` with a ``fault``: the rows after it are read all the same.
"""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import TextIO, cast

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from tekil.collect.files.examine import WIDE, opened
from tekil.collect.files.model import FileFormat, FileLook, Row, Value
from tekil.kit.json import decode

MAX_LINE = 1 << 20
"""Characters of one line; a longer one is a fault, not a full memory."""
MAX_RECORD_LINES = 200
"""Lines of one CSV record: beyond it an opening quote was surely never meant."""
BATCH_ROWS = 1_000


def read_rows(path: Path, look: FileLook) -> Iterator[Row]:
    """All rows in the order of the file."""
    match look.format:
        case FileFormat.CSV:
            return _read_text(path, look, csv_rows)
        case FileFormat.JSON_LINES:
            return _read_text(path, look, json_rows)
        case FileFormat.PARQUET:
            return parquet_rows(path)


def _read_text(
    path: Path, look: FileLook, rows: Callable[[Lines, FileLook], Iterator[Row]]
) -> Iterator[Row]:
    with opened(path) as (raw, _gzipped):
        errors = "replace" if look.encoding in WIDE else "surrogateescape"
        newline = "" if look.format is FileFormat.CSV else "\n"
        text = io.TextIOWrapper(raw, encoding=look.encoding, errors=errors, newline=newline)
        try:
            yield from rows(Lines(text, look.encoding), look)
        finally:
            text.detach()  # closing belongs to opened()


class Lines:
    """Physical lines with their numbers; lines can be put back to be read again."""

    def __init__(self, text: TextIO, encoding: str) -> None:
        self.number = 0
        """Of the line given last."""
        self.taken: list[str] = []
        """The lines given since ``begin``."""
        self._text = text
        self._encoding = encoding
        self._again: deque[str] = deque()
        self._cut: set[int] = set()

    def begin(self) -> None:
        """A new record starts with the next line."""
        self.taken.clear()

    def keep_first(self) -> None:
        """Put all lines of this record back but its first."""
        self._again.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1
        del self.taken[1:]

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self.taken) > MAX_RECORD_LINES:
            raise csv.Error(f"a quote is not closed within {MAX_RECORD_LINES} lines")
        line = self._again.popleft() if self._again else self._text.readline(MAX_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) == MAX_LINE and line[-1] not in "\r\n":
            self._cut.add(self.number)
            self._skip_line()
            line = line[:1000] + "\n"
        self.taken.append(line)
        return line

    def fault(self) -> str | None:
        """What is wrong with the characters of this record."""
        if self._cut and not self._cut.isdisjoint(
            range(self.number - len(self.taken) + 1, self.number + 1)
        ):
            return f"it is longer than {MAX_LINE:,} characters"
        for line in self.taken:
            if "\x00" in line:
                return "it holds a NUL character"
            if not line.isascii() and (fault := self._wrong_byte(line)):
                return fault
        return None

    def _wrong_byte(self, line: str) -> str | None:
        if self._encoding in WIDE:
            return f"it holds bytes that are not {self._encoding}" if "\ufffd" in line else None
        try:
            line.encode()
        except UnicodeEncodeError as error:
            return f"byte 0x{ord(line[error.start]) & 0xFF:02X} is not {self._encoding}"
        return None

    def _skip_line(self) -> None:
        while (more := self._text.readline(MAX_LINE)) and more[-1] not in "\r\n":
            pass


def csv_rows(lines: Lines, look: FileLook) -> Iterator[Row]:
    """Rows of delimited text; the first record names the columns."""
    reader = csv.reader(lines, delimiter=look.delimiter, strict=True)
    header_seen = False
    while True:
        lines.begin()
        line = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # Everything after a stray quote was swallowed into one record: give it back.
            lines.keep_first()
            reader = csv.reader(lines, delimiter=look.delimiter, strict=True)
            if header_seen:
                yield Row(line, {"row": _shown(lines.taken[0])}, _csv_fault(error))
            header_seen = True
            continue
        if not cells or cells == [""]:
            continue
        if header_seen:
            yield _csv_row(line, look.columns, cells, lines.fault())
        header_seen = True


def _csv_row(line: int, columns: tuple[str, ...], cells: list[str], fault: str | None) -> Row:
    if len(cells) == len(columns) and fault is None:
        return Row(line, dict(zip(columns, cells, strict=True)))
    values: dict[str, Value] = {
        name: _shown(cell) for name, cell in zip(columns, cells, strict=False)
    }
    extra = cells[len(columns) :]
    if fault is None and (len(cells) < len(columns) or any(cell.strip() for cell in extra)):
        fault = f"it has {len(cells)} cells where the header has {len(columns)}"
    return Row(line, values, fault)


def _csv_fault(error: csv.Error) -> str:
    said = str(error)
    if "unexpected end of data" in said:
        return "a quote is opened and never closed"
    return said


def _shown(text: str) -> str:
    """Text that can be kept as JSON: what could not be decoded is replaced."""
    return text.rstrip("\r\n").encode("utf-8", "replace").decode()


def json_rows(lines: Lines, _look: FileLook) -> Iterator[Row]:
    """Rows of JSON Lines; columns are the keys of each object."""
    for line in lines:
        if line.strip():
            yield _json_row(lines.number, line, lines.fault())
        lines.begin()


def _json_row(number: int, line: str, fault: str | None) -> Row:
    if fault is None:
        try:
            found = decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            fault = f"it is not JSON: {error}"
        else:
            if isinstance(found, dict):
                return Row(number, cast(dict[str, Value], found))
            fault = "it is not a JSON object"
    return Row(number, {"row": _shown(line)}, fault)


def parquet_rows(path: Path) -> Iterator[Row]:
    """Rows of a Parquet file; the line is the number of the row, from 1."""
    line = 0
    with path.open("rb") as file, pq.ParquetFile(file) as parquet:
        for batch in parquet.iter_batches(batch_size=BATCH_ROWS):
            for values in _whole_microseconds(pa.Table.from_batches([batch])).to_pylist():
                line += 1
                yield _parquet_row(line, values)


def _whole_microseconds(table: pa.Table) -> pa.Table:
    for place, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
            micros = pa.timestamp("us", column.type.tz)
            cast = table.column(place).cast(micros, safe=False)
            table = table.set_column(place, pa.field(column.name, micros), cast)
    return table


def _parquet_row(line: int, values: dict[str, object]) -> Row:
    try:
        return Row(line, {name: plain(value) for name, value in values.items()})
    except ValueError as error:
        kept: dict[str, Value] = {name: str(value)[:1000] for name, value in values.items()}
        return Row(line, kept, str(error))


def plain(value: object) -> Value:
    """A Parquet value as JSON or Decimal. Raises ValueError for what is neither."""
    match value:
        case None | bool() | int() | float() | str() | Decimal():
            return value
        case datetime() | date() | time():
            return value.isoformat()
        case bytes():
            try:
                return value.decode()
            except UnicodeDecodeError as error:
                raise ValueError("it holds bytes that are not UTF-8 text") from error
        case list():
            return [plain(item) for item in value]
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case _:
            raise ValueError(f"a {type(value).__name__} cannot be imported")
