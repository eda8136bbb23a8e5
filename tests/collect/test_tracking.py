"""The tracking API's answers: status, body, headers, CORS, on every path."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tekil.collect.model import Source, SourceKind, SourceSettings
from tekil.collect.tracking import TrackingApp, TrackingSettings, client_ip
from tekil.errors import StoreUnavailable
from tekil.inbox.model import Submission
from tekil.kit.clock import FixedClock, Millis
from tekil.kit.ids import SourceId

ORIGIN = {"Origin": "https://shop.example"}
EVENT = {"userId": "u", "event": "e", "messageId": "m", "groupId": "g", "previousId": "p"}
SINGLE = ["track", "identify", "page", "screen", "group", "alias"]


class Register:
    """Sources by write key."""

    def __init__(self, *sources: Source) -> None:
        self.sources = {source.write_key: source for source in sources}

    def by_write_key(self, write_key: str) -> Source | None:
        return self.sources.get(write_key)


class Committer:
    """Takes what is submitted, or fails as it is told."""

    def __init__(self) -> None:
        self.taken: list[Submission] = []
        self.error: Exception | None = None

    def submit_async(self, submission: Submission) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.error is not None:
            future.set_exception(self.error)
        else:
            self.taken.append(submission)
            future.set_result(None)
        return future


class House:
    """A tracking application with its surroundings."""

    def __init__(self, settings: TrackingSettings | None = None) -> None:
        server = Source(SourceId(1), "server", SourceKind.HTTP, "WK")
        self.register = Register(
            server,
            Source(SourceId(2), "off", SourceKind.WEB, "OFF", enabled=False),
            Source(
                SourceId(3), "slow", SourceKind.WEB, "SLOW", True,
                SourceSettings(events_per_second=1),
            ),
            Source(
                SourceId(4), "strict", SourceKind.HTTP, "STRICT", True, SourceSettings(strict=True)
            ),
            Source(
                SourceId(5), "small", SourceKind.HTTP, "SMALL", True,
                SourceSettings(max_body_bytes=1024),
            ),
        )  # fmt: skip
        self.committer = Committer()
        self.app = TrackingApp(
            self.register,  # type: ignore[arg-type]
            self.committer,  # type: ignore[arg-type]
            FixedClock(Millis(1_795_341_600_000)),
            settings or TrackingSettings(),
        )

    def send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        async def run() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)  # type: ignore[arg-type]
            async with httpx.AsyncClient(transport=transport, base_url="http://cdp.test") as client:
                return await client.request(method, path, **arguments)

        return asyncio.run(run())


@pytest.fixture
def house() -> House:
    return House()


def taken(answer: httpx.Response) -> None:
    assert answer.status_code == 200, answer.text
    assert answer.content == b'{"success": true}'
    assert answer.headers["content-type"] == "application/json"


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert list(body) == ["code", "message"]
    assert body["code"] == code
    assert isinstance(body["message"], str)
    assert body["message"]


@pytest.mark.parametrize("kind", SINGLE)
@pytest.mark.parametrize("path", ["/v1/{}", "/v1/{}/", "/{}", "first letter"])
def test_single_calls(house: House, kind: str, path: str) -> None:
    path = f"/v1/{kind[0]}" if path == "first letter" else path.format(kind)
    taken(house.send("POST", path, json=EVENT | {"writeKey": "WK"}))
    (submission,) = house.committer.taken
    assert (submission.type, submission.count, submission.source_id) == (kind, 1, 1)
    assert submission.received_at == 1_795_341_600_000


@pytest.mark.parametrize(
    "path", ["/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch", "/batch", "/v1/batch/b"]
)
def test_batches(house: House, path: str) -> None:
    body = {"batch": [EVENT | {"type": kind} for kind in SINGLE]}
    taken(house.send("POST", path, json=body, auth=("WK", "")))
    assert [s.count for s in house.committer.taken] == [6]


def test_metrics_are_dropped(house: House) -> None:
    taken(house.send("POST", "/v1/m", content=b'{"series":[]}'))
    assert house.committer.taken == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"headers": {"Authorization": "Basic " + base64.b64encode(b"WK:").decode()}},
        {"headers": {"Authorization": "Basic " + base64.b64encode(b"WK").decode()}},
        {"headers": {"X-Write-Key": "WK"}},
        {"headers": {"Authorization": "Bearer oauth", "X-Write-Key": "WK"}},
        {"params": {"writeKey": "WK"}},
    ],
)
def test_the_key_may_come_in_many_places(house: House, arguments: dict[str, Any]) -> None:
    taken(house.send("POST", "/v1/batch", json={"batch": [EVENT | {"type": "track"}]}, **arguments))
    taken(house.send("POST", "/v1/track", json=EVENT, **arguments))
    assert [s.count for s in house.committer.taken] == [1, 1]


@pytest.mark.parametrize(
    "body",
    [
        {"batch": [EVENT | {"type": "track"}], "writeKey": "WK"},
        {"batch": [EVENT | {"type": "track", "writeKey": "WK"}]},
    ],
)
def test_the_key_may_come_in_the_body(house: House, body: dict[str, Any]) -> None:
    taken(house.send("POST", "/v1/batch", json=body))
    taken(house.send("POST", "/v1/batch", json=body, headers={"Authorization": "Bearer oauth"}))


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "text/plain", "application/json; charset=utf-8", "",
     "application/x-www-form-urlencoded", "image/png"],
)  # fmt: skip
def test_the_content_type_does_not_matter(house: House, content_type: str) -> None:
    taken(
        house.send(
            "POST",
            "/v1/t",
            content=json.dumps(EVENT | {"writeKey": "WK"}).encode(),
            headers={"Content-Type": content_type},
        )
    )


@pytest.mark.parametrize("key", ["", "nope"])
def test_no_key_and_a_wrong_key(house: House, key: str) -> None:
    auth = (key, "") if key else None
    refused(house.send("POST", "/v1/batch", json={"batch": []}, auth=auth), 401, "unauthorized")
    refused(house.send("POST", "/v1/track", json=EVENT, auth=auth), 401, "unauthorized")
    assert house.committer.taken == []


def test_a_disabled_source(house: House) -> None:
    refused(house.send("POST", "/v1/track", json=EVENT, auth=("OFF", "")), 403, "source_disabled")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"batch":1}'])
def test_not_json_or_no_batch(house: House, body: bytes) -> None:
    refused(house.send("POST", "/v1/batch", content=body, auth=("WK", "")), 400, "invalid_request")


def test_too_large_whether_the_key_is_in_the_header_or_the_body(house: House) -> None:
    body = {"batch": [], "writeKey": "SMALL", "x": "x" * 2000}
    refused(house.send("POST", "/v1/batch", json=body), 413, "too_large")
    refused(house.send("POST", "/v1/batch", json=body, auth=("SMALL", "")), 413, "too_large")


def test_too_fast(house: House) -> None:
    taken(house.send("POST", "/v1/track", json=EVENT, auth=("SLOW", "")))
    answer = house.send("POST", "/v1/track", json=EVENT, auth=("SLOW", ""), headers=ORIGIN)
    refused(answer, 429, "rate_limited")
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["x-ratelimit-reset"] == answer.headers["retry-after"]
    assert "Retry-After" in answer.headers["access-control-expose-headers"]
    assert len(house.committer.taken) == 1


def test_the_store_fails(house: House) -> None:
    house.committer.error = StoreUnavailable("The disk is full.")
    answer = house.send("POST", "/v1/track", json=EVENT, auth=("WK", ""), headers=ORIGIN)
    refused(answer, 503, "store_unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["access-control-allow-origin"] == ORIGIN["Origin"]
    house.committer.error = None
    taken(house.send("POST", "/v1/track", json=EVENT, auth=("WK", "")))


def test_a_fault_of_ours_says_nothing_of_itself(house: House) -> None:
    house.committer.error = ZeroDivisionError("secret detail")
    answer = house.send("POST", "/v1/track", json=EVENT, auth=("WK", ""), headers=ORIGIN)
    refused(answer, 500, "internal")
    assert "secret" not in answer.text
    assert answer.headers["access-control-allow-origin"] == ORIGIN["Origin"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
def test_other_methods(house: House, method: str) -> None:
    answer = house.send(method, "/v1/batch", headers=ORIGIN)
    assert answer.status_code == 405
    assert answer.headers["access-control-allow-origin"] == ORIGIN["Origin"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"json": {"batch": []}, "auth": ("WK", "")},
        {"json": {"batch": []}},
        {"content": b"x", "auth": ("WK", "")},
        {"json": {"batch": [], "x": "x" * 2000}, "auth": ("SMALL", "")},
        {"json": {"batch": []}, "auth": ("OFF", "")},
    ],
)
def test_cors_on_every_answer(house: House, arguments: dict[str, Any]) -> None:
    answer = house.send("POST", "/v1/batch", headers=ORIGIN, **arguments)
    assert answer.headers["access-control-allow-origin"] == ORIGIN["Origin"]
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "Origin" in answer.headers["vary"]
    assert "access-control-allow-origin" not in house.send("POST", "/v1/batch", **arguments).headers


@pytest.mark.parametrize(
    "path", ["/v1/t", "/v1/batch", "/beacon/v1/batch", "/sourceConfig/", "/v1/projects/WK/settings",
             "/v1/pixel/track", "/v1/m"]
)  # fmt: skip
def test_preflight(house: House, path: str) -> None:
    asked = "authorization,anonymousid,sentat,rsa-retry-attempt"
    answer = house.send(
        "OPTIONS",
        path,
        headers=ORIGIN
        | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": asked},
    )
    assert answer.status_code in {200, 204}
    assert answer.content == b""
    assert answer.headers["access-control-allow-origin"] == ORIGIN["Origin"]
    assert answer.headers["access-control-allow-headers"] == asked
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert int(answer.headers["access-control-max-age"]) >= 900
    bare = house.send("OPTIONS", path, headers=ORIGIN | {"Access-Control-Request-Method": "POST"})
    assert "POST" in bare.headers["access-control-allow-methods"]


def test_strict_mode_lists_what_was_wrong(house: House) -> None:
    body = {"batch": [EVENT | {"type": "track"}, {"type": "x"}]}
    for arguments in ({"auth": ("STRICT", "")}, {"auth": ("WK", ""), "headers": {"X-Tekil-Strict": "1"}}):  # fmt: skip # noqa: E501
        answer = house.send("POST", "/v1/batch", json=body, **arguments)  # type: ignore[arg-type]
        assert answer.status_code == 200
        found = answer.json()
        assert (found["success"], found["accepted"]) == (False, 1)
        assert [(e["item"], e["reason"]) for e in found["errors"]] == [(1, "unknown_message_type")]
    taken(house.send("POST", "/v1/batch", json=body, auth=("WK", "")))


@pytest.mark.parametrize("kind", SINGLE)
def test_pixels(house: House, kind: str) -> None:
    flat = house.send(
        "GET", f"/v1/pixel/{kind}", params=EVENT | {"writeKey": "WK", "properties.a": "b"}
    )
    data = base64.b64encode(json.dumps(EVENT | {"writeKey": "WK"}).encode()).decode()
    packed = house.send("GET", f"/pixel/v1/{kind}", params={"data": data})
    for answer in (flat, packed):
        assert (answer.status_code, len(answer.content)) == (200, 43)
        assert answer.headers["content-type"] == "image/gif"
        assert answer.headers["cache-control"] == "no-store"
    assert [s.type for s in house.committer.taken] == [kind, kind]
    assert json.loads(house.committer.taken[0].body)["properties"] == {"a": "b"}


@pytest.mark.parametrize("error", [StoreUnavailable("gone"), ZeroDivisionError()])
def test_a_pixel_is_a_picture_whatever_happens(house: House, error: Exception) -> None:
    house.committer.error = error
    answer = house.send("GET", "/v1/pixel/track", params=EVENT | {"writeKey": "WK"})
    assert (answer.status_code, len(answer.content)) == (200, 43)
    for query in ("", "?writeKey=OFF&userId=u&event=e", "?data=!", "?" + "a=1&" * 600):
        assert house.send("GET", f"/v1/pixel/track{query}").status_code == 200


def test_browser_settings_source_config_and_script(house: House) -> None:
    settings = house.send("GET", "/v1/projects/WK/settings", headers=ORIGIN)
    assert settings.json()["integrations"]["Segment.io"]["apiHost"] == "cdp.test/v1"
    assert settings.headers["access-control-allow-origin"] == ORIGIN["Origin"]
    for arguments in ({"auth": ("WK", "")}, {"params": {"writeKey": "WK"}}):
        config = house.send("GET", "/sourceConfig/", **arguments).json()  # type: ignore[arg-type]
        assert config["source"]["enabled"] is True
        assert config["source"]["destinations"] == []
    off = house.send("GET", "/sourceConfig", params={"writeKey": "OFF"}).json()
    assert off["source"]["enabled"] is False
    script = house.send("GET", "/analytics.js/v1/WK/analytics.min.js")
    assert script.headers["content-type"].startswith("text/javascript")
    for path in ("/v1/projects/nope/settings", "/analytics.js/v1/nope/analytics.min.js"):
        refused(house.send("GET", path), 401, "unauthorized")


def test_the_public_address_comes_from_the_settings_or_a_trusted_proxy() -> None:
    def address(settings: TrackingSettings) -> tuple[str, str]:
        sent = {"X-Forwarded-Proto": "https"}
        answer = House(settings).send("GET", "/v1/projects/WK/settings", headers=sent)
        found = answer.json()["integrations"]["Segment.io"]
        return found["protocol"], found["apiHost"]

    assert address(TrackingSettings()) == ("http", "cdp.test/v1")
    assert address(TrackingSettings(trusted_proxies=1)) == ("https", "cdp.test/v1")
    assert address(TrackingSettings("https://cdp.example.com/")) == (
        "https",
        "cdp.example.com/v1",
    )


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [(0, b"198.51.100.1", "192.0.2.9"), (1, b"198.51.100.1", "198.51.100.1"),
     (1, b"6.6.6.6, 198.51.100.1", "198.51.100.1"), (2, b"198.51.100.1, 10.0.0.1", "198.51.100.1"),
     (2, b"10.0.0.1", "192.0.2.9"), (1, b"", "192.0.2.9")],
)  # fmt: skip
def test_only_trusted_proxies_say_who_sent(proxies: int, forwarded: bytes, expected: str) -> None:
    scope = {"client": ("192.0.2.9", 5)}
    assert client_ip(scope, {b"x-forwarded-for": forwarded}, proxies) == expected


def test_a_body_that_ends_early(house: House) -> None:
    async def run() -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []
        parts = [{"type": "http.request", "body": b'{"ba', "more_body": True},
                 {"type": "http.disconnect"}]  # fmt: skip

        async def receive() -> dict[str, Any]:
            return parts.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"method": "POST", "path": "/v1/batch", "headers": [], "query_string": b""}
        await house.app(scope, receive, send)
        return sent

    sent = asyncio.run(run())
    assert sent[0]["status"] == 400
    assert house.committer.taken == []


def test_the_source_of_a_changed_limit_is_asked_each_time(house: House) -> None:
    source = house.register.sources["SMALL"]
    body = {"batch": [], "x": "x" * 2000}
    refused(house.send("POST", "/v1/batch", json=body, auth=("SMALL", "")), 413, "too_large")
    larger = replace(source.settings, max_body_bytes=10_000)
    house.register.sources["SMALL"] = replace(source, settings=larger)
    taken(house.send("POST", "/v1/batch", json=body, auth=("SMALL", "")))
