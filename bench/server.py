"""The server under load: the real program as a process of its own, watched from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TEKIL = (sys.executable, "-c", "from tekil.cli import main; main()")
ACCEPT_ONLY = (sys.executable, "-m", "bench.accept_only")
TOKEN = "bench-token-of-sufficient-length-0123456789"
STALLED_SECONDS = 60
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Server:
    """A running ``tekil serve`` and the write key of its one source."""

    process: subprocess.Popen[bytes]
    data: Path
    port: int
    key: str
    started_seconds: float = 0.0

    def get(self, path: str) -> Any:
        """The JSON that the API answers."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", headers={"Authorization": f"Bearer {TOKEN}"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def stats(self) -> dict[str, Any]:
        """What /api/v1/stats says."""
        stats: dict[str, Any] = self.get("/api/v1/stats")
        return stats

    def wait_drained(self, events: int) -> float:
        """Wait until so many events are stored and nothing waits; returns that moment."""
        seen, since = None, time.perf_counter()
        while True:
            stats = self.stats()
            now = time.perf_counter()
            if stats["events"] >= events and stats["inbox_lag"]["messages"] == 0:
                return now
            if self.process.poll() is not None:
                raise RuntimeError(f"The server ended with {self.process.returncode}.")
            if stats["events"] != seen:
                seen, since = stats["events"], now
            if now - since > STALLED_SECONDS:
                raise RuntimeError(f"Nothing moves any more: {stats}, wanted {events} events.")
            time.sleep(0.1)

    def cpu_seconds(self) -> float:
        """Processor time that the server has used so far, all threads, user and system."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def peak_memory(self) -> int:
        """The most memory that it ever held, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024

    def disk(self) -> dict[str, int]:
        """Bytes on disk: state, inbox, warehouse."""
        return {
            "state": sum(_size(path) for path in self.data.glob("state.db*")),
            "inbox": sum(_size(path) for path in self.data.glob("inbox.db*")),
            "warehouse": _size(self.data / "warehouse"),
        }

    def client(self, mode: str, **options: object) -> dict[str, Any]:
        """Run the load client against this server; returns what it printed."""
        words = [sys.executable, "-m", "bench.client", mode, "--port", str(self.port)]
        words += ["--key", self.key, "--token", TOKEN]
        for name, value in options.items():
            words += [f"--{name.replace('_', '-')}", str(value)]
        run = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, check=True)
        summary: dict[str, Any] = json.loads(run.stdout)
        return summary

    def stop(self) -> None:
        """Ask it to end and wait."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@contextmanager
def running(data: Path, port: int, *, accept_only: bool = False) -> Iterator[Server]:
    """A server on a data directory, ready to take messages, stopped at the end."""
    server = start(data, port, ACCEPT_ONLY if accept_only else TEKIL)
    try:
        yield server
    finally:
        server.stop()


def start(data: Path, port: int, program: tuple[str, ...]) -> Server:
    """Make a source, start ``tekil serve`` and wait until it is healthy."""
    environ = {**os.environ, "TEKIL_ADMIN_TOKEN": TOKEN}
    key = add_source(data)
    data.mkdir(parents=True, exist_ok=True)
    log = (data.parent / f"{data.name}.log").open("ab")
    words = [*program, "serve", "--data", str(data), "--port", str(port)]
    began = time.perf_counter()
    process = subprocess.Popen(words, env=environ, stdout=log, stderr=log, cwd=ROOT)
    log.close()
    server = Server(process, data, port, key)
    _wait_healthy(server, log.name)
    server.started_seconds = time.perf_counter() - began
    return server


def add_source(data: Path) -> str:
    """Make the source ``bench`` with a secret key; returns its write key."""
    words = [*TEKIL, "source", "add", "bench", "--kind", "http", "--data", str(data), "--json"]
    run = subprocess.run(words, stdout=subprocess.PIPE, check=True, cwd=ROOT)
    key: str = json.loads(run.stdout)["write_key"]
    return key


def _wait_healthy(server: Server, log: str) -> None:
    end = time.perf_counter() + 60
    while time.perf_counter() < end:
        if server.process.poll() is not None:
            raise RuntimeError(f"The server ended: {Path(log).read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/health", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.02)
    server.stop()
    raise RuntimeError(f"The server is not healthy after a minute; see {log}.")


def _size(path: Path) -> int:
    if not path.is_dir():
        return path.stat().st_blocks * 512 if path.exists() else 0
    return sum(_size(child) for child in path.iterdir())
