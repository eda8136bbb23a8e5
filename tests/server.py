"""A real ``tekil serve`` process for tests that need one.

with running_server(tmp_path / "data") as server:
    key = server.add_source("shop")
    server.api.get("/api/v1/stats")
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

T = TypeVar("T")

TEKIL = (sys.executable, "-c", "from tekil.cli import main; main()")
START_SECONDS = 60.0
STOP_SECONDS = 30.0


def free_port() -> int:
    """A port on loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(
    probe: Callable[[], T], ready: Callable[[T], bool], *, seconds: float = 30.0, what: str = ""
) -> T:
    """Ask until the answer is ready; fail with the last answer when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        answer = probe()
        if ready(answer):
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{what or 'not ready'} within {seconds} s; last seen: {answer!r}")
        time.sleep(0.05)


@dataclass
class Server:
    """A server process, how to reach it, and what it has logged."""

    data: Path
    port: int
    admin_token: str
    environ: Mapping[str, str]
    log_path: Path
    process: subprocess.Popen[bytes]
    api: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.api = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.admin_token}"},
            timeout=30,
            trust_env=False,
        )

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def log(self) -> str:
        """Everything that it has written so far."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def get(self, path: str, **query: Any) -> Any:
        """The JSON answer of a GET that must succeed."""
        answer = self.api.get(path, params=query)
        assert answer.status_code == 200, f"GET {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def command(self, *arguments: str) -> str:
        """Run ``tekil …`` on this data directory and return what it prints."""
        done = subprocess.run(
            [*TEKIL, *arguments, "--data", str(self.data)],
            env=dict(self.environ),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"tekil {arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def add_source(self, name: str, *, kind: str = "http", options: tuple[str, ...] = ()) -> str:
        """Add a source by the command line; returns its write key."""
        printed = self.command("source", "add", name, "--kind", kind, *options, "--json")
        return str(json.loads(printed)["write_key"])

    def stats(self) -> dict[str, Any]:
        """The counters of ``/api/v1/stats``."""
        return dict(self.get("/api/v1/stats"))

    def wait_until_idle(self, *, seconds: float = 30.0) -> dict[str, Any]:
        """Wait until everything accepted is processed; returns the counters."""
        return eventually(
            self.stats,
            lambda stats: stats["inbox_lag"]["messages"] == 0,
            seconds=seconds,
            what="the inbox was not worked off",
        )

    def wait_until_healthy(self) -> None:
        """Wait for the first good answer of ``/health``; fail at once if the process ends."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                if self.api.get("/health", timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError(f"the server did not start:\n{self.log()}")

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Ask it to end and wait; fail if it does not end cleanly."""
        self.api.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server did not stop on SIGTERM:\n{self.log()}") from None
        assert code in {0, -signal.SIGTERM, -signal.SIGKILL}, f"exit {code}:\n{self.log()}"


def start_server(
    data: Path,
    *,
    port: int | None = None,
    admin_token: str | None = None,
    environ: Mapping[str, str] | None = None,
    arguments: tuple[str, ...] = (),
) -> Server:
    """Start a server on a data directory and wait until it answers."""
    data.parent.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    token = admin_token or secrets.token_urlsafe(32)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TEKIL_")}
    full = clean | {"TEKIL_ADMIN_TOKEN": token, "PYTHONUNBUFFERED": "1"} | dict(environ or {})
    log_path = data.with_name(f"{data.name}.log")
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            [*TEKIL, "serve", "--data", str(data), "--port", str(port), *arguments],
            env=full,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(data, port, token, full, log_path, process)
    try:
        server.wait_until_healthy()
    except BaseException:
        server.kill()
        raise
    return server


@contextmanager
def running_server(
    data: Path,
    *,
    port: int | None = None,
    admin_token: str | None = None,
    environ: Mapping[str, str] | None = None,
    arguments: tuple[str, ...] = (),
) -> Iterator[Server]:
    """A server for the length of a block; it must end cleanly and without a stack trace."""
    server = start_server(
        data, port=port, admin_token=admin_token, environ=environ, arguments=arguments
    )
    try:
        yield server
    finally:
        server.stop()
    assert "Traceback" not in server.log(), server.log()
