"""What the Kotlin and Swift SDKs put on the wire, byte for byte as their source code does it.

They cannot run here, so this sends what they would: Kotlin in gzip and in chunks, with the write
key at the very end of the body and nowhere else; Swift in the open, with the key in both places.
"""

from __future__ import annotations

import base64
import gzip
import http.client
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from tests.sdk.arrivals import events_of
from tests.sdk.pages import Person
from tests.server import Server, eventually

pytestmark = pytest.mark.e2e

FIVE_CALLS = ["identify", "track", "screen", "group", "alias"]
CHUNK = 512


@pytest.fixture(scope="module")
def mobile_key(server: Server) -> str:
    return server.add_source("app", kind="mobile")


def messages(person: Person, library: str) -> list[dict[str, Any]]:
    context = {
        "library": {"name": library, "version": "1.19.2"},
        "app": {"name": "Shop", "version": "2.0", "build": "200", "namespace": "com.shop"},
        "device": {"id": f"device-{person.name}", "manufacturer": "Acme", "type": "android"},
        "os": {"name": "Android", "version": "15"},
        "network": {"cellular": False, "wifi": True, "bluetooth": False},
        "locale": "tr-TR",
    }
    said: dict[str, dict[str, Any]] = {
        "identify": {"traits": {"email": person.email, "name": "Ada Lovelace"}},
        "track": {"event": "Order Completed", "properties": {"order_id": "1001"}},
        "screen": {"name": "Cart", "category": "Shop", "properties": {"items": 3}},
        "group": {"groupId": person.group_id, "traits": {"name": "Acme Inc."}},
        "alias": {"previousId": person.previous_id},
    }
    return [
        {
            **said[kind],
            "type": kind,
            "messageId": f"{kind}-{person.name}",
            "anonymousId": f"anonymous-{person.name}",
            "userId": person.user_id,
            "context": context,
            "integrations": {},
            "timestamp": "2026-11-22T01:47:28.842Z",
            "_metadata": {"bundled": [], "unbundled": [], "bundledIds": []},
        }
        for kind in FIVE_CALLS
    ]


def post(server: Server, body: bytes | Iterator[bytes], headers: dict[str, str]) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request(
        "POST", "/v1/b", body=body, headers=headers, encode_chunked=not isinstance(body, bytes)
    )
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    assert answer.status == 200, text
    return text


def assert_arrived(server: Server, person: Person) -> None:
    events = eventually(lambda: events_of(server, person), lambda found: len(found) >= 5)
    server.wait_until_idle()
    events = events_of(server, person)
    assert Counter(event["type"] for event in events) == Counter(FIVE_CALLS)
    profile = server.get(f"/api/v1/profiles/user_id:{person.user_id}")
    held = {(i["namespace"], i["value"]) for i in profile["identities"]}
    assert ("device_id", f"device-{person.name}") in held
    assert ("anonymous_id", f"anonymous-{person.name}") in held


def test_a_kotlin_batch_arrives_once_though_it_is_sent_twice(
    server: Server, mobile_key: str, person: Person
) -> None:
    batch = {"batch": messages(person, "analytics-kotlin"), "sentAt": "2026-11-22T01:47:30.000Z"}
    text = json.dumps(batch).removesuffix("}") + f',"writeKey":"{mobile_key}"}}'
    packed = gzip.compress(text.encode())
    headers = {
        "Content-Type": "text/plain",
        "Content-Encoding": "gzip",
        "Transfer-Encoding": "chunked",
        "User-Agent": "analytics-kotlin/1.19.2",
    }
    before = server.wait_until_idle()
    for _ in range(2):
        chunks = (packed[i : i + CHUNK] for i in range(0, len(packed), CHUNK))
        assert json.loads(post(server, chunks, headers)) == {"success": True}
    assert_arrived(server, person)
    after = server.stats()
    assert after["events"] - before["events"] == 5
    assert after["duplicates"] - before["duplicates"] == 5


def test_a_swift_batch_arrives(server: Server, mobile_key: str, person: Person) -> None:
    batch = {
        "batch": messages(person, "analytics-swift"),
        "sentAt": "2026-11-22T01:47:30.000Z",
        "writeKey": mobile_key,
    }
    basic = base64.b64encode(f"{mobile_key}:".encode()).decode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Authorization": f"Basic {basic}",
        "User-Agent": "analytics-ios/1.9.0",
        "Accept-Encoding": "gzip",
    }
    post(server, json.dumps(batch).encode(), headers)
    assert_arrived(server, person)


def test_both_find_their_settings_below_the_host_that_they_are_given(
    server: Server, mobile_key: str
) -> None:
    found = server.get(f"/v1/projects/{mobile_key}/settings")
    segment = found["integrations"]["Segment.io"]
    assert segment["apiKey"] == mobile_key
    assert segment["apiHost"] == f"127.0.0.1:{server.port}/v1"
    assert found["metrics"]["sampleRate"] == 0
