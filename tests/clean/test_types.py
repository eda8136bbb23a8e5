"""Types of text are guessed only where nothing can be lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tekil.clean.types import infer_boolean, infer_number, infer_text

texts = st.text(st.characters(exclude_categories=()), max_size=20)
number_like = st.text("0123456789.-+eE_ ", max_size=14)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("42", 42),
        ("-7", -7),
        ("999999999", 999_999_999),
        ("1.5", 1.5),
        ("-0.25", -0.25),
        ("2.0", 2.0),
    ],
)
def test_plain_numbers(text: str, value: float) -> None:
    inferred = infer_number(text)
    assert inferred == value
    assert type(inferred) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "007", "00", "-0", "-0.0", "-01", "+5", "5321234567", "05321234567",
        "+905321234567",
        "4111111111111111", "12345678901", "1e3", "1_000", "1,5", "1.50", ".5", "5.", "0x10", "NaN",
        "Infinity", "1.2.3", " 42", "42 ", "٤٢", "²", "34-000",
    ],
)  # fmt: skip
def test_ids_codes_and_telephones_stay_text(text: str) -> None:
    assert infer_number(text) is None
    assert infer_text(text) == text


def test_only_true_and_false_are_booleans() -> None:
    assert [infer_boolean(x) for x in ("true", "True", "TRUE")] == [True] * 3
    assert [infer_boolean(x) for x in ("false", "False", "FALSE")] == [False] * 3
    assert [infer_boolean(x) for x in ("yes", "1", "0", "evet", "t", "tRUE", "")] == [None] * 7
    assert infer_text("true") is True


@given(texts | number_like)
def test_a_number_is_inferred_only_when_its_text_is_what_came(text: str) -> None:
    value = infer_text(text)
    if isinstance(value, bool):
        assert str(value).lower() == text.lower()
    else:
        assert str(value) == text
