"""The first pass over a file: its format, encoding, delimiter, columns and content hash.

The whole file is read once, in pieces, before anything of it is sent: so a truncated gzip file or
a byte that is not UTF-8 in the last line is known at the start.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

import msgspec
import pyarrow.parquet as pq
from pyarrow.lib import ArrowException

from tekil.collect.files.model import FileFormat, FileLook
from tekil.errors import InputError, NotFound
from tekil.kit.json import decode

CHUNK = 1 << 20
HEAD = 1 << 16
DELIMITERS = ",;\t|"
_ESCAPED = re.compile("[\udc80-\udcff]")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig", "a UTF-8 byte order mark"),
    (codecs.BOM_UTF32_LE, "utf-32", "a UTF-32 byte order mark"),
    (codecs.BOM_UTF32_BE, "utf-32", "a UTF-32 byte order mark"),
    (codecs.BOM_UTF16_LE, "utf-16", "a UTF-16 byte order mark"),
    (codecs.BOM_UTF16_BE, "utf-16", "a UTF-16 byte order mark"),
)
WIDE = frozenset({"utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"})
"""Encodings in which a wrong byte cannot be kept as it is."""
_PLAIN_NAMES = {"cp1254": "windows-1254", "cp1252": "windows-1252", "iso8859-9": "iso-8859-9"}
_SUFFIXES = {
    ".csv": FileFormat.CSV,
    ".tsv": FileFormat.CSV,
    ".txt": FileFormat.CSV,
    ".jsonl": FileFormat.JSON_LINES,
    ".ndjson": FileFormat.JSON_LINES,
    ".json": FileFormat.JSON_LINES,
    ".parquet": FileFormat.PARQUET,
    ".pq": FileFormat.PARQUET,
}


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, bool]]:
    """The file's bytes, inflated, and whether they were gzip. Raises InputError on a bad file."""
    try:
        with path.open("rb") as raw:
            gzipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if not gzipped:
                yield raw, False
                return
            with gzip.GzipFile(fileobj=raw) as inflated:
                yield cast(BinaryIO, inflated), True
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(
            f'"{path}" is not a whole gzip file: {error}. Copy it again from where it came.'
        ) from error
    except FileNotFoundError as error:
        raise NotFound(f'There is no file "{path}".') from error
    except IsADirectoryError as error:
        raise InputError(f'"{path}" is a directory; name one file.') from error
    except PermissionError as error:
        raise InputError(f'"{path}" may not be read by this user.') from error


def examine(path: Path, *, encoding: str = "", delimiter: str = "") -> FileLook:
    """Read a file through once and say what it is. Raises InputError, NotFound."""
    with opened(path) as (stream, gzipped):
        head = stream.read(HEAD)
        if not head.strip():
            raise InputError(f'"{path}" is empty.')
        form = _format(path, head)
        scan = _scan(head, stream, form, encoding)
    if form is FileFormat.PARQUET:
        codec, why, text = "", "", ""
    else:
        codec, why = _encoding(head, scan, encoding)
        text = _text_head(head, codec)
    if form is FileFormat.CSV:
        delimiter = delimiter or sniff_delimiter(text)
    columns = _columns(path, form, text, delimiter)
    return FileLook(
        name=path.name,
        format=form,
        gzipped=gzipped,
        encoding=codec,
        encoding_why=why,
        delimiter=delimiter if form is FileFormat.CSV else "",
        columns=columns,
        content_hash=scan.hash.hexdigest(),
        size=path.stat().st_size,
        rows_about=_rows(path, form, scan, head),
    )


@dataclass(slots=True)
class _Scan:
    """What the bytes look like when they are taken for UTF-8."""

    hash: hashlib.blake2b = field(default_factory=lambda: hashlib.blake2b(digest_size=16))
    wide: int = 0
    """Characters outside ASCII."""
    invalid: int = 0
    """Bytes that are not UTF-8."""
    line_ends: int = 0


def _scan(head: bytes, stream: BinaryIO, form: FileFormat, encoding: str) -> _Scan:
    scan = _Scan()
    look = form is not FileFormat.PARQUET and not encoding
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    chunk = head
    while chunk:
        scan.hash.update(chunk)
        scan.line_ends += chunk.count(b"\n")
        if look:
            text = decoder.decode(chunk)
            if not text.isascii():
                invalid = len(_ESCAPED.findall(text))
                scan.invalid += invalid
                scan.wide += len(text) - len(text.encode("ascii", "ignore")) - invalid
        chunk = stream.read(CHUNK)
    if look:
        scan.invalid += len(decoder.decode(b"", True))
    return scan


def _encoding(head: bytes, scan: _Scan, given: str) -> tuple[str, str]:
    if given:
        try:
            codec = codecs.lookup(given).name
            return _PLAIN_NAMES.get(codec, codec), "as given"
        except LookupError as error:
            raise InputError(
                f'"{given}" is not an encoding; write utf-8, utf-16, windows-1254, iso-8859-9 …'
            ) from error
    for bom, codec, why in _BOMS:
        if head.startswith(bom):
            return codec, why
    evens, odds = head[0:4096:2].count(0), head[1:4096:2].count(0)
    if max(evens, odds) > len(head[:4096]) // 5:
        codec = "utf-16-le" if odds > evens else "utf-16-be"
        return codec, "every other byte is zero"
    if not scan.invalid:
        return "utf-8", "all of it is valid UTF-8"
    if scan.wide > scan.invalid:
        return "utf-8", f"nearly all of it is valid UTF-8; {scan.invalid} bytes are not"
    return "windows-1254", f"{scan.invalid} bytes are not UTF-8; Windows Turkish is supposed"


def _format(path: Path, head: bytes) -> FileFormat:
    if head.startswith(b"PAR1"):
        return FileFormat.PARQUET
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise InputError(f'"{path}" is an Excel workbook or a zip file; save it as "CSV UTF-8".')
    suffixes = [s.lower() for s in path.suffixes if s.lower() != ".gz"]
    named = _SUFFIXES.get(suffixes[-1]) if suffixes else None
    if named is FileFormat.PARQUET:
        raise InputError(f'"{path}" is named as Parquet but does not begin with PAR1.')
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    if start == b"[" and named is not FileFormat.CSV:
        raise InputError(
            f'"{path}" is one JSON array; write one object a line, as `jq -c ".[]"` does.'
        )
    if named is not None:
        return named
    return FileFormat.JSON_LINES if start == b"{" else FileFormat.CSV


def _text_head(head: bytes, codec: str) -> str:
    errors = "replace" if codec in WIDE else "surrogateescape"
    return codecs.getincrementaldecoder(codec)(errors).decode(head)


def sniff_delimiter(text: str) -> str:
    """The delimiter that cuts the first lines into the most, and equally many, cells."""
    lines = text.splitlines()[:51]
    lines = lines[:-1] if len(lines) > 1 else lines  # the last one may be cut off

    def score(delimiter: str) -> tuple[float, int]:
        try:
            widths = [len(r) for r in csv.reader(lines, delimiter=delimiter) if r]
        except csv.Error:
            return 0.0, 0
        if not widths or widths[0] < 2:
            return 0.0, 0
        return sum(w == widths[0] for w in widths) / len(widths), widths[0]

    best = max(DELIMITERS, key=score)
    return best if score(best)[1] else ","


def _columns(path: Path, form: FileFormat, text: str, delimiter: str) -> tuple[str, ...]:
    match form:
        case FileFormat.CSV:
            return header(next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), []))
        case FileFormat.JSON_LINES:
            return _json_columns(path, text)
        case FileFormat.PARQUET:
            try:
                with path.open("rb") as file:
                    return tuple(pq.read_schema(file).names)
            except (ArrowException, OSError) as error:
                raise InputError(f'"{path}" cannot be read as Parquet: {error}') from error


def _rows(path: Path, form: FileFormat, scan: _Scan, head: bytes) -> int:
    match form:
        case FileFormat.CSV:
            # Old Macintosh files end their lines with a bare CR.
            return max(scan.line_ends - 1, 0 if b"\n" in head else head.count(b"\r"))
        case FileFormat.JSON_LINES:
            return scan.line_ends
        case FileFormat.PARQUET:
            return int(pq.read_metadata(path).num_rows)


def header(cells: list[str]) -> tuple[str, ...]:
    """Names of the columns: trimmed, an empty one named by its place, a repeated one numbered.

    >>> header([" Ad", "", "Ad"])
    ('Ad', 'column 2', 'Ad (2)')
    """
    names: list[str] = []
    for place, cell in enumerate(cells, 1):
        bare = cell.strip().lstrip("\ufeff") or f"column {place}"
        name, copy = bare, 2
        while name in names:
            name, copy = f"{bare} ({copy})", copy + 1
        names.append(name)
    return tuple(names)


def _json_columns(path: Path, text: str) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for line in text.split("\n")[:200]:
        try:
            found = decode(line)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            continue
        if isinstance(found, dict):
            names |= dict.fromkeys(found)
    if not names:
        raise InputError(f'"{path}" is not JSON Lines: no line at its start is a JSON object.')
    return tuple(names)
