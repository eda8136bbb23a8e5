"""A full disk: 503 with Retry-After, one clear log line, and recovery without hands."""

from __future__ import annotations

import random
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.faults.disks import Disk, LimitedProcess, small_disk
from tests.faults.traffic import encode
from tests.server import Server, eventually, running_server

pytestmark = pytest.mark.faults


@pytest.fixture(params=["small disk", "limited process"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    if request.param == "limited process":
        yield LimitedProcess(tmp_path)
        return
    with small_disk(tmp_path / "disk") as mounted:
        if mounted is None:
            pytest.skip("mounting a small file system is not allowed here")
        yield mounted


def test_full_disk(disk: Disk) -> None:
    with running_server(disk.path / "data") as server:
        key = server.add_source("shop")
        accepted = [send(server, key, number).status_code for number in range(5)]
        assert accepted == [200] * 5
        server.wait_until_idle()
        disk.fill(server.process.pid)
        try:
            refused = refusal(server, key)
            assert refused.status_code == 503
            assert int(refused.headers["Retry-After"]) >= 1
            assert set(refused.json()) >= {"code", "message"}
            assert server.api.get("/health", timeout=10).status_code in {200, 503}
            assert server.process.poll() is None
        finally:
            disk.free(server.process.pid)
        eventually(
            lambda: send(server, key, 999).status_code,
            lambda status: status == 200,
            what="messages are not accepted again",
        )
        stats = server.wait_until_idle()
        people = {number for number in range(2000) if number in taken}
        assert stats["events"] == len(people) * SIZE
        for number in (0, 4, 999):
            profile = server.get(f"/api/v1/profiles/user_id:u{number}")
            assert profile["event_count"] == SIZE
        lines = [line for line in server.log().splitlines() if "inbox cannot be written" in line]
        assert len(lines) == 1
        assert "inbox writable again" in server.log()


SIZE = 100
taken: set[int] = set()


@pytest.fixture(autouse=True)
def _nothing_taken() -> None:
    taken.clear()


def send(server: Server, key: str, number: int) -> httpx.Response:
    """A batch of one person, about 200 KB that do not compress."""
    draw = random.Random(number)
    batch = [
        {
            "type": "track",
            "event": "Grew",
            "messageId": f"m{number}-{item}",
            "userId": f"u{number}",
            "properties": {"noise": draw.randbytes(1000).hex()},
        }
        for item in range(SIZE)
    ]
    token = b64encode(f"{key}:".encode()).decode()
    answer = httpx.post(
        f"{server.url}/v1/batch",
        content=encode({"batch": batch}),
        headers={"Authorization": f"Basic {token}"},
        timeout=30,
    )
    if answer.status_code == 200:
        taken.add(number)
    return answer


def refusal(server: Server, key: str) -> httpx.Response:
    """Send until it is refused: what was written and freed before may take some more."""
    for number in range(1000, 1400):
        answer = send(server, key, number)
        if answer.status_code != 200:
            return answer
    raise AssertionError("a full disk took 400 requests")
