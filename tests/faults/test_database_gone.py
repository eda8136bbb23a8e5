"""A database that goes away and comes back: 503 meanwhile, nothing lost, nobody called."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import httpx
import pytest
from tests.contract.backends import ChdbHttpServer, PostgresServer
from tests.faults.traffic import encode
from tests.server import Server, eventually, running_server

pytestmark = pytest.mark.faults
TOKEN = "a-token-of-the-tests-that-is-long-enough-0123"


def send(server: Server, key: str, user: str) -> httpx.Response:
    token = b64encode(f"{key}:".encode()).decode()
    return httpx.post(
        f"{server.url}/v1/identify",
        content=encode({"userId": user, "messageId": user, "traits": {"tier": "gold"}}),
        headers={"Authorization": f"Basic {token}"},
        timeout=30,
    )


def is_known(server: Server, user: str) -> bool:
    answer = server.api.get(f"/api/v1/profiles/user_id:{user}")
    return answer.status_code == 200 and answer.json()["traits"].get("tier") == "gold"


def until_known(server: Server, user: str) -> None:
    eventually(lambda: is_known(server, user), bool, what=f"{user} is not known")


def test_postgresql_gone(tmp_path: Path) -> None:
    postgres = PostgresServer()
    postgres.start()
    try:
        environ = {"TEKIL_STATE_URL": postgres.url(postgres.create_database())}
        with running_server(tmp_path / "data", admin_token=TOKEN, environ=environ) as server:
            key = server.add_source("shop")
            assert send(server, key, "before").status_code == 200
            until_known(server, "before")
            postgres.stop()
            refused = send(server, key, "meanwhile")
            assert refused.status_code == 503
            assert int(refused.headers["Retry-After"]) >= 1
            assert set(refused.json()) >= {"code", "message"}
            asked = server.api.get("/api/v1/profiles/user_id:before")
            assert asked.status_code == 503
            assert asked.json()["code"] == "store_unavailable"
            assert int(asked.headers["Retry-After"]) >= 1
            assert "inbox cannot be written" in server.log()
            assert server.process.poll() is None
            postgres.start()
            eventually(
                lambda: send(server, key, "after").status_code,
                lambda status: status == 200,
                what="messages are not accepted again",
            )
            until_known(server, "after")
            assert is_known(server, "before")
            assert not is_known(server, "meanwhile")
            assert server.wait_until_idle()["events"] == 2
    finally:
        postgres.remove()


def test_warehouse_gone(tmp_path: Path) -> None:
    warehouse = ChdbHttpServer(tmp_path / "warehouse")
    warehouse.start()
    try:
        environ = {"TEKIL_WAREHOUSE_URL": warehouse.url}
        with running_server(tmp_path / "data", admin_token=TOKEN, environ=environ) as server:
            key = server.add_source("shop")
            assert send(server, key, "before").status_code == 200
            until_known(server, "before")
            server.wait_until_idle()
            warehouse.stop()
            # The inbox takes it: the history is behind until the warehouse is back.
            assert send(server, key, "meanwhile").status_code == 200
            asked = server.api.get("/api/v1/profiles/user_id:before/events")
            assert asked.status_code == 503
            assert asked.json()["code"] == "store_unavailable"
            warehouse.start()
            until_known(server, "meanwhile")
            stats = eventually(
                server.stats,
                lambda stats: stats["events"] == 2 and stats["inbox_lag"]["messages"] == 0,
                what="the history did not catch up",
            )
            assert stats["duplicates"] == 0
            history = server.get("/api/v1/profiles/user_id:meanwhile/events")
            assert [event["message_id"] for event in history["items"]] == ["meanwhile"]
    finally:
        warehouse.stop()
