"""Schema, figures, sources, rejects and replays over HTTP, and the same by commands."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.contract.problems import assert_problem
from tests.server import TEKIL, Server, free_port, running_server

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("api") / "data", port=18931) as running:
        yield running


def send(server: Server, key: str, *items: Any, path: str = "/v1/batch") -> None:
    body = {"batch": list(items)} if path == "/v1/batch" else items[0]
    answer = httpx.post(server.url + path, json=body, auth=(key, ""))
    assert answer.status_code == 200, answer.text
    server.wait_until_idle()


def track(event: str, n: int, **properties: Any) -> dict[str, Any]:
    return {
        "type": "track", "event": event, "userId": f"u{n % 3}", "messageId": f"{event}-{n}",
        "properties": properties, "timestamp": f"2026-0{n % 9 + 1}-01T00:00:00Z",
    }  # fmt: skip


def test_schema_counts_types_examples_and_pages(server: Server) -> None:
    key = server.add_source("schema-shop")
    for n in range(6):
        send(server, key, *(track(f"S{e}", n, a=n, b="x" * e, c=None) for e in range(5)))
    send(server, key, track("S0", 99, a="text", only=[1]))
    items = server.get("/api/v1/schema", source="schema-shop")["items"]
    assert [(i["event"], i["count"]) for i in items] == [
        ("S0", 7), ("S1", 6), ("S2", 6), ("S3", 6), ("S4", 6)
    ]  # fmt: skip
    first = items[0]["properties"]
    assert {name: facts["count"] for name, facts in first.items()} == {
        "a": 7, "b": 6, "c": 6, "only": 1
    }  # fmt: skip
    assert set(first["a"]["types"]) == {"integer", "text"}
    assert first["only"]["types"] == ["list"]
    assert items[0]["first_seen"] == "2026-01-01T00:00:00.000Z"
    (one,) = server.get("/api/v1/schema", source="schema-shop", event="S3")["items"]
    assert one["event"] == "S3"
    seen: list[str] = []
    cursor = None
    while True:
        query = {"source": "schema-shop", "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = server.get("/api/v1/schema", **query)
        seen += [item["event"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(seen) == ["S0", "S1", "S2", "S3", "S4"]
    assert_problem(server.api.get("/api/v1/schema?source=nope"), 404, "not_found")
    assert_problem(server.api.get("/api/v1/schema?cursor=nope"), 400, "invalid_request")


def test_summary_groups_filters_and_pages(server: Server) -> None:
    key = server.add_source("sum-shop")
    orders = [
        track("Order Completed", n, revenue=10.25, currency="TRY" if n % 2 else "EUR", order_id=n)
        for n in range(9)
    ]
    send(server, key, *orders, track("Other's \\ \n event", 1))
    (total,) = server.get("/api/v1/events/summary", source="sum-shop")["items"]
    assert (total["events"], float(total["revenue"])) == (10, 92.25)
    by = server.get("/api/v1/events/summary", source="sum-shop", event="Order Completed",
                    group_by=["currency"])["items"]  # fmt: skip
    assert {i["currency"]: (i["events"], float(i["revenue"])) for i in by} == {
        "EUR": (5, 51.25), "TRY": (4, 41.0)
    }  # fmt: skip
    odd = server.get("/api/v1/events/summary", event="Other's \\ \n event", group_by="type")
    assert odd["items"][0]["events"] == 1
    months: list[Any] = []
    cursor = None
    while True:
        query: dict[str, Any] = {"source": "sum-shop", "group_by": "month", "limit": 4}
        page = server.get(
            "/api/v1/events/summary", **query, **({"cursor": cursor} if cursor else {})
        )
        months += [item["month"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert months == [202600 + n for n in range(1, 10)]
    assert server.get("/api/v1/events/summary", source="sum-shop", type="page")["items"][0][
        "events"
    ] == 0  # fmt: skip


def test_stats_move_with_what_comes(server: Server) -> None:
    key = server.add_source("stat-shop")
    before = server.stats()
    send(server, key, track("T", 1), track("T", 1), track("T", 2), {"type": "x"})
    after = server.stats()
    assert set(after) == {
        "events", "profiles", "identities", "rejects", "duplicates", "inbox_lag"
    }  # fmt: skip
    moved = {n: after[n] - before[n] for n in ("events", "rejects", "duplicates")}
    assert moved == {"events": 2, "rejects": 1, "duplicates": 1}
    assert after["inbox_lag"] == {"messages": 0, "seconds": 0.0}


def test_sources(server: Server) -> None:
    api = server.api
    made = api.post("/api/v1/sources", json={"name": "web-1", "kind": "web"})
    assert made.status_code == 201
    source = made.json()
    assert (source["trust"], source["enabled"]) == ("weak", True)
    assert source["write_key"].startswith("wk_")
    assert_problem(api.post("/api/v1/sources", json={"name": "web-1"}), 409, "conflict")
    assert_problem(api.post("/api/v1/sources", json={"name": "Ünlü"}), 400, "invalid_definition")
    assert_problem(
        api.post("/api/v1/sources", json={"name": "x", "kinds": "web"}), 400, "invalid_request"
    )
    changed = api.patch(
        "/api/v1/sources/web-1", json={"settings": {"trust": "strong", "max_event_bytes": 999}}
    ).json()
    assert (changed["trust"], changed["settings"]["max_event_bytes"]) == ("strong", 999)
    kept = api.patch("/api/v1/sources/web-1", json={"enabled": False}).json()
    assert (kept["enabled"], kept["settings"]["max_event_bytes"]) == (False, 999)
    api.patch("/api/v1/sources/web-1", json={"enabled": True})
    rotated = api.post("/api/v1/sources/web-1/rotate-key").json()
    assert rotated["write_key"] != source["write_key"]
    for key, status in ((source["write_key"], 401), (rotated["write_key"], 200)):
        answer = httpx.post(f"{server.url}/v1/batch", json={"batch": []}, auth=(key, ""))
        assert answer.status_code == status
    assert_problem(api.get("/api/v1/sources/web-2"), 404, "not_found")
    assert "web-1" in [s["name"] for s in server.get("/api/v1/sources")["items"]]


def test_rejects_are_listed_and_replayed_after_a_fix(server: Server) -> None:
    key = server.add_source("reject-shop")
    large = track("Large", 1, text="x" * 40_000)
    send(server, key, large, {"type": "trak", "userId": "u"})
    untyped = {k: v for k, v in (large | {"messageId": "single"}).items() if k != "type"}
    send(server, key, untyped, path="/v1/track")
    page = server.get("/api/v1/rejects", source="reject-shop")
    assert page["counts"] == {"collect:event_too_large": 2, "collect:unknown_message_type": 1}
    first = server.get("/api/v1/rejects", source="reject-shop", limit=1)
    rest = server.get("/api/v1/rejects", source="reject-shop", cursor=first["next"])
    assert len(first["items"] + rest["items"]) == 3
    assert len(server.get("/api/v1/rejects", source="reject-shop", text="trak")["items"]) == 1
    done = json.loads(server.command("rejects", "replay", "--source", "reject-shop", "--json"))
    assert done == {"replayed": 0, "still_rejected": 3}
    server.api.patch("/api/v1/sources/reject-shop", json={"settings": {"max_event_bytes": 64_000}})
    done = json.loads(server.command("rejects", "replay", "--source", "reject-shop", "--json"))
    assert done == {"replayed": 2, "still_rejected": 1}
    server.wait_until_idle()
    found = server.get("/api/v1/events/summary", event="Large", group_by="event")["items"]
    assert found[0]["events"] == 2
    assert len(server.get("/api/v1/rejects", source="reject-shop", pending=True)["items"]) == 1
    again = server.api.post("/api/v1/rejects/replay", json={"source": "reject-shop"}).json()
    assert again["replayed"] == 0
    printed = server.command("rejects", "list", "--source", "reject-shop")
    assert "unknown_message_type" in printed
    for body in ({"stage": "x"}, {"since": "soon"}, {"reject_ids": ["a"]}, {"ids": [1]}):
        answer = server.api.post("/api/v1/rejects/replay", json=body)
        assert_problem(answer, 400, "invalid_request")


def test_a_replay_doubles_nothing(server: Server) -> None:
    key = server.add_source("replay-shop")
    nameless = {"type": "track", "event": "Nameless", "userId": "u"}
    send(server, key, nameless, nameless, track("Named", 1))
    send(server, key, {"event": "Nameless", "userId": "u"}, path="/v1/track")
    send(server, key, {"type": "page", "userId": "u"})
    before = server.stats()
    for arguments, count in (
        ((), 5),
        (("--type", "page"), 2),  # what was replayed is in the inbox too
        (("--type", "track", "--since", "2020-01-01"), 8),
        (("--until", "2020-01-01"), 0),
    ):
        printed = server.command("replay", "--source", "replay-shop", *arguments, "--json")
        assert json.loads(printed)["replayed"] == count
        server.wait_until_idle()
    after = server.stats()
    assert after["events"] == before["events"]
    assert after["duplicates"] == before["duplicates"] + 15
    answer = server.api.post("/api/v1/inbox/replay", json={"types": ["trak"]})
    assert 'Did you mean "track"?' in assert_problem(answer, 400, "unknown_name")["detail"]


def test_a_body_of_the_api_is_bounded(server: Server) -> None:
    answer = server.api.post("/api/v1/sources", content=b"[" * 5_000_000)
    assert_problem(answer, 413, "too_large")


def doctor(data: Path, *environ: tuple[str, str]) -> tuple[int, dict[str, Any]]:
    import os

    clean = {k: v for k, v in os.environ.items() if not k.startswith("TEKIL_")}
    done = subprocess.run(
        [*TEKIL, "doctor", "--data", str(data), "--json"],
        env=clean | dict(environ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr + done.stdout
    found = json.loads(done.stdout)
    for check in found["checks"]:
        assert (check["health"] == "ok") is (check["advice"] == "")
    return done.returncode, {c["check"]: c["health"] for c in found["checks"]} | {
        "healthy": found["healthy"]
    }


def test_the_doctor_of_a_running_server(server: Server) -> None:
    code, found = doctor(server.data)
    assert (code, found["healthy"]) == (0, True)
    for check in ("directory", "state", "inbox", "server", "warehouse", "inbox lag", "clock",
                  "geoip", "secrets"):  # fmt: skip
        assert found[check] == "ok", check


def test_the_doctor_finds_what_is_wrong(tmp_path: Path) -> None:
    data = tmp_path / "data"
    code, found = doctor(data)
    assert (code, found["directory"], found["state"]) == (0, "warn", "warn")
    with running_server(data, port=free_port()):
        pass
    code, found = doctor(data)
    assert (code, found["warehouse"], found["state"]) == (0, "ok", "ok")
    code, found = doctor(data, ("TEKIL_GEOIP", str(data / "state.db")))
    assert (code, found["geoip"], found["healthy"]) == (1, "fail", False)
    code, found = doctor(data, ("TEKIL_HOST", "0.0.0.0"), ("TEKIL_ADMIN_TOKEN", "admin"))
    assert (code, found["secrets"]) == (1, "fail")
    (data / "inbox.db").write_bytes(b"this is no database at all" * 1000)
    code, found = doctor(data)
    assert (code, found["inbox"], found["state"]) == (1, "fail", "ok")
    code, found = doctor(data / "state.db" / "below")
    assert code in {0, 1}
