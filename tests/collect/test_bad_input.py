"""What no client should send, through a real server: an answer or a reject, never a trace."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.contract.backends import PostgresServer
from tests.server import Server, eventually, running_server

pytestmark = pytest.mark.e2e

PORT = 18901
MB = 1024 * 1024


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """PostgreSQL too: it is stricter with texts, and one refused row would stop the pipeline."""
    environ = {}
    if request.param == "postgresql":
        postgres: PostgresServer = request.getfixturevalue("postgres_server")
        environ["TEKIL_STATE_URL"] = postgres.url(postgres.create_database())
    data = tmp_path_factory.mktemp("bad") / "data"
    with running_server(data, port=PORT, environ=environ) as running:
        yield running


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    return server.add_source("shop")


def track(user: str, **more: Any) -> dict[str, Any]:
    return {"type": "track", "event": "Ok", "userId": user, "messageId": f"m-{user}", **more}


def post(server: Server, key: str, body: bytes, path: str = "/v1/batch", **headers: str) -> Any:
    return httpx.post(server.url + path, content=body, auth=(key, ""), headers=headers, timeout=30)


def accepted(answer: httpx.Response) -> None:
    assert answer.status_code == 200, answer.text
    assert answer.text == '{"success": true}'
    assert answer.headers["content-type"] == "application/json"


def refused(answer: httpx.Response, status: int, code: str) -> str:
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"code", "message"}
    assert body["code"] == code
    assert body["message"]
    assert "Traceback" not in answer.text
    assert 'File "' not in answer.text
    return str(body["message"])


def timeline(server: Server, user: str) -> list[dict[str, Any]]:
    """The events of a user, once there is one."""

    def ask() -> httpx.Response:
        return server.api.get(f"/api/v1/profiles/user_id:{user}/events")

    answer = eventually(ask, lambda a: a.status_code == 200 and a.json()["items"], what=user)
    return list(answer.json()["items"])


def rejects(server: Server, **query: Any) -> list[dict[str, Any]]:
    return list(server.get("/api/v1/rejects", limit=500, **query)["items"])


ITEMS: list[tuple[str, bytes, str, str]] = [
    # name, the item as it stands in the batch, stage, reason
    ("number", b"5", "collect", "not_an_object"),
    ("null", b"null", "collect", "not_an_object"),
    ("list", b"[]", "collect", "not_an_object"),
    ("no-type", b'{"userId":"x","event":"e"}', "collect", "unknown_message_type"),
    ("typo", b'{"type":"trak","userId":"x","event":"e"}', "collect", "unknown_message_type"),
    ("type-nul", b'{"type":"a\\u0000","userId":"x"}', "collect", "unknown_message_type"),
    ("no-id", b'{"type":"track","event":"e"}', "collect", "missing_identity"),
    (
        "empty-id",
        b'{"type":"track","event":"e","userId":"","anonymousId":null}',
        "collect",
        "missing_identity",
    ),
    ("id-list", b'{"type":"track","event":"e","userId":["a"]}', "collect", "invalid_type"),
    ("id-true", b'{"type":"track","event":"e","userId":true}', "collect", "invalid_type"),
    ("no-event", b'{"type":"track","userId":"x"}', "collect", "missing_event_name"),
    ("no-group", b'{"type":"group","userId":"x"}', "collect", "missing_group_id"),
    ("no-previous", b'{"type":"alias","userId":"x"}', "collect", "missing_previous_id"),
    (
        "properties",
        b'{"type":"track","event":"e","userId":"x","properties":"p"}',
        "collect",
        "invalid_type",
    ),
    ("traits", b'{"type":"identify","userId":"x","traits":[1]}', "collect", "invalid_type"),
    (
        "id-10kb",
        b'{"type":"track","event":"e","userId":"' + b"x" * 10_240 + b'"}',
        "collect",
        "id_too_long",
    ),
    (
        "id-digits",
        b'{"type":"track","event":"e","userId":' + b"9" * 600 + b"}",
        "collect",
        "id_too_long",
    ),
    (
        "message-id",
        b'{"type":"track","event":"e","userId":"x","messageId":"' + b"m" * 10_240 + b'"}',
        "collect",
        "id_too_long",
    ),
    (
        "event-long",
        b'{"type":"track","userId":"x","event":"' + b"e" * 600 + b'"}',
        "collect",
        "id_too_long",
    ),
    (
        "time",
        b'{"type":"track","event":"e","userId":"x","timestamp":"yesterday"}',
        "collect",
        "invalid_timestamp",
    ),
    (
        "year-1",
        b'{"type":"track","event":"e","userId":"x","timestamp":"0001-01-01T00:00:00+14:00"}',
        "collect",
        "invalid_timestamp",
    ),
    (
        "nul-id",
        b'{"type":"track","event":"e","userId":"a\\u0000b"}',
        "collect",
        "invalid_text",
    ),
    (
        "nul-message-id",
        b'{"type":"track","event":"e","userId":"x","messageId":"a\\u0000b"}',
        "collect",
        "invalid_text",
    ),
    ("nul-event", b'{"type":"track","event":"e\\u0000","userId":"x"}', "collect", "invalid_text"),
    (
        "nul-key",
        b'{"type":"track","event":"e","userId":"x","properties":{"a":[{"k\\u0000":1}]}}',
        "collect",
        "invalid_text",
    ),
    (
        "nul-trait",
        b'{"type":"identify","userId":"x","context":{"traits":{"k\\u0000":1}}}',
        "collect",
        "invalid_text",
    ),
    (
        "utf-8",
        b'{"type":"track","event":"e","userId":"x","properties":{"a":"\xff\xfe"}}',
        "collect",
        "invalid_text",
    ),
    (
        "utf-8-context",
        b'{"type":"track","event":"e","userId":"x","context":{"a":"\xc3("}}',
        "collect",
        "invalid_text",
    ),
    (
        "surrogate",
        b'{"type":"track","event":"e","userId":"x","properties":{"a":"\\ud800"}}',
        "collect",
        "invalid_text",
    ),
    (
        "surrogate-context",
        b'{"type":"track","event":"e","userId":"x","context":{"a":"\\udc00 \\ud83d"}}',
        "collect",
        "invalid_text",
    ),
    (
        "nan",
        b'{"type":"track","event":"e","userId":"x","properties":{"a":NaN}}',
        "collect",
        "invalid_json",
    ),
    (
        "infinity",
        b'{"type":"track","event":"e","userId":"x","context":{"a":[-Infinity]}}',
        "collect",
        "invalid_json",
    ),
    (
        "1e400",
        b'{"type":"track","event":"e","userId":"x","properties":{"a":1e400}}',
        "collect",
        "invalid_json",
    ),
    (
        "1e400-context",
        b'{"type":"track","event":"e","userId":"x","context":{"a":{"b":-1E+999}}}',
        "collect",
        "invalid_json",
    ),
    (
        "deep",
        b'{"type":"track","event":"e","userId":"x","properties":'
        + b'{"a":' * 200
        + b"1"
        + b"}" * 201,
        "collect",
        "too_deep",
    ),
    (
        "deep-lists",
        b'{"type":"track","event":"e","userId":"x","properties":{"a":'
        + b"[" * 40
        + b"]" * 40
        + b"}}",
        "collect",
        "too_deep",
    ),
    (
        "32kb",
        b'{"type":"track","event":"e","userId":"x","properties":{"a":"' + b"x" * 33_000 + b'"}}',
        "collect",
        "event_too_large",
    ),
    (
        "trait-name",
        b'{"type":"identify","userId":"x","traits":{"' + b"k" * 3_000 + b'":1}}',
        "process",
        "id_too_long",
    ),
    (
        "5,000 digits",
        b'{"type":"track","event":"e","userId":"x","properties":{"a":' + b"9" * 5_000 + b"}}",
        "process",
        "invalid_json",
    ),
    (
        "blocked",
        b'{"type":"track","event":"e","userId":"   "}',
        "process",
        "missing_identity",
    ),
]


@pytest.mark.parametrize(("name", "item", "stage", "reason"), ITEMS, ids=[i[0] for i in ITEMS])
def test_a_bad_item_is_a_reject_and_the_items_beside_it_arrive(
    server: Server, key: str, name: str, item: bytes, stage: str, reason: str
) -> None:
    before = {r["reject_id"] for r in rejects(server)}
    first, last = (json.dumps(track(f"{place}-{name}")).encode() for place in ("first", "last"))
    accepted(post(server, key, b'{"batch":[' + b",".join((first, item, last)) + b"]}"))
    for place in ("first", "last"):
        assert [e["message_id"] for e in timeline(server, f"{place}-{name}")] == [
            f"m-{place}-{name}"
        ]
    new = [r for r in rejects(server) if r["reject_id"] not in before]
    assert [(r["stage"], r["reason"], r["item"]) for r in new] == [(stage, reason, 1)]
    assert new[0]["detail"]
    assert new[0]["source"] == "shop"


GOOD: list[tuple[str, bytes]] = [
    ("unknown", b'"_metadata":{"a":[1]},"rudderId":7,"version":null,"category":[],"x":{"y":1}'),
    ("proto", b'"properties":{"__proto__":{"a":1},"constructor":{"prototype":1},"toString":1}'),
    ("empty-key", b'"properties":{"":1,"a":{"":{"":2}}}'),
    ("dots", b'"properties":{"a.b":1,"a":{"b":2},".":3,"..":4}'),
    ("quotes", b'"properties":{"a\\"b":1,"\'":2,"`":3,"\\\\":4,"a;DROP TABLE events":5}'),
    ("twice", b'"properties":{"a":1,"a":2},"context":{"b":1,"b":{"c":2}}'),
    ("big-integer", b'"properties":{"a":' + b"9" * 40 + b',"b":-' + b"9" * 25 + b"}"),
    ("limits", b'"properties":{"a":18446744073709551615,"b":-9223372036854775808,"c":1e308}'),
    ("tiny", b'"properties":{"a":1e-400,"b":5e-324,"c":-0.0}'),
    ("nul-value", b'"properties":{"a":"x\\u0000y"},"context":{"b":"\\u0000"}'),
    ("key-10kb", b'"properties":{"' + b"k" * 10_240 + b'":1}'),
    ("empties", b'"properties":{"a":[],"b":{},"c":[[]],"d":[null],"e":[{}]}'),
    ("mixed", b'"properties":{"a":[1,"a",{"b":1},[1],null,true,1.5]}'),
    ("shape", b'"context":{"ip":5,"page":"x","userAgent":{},"device":[],"campaign":7,"os":null}'),
    ("ids", b'"context":{"externalIds":[{"id":{},"type":[]},null,5,{"id":"a","type":"x y"}]}'),
    ("group", b'"context":{"groupId":"' + b"g" * 10_240 + b'"}'),
    ("emoji", '"properties":{"ad":"İıŞş 😀 \\ud83d\\ude00","日本":"\u200b"}'.encode()),
    ("lines", b'"properties":{\n  "a": 1,\r\n\t"b": {\n"c": 2}\n},"context":{\n"d":\n3}'),
    ("1970", b'"timestamp":"1970-01-01T00:00:00Z"'),
    ("1969", b'"timestamp":"1969-12-31T23:59:59.999Z"'),
    ("2999", b'"timestamp":"2999-12-31T23:59:59Z"'),
    ("9999", b'"timestamp":"9999-12-31T23:59:59-14:00"'),
    ("number-time", b'"timestamp":1710121212345'),
    ("text-time", b'"timestamp":"1710121212345"'),
    ("huge-time", b'"timestamp":1e300,"sentAt":""'),
    ("integrations", b'"integrations":"nonsense"'),
]


@pytest.mark.parametrize(("name", "fields"), GOOD, ids=[i[0] for i in GOOD])
def test_odd_but_good_items_are_queryable(
    server: Server, key: str, name: str, fields: bytes
) -> None:
    item = json.dumps(track(f"good-{name}")).encode()[:-1] + b"," + fields + b"}"
    accepted(post(server, key, b'{"batch":[' + item + b"]}"))
    single = item.replace(b"m-good", b"s-good")
    accepted(post(server, key, single, "/v1/track"))
    found = eventually(
        lambda: timeline(server, f"good-{name}"), lambda items: len(items) == 2, what=name
    )
    assert {e["message_id"] for e in found} == {f"m-good-{name}", f"s-good-{name}"}
    for event in found:
        assert event["timestamp"] <= event["received_at"] or name not in {"2999", "9999"}
        assert "1900" <= event["timestamp"][:4] <= "2299"
    if name == "lines":
        assert found[0]["properties"] == {"a": 1, "b": {"c": 2}}
    if name in {"number-time", "text-time"}:
        assert found[0]["timestamp"] == "2024-03-11T01:40:12.345Z"


def test_the_same_traits_whatever_the_keys(server: Server, key: str) -> None:
    traits = {"__proto__": "p", "": "e", "a.b": 1, 'q"': 2, "n": None, "big": 10**30, "nul": "\0"}
    body = {"batch": [{"type": "identify", "userId": "traits", "traits": traits}]}
    accepted(post(server, key, json.dumps(body).encode()))
    timeline(server, "traits")
    found = server.get("/api/v1/profiles/user_id:traits")["traits"]
    assert {n: v for n, v in found.items() if n != "big"} == {
        "__proto__": "p", "": "e", "a.b": 1, 'q"': 2, "nul": "\0",
    }  # fmt: skip
    assert found["big"] == pytest.approx(1e30)


BODIES: list[tuple[str, bytes, int, str]] = [
    ("empty", b"", 400, "invalid_request"),
    ("text", b"hello", 400, "invalid_request"),
    ("null", b"null", 400, "invalid_request"),
    ("list", b"[]", 400, "invalid_request"),
    ("no-batch", b"{}", 400, "invalid_request"),
    ("null-batch", b'{"batch":null}', 400, "invalid_request"),
    ("object-batch", b'{"batch":{}}', 400, "invalid_request"),
    ("two-values", b'{"batch":[]}{}', 400, "invalid_request"),
    ("truncated", b'{"batch":[{"type":"track","ev', 400, "invalid_request"),
    ("single-quotes", b"{'batch':[]}", 400, "invalid_request"),
    ("utf-16", '{"batch":[]}'.encode("utf-16"), 400, "invalid_request"),
    ("bom-shape", b'\xef\xbb\xbf{"batch":[],"sentAt":{}}', 400, "invalid_request"),
    ("nan-outside", b'{"batch":[],"context":{"a":NaN}}', 400, "invalid_request"),
    ("deep", b"[" * (2 * MB) + b"]" * (2 * MB), 400, "invalid_request"),
    (
        "deep-context",
        b'{"batch":[],"context":' + b'{"a":' * 600_000 + b"1" + b"}" * 600_001,
        400,
        "invalid_request",
    ),
    (
        "deep-item",
        b'{"batch":[' + b'{"a":' * 600_000 + b"1" + b"}" * 600_000 + b"]}",
        400,
        "invalid_request",
    ),
    (
        "nested-context",
        b'{"batch":[],"context":' + b'{"a":' * 100 + b"1" + b"}" * 101,
        400,
        "invalid_request",
    ),
    ("context-text", b'{"batch":[],"context":"x"}', 400, "invalid_request"),
    ("context-utf-8", b'{"batch":[],"context":{"a":"\xff"}}', 400, "invalid_request"),
    ("large", b'{"batch":[],"x":"' + b"x" * (4 * MB) + b'"}', 413, "too_large"),
    ("large-context", b'{"batch":[],"context":{"x":"' + b"x" * 40_000 + b'"}}', 413, "too_large"),
    (
        "context-times-items",
        b'{"context":{"x":"' + b"x" * 30_000 + b'"},"batch":[' + b"{}," * 9_999 + b"{}]}",
        413,
        "too_large",
    ),
    ("100,000 items", b'{"batch":[' + b"1," * 99_999 + b"1]}", 413, "too_large"),
    ("gzip-cut", gzip.compress(b'{"batch":[]}')[:-9], 400, "invalid_request"),
    ("gzip-broken", b"\x1f\x8bnonsense", 400, "invalid_request"),
    ("gzip-bomb", gzip.compress(b" " * (64 * MB)), 413, "too_large"),
]


@pytest.mark.parametrize(("name", "body", "status", "code"), BODIES, ids=[b[0] for b in BODIES])
def test_a_bad_body_has_a_clear_answer(
    server: Server, key: str, name: str, body: bytes, status: int, code: str
) -> None:
    answer = post(server, key, body, Origin="https://shop.example")
    refused(answer, status, code)
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    anonymous = httpx.post(f"{server.url}/v1/batch", content=body, timeout=30)
    assert anonymous.status_code in {status, 401}
    assert "Traceback" not in anonymous.text


def test_a_good_body_with_bom_is_read(server: Server, key: str) -> None:
    body = b"\xef\xbb\xbf" + json.dumps({"batch": [track("bom", properties={"ş": "ğ"})]}).encode()
    accepted(post(server, key, body))
    assert timeline(server, "bom")[0]["properties"] == {"ş": "ğ"}


def test_a_body_cut_by_the_network_takes_nothing_and_harms_nobody(server: Server, key: str) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(
            b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nX-Write-Key: %b\r\nContent-Length: 1000\r\n\r\n"
            b'{"batch":[{"type":"track"' % key.encode()
        )
    accepted(post(server, key, json.dumps({"batch": [track("after-cut")]}).encode()))
    timeline(server, "after-cut")


def test_gzip_with_any_content_type_and_chunked(server: Server, key: str) -> None:
    body = gzip.compress(json.dumps({"batch": [track("chunked")]}).encode())

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(body), 7):
            yield body[start : start + 7]

    answer = httpx.post(
        f"{server.url}/v1/b",
        content=pieces(),
        auth=(key, ""),
        headers={
            "Content-Encoding": "gzip",
            "Content-Type": "application/x-www-form-urlencoded",
        },
    )
    accepted(answer)
    timeline(server, "chunked")


def test_keys(server: Server, key: str) -> None:
    body = json.dumps({"batch": [track("keys")]}).encode()
    for wrong in ("nonsense", "wk_" + "x" * 100_0, "ş", "a:b", "\x01", '"; DROP TABLE sources'):
        answer = httpx.post(f"{server.url}/v1/batch", content=body, auth=(wrong, ""))
        refused(answer, 401, "unauthorized")
    refused(httpx.post(f"{server.url}/v1/batch", content=body), 401, "unauthorized")
    server.add_source("closed")
    closed = next(s for s in server.get("/api/v1/sources")["items"] if s["name"] == "closed")
    changed = server.api.patch("/api/v1/sources/closed", json={"enabled": False})
    assert changed.status_code == 200
    message = refused(post(server, closed["write_key"], body), 403, "source_disabled")
    assert "closed" in message


def test_a_batch_of_20_000_items_arrives_whole(server: Server, key: str) -> None:
    items = [
        {"type": "track", "event": "Many", "userId": "many", "messageId": f"many-{n}"}
        for n in range(20_000)
    ]
    accepted(post(server, key, json.dumps({"batch": items}).encode()))
    eventually(
        lambda: server.get("/api/v1/events/summary", event="Many", group_by="event")["items"],
        lambda groups: bool(groups) and groups[0]["events"] == 20_000,
        what="all of the large batch",
    )


def test_pixels_always_answer_the_picture(server: Server, key: str) -> None:
    queries = (
        "",
        "writeKey=nonsense",
        f"writeKey={key}",
        f"writeKey={key}&userId=x&event=e&" + "&".join(f"properties.p{n}=1" for n in range(600)),
        f"writeKey={key}&userId=x&event=e&properties" + ".a" * 20_000 + "=1",
        "data=%00%ff",
        "data=W10=",
        "data=eyJhIjo5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5fQ==",
        "data=" + "W" * 50_000,
        "%ff=%fe&%7f",
    )
    for query in queries:
        for path in ("/v1/pixel/track", "/pixel/v1/page"):
            answer = httpx.get(f"{server.url}{path}?{query}")
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "image/gif"
            assert len(answer.content) == 43
            assert answer.headers["cache-control"] == "no-store"


def test_null_settings_of_a_source_do_not_break_the_register(server: Server, key: str) -> None:
    server.add_source("nulls")
    fields = ("trust", "default_region", "ip_policy", "strict", "max_event_bytes",
              "max_body_bytes", "events_per_second")  # fmt: skip
    for field in fields:
        answer = server.api.patch("/api/v1/sources/nulls", json={"settings": {field: None}})
        assert answer.status_code == 200, answer.text
    settings = server.get("/api/v1/sources/nulls")["settings"]
    assert settings["max_event_bytes"] == 32 * 1024
    accepted(post(server, key, json.dumps({"batch": [track("after-nulls")]}).encode()))


def test_nothing_was_our_fault(server: Server) -> None:
    """Runs in any order: the log must be clean whenever it is looked at."""
    log = server.log()
    assert "Traceback" not in log
    assert "tracking request failed" not in log
    assert "cannot work" not in log
    assert "refused a row" not in log
