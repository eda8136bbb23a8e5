"""The page at / speaks the reader's language and shows how things stand."""

from __future__ import annotations

import pytest

from tekil.console.landing import TEXTS, landing_page, language


@pytest.mark.parametrize(
    ("asked", "accepted", "expected"),
    [
        (None, "tr-TR,tr;q=0.9,en;q=0.8", "tr"),
        (None, "de-DE,de;q=0.9,tr;q=0.5", "tr"),
        (None, "", "en"),
        ("en", "tr", "en"),
        ("xx", "tr", "tr"),
    ],
)
def test_language(asked: str | None, accepted: str, expected: str) -> None:
    assert language(asked, accepted) == expected


def test_every_text_is_in_both_languages() -> None:
    assert TEXTS["tr"].keys() == TEXTS["en"].keys()
    same = [k for k, text in TEXTS["tr"].items() if text == TEXTS["en"][k]]
    assert same == []


def test_the_page_shows_figures_in_the_readers_way_and_escapes_the_directory() -> None:
    english = landing_page("en", 1_234_567, 89, "<b>dir</b>")
    turkish = landing_page("tr", 1_234_567, 89, "dir")
    assert "1,234,567" in english
    assert "1.234.567" in turkish
    assert "<b>dir</b>" not in english
