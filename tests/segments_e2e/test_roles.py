"""Segments where one process answers and another one follows."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from tests.contract.backends import ChdbHttpServer, PostgresServer
from tests.roles.conftest import Installation
from tests.segments_e2e.shop import Segments, send
from tests.segments_e2e.test_live import track
from tests.server import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_what_the_api_defines_the_worker_follows(
    postgres_server: PostgresServer, chdb_http_server: ChdbHttpServer, tmp_path: Path
) -> None:
    installation = Installation(postgres_server, chdb_http_server, tmp_path)
    try:
        api = installation.start("api")
        made = api.api.post("/api/v1/sources", json={"name": "shop", "kind": "http"})
        key = made.json()["write_key"]
        collector, _ = installation.start("collector"), installation.start("worker")
        installation.active_worker()
        segments = Segments(api)
        send(collector, key, track("ada", "Bought"), track("bob", "Looked"))
        eventually(api.stats, lambda stats: stats["events"] == 2)

        assert segments.put("buyers", {"event": "Bought"})["size"] == 1
        ada = segments.profile("user_id:ada")
        assert segments.members("buyers") == {ada["profile_id"]}
        assert ada["segments"] == ["buyers"]
        assert segments.profile("user_id:bob")["segments"] == []

        send(collector, key, track("bob", "Bought", order=secrets.token_hex(4)))
        eventually(
            lambda: segments.profile("user_id:bob")["segments"], lambda names: names == ["buyers"]
        )
        segments.put("lookers", {"all": [{"segment": "buyers"}, {"event": "Looked"}]})
        assert segments.members("lookers") == {segments.profile("user_id:bob")["profile_id"]}
        segments.put("buyers", {"event": "Bought", "count": {"gte": 9}})
        eventually(lambda: segments.members("lookers"), lambda members: members == set())
        assert segments.members("buyers") == set()
        reworded = {"all": [{"event": "Looked"}, {"segment": "buyers"}]}
        assert segments.put("lookers", reworded)["version"] == 2
        same = {"count": {"gte": 9}, "event": "Bought"}
        assert segments.put("buyers", same)["version"] == 3, "written anew, meaning the same"
        segments.delete("lookers")
        segments.delete("buyers")
        assert segments.profile("user_id:bob")["segments"] == []
    finally:
        installation.close()
    for server in installation.processes:
        assert "Traceback" not in server.log(), server.log()
