"""The whole demo against a front door made of a few lines."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from rich.console import Console

from tekil.collect.model import SourceKind
from tekil.demo.shop.model import OFFLINE_SOURCE, SOURCE_KINDS, ShopConfig
from tekil.demo.shop.run import run_shop_demo, truth_path
from tekil.demo.shop.truth import load_truth
from tekil.errors import Conflict, Unauthenticated
from tekil.kit.clock import Millis
from tests.demo.conftest import NOW

CONFIG = ShopConfig(now=NOW, people=60, seed=5)


@dataclass
class Door:
    base_url: str = ""
    sources: dict[str, SourceKind] = field(default_factory=dict)
    received: Counter[str] = field(default_factory=Counter)
    imported: list[tuple[Path, str, Path]] = field(default_factory=list)
    closed_to: str = ""
    message_ids: list[str] = field(default_factory=list)

    def create_source(self, name: str, kind: SourceKind) -> str:
        self.sources[name] = kind
        return f"wk_{name}"

    def import_csv(self, path: Path, source: str, mapping: Path) -> None:
        assert path.exists()
        assert mapping.exists()
        self.imported.append((path, source, mapping))

    def take(self, key: str, body: bytes) -> int:
        if key == self.closed_to:
            return 401
        batch = json.loads(body)["batch"]
        self.received[key] += len(batch)
        self.message_ids += [message["messageId"] for message in batch]
        return 200


@pytest.fixture
def door() -> Iterator[Door]:
    door, lock = Door(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            key = base64.b64decode(self.headers["Authorization"][6:]).decode().rstrip(":")
            with lock:
                status = door.take(key, body) if self.path == "/v1/batch" else 404
            reply = b'{"success":true}' if status == 200 else b'{"code":"x","message":"no"}'
            self.send_response(status)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    door.base_url = f"http://127.0.0.1:{server.server_port}"
    yield door
    server.shutdown()
    server.server_close()


def quiet() -> Console:
    return Console(file=io.StringIO())


def test_everything_goes_in_by_its_own_door(door: Door, tmp_path: Path) -> None:
    run = run_shop_demo(door, CONFIG, tmp_path, console=quiet())
    kinds = {channel.value: kind for channel, kind in SOURCE_KINDS.items()}
    assert door.sources == kinds | {OFFLINE_SOURCE: SourceKind.FILE}
    assert set(door.received) == {f"wk_{channel}" for channel in SOURCE_KINDS}
    assert sum(door.received.values()) == run.sent == run.truth.messages + run.truth.duplicates
    ((path, source, mapping),) = door.imported
    assert source == OFFLINE_SOURCE
    assert (path.suffix, mapping.suffix) == (".csv", ".yaml")
    saved = load_truth(truth_path(tmp_path))
    assert saved.truth == run.truth
    assert (saved.people, saved.seed, saved.now) == (60, 5, NOW)


def test_a_door_that_stays_shut_ends_the_demo(door: Door, tmp_path: Path) -> None:
    door.closed_to = "wk_lale-app"
    with pytest.raises(Unauthenticated, match="write key"):
        run_shop_demo(door, CONFIG, tmp_path, console=quiet())
    assert not door.imported
    assert not truth_path(tmp_path).exists()


def test_an_interrupted_demo_tells_the_same_year_again(door: Door, tmp_path: Path) -> None:
    door.closed_to = "wk_lale-email"
    with pytest.raises(Unauthenticated):
        run_shop_demo(door, CONFIG, tmp_path, console=quiet())
    door.closed_to = ""
    came_through = set(door.message_ids)
    later = replace(CONFIG, now=Millis(NOW + 3_600_000))
    run = run_shop_demo(door, later, tmp_path, console=quiet())
    assert run.truth.attempts == load_truth(truth_path(tmp_path)).truth.attempts == 2
    assert load_truth(truth_path(tmp_path)).now == NOW
    assert came_through
    assert len(set(door.message_ids)) == run.truth.messages
    assert len(door.message_ids) >= run.truth.messages + run.truth.duplicates


def test_a_directory_holds_one_shop(door: Door, tmp_path: Path) -> None:
    run_shop_demo(door, CONFIG, tmp_path, console=quiet())
    with pytest.raises(Conflict, match="60 people with seed 5"):
        run_shop_demo(door, replace(CONFIG, seed=6), tmp_path, console=quiet())
