"""A sample shop inside a real server, and what tests ask of its segments."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from tekil.demo.send import send_batches
from tekil.demo.shop.generate import Shop
from tekil.demo.shop.model import SOURCE_KINDS, ShopConfig
from tekil.kit.clock import Millis
from tests.server import TEKIL, Server, eventually

PEOPLE = 300
SEED = 7
VISIBLE_SECONDS = 10.0
"""How long a membership may take to show on a busy machine; alone it is well under a second."""


def fill(server: Server) -> None:
    """Send a year of the sample shop, and wait until it is worked off."""
    now = Millis(time.time_ns() // 1_000_000)
    keys = {
        channel: server.add_source(channel.value, kind=kind.value)
        for channel, kind in SOURCE_KINDS.items()
    }
    for batch in Shop(ShopConfig(now=now, people=PEOPLE, seed=SEED)).batches():
        send_batches(server.url, keys[batch.channel], [(batch.body, batch.count)], connections=1)
    server.wait_until_idle(seconds=120)


@dataclass
class Segments:
    """The API of segments, as a test speaks it."""

    server: Server
    sent: int = field(default=0)

    @property
    def api(self) -> httpx.Client:
        return self.server.api

    def put(self, name: str, definition: object, description: str = "") -> dict[str, Any]:
        answer = self.api.put(
            path_of(name), json={"definition": definition, "description": description}
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def delete(self, name: str) -> None:
        answer = self.api.delete(path_of(name))
        assert answer.status_code == 204, answer.text

    def names(self) -> list[str]:
        return [item["name"] for item in self.server.get("/api/v1/segments")["items"]]

    def members(self, name: str) -> set[str]:
        """Everybody in a segment, page by page."""
        found: list[str] = []
        cursor: str | None = None
        while True:
            query = {"limit": 1_000} | ({"cursor": cursor} if cursor else {})
            page = self.server.get(f"{path_of(name)}/members", **query)
            found += [item["profile_id"] for item in page["items"]]
            cursor = page["next"]
            if cursor is None:
                assert len(found) == len(set(found)), "somebody came twice"
                return set(found)

    def preview(self, definition: object) -> dict[str, Any]:
        answer = self.api.post("/api/v1/segments/preview", json={"definition": definition})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def judged(self, definition: object) -> set[str]:
        """Who a definition holds for by a full evaluation made for this question."""
        self.put("(judged)", definition)
        try:
            return self.members("(judged)")
        finally:
            self.delete("(judged)")

    def changes(self, name: str, profile_id: str | None = None) -> list[dict[str, Any]]:
        """Entries and exits, newest first; of one person if asked."""
        items = self.server.get(f"{path_of(name)}/changes", limit=1_000)["items"]
        return [i for i in items if profile_id is None or i["profile_id"] == profile_id]

    def profile(self, ref: str) -> dict[str, Any]:
        return dict(self.server.get(f"/api/v1/profiles/{ref}"))

    def timeline(self, ref: str, event: str) -> list[dict[str, Any]]:
        return list(
            self.server.get(f"/api/v1/profiles/{ref}/events", event=event, limit=200)["items"]
        )

    def wait_member(self, name: str, profile_id: str, *, inside: bool = True) -> None:
        eventually(
            lambda: self.members(name),
            lambda members: (profile_id in members) is inside,
            seconds=VISIBLE_SECONDS,
            what=f"{profile_id} {'entering' if inside else 'leaving'} {name}",
        )


def path_of(name: str) -> str:
    return f"/api/v1/segments/{quote(name, safe='')}"


def send(server: Server, key: str, *messages: dict[str, Any]) -> None:
    """Send messages as an SDK would."""
    answer = httpx.post(
        f"{server.url}/v1/batch", json={"batch": list(messages)}, auth=(key, ""), timeout=30
    )
    assert answer.status_code == 200, answer.text


def run(server: Server, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run ``tekil …`` on the server's directory, whatever comes of it."""
    return subprocess.run(
        [*TEKIL, *arguments, "--data", str(server.data)],
        env=dict(server.environ) | {"COLUMNS": "200"},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def run_json(server: Server, *arguments: str) -> Any:
    """What a command prints for scripts."""
    return json.loads(server.command(*arguments, "--json"))
