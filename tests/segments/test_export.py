"""Files of people: what a spreadsheet or a program reads back, and how much is held at once."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tekil.errors import InputError
from tekil.kit.clock import Millis
from tekil.kit.ids import ProfileId
from tekil.kit.json import JsonValue, encode_text
from tekil.profiles.read import IdentityView, Profile, TraitView
from tekil.segments.export import (
    CHUNK,
    DELIMITERS,
    MAX_COLUMNS,
    ROW_GROUP,
    Columns,
    Delimiter,
    csv_file,
    parquet_file,
    read_columns,
)

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=12)
VALUE = st.one_of(
    TEXT,
    st.none(),
    st.booleans(),
    st.integers(-1000, 1000),
    st.lists(TEXT, max_size=3),
    st.sampled_from(["=1", "+1", "-1", "@x", "\tx", "\rx", "\n=x", "＝x", "'x", 'a"b', "a;b,c"]),
)
ROWS = st.lists(st.tuples(VALUE, VALUE), max_size=8)
HEADS = ("one", "two")


def text(value: JsonValue) -> str:
    return "" if value is None else value if isinstance(value, str) else encode_text(value)


def read_csv(data: bytes, delimiter: Delimiter = Delimiter.COMMA) -> list[list[str]]:
    stream = io.StringIO(data.decode(), newline="")
    return list(csv.reader(stream, delimiter=DELIMITERS[delimiter], strict=True))


@given(rows=ROWS, delimiter=st.sampled_from(list(Delimiter)), guard=st.booleans())
def test_a_csv_reads_back_as_what_was_written(
    rows: list[tuple[JsonValue, JsonValue]], delimiter: Delimiter, guard: bool
) -> None:
    data = b"".join(csv_file(rows, HEADS, delimiter=delimiter, guard=guard))
    heads, *found = read_csv(data, delimiter)
    assert heads == list(HEADS)
    assert len(found) == len(rows)
    for row, cells in zip(rows, found, strict=True):
        for value, cell in zip(row, cells, strict=True):
            plain = text(value)
            runs = isinstance(value, str) and plain.startswith(tuple("=+-@\t\r\n＝＋－＠"))
            assert cell == (f"'{plain}" if guard and runs else plain)


@given(rows=ROWS)
def test_parquet_reads_back_as_what_was_written(rows: list[tuple[JsonValue, JsonValue]]) -> None:
    table = pq.read_table(io.BytesIO(b"".join(parquet_file(rows, HEADS))))
    want = [[None if value is None else text(value) for value in row] for row in rows]
    assert [list(row.values()) for row in table.to_pylist()] == want
    assert table.column_names == list(HEADS)


def test_a_head_that_would_run_is_guarded_too() -> None:
    assert read_csv(b"".join(csv_file([], ["=cmd"]))) == [["'=cmd"]]


def test_the_mark_for_excel_stands_once_at_the_beginning() -> None:
    pieces = list(csv_file([["ğ"]] * (CHUNK * 2 + 1), ["şehir"], bom=True))
    assert pieces[0].startswith("\ufeffşehir\r\n".encode())
    assert b"".join(pieces).count("\ufeff".encode()) == 1
    assert len(read_csv(b"".join(pieces))) == CHUNK * 2 + 2


@pytest.mark.parametrize(("write", "held"), [(csv_file, CHUNK), (parquet_file, ROW_GROUP)])
def test_only_a_few_rows_are_drawn_before_they_are_handed_on(write: object, held: int) -> None:
    drawn = 0

    def rows() -> Iterator[list[JsonValue]]:
        nonlocal drawn
        for number in range(held * 3 + 5):
            drawn += 1
            yield [number, "x"]

    seen = 0
    for _ in write(rows(), HEADS):  # type: ignore[operator]
        assert drawn - seen <= held
        seen = drawn
    assert drawn == held * 3 + 5


def test_a_row_is_the_person() -> None:
    columns = Columns(("email", "missing", "tags"), ("phone", "user_id"))
    person = Profile(
        profile_id="abc",
        internal_id=ProfileId(7),
        nodes=[],
        identities=[identity("phone", "+1"), identity("phone", "+2"), identity("email", "x@y.z")],
        traits=[trait("email", "x@y.z"), trait("tags", ["a"])],
        accounts=[],
        first_seen=Millis(0),
        last_seen=Millis(0),
        event_count=0,
    )
    assert columns.names == (
        "profile_id", "identity.phone", "identity.user_id", "email", "missing", "tags",
    )  # fmt: skip
    assert columns.row(person, {}) == ["abc", "+1 +2", None, "x@y.z", None, ["a"]]
    assert columns.row(person, {"missing": 3, "other": 1})[4] == 3


def test_columns_are_read_and_bounded() -> None:
    assert read_columns(" email, firstName ,", "") == Columns(("email", "firstName"))
    with pytest.raises(InputError, match="twice: email"):
        read_columns("email,email", "")
    with pytest.raises(InputError, match=f"at most {MAX_COLUMNS}"):
        read_columns(",".join(f"t{n}" for n in range(MAX_COLUMNS)), "")


def identity(namespace: str, value: str) -> IdentityView:
    return IdentityView(namespace, value, Millis(0), Millis(0), 1, True, False)


def trait(name: str, value: JsonValue) -> TraitView:
    return TraitView(name, value, None, "user_id:1", True, Millis(0), "m", 1)
