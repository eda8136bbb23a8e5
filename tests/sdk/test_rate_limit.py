"""A source that sends too fast is told so by the server itself, and its SDK loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.sdk.arrivals import SIX_CALLS, assert_each_once
from tests.sdk.browser import CHROMIUM, running_chromium, visiting
from tests.sdk.clients import NODE, NODE_CLIENTS, PYTHON_CLIENTS, bundle, run_node, run_python
from tests.sdk.fault_proxy import FaultProxy, running_proxy
from tests.sdk.pages import Person, code_for
from tests.server import Server

pytestmark = pytest.mark.e2e

EVENTS_PER_SECOND = 2
NEWEST_PYTHON = PYTHON_CLIENTS[1]
SEGMENT_NODE = NODE_CLIENTS[0]


@pytest.fixture
def slow_key(server: Server, person: Person) -> str:
    """The write key of a source with a rate of its own, so that no test waits for another."""
    settings = {"events_per_second": EVENTS_PER_SECOND}
    source = {"name": f"slow-{person.name}", "kind": "http", "settings": settings}
    answer = server.api.post("/api/v1/sources", json=source)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["write_key"])


@pytest.fixture
def proxy(server: Server, slow_key: str) -> Iterator[FaultProxy]:
    """A way to a server that this source has just sent several seconds' worth of events to."""
    track = {"type": "track", "event": "Bulk", "anonymousId": "bulk"}
    batch = {"batch": [track] * EVENTS_PER_SECOND * 4, "writeKey": slow_key}
    answer = server.api.post("/v1/batch", json=batch)
    assert answer.status_code == 200, answer.text
    with running_proxy(server.url, []) as running:
        yield running


def test_a_request_over_the_rate_is_told_how_long_to_wait(
    server: Server, slow_key: str, proxy: FaultProxy
) -> None:
    answer = server.api.post(
        "/v1/track",
        json={"event": "Once", "anonymousId": "bulk", "writeKey": slow_key},
        headers={"Origin": "https://shop.example"},
    )
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.json()["code"] == "rate_limited"
    assert answer.json()["message"]
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]


def test_python_waits_and_loses_nothing(
    server: Server, slow_key: str, person: Person, proxy: FaultProxy, tmp_path: Path
) -> None:
    before = server.wait_until_idle()
    page = NEWEST_PYTHON.page
    script = tmp_path / "main.py"
    script.write_text(
        code_for(page, "python", url=proxy.url, write_key=slow_key, person=person),
        encoding="utf-8",
    )
    run_python(NEWEST_PYTHON, script)
    library = NEWEST_PYTHON.library
    assert_each_once(server, proxy, person, SIX_CALLS, before, library=library)
    assert 429 in proxy.statuses


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_node_waits_and_loses_nothing(
    server: Server, slow_key: str, person: Person, proxy: FaultProxy, tmp_path: Path
) -> None:
    before = server.wait_until_idle()
    text = code_for(SEGMENT_NODE.page, "js", url=proxy.url, write_key=slow_key, person=person)
    run_node(text, tmp_path)
    library = SEGMENT_NODE.library
    assert_each_once(server, proxy, person, SIX_CALLS, before, library=library)
    assert 429 in proxy.statuses


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_a_browser_waits_and_loses_nothing(
    server: Server,
    slow_key: str,
    person: Person,
    proxy: FaultProxy,
    chromium: Browser,
    tmp_path: Path,
) -> None:
    before = server.wait_until_idle()
    text = code_for(
        "segment-browser-npm.md", "js", url=proxy.url, write_key=slow_key, person=person
    )
    html = f"<!doctype html><title>Pricing</title><script>{bundle(text, tmp_path)}</script>"
    with visiting(chromium, html):
        assert_each_once(server, proxy, person, SIX_CALLS, before, library="analytics.js")
    assert 429 in proxy.statuses
