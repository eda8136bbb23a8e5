"""Any JSON, and nearly JSON, at the tracking API of a real server: an answer, and no item lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.server import Server, running_server

pytestmark = pytest.mark.e2e

FIELDS = ["type", "userId", "anonymousId", "event", "name", "messageId", "groupId", "previousId",
          "timestamp", "originalTimestamp", "sentAt", "context", "properties", "traits", "channel",
          "writeKey", "integrations", "batch", "externalIds", "ip", "page", "email", "phone",
          "revenue", "currency", "__proto__", "", "a.b"]  # fmt: skip
WORDS = ["track", "identify", "page", "group", "alias", "2026-01-01", "a@b.co", "+905321234567",
         "u1", "", "null", "NaN", "\0", "\ud7ff", "İ"]  # fmt: skip
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=20)
    | st.text(alphabet=st.characters(codec=None), max_size=5)
    | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=8), inner, max_size=6)
    ),
    max_leaves=25,
)
messages = st.dictionaries(st.sampled_from(FIELDS), values | st.sampled_from(WORDS), max_size=10)
paths = st.sampled_from(["/v1/batch", "/v1/track", "/v1/identify", "/v1/g", "/v1/a", "/v1/import"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("fuzz") / "data", port=18921) as running:
        yield running


def test_any_json(server: Server) -> None:
    key = server.add_source("shop")
    sent = 0

    @settings(
        max_examples=400, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(paths, st.lists(messages, max_size=5), messages, st.booleans())
    def send(path: str, batch: list[Any], outer: dict[str, Any], ascii_only: bool) -> None:
        nonlocal sent
        sent += 1
        good = {"type": "track", "event": "Fuzz", "userId": "good", "messageId": f"g{sent}"}
        middle = len(batch) // 2
        body = {"batch": [*batch[:middle], good, *batch[middle:]]}
        for each, address in ((body, "/v1/batch"), (outer, path)):
            text = json.dumps(each, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
            answer = client.post(server.url + address, content=text, auth=(key, ""))
            assert answer.status_code in {200, 400, 413} if each is outer else {200}, answer.text
            if answer.status_code == 200:
                assert answer.text == '{"success": true}'
            else:
                assert set(answer.json()) == {"code", "message"}

    with httpx.Client(timeout=30) as client:
        send()
    stats = server.wait_until_idle()
    found = server.get("/api/v1/events/summary", event="Fuzz", group_by="event")["items"]
    assert found[0]["events"] == sent
    assert stats["events"] >= sent
    for reject in server.get("/api/v1/rejects", limit=500)["items"]:
        assert (reject["stage"], reject["reason"]) != ("store", "internal"), reject
        assert (reject["stage"], reject["reason"]) != ("process", "internal"), reject
    log = server.log()
    assert "Traceback" not in log
    assert "failed" not in log
    assert "cannot work" not in log
    replayed = server.api.post("/api/v1/rejects/replay", json={})
    assert replayed.status_code == 200
