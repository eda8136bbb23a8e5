"""One spelling per telephone."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tekil.clean.phone import normalise_phone

texts = st.text(st.characters(exclude_categories=()), max_size=40)
phone_like = st.text("0123456789+() -./", max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | phone_like,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=6,
)
regions = st.sampled_from(["TR", "DE", "US", "GB", "IT", "", "ZZ"])


@pytest.mark.parametrize(
    "sent",
    [
        "0532 123 45 67", "5321234567", "05321234567", "905321234567", "+905321234567",
        "+90 532 123 45 67", "+90 (532) 123-45-67", "0090 532 1234567", "+90 (0) 532 123 45 67",
        "+90 0532 123 45 67", "(0532) 123.45.67", "0532/123 45 67", "tel:+905321234567",
        " 0532\u00a0123\u00a045\u00a067 ", "\u202a+905321234567\u202c", "０５３２１２３４５６７",
        "٠٥٣٢١٢٣٤٥٦٧", "5321234567.0", "5.321234567E9", "5.321234567e+09", "9.05321234567E+11",
        5321234567, 905321234567, 5321234567.0, 905321234567.0,
    ],
)  # fmt: skip
def test_spellings_of_one_turkish_mobile(sent: object) -> None:
    assert normalise_phone(sent, "TR") == "+905321234567"


@pytest.mark.parametrize(
    ("sent", "region", "stored"),
    [
        ("0212 293 00 00", "TR", "+902122930000"),
        ("444 0 444", "TR", "+904440444"),
        ("+49 30 901820", "TR", "+4930901820"),
        ("0049 30 901820", "TR", "+4930901820"),
        ("030 901820", "DE", "+4930901820"),
        ("+49 (0)30 901820", "TR", "+4930901820"),
        ("(202) 456-1111", "US", "+12024561111"),
        ("+1 202 456 1111", "TR", "+12024561111"),
        ("+1 555 123 4567", "TR", "+15551234567"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("+39 06 6982", "TR", "+39066982"),
        ("06 6982", "IT", "+39066982"),
        ("01 42 34 56 78", "FR", "+33142345678"),
        ("+971 50 123 4567", "TR", "+971501234567"),
        ("+994 50 123 45 67", "TR", "+994501234567"),
        ("8 (912) 345-67-89", "RU", "+79123456789"),
        (4915123456789, "TR", "+4915123456789"),
        ("4915123456789", "TR", "+4915123456789"),
        ("05321234567", "US", None),
        ("5321234567", "", None),
        ("+905321234567", "", "+905321234567"),
        ("+905321234567", "ZZ", "+905321234567"),
    ],
)
def test_numbers_of_the_world(sent: object, region: str, stored: str | None) -> None:
    assert normalise_phone(sent, region) == stored


@pytest.mark.parametrize(
    "sent",
    [
        "", " ", "+", "0", "42", "1234", "+90", "abc", "call 05321234567", "0532-CALL-NOW",
        "+90 532 123 45", "+90532123456789012", "+90+5321234567", "0532 123 45 67 ext 5",
        "+905321234567;ext=5", "5.32E9", "5.3E+09", "1" * 41, "\ud800", "ada@example.com",
        None, True, False, 0, -5321234567, 42, 0.5, 5321234567.5, "5.32123456789E9",
        float("nan"), float("inf"), 1e300, 10**30,
        [], {}, ["05321234567"],
    ],
)  # fmt: skip
def test_not_a_telephone(sent: object) -> None:
    assert normalise_phone(sent, "TR") is None


@given(json_values, regions)
def test_never_raises_and_is_idempotent(sent: object, region: str) -> None:
    stored = normalise_phone(sent, region)
    if stored is not None:
        for again in ("TR", "DE", "US", "", region):
            assert normalise_phone(stored, again) == stored


@given(st.from_regex(r"5[0-9]{9}", fullmatch=True))
def test_the_short_way_for_turkish_mobiles_agrees_with_the_library(number: str) -> None:
    parsed = phonenumbers.parse(number, "TR")
    expected = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    assert normalise_phone(number, "TR") == expected
    assert normalise_phone("0" + number, "TR") == expected
    assert normalise_phone("+90" + number, "TR") == expected
