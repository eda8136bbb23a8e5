"""Turkish letters, folding for search, and tidying."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tekil.clean.names import (
    clean_name,
    search_fold,
    tidy_text,
    turkish_lower,
    turkish_title,
    turkish_upper,
)

any_text = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("text", "lower", "upper"),
    [
        ("ISPARTA", "ısparta", "ISPARTA"),
        ("İZMİR", "izmir", "İZMİR"),
        ("I\u0307zmir", "izmir", "İZMİR"),
        ("Şişli", "şişli", "ŞİŞLİ"),
        ("ığdır", "ığdır", "IĞDIR"),
        ("ĞÜŞİÖÇI", "ğüşiöçı", "ĞÜŞİÖÇI"),
    ],
)
def test_turkish_case(text: str, lower: str, upper: str) -> None:
    assert turkish_lower(text) == lower
    assert turkish_upper(lower) == upper


def test_turkish_title_starts_each_word_with_a_turkish_capital() -> None:
    assert turkish_title("iNCİ ışık-IRMAK") == "İnci Işık-Irmak"


@pytest.mark.parametrize(
    "spellings",
    [
        ("ISPARTA", "ısparta", "isparta", "Isparta", "İSPARTA", "I\u0307sparta"),
        ("Ayşe Çağrı", "AYŞE ÇAĞRI", "ayse cagri", "Ays\u0327e  C\u0327ag\u0306rı", "ayşe çağrı "),
        ("Öztürk", "OZTURK", "ÖZTÜRK", "o\u0308ztu\u0308rk"),
        ("Straße", "STRASSE", "strasse"),
        ("José", "JOSE", "jose\u0301"),
        ("Sørensen", "sorensen"),
        ("Łukasz", "lukasz"),
        ("Ａｄａ", "ada"),
    ],
)
def test_search_fold_makes_spellings_equal(spellings: tuple[str, ...]) -> None:
    assert len({search_fold(spelling) for spelling in spellings}) == 1


def test_search_fold_keeps_different_names_apart() -> None:
    assert len({search_fold(x) for x in ("Ada", "Ida", "Adam", "Алла", "علي", "明")}) == 6


def test_clean_name_changes_no_letter_and_no_case() -> None:
    assert clean_name("\u200b  IŞIL\u00a0\u00a0 McDonald-de la Cruz ") == "IŞIL McDonald-de la Cruz"
    assert clean_name("Ays\u0327e") == "Ayşe"
    assert clean_name("a\x00b\tc") == "ab c"


def test_clean_name_keeps_the_joiner_that_spells_persian_words() -> None:
    assert clean_name("علی\u200cرضا") == "علی\u200cرضا"


@given(any_text)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    for clean in (clean_name, tidy_text, search_fold):
        assert clean(clean(text)) == clean(text)


@given(any_text)
def test_clean_names_are_composed_and_trimmed(text: str) -> None:
    name = clean_name(text)
    assert name == name.strip() == unicodedata.normalize("NFC", name)
    assert "  " not in name


@given(st.text("abcçdefgğhıijklmnoöprsştuüvyz"))
def test_turkish_upper_then_lower_is_the_word_again(word: str) -> None:
    assert turkish_lower(turkish_upper(word)) == word


@given(st.text("abcçdefgğhıijklmnoöprsştuüvyz -", max_size=20))
def test_a_search_finds_a_name_in_either_case(name: str) -> None:
    assert search_fold(turkish_upper(name)) == search_fold(name) == search_fold(name.upper())
