"""Segments while events come in and time passes, through the whole program."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tekil.app import create_app
from tekil.kit.clock import DAY_MS, FixedClock, Millis, from_iso, to_iso
from tekil.runtime import Runtime
from tekil.settings import Settings
from tests.server import eventually

TOKEN = "a-token-for-tests-that-is-long-enough-1234"
NOW = from_iso("2026-03-01T12:00:00Z")
HOUR = 3_600_000


@dataclass
class House:
    """A running Tekil with one source."""

    runtime: Runtime
    clock: FixedClock
    api: TestClient
    key: str
    numbers: Iterator[int]

    def track(self, user: str, event: str, *, ago: int = 0, **more: Any) -> None:
        """Send one event of a user, some time ago."""
        self.send(type="track", userId=user, event=event, ago=ago, **more)

    def send(self, *, ago: int = 0, **message: Any) -> None:
        """Send one message and wait until segments have seen it."""
        body = {
            "messageId": f"m{next(self.numbers)}",
            "timestamp": to_iso(self.clock.now() - ago),
            **message,
        }
        answer = self.api.post("/v1/batch", json={"batch": [body]}, auth=(self.key, ""))
        assert answer.json() == {"success": True}, answer.text
        self.settle()

    def settle(self) -> None:
        """Wait until everything is stored and judged."""
        self.runtime.pipeline.settle()
        eventually(self.runtime.pipeline.writer.waiting, lambda waiting: not waiting)
        eventually(self.runtime.segments.live.is_settled, bool)
        eventually(self.runtime.pipeline.writer.waiting, lambda waiting: not waiting)

    def put(self, name: str, definition: Any) -> dict[str, Any]:
        """Define a segment."""
        return self.ask("PUT", f"segments/{name}", {"definition": definition})

    def ask(self, method: str, path: str, body: Any = None, status: int = 200) -> dict[str, Any]:
        """Call the API."""
        answer = self.api.request(method, f"/api/v1/{path}", json=body)
        assert answer.status_code == status, answer.text
        return dict(answer.json()) if answer.content else {}

    def profile(self, user: str) -> dict[str, Any]:
        """A profile."""
        return self.ask("GET", f"profiles/user_id:{user}")

    def members(self, name: str) -> set[str]:
        """The profile ids in a segment."""
        return {item["profile_id"] for item in self.ask("GET", f"segments/{name}/members")["items"]}

    def told(self, user: str) -> list[tuple[str, str]]:
        """Entries and exits in somebody's history, oldest first."""
        items = self.ask("GET", f"profiles/user_id:{user}/events?limit=500")["items"]
        return [
            (item["event"], item["properties"]["segment"])
            for item in reversed(items)
            if item["event"] in ("Segment Entered", "Segment Exited")
        ]


@contextmanager
def house(data: Path, clock: FixedClock, key: str = "") -> Iterator[House]:
    """Open a house on a data directory."""
    runtime = Runtime(Settings(data=data, admin_token=TOKEN), clock)
    try:
        runtime.start()
        with TestClient(create_app(runtime)) as api:
            api.headers["Authorization"] = f"Bearer {TOKEN}"
            if not key:
                made = api.post("/api/v1/sources", json={"name": "shop", "kind": "http"})
                key = made.json()["write_key"]
            yield House(runtime, clock, api, key, itertools.count(int(clock.now())))
    finally:
        runtime.stop()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    """A running Tekil."""
    with house(tmp_path / "data", FixedClock(Millis(NOW))) as opened:
        yield opened


BUYERS = {"event": "Order Completed", "within": {"last": "7d"}}


def test_people_enter_by_an_event_and_leave_by_the_clock_alone(home: House) -> None:
    assert home.put("buyers", BUYERS)["size"] == 0
    home.track("ada", "Order Completed")
    home.track("bo", "Product Viewed")
    assert home.members("buyers") == {home.profile("ada")["profile_id"]}
    assert home.profile("ada")["segments"] == ["buyers"]
    assert home.told("ada") == [("Segment Entered", "buyers")]
    home.clock.advance(7 * DAY_MS - 1)
    home.track("bo", "Product Viewed")
    assert home.profile("ada")["segments"] == ["buyers"]
    home.clock.advance(1)
    eventually(lambda: home.profile("ada")["segments"], lambda found: found == [])
    home.settle()
    assert home.told("ada") == [("Segment Entered", "buyers"), ("Segment Exited", "buyers")]
    changes = home.ask("GET", "segments/buyers/changes")["items"]
    assert [(c["change"], c["cause"]) for c in changes] == [("left", "time"), ("entered", "event")]
    assert home.told("bo") == []


def test_late_events_repair_memberships(home: House) -> None:
    home.put("quiet", {"event": "Order Completed", "count": {"eq": 0}, "within": {"last": "30d"}})
    home.track("ada", "Product Viewed")
    assert home.profile("ada")["segments"] == ["quiet"]
    home.track("ada", "Order Completed", ago=20 * DAY_MS)
    assert home.profile("ada")["segments"] == []
    home.track("ada", "Order Completed", ago=90 * DAY_MS)
    home.clock.advance(10 * DAY_MS)
    eventually(lambda: home.profile("ada")["segments"], lambda found: found == ["quiet"])


def test_merging_and_separating_moves_memberships(home: House) -> None:
    home.put("twice", {"event": "Order Completed", "count": {"gte": 2}})
    home.put("calm", {"event": "Refunded", "count": {"eq": 0}})
    home.track("ada", "Order Completed")
    home.send(type="track", anonymousId="anon", event="Order Completed")
    assert home.members("twice") == set()
    assert len(home.members("calm")) == 2
    home.send(type="identify", userId="ada", anonymousId="anon", traits={})
    assert len(home.members("calm")) == 1  # who became part of somebody else is nobody
    assert home.members("twice") == {home.profile("ada")["profile_id"]}
    body = {"a": "user_id:ada", "b": "anonymous_id:anon"}
    home.ask("POST", "identity/separate", body)
    home.settle()
    assert home.members("twice") == set()
    assert len(home.members("calm")) == 2


def test_a_restart_repairs_what_was_missed_and_tells_nothing_twice(tmp_path: Path) -> None:
    clock = FixedClock(Millis(NOW))
    with house(tmp_path / "data", clock) as first:
        first.put("buyers", BUYERS)
        first.track("ada", "Order Completed", ago=3 * DAY_MS)
        first.track("bo", "Order Completed")
        key = first.key
    clock.advance(5 * DAY_MS)
    with house(tmp_path / "data", clock, key) as second:
        second.settle()
        eventually(lambda: second.profile("ada")["segments"], lambda found: found == [])
        second.settle()
        assert second.told("ada") == [("Segment Entered", "buyers"), ("Segment Exited", "buyers")]
        assert second.told("bo") == [("Segment Entered", "buyers")]
        assert second.profile("bo")["segments"] == ["buyers"]


def test_conditions_on_accounts_follow_every_member(home: House) -> None:
    home.put("in_pro", {"account": {"trait": "plan", "is": "pro"}})
    home.put("busy", {"account": {"event": "Logged In", "count": {"gte": 2}}})
    home.send(type="group", userId="ada", groupId="acme", traits={"plan": "free"}, ago=HOUR)
    home.send(type="group", userId="bo", groupId="acme", traits={"plan": "pro"})
    both = {home.profile("ada")["profile_id"], home.profile("bo")["profile_id"]}
    assert home.members("in_pro") == both
    for user in ("ada", "bo"):
        home.track(user, "Logged In", context={"groupId": "acme"})
    assert home.members("busy") == both


def test_why_tells_each_condition_with_what_was_measured(home: House) -> None:
    home.send(type="identify", userId="ada", traits={"city": "Ankara"})
    home.put(
        "ankara_buyers",
        {"all": [{"trait": "city", "is": "Ankara"},
                 {"event": "Order Completed", "sum": "revenue", "gte": 100},
                 {"not": {"event": "Refunded"}}]},
    )  # fmt: skip
    home.track("ada", "Order Completed", properties={"revenue": 60, "currency": "TRY"})
    why = home.ask("GET", "segments/ankara_buyers/why/user_id:ada")
    assert why["is_member"] is False
    assert [(r["path"], r["holds"], r["measured"]) for r in why["reasons"]] == [
        ("$", False, []),
        ("all[0]", True, ["Ankara"]),
        ("all[1]", False, [60]),
        ("all[2]", True, []),
        ("all[2].not", False, [0]),
    ]
    assert why["last_change"] is None
    home.track("ada", "Order Completed", properties={"revenue": 40, "currency": "TRY"})
    after = home.ask("GET", "segments/ankara_buyers/why/user_id:ada")
    assert after["is_member"] is True
    assert after["last_change"]["entered"] is True
    assert after["last_change"]["last_event"]["event"] == "Order Completed"


def test_preview_counts_every_branch(home: House) -> None:
    for user in ("ada", "bo", "cem"):
        home.send(type="identify", userId=user, traits={"city": "Ankara" if user != "cem" else ""})
    home.track("ada", "Order Completed")
    found = home.ask(
        "POST",
        "segments/preview",
        {"definition": {"all": [{"trait": "city", "is": "Ankara"}, BUYERS]}},
    )
    assert (found["count"], found["of"]) == (1, 3)
    assert found["sample"] == [home.profile("ada")["profile_id"]]
    assert [(b["path"], b["count"]) for b in found["branches"]] == [
        ("$", 1),
        ("all[0]", 2),
        ("all[1]", 1),
    ]


def test_overlap_lists_and_nested_segments(home: House) -> None:
    for user in ("ada", "bo", "cem"):
        home.track(user, "Product Viewed")
    home.track("ada", "Order Completed")
    home.put("viewers", {"event": "Product Viewed"})
    home.put("buyers", BUYERS)
    uploaded = home.ask(
        "PUT", "lists/beta", {"members": ["user_id:bo", "user_id:cem", "user_id:nobody"]}
    )
    assert (uploaded["size"], uploaded["unknown"]) == (2, ["user_id:nobody"])
    home.put("beta_or_buyer", {"any": [{"list": "beta"}, {"segment": "buyers"}]})
    found = home.ask(
        "POST", "segments/overlap", {"segments": ["viewers", "buyers", "beta_or_buyer"]}
    )
    assert found["matrix"] == [[3, 1, 3], [1, 1, 1], [3, 1, 3]]
    assert (found["in_all"], found["in_any"]) == (1, 3)
    home.ask("PUT", "lists/beta", {"members": ["user_id:cem"]})
    assert len(home.members("beta_or_buyer")) == 2
    home.settle()
    assert home.told("bo") == [("Segment Exited", "beta_or_buyer")]
    home.ask("DELETE", "lists/beta", status=409)
    home.ask("DELETE", "segments/buyers", status=409)
    home.ask("DELETE", "segments/beta_or_buyer", status=204)
    home.ask("DELETE", "segments/buyers", status=204)
    home.ask("GET", "segments/buyers", status=404)


def test_circles_and_unknown_names_are_refused(home: House) -> None:
    home.put("a", {"event": "X"})
    home.put("b", {"segment": "a"})
    found = home.ask("PUT", "segments/a", {"definition": {"not": {"segment": "b"}}}, status=400)
    assert "a → b → a" in found["detail"]
    missing = home.ask("PUT", "segments/c", {"definition": {"segment": "aa"}}, status=400)
    assert 'Did you mean "a"?' in missing["detail"]
    wrong = home.ask("PUT", "segments/c", {"definition": {"event": "X", "cuont": 1}}, status=400)
    assert wrong["errors"][0]["path"] == "cuont"


def test_changing_a_definition_recounts_and_tells_nobody(home: House) -> None:
    home.track("ada", "Order Completed", ago=3 * DAY_MS)
    assert home.put("buyers", BUYERS)["size"] == 1
    again = home.put("buyers", {"event": "Order Completed", "within": {"last": "1d"}})
    assert (again["size"], again["version"]) == (0, 2)
    assert home.told("ada") == []
    home.track("ada", "Order Completed")
    assert home.told("ada") == [("Segment Entered", "buyers")]


def test_computed_traits_are_on_the_profile_and_in_segments_at_once(home: House) -> None:
    body = {"definition": {"event": "Order Completed", "sum": "revenue"}, "description": "LTV"}
    assert home.ask("PUT", "computed-traits/ltv", body)["version"] == 1
    home.ask(
        "PUT", "computed-traits/orders", {"definition": {"event": "Order Completed", "count": True}}
    )
    home.ask(
        "PUT",
        "computed-traits/favourite",
        {"definition": {"event": "Product Viewed", "most_frequent": "category"}},
    )
    home.put("big", {"computed": "ltv", "gte": 100})
    home.put("nothing_bought", {"computed": "orders", "is": 0})
    for category in ("shoes", "bags", "shoes"):
        home.track("ada", "Product Viewed", properties={"category": category})
    assert home.profile("ada")["segments"] == ["nothing_bought"]
    home.track("ada", "Order Completed", properties={"revenue": 60.5, "currency": "TRY"})
    home.track("ada", "Order Completed", properties={"revenue": 39.5, "currency": "TRY"})
    profile = home.profile("ada")
    assert profile["computed_traits"] == {"favourite": "shoes", "ltv": 100, "orders": 2}
    assert profile["segments"] == ["big"]
    home.ask("DELETE", "computed-traits/ltv", status=409)
    home.ask(
        "PUT", "computed-traits/ltv", {"definition": {"event": "Order Completed", "max": "revenue"}}
    )
    assert home.profile("ada")["segments"] == []
    wrong = home.ask("PUT", "computed-traits/x", {"definition": {"event": "A"}}, status=400)
    assert "exactly one" in wrong["detail"]
