"""The whole program in this process: messages in by the tracking API, questions by ``/api/v1``."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from tests.identity.house import Call
from tests.server import eventually

from tekil.app import create_app
from tekil.kit.clock import FixedClock, Millis, from_iso, to_iso
from tekil.runtime import Runtime
from tekil.settings import Settings

TOKEN = "a-token-for-tests-that-is-long-enough-1234"
NOON = from_iso("2026-03-01T12:00:00Z")
MINUTE = 60_000


@dataclass
class Shop:
    """A running Tekil with a server source and a browser source."""

    runtime: Runtime
    clock: FixedClock
    api: TestClient
    keys: dict[str, str]
    numbers: Iterator[int]

    def send(self, *calls: Call, settle: bool = True, **more: Any) -> None:
        """Send calls, each with its own time; ``Call.at`` counts minutes from noon."""
        for server in (True, False):
            batch = [self.message(call) | more for call in calls if call.server is server]
            if batch:
                key = self.keys["server" if server else "browser"]
                answer = self.api.post("/v1/batch", json={"batch": batch}, auth=(key, ""))
                assert answer.json() == {"success": True}, answer.text
        if settle:
            self.settle()

    def settle(self) -> None:
        """Wait until all that was sent and decided is in both stores."""
        self.runtime.pipeline.settle()
        eventually(self.runtime.pipeline.writer.waiting, lambda waiting: not waiting)

    def message(self, call: Call) -> dict[str, Any]:
        found: dict[str, Any] = {
            "type": call.type,
            "messageId": f"m{next(self.numbers)}",
            "timestamp": to_iso(NOON + call.at * MINUTE),
        }
        if call.type == "track":
            found["event"] = "Seen"
        for name, value in (
            ("userId", call.user), ("anonymousId", call.anon), ("previousId", call.previous),
            ("traits", call.traits), ("context", call.context),
        ):  # fmt: skip
            if value is not None:
                found[name] = value
        return found

    def get(self, path: str, status: int = 200, **query: Any) -> Any:
        answer = self.api.get(f"/api/v1{path}", params=query, headers=self.head())
        assert answer.status_code == status, answer.text
        return answer.json()

    def post(self, path: str, status: int = 200, **body: Any) -> Any:
        answer = self.api.post(f"/api/v1{path}", json=body, headers=self.head())
        assert answer.status_code == status, answer.text
        self.settle()
        return answer.json()

    def put(self, path: str, body: Any, status: int = 200, **query: Any) -> Any:
        answer = self.api.put(f"/api/v1{path}", json=body, params=query, headers=self.head())
        assert answer.status_code == status, answer.text
        self.settle()
        return answer.json()

    def person(self, ref: str) -> set[str]:
        found = self.get(f"/profiles/{ref}")
        return {f"{i['namespace']}:{i['value']}" for i in found["identities"]}

    def people(self) -> set[frozenset[str]]:
        """Everybody; the state, the counters and the warehouse must agree."""
        rows = self.get("/identities", limit=20000)["items"]
        groups: dict[str, set[str]] = {}
        for row in rows:
            groups.setdefault(row["profile_id"], set()).add(f"{row['namespace']}:{row['value']}")
        stats = self.get("/stats")
        assert stats["profiles"] == len(groups)
        mapped = dict(
            self.runtime.warehouse.query(
                "SELECT identity_id, profile_id FROM identity_profiles FINAL"
            )
        )
        by_profile: dict[int, set[int]] = {}
        for row in rows:
            by_profile.setdefault(mapped[row["identity_id"]], set()).add(row["identity_id"])
        by_group: dict[str, set[int]] = {}
        for row in rows:
            by_group.setdefault(row["profile_id"], set()).add(row["identity_id"])
        assert sorted(map(sorted, by_profile.values())) == sorted(map(sorted, by_group.values()))
        return {frozenset(group) for group in groups.values()}

    def head(self) -> dict[str, str]:
        """What proves who asks."""
        return {"Authorization": f"Bearer {TOKEN}"}


@contextmanager
def open_shop(data: Path, state_url: str | None = None, *, sources: bool = True) -> Iterator[Shop]:
    clock = FixedClock(Millis(NOON + 600 * MINUTE))
    runtime = Runtime(Settings(data=data, admin_token=TOKEN, state_url=state_url), clock)
    runtime.start()
    try:
        api = TestClient(create_app(runtime))
        shop = Shop(runtime, clock, api, {}, itertools.count(1))
        for name, kind in (("server", "http"), ("browser", "web")) if sources else ():
            answer = api.post(
                "/api/v1/sources", json={"name": name, "kind": kind}, headers=shop.head()
            )
            shop.keys[name] = answer.json()["write_key"]
        yield shop
    finally:
        runtime.stop()
