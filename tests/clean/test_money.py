"""Exact amounts out of numbers and text."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tekil.clean.money import LIMIT, parse_money, read_money, to_cents

texts = st.text(st.characters(exclude_categories=()), max_size=30)
money_like = st.text("0123456789.,-+() '$€₺TLR", max_size=16)


@pytest.mark.parametrize(
    ("sent", "amount"),
    [
        (5, "5"), (19.99, "19.99"), (0, "0"), (0.1, "0.1"), (-3.5, "-3.5"), (1e-7, "1E-7"),
        ("$19.99", "19.99"), ("19.99", "19.99"), ("19,99", "19.99"), ("1.234,56 TL", "1234.56"),
        ("1,234.56", "1234.56"), ("1.234.567,89", "1234567.89"), ("1,234,567.89", "1234567.89"),
        ("1,234,567", "1234567"), ("1.234.567", "1234567"), ("12,34,567.50", "1234567.50"),
        ("1.234", "1.234"), ("1.234 TL", "1234"), ("₺1.234", "1234"), ("1,234 TL", "1234"),
        ("1,234", "1234"), ("0,125", "0.125"), ("0.125 TL", "0.125"), ("1234,567", "1234.567"),
        ("12,5", "12.5"), (".5", "0.5"), (",5", "0.5"), ("5.", "5"), ("-5", "-5"),
        ("\u22125,00 €", "-5.00"), ("-$5", "-5"), ("$-5", "-5"), ("($5.00)", "-5.00"), ("+5", "5"),
        ("1 234,56 €", "1234.56"), ("1\u00a0234,56\u00a0€", "1234.56"),
        ("1\u202f234,56", "1234.56"),
        ("1'234.50 CHF", "1234.50"), ("1’234.50", "1234.50"), ("USD 5", "5"), ("US$ 5", "5"),
        ("TRY1.000,00", "1000.00"), ("5 dolar", "5"), ("5TL", "5"), ("  7  ", "7"), ("007", "7"),
    ],
)  # fmt: skip
def test_amounts(sent: object, amount: str) -> None:
    assert parse_money(sent) == Decimal(amount)


@pytest.mark.parametrize(
    "sent",
    [
        "", " ", "free", "$", "TL", "1,23,4", "1.2.3", "12.34.56", "1,2.3,4", "5 beans", "--5",
        "($5", "5)", "1e3", "NaN", "Infinity", "-", ".", ",", "$5 €", "x" * 100, "9" * 61,
        "5 5 $ $",
        "\ud800", "٥", None, True, False, [], {}, [5], float("nan"), float("inf"), float("-inf"),
        10**15, -(10**15), 1e15, 1e308, 10**400, "999999999999999999",
    ],
)  # fmt: skip
def test_not_an_amount(sent: object) -> None:
    assert parse_money(sent) is None


@pytest.mark.parametrize(
    ("sent", "currency"),
    [
        ("$5", "USD"),
        ("5 TL", "TRY"),
        ("5 TL.", "TRY"),
        ("5₺", "TRY"),
        ("EUR 5", "EUR"),
        ("5", None),
        (5, None),
    ],
)
def test_the_currency_in_the_text(sent: object, currency: str | None) -> None:
    money = read_money(sent)
    assert money is not None
    assert money.currency == currency


@given(st.none() | st.booleans() | st.integers() | st.floats() | texts | money_like)
def test_never_raises_and_stays_in_bounds(sent: object) -> None:
    amount = parse_money(sent)
    if amount is not None:
        assert isinstance(amount, Decimal)
        assert amount.is_finite()
        assert -LIMIT < amount < LIMIT
        assert abs(to_cents(amount) - amount) <= Decimal("0.00005")


amounts = st.decimals(-(10**9), 10**9, places=2, allow_nan=False)


@given(amounts)
def test_every_notation_of_an_amount_reads_the_same(amount: Decimal) -> None:
    english = f"{amount:,.2f}"
    turkish = english.translate(str.maketrans(",.", ".,"))
    assert parse_money(english) == amount
    assert parse_money(turkish + " TL") == amount
    assert parse_money("$" + english) == amount
    assert parse_money(str(amount)) == amount
    assert parse_money(float(amount)) == amount
