"""``/docs`` shows every route, and works where no other server can be reached."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tekil.app import _api
from tekil.runtime import Runtime
from tekil.settings import Settings


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """The application on an empty data directory."""
    runtime = Runtime(Settings(data=tmp_path / "data"))
    yield TestClient(_api(runtime))
    runtime.close()


class Reader(HTMLParser):
    """Collects what a page says and where it would load from."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.ids: set[str] = set()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.ids.add(value)
            if name in {"href", "src"} and value:
                self.targets.append(value)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_shows_every_route_and_loads_nothing(client: TestClient) -> None:
    answer = client.get("/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = Reader()
    page.feed(answer.text)
    document = client.get("/openapi.json").json()
    missing = [path for path in document["paths"] if path not in page.texts]
    assert missing == []
    assert "openapi.json" in page.targets
    for target in page.targets:
        assert target == "openapi.json" or target.removeprefix("#") in page.ids
    assert not re.search(r"<script|<link|@import|url\(", answer.text)
