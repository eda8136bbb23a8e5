"""The published browser SDKs in a real Chromium, as their pages say, against a real server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.sdk.arrivals import (
    FIVE_CALLS,
    SIX_CALLS,
    assert_each_once,
    assert_profile,
    events_of,
)
from tests.sdk.browser import CHROMIUM, running_chromium, visiting
from tests.sdk.clients import NODE, bundle
from tests.sdk.fault_proxy import Fault, running_proxy
from tests.sdk.pages import PAGES, Person, code_for
from tests.server import Server, eventually

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
    pytest.mark.skipif(NODE is None, reason="Node.js is not installed"),
]

WEATHER = {
    "calm": [],
    "faults": [Fault.TOO_FAST, Fault.UNAVAILABLE, Fault.REPLY_LOST],
}
SEGMENT = "analytics.js"
RUDDER = "RudderLabs JavaScript SDK"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


def page_with(script: str) -> str:
    return f"<!doctype html><title>Pricing</title><body></body><script>{script}</script>"


@pytest.mark.parametrize("faults", WEATHER.values(), ids=WEATHER)
@pytest.mark.parametrize(
    ("page", "library", "calls"),
    [
        ("segment-browser-npm.md", SEGMENT, SIX_CALLS),
        ("rudder-browser.md", RUDDER, FIVE_CALLS),
    ],
)
def test_every_call_of_a_bundled_sdk_arrives_once(
    page: str,
    library: str,
    calls: Counter[str],
    faults: list[Fault],
    server: Server,
    web_key: str,
    person: Person,
    chromium: Browser,
    tmp_path: Path,
) -> None:
    before = server.wait_until_idle()
    with running_proxy(server.url, faults) as proxy:
        text = code_for(page, "js", url=proxy.url, write_key=web_key, person=person)
        with visiting(chromium, page_with(bundle(text, tmp_path))) as visit:
            assert_each_once(server, proxy, person, calls, before, library=library)
            assert visit.strangers() == set()
            assert visit.uncaught() == []
    assert_profile(server, person)


@pytest.mark.parametrize(
    ("page", "library", "calls", "option", "path"),
    [
        (
            "segment-browser-npm.md",
            SEGMENT,
            SIX_CALLS,
            'integrations: { "Segment.io": { deliveryStrategy: { strategy: "batching" } } }',
            "/v1/b",
        ),
        (
            "rudder-browser.md",
            RUDDER,
            FIVE_CALLS,
            "queueOptions: { batch: { enabled: true, maxItems: 10, flushInterval: 3000 } }",
            "/v1/batch",
        ),
        (
            "rudder-browser.md",
            RUDDER,
            FIVE_CALLS,
            "useBeacon: true, beaconQueueOptions: { flushQueueInterval: 3000 }",
            "/beacon/v1/batch",
        ),
    ],
    ids=["segment", "rudder", "rudder-beacon"],
)
def test_calls_sent_together_arrive_once(
    page: str,
    library: str,
    calls: Counter[str],
    option: str,
    path: str,
    server: Server,
    web_key: str,
    person: Person,
    chromium: Browser,
    tmp_path: Path,
) -> None:
    assert option in (PAGES / page).read_text(encoding="utf-8")
    before = server.wait_until_idle()
    with running_proxy(server.url, []) as proxy:
        text = code_for(page, "js", url=proxy.url, write_key=web_key, person=person)
        end = "\n});"
        assert end in text
        added = f"\n  {option},{end}" if "configUrl" in text else f"\n}}, {{ {option} }});"
        text = text.replace(end, added, 1)
        with visiting(chromium, page_with(bundle(text, tmp_path))) as visit:
            assert_each_once(server, proxy, person, calls, before, library=library)
            assert visit.strangers() == set()
        assert {request for request in proxy.requests if request.startswith("POST")} == {
            f"POST {path}"
        }


@pytest.mark.parametrize("faults", WEATHER.values(), ids=WEATHER)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_every_call_of_the_classic_snippet_arrives_once(
    scheme: str,
    faults: list[Fault],
    server: Server,
    web_key: str,
    person: Person,
    chromium: Browser,
    request: pytest.FixtureRequest,
) -> None:
    certificate = request.getfixturevalue("certificate") if scheme == "https" else None
    before = server.wait_until_idle()
    with running_proxy(server.url, faults, certificate=certificate) as proxy:
        html = snippet_page(proxy.url, web_key, person)
        with visiting(chromium, html) as visit:
            assert_each_once(server, proxy, person, SIX_CALLS, before, library=SEGMENT)
            assert visit.strangers() == set()
            assert visit.uncaught() == []
    assert_profile(server, person)


def test_parts_that_the_script_loads_later_come_from_this_server(
    server: Server, web_key: str, person: Person, chromium: Browser
) -> None:
    html = snippet_page(server.url, web_key, person) + (
        '<a id="link" href="#next">Next</a>'
        '<script>analytics.trackLink(document.getElementById("link"), "Link Clicked")</script>'
    )
    with visiting(chromium, html, query="?ajs_event=Mail%20Clicked&utm_campaign=spring") as visit:
        visit.page.wait_for_function("window.analytics.initialized === true")
        visit.page.click("#link")
        events = eventually(
            lambda: events_of(server, person), lambda found: len(found) >= len(SIX_CALLS) + 2
        )
        assert visit.strangers() == set()
    tracked = Counter(event["event"] for event in events if event["type"] == "track")
    assert tracked == Counter(["Order Completed", "Mail Clicked", "Link Clicked"])
    assert {event["context"]["campaign"]["name"] for event in events} == {"spring"}


def test_a_page_with_a_relative_script_address_works(
    server: Server, web_key: str, person: Person, chromium: Browser
) -> None:
    """As behind one proxy that serves both the shop and Tekil: no address is in the page."""
    html = snippet_page(server.url, web_key, person).replace(f'"{server.url}/', '"/')
    with running_proxy(server.url, []) as proxy:
        context = chromium.new_context()
        page = context.new_page()
        page.route(
            f"{proxy.url}/pricing", lambda route: route.fulfill(body=html, content_type="text/html")
        )
        page.goto(f"{proxy.url}/pricing")
        eventually(lambda: events_of(server, person), lambda found: len(found) >= len(SIX_CALLS))
        context.close()


def snippet_page(url: str, write_key: str, person: Person) -> str:
    html = code_for(
        "segment-browser-snippet.md", "html", url=url, write_key=write_key, person=person
    )
    return f"<!doctype html><title>Pricing</title>{html}<body></body>"


def test_the_script_travels_compressed_and_is_the_same_for_those_who_cannot(
    server: Server, web_key: str
) -> None:
    path = f"/analytics.js/v1/{web_key}/analytics.min.js"
    plain = server.api.get(path, headers={"Accept-Encoding": "identity"})
    packed = server.api.get(path, headers={"Accept-Encoding": "gzip, br"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert packed.content == plain.content
    assert int(packed.headers["Content-Length"]) < len(plain.content) / 3


def test_a_page_with_a_wrong_key_gets_no_script(server: Server) -> None:
    answer = server.api.get("/analytics.js/v1/wk_wrong/analytics.min.js")
    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthorized"
