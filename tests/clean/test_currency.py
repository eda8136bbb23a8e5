"""Currencies in any usual form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tekil.clean.currency import CURRENCIES, normalise_currency

texts = st.text(st.characters(exclude_categories=()), max_size=20)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("TRY", "TRY"), ("try", "TRY"), ("TL", "TRY"), ("tl.", "TRY"), ("₺", "TRY"),
        ("Türk Lirası", "TRY"), ("TÜRK LİRASI", "TRY"), ("lira", "TRY"), ("$", "USD"),
        ("usd", "USD"), ("US$", "USD"), ("dolar", "USD"), ("€", "EUR"), ("Euro", "EUR"),
        ("avro", "EUR"), ("£", "GBP"), ("sterlin", "GBP"), ("chf", "CHF"), (" Eur ", "EUR"),
        ("R$", "BRL"), ("zł", "PLN"), ("inr", "INR"), ("INR", "INR"), ("₹", "INR"), ("bgn", "BGN"),
    ],
)  # fmt: skip
def test_codes_signs_and_words(sent: str, code: str) -> None:
    assert normalise_currency(sent) == code


@pytest.mark.parametrize("sent", ["", " ", "XXX", "beans", "T L", "x" * 99, None, 5, True, [], {}])
def test_not_a_currency(sent: object) -> None:
    assert normalise_currency(sent) is None


def test_codes_have_three_letters() -> None:
    assert all(len(code) == 3 and code.isupper() for code in CURRENCIES)


@given(texts | st.sampled_from(sorted(CURRENCIES)).map(str.lower))
def test_never_raises_and_is_idempotent(text: str) -> None:
    code = normalise_currency(text)
    if code is not None:
        assert code in CURRENCIES
        assert normalise_currency(code) == code
