"""What a file is, and its rows with their line numbers, whatever is wrong with some of them."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.files.fakes import rows_of, write

from tekil.collect.files import reader
from tekil.collect.files.examine import examine, header, sniff_delimiter
from tekil.collect.files.model import FileFormat, FileLook
from tekil.errors import InputError, NotFound

TEXT = "ad;şehir\nIşıl;İstanbul\nÇağrı;Muğla\n"


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-8-sig"), "utf-8-sig"),
        (TEXT.encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-16"),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("utf-16-be"), "utf-16-be"),
        (TEXT.encode("cp1254"), "windows-1254"),
        (TEXT.encode("iso-8859-9"), "windows-1254"),
        (b"a;b\n1;2\n", "utf-8"),
        (b"a;b\n1;\xc4", "windows-1254"),  # half a UTF-8 character at the very end
    ],
)
@pytest.mark.parametrize("compress", [False, True])
def test_encodings(tmp_path: Path, data: bytes, encoding: str, compress: bool) -> None:
    path = write(tmp_path / "a.csv", gzip.compress(data) if compress else data)
    look = examine(path)
    assert (look.encoding, look.gzipped, look.delimiter) == (encoding, compress, ";")
    if b"a;b" not in data:
        assert [r.values for r in rows_of(path)] == [
            {"ad": "Işıl", "şehir": "İstanbul"},
            {"ad": "Çağrı", "şehir": "Muğla"},
        ]


def test_the_first_odd_byte_may_come_late(tmp_path: Path) -> None:
    lines = "ad,no\n" + "".join(f"Ali,{n}\n" for n in range(30_000)) + "Işıl,1\n"
    path = write(tmp_path / "a.csv", lines.encode("cp1254"))
    assert examine(path).encoding == "windows-1254"
    assert rows_of(path)[-1].values["ad"] == "Işıl"


def test_a_given_encoding_wins_and_must_exist(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "ad;x\nŽofia;1\n".encode("cp1250"))
    assert examine(path, encoding="CP1250").encoding == "cp1250"
    assert rows_of(path, encoding="cp1250")[0].values["ad"] == "Žofia"
    with pytest.raises(InputError, match='"klingon" is not an encoding'):
        examine(path, encoding="klingon")


def test_a_wrong_byte_costs_its_row_alone(tmp_path: Path) -> None:
    data = "ad,no\nÇiğdem,1\n".encode() + b"Kem\xffal,2\n" + "Şule,3\nÖzgür,4\n".encode()
    rows = rows_of(write(tmp_path / "a.csv", data))
    assert [(r.line, r.fault) for r in rows] == [
        (2, None),
        (3, "byte 0xFF is not utf-8"),
        (4, None),
        (5, None),
    ]
    json.dumps(rows[1].values).encode()  # the payload of its reject can be written


def test_content_hash_is_of_the_content(tmp_path: Path) -> None:
    plain = examine(write(tmp_path / "a.csv", TEXT))
    packed = examine(write(tmp_path / "a.csv.gz", gzip.compress(TEXT.encode())))
    other = examine(write(tmp_path / "b.csv", TEXT + "x;y\n"))
    assert plain.content_hash == packed.content_hash != other.content_hash


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_and_line_ends(tmp_path: Path, delimiter: str, line_end: str) -> None:
    lines = [["id", "name"], ["1", "a,b;c"], ["2", "x"]]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=line_end).writerows(lines)
    path = write(tmp_path / "a.csv", text.getvalue())
    assert examine(path).delimiter == delimiter
    assert [r.values for r in rows_of(path)] == [
        {"id": "1", "name": "a,b;c"},
        {"id": "2", "name": "x"},
    ]


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)


@given(st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=20))
def test_csv_written_by_csv_comes_back(
    tmp_path_factory: pytest.TempPathFactory, table: list[list[str]]
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(["a", "b", "c"])
    starts = []
    for cells in table:
        starts.append(text.getvalue())
        writer.writerow(cells)
    path = write(tmp_path_factory.mktemp("csv") / "a.csv", text.getvalue())
    look = FileLook("a.csv", FileFormat.CSV, False, "utf-8", "", ",", ("a", "b", "c"), "", 0, 0)
    rows = list(reader.read_rows(path, look))
    assert [list(r.values.values()) for r in rows] == table
    assert all(r.fault is None for r in rows)
    for row, before in zip(rows, starts, strict=True):
        physical = list(io.StringIO(before, newline=""))
        assert row.line == len(physical) + 1


def test_broken_csv_rows_keep_their_line_numbers(tmp_path: Path) -> None:
    text = (
        "id,name\n"  # 1
        "1,a\n"  # 2
        "2\n"  # 3 too few
        "3,b,c\n"  # 4 too many
        "4,d,,\n"  # 5 empty surplus is harmless
        "\n"  # 6 blank
        '5,"two\nlines"\n'  # 7-8
        '6,"say "hi""\n'  # 9 stray quotes
        '7,"open\n'  # 10 never closed
        "8,e\n"  # 11
        "9,f\x00\n"  # 12
        "10,g\n"  # 13
    )
    rows = rows_of(write(tmp_path / "a.csv", text))
    assert [(r.line, r.fault is None) for r in rows] == [
        (2, True),
        (3, False),
        (4, False),
        (5, True),
        (7, True),
        (9, False),
        (10, False),
        (11, True),
        (12, False),
        (13, True),
    ]
    assert rows[1].fault == "it has 1 cells where the header has 2"
    assert rows[4].values == {"id": "5", "name": "two\nlines"}
    assert rows[6].values == {"row": '7,"open'}
    assert rows[6].fault == "a quote is opened and never closed"


def test_a_quote_left_open_in_a_long_file_costs_one_row(tmp_path: Path) -> None:
    lines = [f"{n},x\n" for n in range(5_000)]
    lines[100] = '100,"x\n'
    rows = rows_of(write(tmp_path / "a.csv", "id,name\n" + "".join(lines)))
    assert len(rows) == 5_000
    assert [r.line for r in rows if r.fault] == [102]
    assert [r.line for r in rows] == list(range(2, 5_002))


def test_a_line_without_end_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MAX_LINE", 5_000)
    text = "id,name\n1,a\n2," + "x" * 20_000 + "\n3,b\n4,c\n"
    rows = rows_of(write(tmp_path / "a.csv", text))
    assert [(r.line, r.fault) for r in rows] == [
        (2, None),
        (3, "it is longer than 5,000 characters"),
        (4, None),
        (5, None),
    ]
    rows = rows_of(write(tmp_path / "a.jsonl", '{"a":1}\n{"a":"' + "x" * 20_000 + '"}\n{"a":2}\n'))
    assert [(r.line, r.fault) for r in rows] == [
        (1, None),
        (2, "it is longer than 5,000 characters"),
        (3, None),
    ]


def test_json_lines(tmp_path: Path) -> None:
    text = '{"a":1}\n\nnot json\n[1]\n{"a":"\\ud800"}\n{"b":{"c":[1]}}\n' + "[" * 5000 + "\n{}\n"
    path = write(tmp_path / "a.jsonl", text)
    rows = rows_of(path)
    assert [(r.line, r.fault is None) for r in rows] == [
        (1, True),
        (3, False),
        (4, False),
        (5, False),
        (6, True),
        (7, False),
        (8, True),
    ]
    assert rows[2].fault == "it is not a JSON object"
    assert examine(path).columns == ("a", "b")


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    for name in ("a.csv", "a.jsonl", "a.parquet", "a"):
        path = write(folder / name, data)
        try:
            rows = rows_of(path)
        except InputError:
            continue
        assert [r.line for r in rows] == sorted(r.line for r in rows)
        for row in rows:
            if row.fault is not None:
                json.dumps(row.values, default=str).encode()


def test_parquet(tmp_path: Path) -> None:
    when = datetime(2025, 12, 31, 10, 30, tzinfo=UTC)
    table = pa.table(
        {
            "id": [1, 2],
            "when": pa.array([when, None], pa.timestamp("ns", "UTC")),
            "naive": pa.array([when.replace(tzinfo=None)] * 2, pa.timestamp("ns")),
            "day": pa.array([when.date(), None]),
            "money": pa.array([Decimal("19.99"), Decimal("0.10")]),
            "raw": pa.array([b"text", b"\xff\xfe"]),
            "tags": [["a"], []],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    look = examine(tmp_path / "a.parquet")
    assert (look.format, look.rows_about, look.columns[0]) == (FileFormat.PARQUET, 2, "id")
    first, second = rows_of(tmp_path / "a.parquet")
    assert first.values == {
        "id": 1,
        "when": "2025-12-31T10:30:00+00:00",
        "naive": "2025-12-31T10:30:00",
        "day": "2025-12-31",
        "money": Decimal("19.99"),
        "raw": "text",
        "tags": ["a"],
    }
    assert (second.line, second.fault) == (2, "it holds bytes that are not UTF-8 text")


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"  \n ", "is empty"),
        ("a.xlsx", b"PK\x03\x04rest", "Excel workbook"),
        ("a.parquet", b"nope", "does not begin with PAR1"),
        ("a.parquet", b"PAR1nope", "cannot be read as Parquet"),
        ("a.json", b'[{"a":1}]', "one JSON array"),
        ("a.jsonl", b"1\n2\n", "not JSON Lines"),
        ("a.csv.gz", gzip.compress(TEXT.encode() * 99)[:-9], "not a whole gzip file"),
        ("a.csv.gz", b"\x1f\x8bgarbage", "not a whole gzip file"),
    ],
)
def test_files_that_are_refused(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        examine(write(tmp_path / name, data))


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no file"):
        examine(tmp_path / "none.csv")
    with pytest.raises(InputError, match="is a directory"):
        examine(tmp_path)


def test_header_names_every_column() -> None:
    assert header(["a", "", "a", "a ", "a (2)"]) == ("a", "column 2", "a (2)", "a (3)", "a (2) (2)")
    assert len(set(header(["x"] * 50))) == 50


def test_sniffing_prefers_the_delimiter_that_cuts_evenly() -> None:
    assert sniff_delimiter("ad;not\nA;1,5\nB;2,5\nC;3\nlast") == ";"
    assert sniff_delimiter("one column\nvalue\n") == ","
