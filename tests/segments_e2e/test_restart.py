"""A server that was stopped or killed goes on with the memberships that a full look would find."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from tests.segments_e2e.shop import Segments, fill, send
from tests.segments_e2e.test_live import track
from tests.server import Server, eventually, start_server

pytestmark = [pytest.mark.e2e, pytest.mark.faults, pytest.mark.timeout(300)]

DEFINITIONS = {
    "buyers": {"event": "Order Completed"},
    "regulars": {"event": "Order Completed", "count": {"gte": 3}, "within": {"last": "300d"}},
    "quiet": {"not": {"event": "Product Viewed", "within": {"last": "30d"}}},
    "turkish": {"trait": "country", "is": "TR"},
    "nested": {"all": [{"segment": "turkish"}, {"not": {"segment": "regulars"}}]},
    "pinged": {"event": "Ping", "count": {"gte": 2}},
}


def test_memberships_outlive_stops_and_kills(tmp_path: Path) -> None:
    data = tmp_path / "data"
    server = start_server(data)
    try:
        fill(server)
        key = server.add_source("pings", kind="http")
        segments = Segments(server)
        for name, definition in DEFINITIONS.items():
            segments.put(name, definition)
        before = {name: segments.members(name) for name in DEFINITIONS}
        assert all(before[name] for name in DEFINITIONS if name != "pinged")

        server.stop()
        server = again(server)
        segments = Segments(server)
        wait_followed(segments)
        assert {name: segments.members(name) for name in DEFINITIONS} == before

        users = [f"ping-{i}" for i in range(40)]
        send(server, key, *(track(user, "Ping") for user in users))
        send(server, key, *(track(user, "Ping") for user in users))
        server.kill()  # what was accepted may not even be processed
        server = again(server)
        segments = Segments(server)
        server.wait_until_idle()
        eventually(
            lambda: len(segments.members("pinged")),
            lambda n: n == len(users),
            what="everybody who pinged twice",
        )
        for name, definition in DEFINITIONS.items():
            assert segments.members(name) == segments.judged(definition), name
        for user in (users[0], users[-1]):
            entered = eventually(
                lambda user=user: [
                    event
                    for event in segments.timeline(f"user_id:{user}", "Segment Entered")
                    if event["properties"]["segment"] == "pinged"
                ],
                bool,
            )
            assert len(entered) == 1, "an entry is told once, whatever happened in between"
        assert len(segments.changes("pinged")) == len(users)
    finally:
        server.stop()
    assert "Traceback" not in server.log()


def test_people_enter_while_it_is_killed_again_and_again(tmp_path: Path) -> None:
    server = start_server(tmp_path / "data")
    try:
        key = server.add_source("pings", kind="http")
        Segments(server).put("pinged", {"event": "Ping", "count": {"gte": 1}})
        sent: list[str] = []
        for _ in range(3):
            users = [f"u-{secrets.token_hex(4)}" for _ in range(200)]
            send(server, key, *(track(user, "Ping") for user in users))
            sent += users
            server.kill()
            server = again(server)
        server.wait_until_idle()
        segments = Segments(server)
        eventually(
            lambda: len(segments.members("pinged")),
            lambda n: n == len(sent),
            what="everybody who pinged",
        )
        entries = segments.changes("pinged")
        assert len(entries) == len({entry["profile_id"] for entry in entries}) == len(sent)
        told = eventually(
            lambda: [len(segments.timeline(f"user_id:{u}", "Segment Entered")) for u in sent[::60]],
            lambda counts: 0 not in counts,
            what="entries in the timelines",
        )
        assert set(told) == {1}
    finally:
        server.stop()


def again(server: Server) -> Server:
    """The same directory, served anew."""
    return start_server(server.data, admin_token=server.admin_token)


def wait_followed(segments: Segments) -> None:
    """Wait until a server that was just started follows its segments."""
    probe = {"definition": {"event": "Never"}}
    eventually(
        lambda: segments.api.put("/api/v1/segments/(probe)", json=probe).status_code,
        lambda status: status == 200,
        what="segments followed",
    )
    segments.delete("(probe)")
