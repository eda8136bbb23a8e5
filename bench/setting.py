"""What every load is given: where to work, how big to be, data, a server and the floors."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.bodies import write_bodies
from bench.make_data import BATCH, Shape, Shop, batches, singles
from bench.server import ROOT, Server, running


@dataclass(frozen=True, slots=True)
class Setting:
    """The surroundings of one run of the benchmark."""

    work: Path
    port: int
    quick: bool

    def pick(self, full: int, quick: int) -> int:
        """A size: the full one, or the one of a quick look."""
        return quick if self.quick else full

    def data(self, name: str, shape: Shape, batch: int = BATCH) -> tuple[Path, list[str]]:
        """Write bodies to a file; returns it and references of people who signed up."""
        path = self.work / f"{name}.bodies"
        shop = Shop(shape)
        messages = shop.messages()
        write_bodies(path, singles(messages) if batch == 1 else batches(messages, batch))
        return path, [f"user_id:u{person}" for person in shop.signed_up]

    @contextmanager
    def server(self, name: str, *, accept_only: bool = False) -> Iterator[Server]:
        """A real server on an empty data directory, which is removed afterwards."""
        data = self.work / name
        shutil.rmtree(data, ignore_errors=True)
        try:
            with running(data, self.port, accept_only=accept_only) as server:
                yield server
        finally:
            shutil.rmtree(data, ignore_errors=True)

    def insert_floor(self, bodies: Path) -> dict[str, Any]:
        """What a bare loop that decodes and inserts reaches on these bodies."""
        words = [sys.executable, "-m", "bench.floor", str(bodies)]
        words += ["--work", str(self.work / "floor")]
        run = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, check=True)
        floor: dict[str, Any] = json.loads(run.stdout)
        return floor

    @contextmanager
    def accept_floor(self) -> Iterator[Server]:
        """A bare server that only stores bodies, to send the same requests to."""
        work, port = self.work / "floor-server", self.port + 1
        words = [sys.executable, "-m", "bench.floor_server", "--port", str(port)]
        process = subprocess.Popen([*words, "--work", str(work)], cwd=ROOT, stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield Server(process, work, port, "floor")
        finally:
            process.kill()
            process.wait()
            shutil.rmtree(work, ignore_errors=True)
