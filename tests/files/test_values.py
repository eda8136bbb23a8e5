"""Numbers, dates and booleans as people write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tekil.collect.files.model import ValueType
from tekil.collect.files.values import (
    DATE_FORMATS,
    infer,
    infer_date,
    infer_number,
    parse_boolean,
    parse_date,
    parse_number,
)

CENTS = st.decimals(min_value=-(10**9), max_value=10**9, places=2)


def turkish(value: Decimal) -> str:
    return f"{value:,.2f}".replace(",", "\0").replace(".", ",").replace("\0", ".")


@given(CENTS)
def test_both_notations_are_exact(value: Decimal) -> None:
    assert parse_number(f"{value:,.2f}", ".") == value
    assert parse_number(turkish(value), ",") == value
    assert parse_number(f"{value}", ".") == value


@given(st.lists(CENTS.filter(lambda v: v % 1), min_size=1, max_size=20))
def test_the_decimal_sign_is_found(values: list[Decimal]) -> None:
    # With two decimals no text can be read in both ways.
    assert infer_number([turkish(v) for v in values]) == (",", "")
    assert infer_number([f"{v:,.2f}" for v in values]) == (".", "")


@pytest.mark.parametrize(
    ("text", "sign", "expected"),
    [
        ("12 TL", ",", "12"),
        ("₺1.234,5", ",", "1234.5"),
        ("-$5.00", ".", "-5"),
        ("$-5.00", ".", "-5"),
        ("1\u00a0234,50", ",", "1234.50"),
        ("\u2212 7".replace(" ", ""), ".", "-7"),
        (".5", ".", "0.5"),
        ("1e5", ".", "100000"),
        ("12,", ",", None),
        ("1,2,3", ".", None),
        ("12.34.56", ".", None),
        ("٣", ".", None),
        ("5%", ".", None),
        ("TL", ".", None),
        ("", ".", None),
        ("-", ".", None),
        ("0x10", ".", None),
        ("1_000", ".", None),
        ("nan", ".", None),
        ("inf", ".", None),
    ],
)
def test_numbers(text: str, sign: str, expected: str | None) -> None:
    assert parse_number(text, sign) == (None if expected is None else Decimal(expected))


@given(st.text(max_size=12))
def test_no_text_breaks_the_parsers(text: str) -> None:
    for sign in ".,":
        parse_number(text, sign)
    parse_boolean(text)
    for pattern in (*DATE_FORMATS, "unix", "unix_ms"):
        parse_date(text, pattern)
    infer([text])


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["06100", "34000"], ValueType.TEXT),  # a leading zero is a code
        (["+905321234567"], ValueType.TEXT),
        (["12345678901234567"], ValueType.TEXT),
        (["1", "0", "1"], ValueType.NUMBER),
        (["Evet", "HAYIR", "evet"], ValueType.BOOLEAN),
        (["true", "N/A", "False"], ValueType.BOOLEAN),
        (["31.12.2025", "NULL", ""], ValueType.DATE),
        (["12A", "5"], ValueType.TEXT),
        ([None, None], ValueType.TEXT),
        ([1, 2.5, None], ValueType.NUMBER),
        ([True, False], ValueType.BOOLEAN),
        ([True, 1], ValueType.TEXT),
        ([{"a": 1}], ValueType.JSON),
        ([Decimal("1.50")], ValueType.NUMBER),
    ],
)
def test_types(texts: list[object], expected: ValueType) -> None:
    assert infer(texts)[0] is expected  # type: ignore[arg-type]


def test_an_ambiguous_number_is_said() -> None:
    assert infer_number(["1.234", "5"]) == (".", '"1.234" is read as 1.234')
    assert infer_number(["1.234", "5"], hint=",") == (",", '"1.234" is read as 1234')


@given(
    st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001
        lambda d: d.replace(microsecond=0)
    ),
    st.sampled_from([f for f in DATE_FORMATS if "%S" in f and "%y" not in f and "%f" not in f]),
)
def test_dates_in_every_format_come_back(when: datetime, pattern: str) -> None:
    text = when.strftime(pattern)
    assert parse_date(text, pattern, UTC) == when.replace(tzinfo=UTC)


@given(st.lists(st.dates(date(1900, 1, 1), date(2100, 1, 1)), min_size=1, max_size=30))
def test_turkish_dates_are_recognised(days: list[date]) -> None:
    found = infer_date([f"{d:%d.%m.%Y}" for d in days])
    assert found is not None
    assert found == ("%d.%m.%Y", "")


def test_day_and_month_are_told_apart_or_said() -> None:
    assert infer_date(["01/02/2025", "03/04/2025"]) == (
        "%d/%m/%Y",
        '"01/02/2025" is read with the day before the month',
    )
    assert infer_date(["01/02/2025", "03/24/2025"] * 1)[0] == "%m/%d/%Y"  # type: ignore[index]
    assert infer_date(["24/02/2025"]) == ("%d/%m/%Y", "")


def test_a_few_misfits_do_not_hide_a_date_column() -> None:
    texts = ["31.12.2025"] * 19 + ["belli değil"]
    assert infer_date(texts) == (
        "%d.%m.%Y",
        '1 of 20 are not dates, such as "belli değil": their rows are rejected',
    )
    assert infer_date(["31.12.2025", "belli değil"]) is None


def test_iso_keeps_zone_and_day() -> None:
    assert parse_date("2025-12-31", "iso") == date(2025, 12, 31)
    assert parse_date("2025-12-31T10:00:00+03:00", "iso") == datetime(2025, 12, 31, 7, tzinfo=UTC)
    assert parse_date("1700000000", "unix") == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
        seconds=1_700_000_000
    )
    assert parse_date("20251231", "iso") is None
