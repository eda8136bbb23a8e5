"""Segments of a real server: entering by an event, leaving by the clock, told once each."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from tests.segments_e2e.shop import VISIBLE_SECONDS, Segments, run_json, send
from tests.server import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

BUYERS = {"event": "Order Completed", "count": {"gte": 2}}


def track(user: str, event: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "messageId": secrets.token_hex(8),
        "userId": user,
        "event": event,
        "properties": properties,
    }


def test_live_preview_and_a_fresh_evaluation_agree(segments: Segments) -> None:
    definition = {
        "all": [
            BUYERS,
            {"not": {"trait": "country", "is": "GB"}},
            {"any": [{"trait": "newsletter", "is": True}, {"event": "Email Opened"}]},
        ]
    }
    stored = segments.put("readers", definition)
    members = segments.members("readers")
    seen = segments.preview(definition)

    assert 0 < len(members) < seen["of"]
    assert stored["size"] == seen["count"] == len(members)
    assert set(seen["sample"]) <= members
    assert segments.judged(definition) == members


def test_an_event_brings_somebody_in_and_everybody_is_told_once(
    segments: Segments, write_key: str
) -> None:
    user = f"live-{secrets.token_hex(4)}"
    segments.put("trying", {"event": "Trial Started", "where": [{"property": "plan", "is": "pro"}]})
    send(segments.server, write_key, track(user, "Trial Started", plan="free"))
    segments.server.wait_until_idle()
    send(segments.server, write_key, track(user, "Trial Started", plan="pro"))

    person = eventually(
        lambda: segments.profile(f"user_id:{user}"),
        lambda profile: profile["segments"] == ["trying"],
        seconds=VISIBLE_SECONDS,
        what="the profile to show its segment",
    )
    who = person["profile_id"]
    assert segments.members("trying") == {who}
    (change,) = segments.changes("trying", who)
    assert (change["change"], change["cause"]) == ("entered", "event")
    (event,) = eventually(
        lambda: segments.timeline(f"user_id:{user}", "Segment Entered"), bool, seconds=10
    )
    assert event["properties"]["segment"] == "trying"
    assert segments.timeline(f"user_id:{user}", "Segment Exited") == []


def test_the_clock_alone_takes_somebody_out(segments: Segments, write_key: str) -> None:
    user = f"clock-{secrets.token_hex(4)}"
    segments.put("just-now", {"event": "Door Opened", "within": {"last": "5s"}})
    send(segments.server, write_key, track(user, "Door Opened"))

    eventually(
        lambda: segments.server.get("/api/v1/segments/just-now/changes")["items"],
        lambda items: [item["change"] for item in items] == ["left", "entered"],
        seconds=5 + VISIBLE_SECONDS,
        what="entering by the event and leaving by the clock",
    )
    left, entered = segments.changes("just-now")
    assert (entered["cause"], left["cause"]) == ("event", "time")
    assert segments.members("just-now") == set()
    assert segments.profile(f"user_id:{user}")["segments"] == []
    for name in ("Segment Entered", "Segment Exited"):
        found = eventually(
            lambda name=name: segments.timeline(f"user_id:{user}", name), bool, seconds=10
        )
        assert len(found) == 1, found


def test_a_late_event_repairs_a_membership(segments: Segments, write_key: str) -> None:
    user = f"late-{secrets.token_hex(4)}"
    segments.put(
        "saw-then-bought",
        {"sequence": [{"event": "Late Seen"}, {"event": "Late Bought"}], "within": "1d"},
    )
    bought = track(user, "Late Bought") | {"timestamp": "2026-03-02T10:00:00Z"}
    send(segments.server, write_key, bought)
    segments.server.wait_until_idle()
    who = segments.profile(f"user_id:{user}")["profile_id"]
    seen = track(user, "Late Seen") | {"timestamp": "2026-03-02T09:00:00Z"}
    send(segments.server, write_key, seen)
    segments.wait_member("saw-then-bought", who)


def test_a_merge_moves_people_without_an_exit_in_the_history(
    segments: Segments, write_key: str
) -> None:
    mark = secrets.token_hex(4)
    segments.put("two-kinds", {"all": [{"event": f"Left {mark}"}, {"event": f"Right {mark}"}]})
    send(
        segments.server,
        write_key,
        track(f"m-{mark}", f"Left {mark}"),
        {
            "type": "track",
            "messageId": secrets.token_hex(8),
            "anonymousId": f"anon-{mark}",
            "event": f"Right {mark}",
        },
    )
    segments.server.wait_until_idle()
    assert segments.members("two-kinds") == set()
    send(
        segments.server,
        write_key,
        {
            "type": "identify",
            "messageId": secrets.token_hex(8),
            "userId": f"m-{mark}",
            "anonymousId": f"anon-{mark}",
            "traits": {},
        },
    )
    segments.server.wait_until_idle()
    who = segments.profile(f"user_id:m-{mark}")["profile_id"]
    segments.wait_member("two-kinds", who)
    assert segments.members("two-kinds") == {who}
    assert segments.timeline(f"user_id:m-{mark}", "Segment Exited") == []


def test_why_says_what_was_measured(segments: Segments) -> None:
    definition = {"all": [BUYERS, {"trait": "country", "is": "TR"}]}
    segments.put("turkish-buyers", definition)
    inside = sorted(segments.members("turkish-buyers"))[0]
    found = segments.server.get(f"/api/v1/segments/turkish-buyers/why/profile_id:{inside}")
    by_path = {reason["path"]: reason for reason in found["reasons"]}

    assert found["is_member"] is True
    assert by_path["$"]["holds"]
    assert by_path["all[1]"]["measured"] == ["TR"]
    orders = segments.timeline(f"profile_id:{inside}", "Order Completed")
    assert by_path["all[0]"]["measured"] == [len(orders)]
    printed = run_json(segments.server, "segment", "why", "turkish-buyers", f"profile_id:{inside}")
    assert printed["reasons"] == found["reasons"]


def test_an_uploaded_list_decides(segments: Segments) -> None:
    segments.put("buyers", BUYERS)
    chosen = sorted(segments.members("buyers"))[:3]
    refs = [f"profile_id:{one}" for one in chosen] + ["email:nobody@nowhere.example"]
    try:
        put = segments.api.put("/api/v1/lists/testers", json={"members": refs}).json()
        assert (put["size"], put["unknown"]) == (3, ["email:nobody@nowhere.example"])
        listed = segments.server.get("/api/v1/lists/testers/members")
        assert {item["profile_id"] for item in listed["items"]} == set(chosen)
        assert listed["next"] is None
        first = segments.server.get("/api/v1/lists/testers/members", limit=2)
        rest = segments.server.get("/api/v1/lists/testers/members", cursor=first["next"])
        assert (len(first["items"]), len(rest["items"])) == (2, 1)
        segments.put("invited", {"all": [{"list": "testers"}, {"segment": "buyers"}]})
        assert segments.members("invited") == set(chosen)
        assert segments.api.delete("/api/v1/lists/testers").status_code == 409
        segments.delete("invited")
    finally:
        segments.api.delete("/api/v1/lists/testers")
