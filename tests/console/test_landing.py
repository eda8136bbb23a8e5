"""The page at / speaks the reader's language and shows how things stand."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tekil.console.landing import TEXTS, Standing, landing_page, language, router


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
    standing = Standing(1_234_567, 89, "<b>dir</b>")
    assert "1,234,567" in landing_page("en", standing)
    assert "1.234.567" in landing_page("tr", standing)
    assert "<b>dir</b>" not in landing_page("en", standing)


@pytest.mark.parametrize(
    ("client", "headers", "shown"),
    [
        ("127.0.0.1", {}, True),
        ("127.0.0.1", {"x-forwarded-for": "203.0.113.9"}, False),
        ("203.0.113.9", {}, False),
    ],
)
def test_strangers_see_no_figures(client: str, headers: dict[str, str], shown: bool) -> None:
    app = FastAPI()
    app.include_router(router)
    app.state.landing = lambda: Standing(1_234_567, 89, "/secret/place")
    with TestClient(app, client=(client, 50_000)) as browser:
        text = browser.get("/", headers=headers).text
    assert ("1,234,567" in text) is shown
    assert ("/secret/place" in text) is shown
