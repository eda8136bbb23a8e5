"""Several processes on PostgreSQL and ClickHouse: one takes in, one works, one answers."""

from __future__ import annotations

import json
from base64 import b64encode
from collections import Counter

import httpx
import pytest
from tests.faults.traffic import Sender, Traffic
from tests.roles.conftest import Installation
from tests.server import Server, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SEED = 20261122


def send(server: Server, key: str, *messages: dict[str, object]) -> httpx.Response:
    token = b64encode(f"{key}:".encode()).decode()
    return httpx.post(
        f"{server.url}/v1/batch",
        json={"batch": list(messages)},
        headers={"Authorization": f"Basic {token}"},
        timeout=30,
    )


def people() -> tuple[dict[str, object], ...]:
    return (
        {"type": "track", "event": "Viewed", "anonymousId": "b1", "messageId": "m1"},
        {"type": "identify", "anonymousId": "b1", "userId": "7", "messageId": "m2",
         "traits": {"email": "Ayşe@Example.com", "firstName": "Ayşe", "lastName": "Işık"}},
        {"type": "track", "event": "Bought", "userId": "7", "messageId": "m3"},
    )  # fmt: skip


def check_ayse(api: Server) -> None:
    found = eventually(
        lambda: api.api.get("/api/v1/profiles/user_id:7"),
        lambda answer: answer.status_code == 200 and answer.json()["event_count"] == 3,
        what="the profile",
    ).json()
    assert {i["namespace"] for i in found["identities"]} == {"user_id", "email", "anonymous_id"}
    assert found["traits"]["lastName"] == "Işık"
    timeline = eventually(
        lambda: api.get("/api/v1/profiles/anonymous_id:b1/events")["items"],
        lambda items: len(items) == 3,
        what="the timeline",
    )
    assert {e["message_id"] for e in timeline} == {"m1", "m2", "m3"}
    sought = api.get("/api/v1/profiles", query="ışık")["items"]
    assert [p["profile_id"] for p in sought] == [found["profile_id"]]
    stats = api.wait_until_idle()
    assert (stats["events"], stats["profiles"], stats["identities"]) == (3, 1, 3)


def test_one_process_on_both_servers_does_everything(installation: Installation) -> None:
    server = installation.start("all")
    key = server.add_source("shop")  # while it runs: the command goes beside it, not through it
    assert send(server, key, *people()).json() == {"success": True}
    check_ayse(server)
    assert "Ayşe" in server.command("profile", "email:ayşe@example.com")
    assert json.loads(server.command("status", "--json"))["inbox_lag"]["messages"] == 0


def test_what_the_collector_takes_the_api_shows(installation: Installation) -> None:
    api = installation.start("api")
    made = api.api.post("/api/v1/sources", json={"name": "shop", "kind": "http"})
    key = made.json()["write_key"]
    collector, _ = installation.start("collector"), installation.start("worker")
    installation.start("worker")
    installation.active_worker()
    assert send(collector, key, *people()).json() == {"success": True}
    check_ayse(api)
    assert send(api, key, *people()).status_code == 404, "only a collector takes messages in"


def test_a_source_made_a_moment_ago_loses_nothing(installation: Installation) -> None:
    api, collector = installation.start("api"), installation.start("collector")
    worker = installation.start("worker")
    for number in range(3):
        made = api.api.post("/api/v1/sources", json={"name": f"s{number}", "kind": "http"})
        key = made.json()["write_key"]
        message = {"type": "track", "event": "E", "userId": "1", "messageId": f"m{number}"}
        eventually(
            lambda: send(collector, key, message).status_code,  # noqa: B023
            lambda status: status == 200,
            what="the collector's news of the source",
        )
    eventually(api.stats, lambda s: s["events"] == 3, what="three events")
    assert worker.process.poll() is None


@pytest.mark.parametrize("fate", ["killed", "cut off"])
def test_another_worker_takes_over(installation: Installation, fate: str) -> None:
    api = installation.start("api")
    keys = {
        name: api.api.post("/api/v1/sources", json={"name": name, "kind": kind}).json()["write_key"]
        for name, kind in (("server", "http"), ("site", "web"))
    }
    collector = installation.start("collector")
    for _ in range(2):
        installation.start("worker")
    sender = Sender(collector.port, keys, Traffic(SEED), 2500)
    sender.start(threads=3, seed=SEED)
    sender.up()
    try:
        for _ in range(4):
            grows(api)
            active = installation.active_worker()
            if fate == "killed":
                active.kill()
                installation.start("worker")
            else:  # alive, and perhaps in the middle of an insert, but without the lease
                installation.cut(active)
        grows(api)
    finally:
        sender.finish()
    sent = {message["messageId"] for _, message in sender.traffic.sent}
    stats = api.wait_until_idle(seconds=90)
    stored = Counter(message_id for message_id, _, _ in installation.stored())
    print(f"seed {SEED}: {len(sent)} messages, {sender.resent} requests resent")
    assert {m: n for m, n in stored.items() if n != 1} == {}
    assert stored.keys() == sent
    assert stats["events"] == len(sent)


def grows(api: Server) -> None:
    """Wait until more is worked off than now."""
    before = api.stats()["events"]
    eventually(api.stats, lambda s: s["events"] > before + 500, what="somebody works")
