"""The mapping file: what it may say, and how exactly it is told what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.files.fakes import plan_of, write

from tekil.collect.files.mapping import MappingFile, dump_mapping, load_mapping, parse_mapping
from tekil.collect.files.model import Column, FileKind, Mapping, ValueType
from tekil.errors import InputError, InvalidDefinition, NotFound, UnknownName

WHOLE = """
kind: people
timezone: Europe/Istanbul
currency: try
columns:
  E-posta: email
  Puan: {to: traits.score, type: number, decimal: ","}
  Doğum: {to: traits.birthday, type: date, format: "%d.%m.%Y"}
  Kart: "id:loyalty_card"
  Not: ignore
"""


def test_everything_it_can_say() -> None:
    found = parse_mapping(WHOLE)
    assert (found.kind, found.timezone, found.currency) == (
        FileKind.PEOPLE,
        "Europe/Istanbul",
        "TRY",
    )
    assert found.columns == {
        "E-posta": Column("E-posta", "email"),
        "Puan": Column("Puan", "traits.score", ValueType.NUMBER, ","),
        "Doğum": Column("Doğum", "traits.birthday", ValueType.DATE, "%d.%m.%Y"),
        "Kart": Column("Kart", "id:loyalty_card"),
        "Not": Column("Not", ""),
    }
    assert found.typed == {"Puan", "Doğum"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: persons", 'kind: "persons" is not one of people, events, orders'),
        ("kind: peple", 'Did you mean "people"?'),
        ("colums: {}", 'there is no key "colums". Did you mean "columns"?'),
        ("- a", "it should hold keys"),
        ("a: [", "it is not YAML"),
        ("columns: [a]", "columns: it should hold one line for each column"),
        ("columns: {a: 5}", "columns.a: write a field"),
        ("columns: {a: {type: text}}", "columns.a: write a field"),
        (
            "kind: people\ncolumns: {a: emial}",
            'columns.a: "emial" is not a field of people. Did you',
        ),
        ("columns: {a: {to: email, tpye: text}}", '"columns.a.tpye". Did you mean "type"?'),
        ("columns: {a: {to: email, type: txt}}", 'columns.a.type: "txt" is not one of'),
        ("columns: {a: email, b: email}", 'columns.b: "a" goes to email already'),
        ("columns: {a: {to: x, decimal: ';'}}", "columns.a.decimal"),
        ("columns: {a: {to: x, format: dd.mm}}", 'columns.a.format: "dd.mm" is not iso'),
        ("columns: {a: {to: x, type: text, format: iso}}", "only a date has a format"),
        ("timezone: Mars/Base", 'timezone: "Mars/Base" is not a zone'),
        ("currency: lira", 'currency: "lira" is not an ISO 4217 code'),
        ("event: 5", "event: 5 is not a text"),
    ],
)
def test_faults_are_named(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_mapping(text)
    assert said in caught.value.message


def test_columns_must_exist_and_fields_fit_the_guessed_kind(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "email,city\na@x.com,X\n")
    with pytest.raises(UnknownName, match=r'no column "emial".* Did you mean "email"'):
        plan_of(path, "columns: {emial: email}")
    with pytest.raises(
        UnknownName, match=r'columns\.city: "properties.city" is not a field of people'
    ):
        plan_of(path, "columns: {city: properties.city}")


def test_load_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no mapping file"):
        load_mapping(tmp_path / "m.yaml")
    with pytest.raises(InvalidDefinition, match=r"m\.yaml: kind"):
        load_mapping(write(tmp_path / "m.yaml", "kind: x"))
    with pytest.raises(InvalidDefinition, match="cannot be read"):
        load_mapping(write(tmp_path / "m.yaml", b"\xff\xfe\x00"))


NAME = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=10)
COLUMN = st.one_of(
    st.tuples(st.just(ValueType.NUMBER), st.sampled_from([".", ","])),
    st.tuples(st.just(ValueType.DATE), st.sampled_from(["iso", "unix", "%d.%m.%Y"])),
    st.tuples(st.sampled_from([ValueType.TEXT, ValueType.BOOLEAN, ValueType.JSON]), st.just("")),
)


@given(st.dictionaries(NAME, COLUMN, min_size=1, max_size=6), st.sampled_from(FileKind))
def test_what_is_written_is_read_back(
    columns: dict[str, tuple[ValueType, str]], kind: FileKind
) -> None:
    prefix = "traits" if kind is FileKind.PEOPLE else "properties"
    mapping = Mapping(
        kind,
        tuple(Column(n, f"{prefix}.f{i}", *c) for i, (n, c) in enumerate(columns.items())),
        event="Order Completed",
        currency="EUR",
        timezone="Europe/Istanbul",
    )
    found = parse_mapping(dump_mapping(mapping))
    assert tuple(found.columns.values()) == mapping.columns
    assert isinstance(found, MappingFile)
    assert (found.kind, found.event, found.currency, found.timezone) == (
        kind,
        "Order Completed",
        "EUR",
        "Europe/Istanbul",
    )


def test_a_written_guess_gives_the_same_plan(tmp_path: Path) -> None:
    path = write(tmp_path / "o.csv", "order id,email,date,amount\n1,a@x.com,31.12.2025,5\n")
    guess = plan_of(path).mapping
    assert plan_of(path, dump_mapping(guess)).mapping == guess
