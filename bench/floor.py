"""The floor under ingest: a bare loop that only decodes bodies and inserts rows.

The rows go into the same ``events`` table of an empty embedded warehouse. There is no HTTP, no
inbox, no de-duplication, no cleaning, no identity, no trait. The block size is the one that
suits the engine best; ``best`` tries several on a part of the data and then runs the winner.
A real server that does all of that cannot beat it on the same processors, only come near.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.bodies import read_bodies
from bench.latency import Latencies
from bench.make_data import BATCH
from tekil.events.ddl import EVENTS_DDL
from tekil.store.warehouse import Warehouse

BLOCKS = (10_000, 20_000, 50_000)
TRIAL_EVENTS = 100_000
LIVE_ROWS = 200
ROW = (
    b'{"identity_id":%d,"timestamp":"%s","received_at":"%s","type":"%s","event":"%s",'
    b'"message_id":"%s","seq":%d,"item":%d,"source_id":1,"strong":1,"identities":[%d],'
    b'"properties":%s,"context":%s}'
)
EMPTY = msgspec.Raw(b"{}")


class Message(msgspec.Struct):
    """The parts of a message that a row needs."""

    type: str
    messageId: str  # noqa: N815 - the wire's name
    timestamp: str
    userId: str | None = None  # noqa: N815
    anonymousId: str | None = None  # noqa: N815
    event: str = ""
    name: str = ""
    properties: msgspec.Raw = EMPTY
    traits: msgspec.Raw = EMPTY
    context: msgspec.Raw = EMPTY


class Batch(msgspec.Struct):
    """One body."""

    batch: list[Message]


class Floor:
    """Decodes bodies into rows and inserts them, and does nothing else."""

    def __init__(self, path: Path) -> None:
        shutil.rmtree(path, ignore_errors=True)
        self.warehouse = Warehouse(None, path)
        self.warehouse.migrate([EVENTS_DDL])
        self._decoder = msgspec.json.Decoder(Batch)
        self._numbers: dict[str, int] = {}

    def load(self, bodies: Sequence[memoryview], block: int) -> float:
        """Insert every body in blocks of so many events; returns events a second."""
        step = block // BATCH
        began = time.perf_counter()
        for place in range(0, len(bodies), step):
            self.warehouse.insert_json("events", self._rows(bodies[place : place + step], place))
        return len(bodies) * BATCH / (time.perf_counter() - began)

    def decode(self, bodies: Sequence[memoryview]) -> float:
        """Make the rows and throw them away; returns events a second."""
        began = time.perf_counter()
        for place in range(0, len(bodies), 100):
            self._rows(bodies[place : place + 100], place)
        return len(bodies) * BATCH / (time.perf_counter() - began)

    def live(self, bodies: Sequence[memoryview]) -> Latencies:
        """Insert micro-batches as small as live traffic makes them; returns their latencies."""
        latencies = Latencies()
        step = LIVE_ROWS // BATCH
        for place in range(0, len(bodies), step):
            began = time.perf_counter()
            self.warehouse.insert_json("events", self._rows(bodies[place : place + step], place))
            latencies.add(time.perf_counter() - began)
        return latencies

    def _rows(self, bodies: Sequence[memoryview], first: int) -> bytes:
        number, lines = self._numbers, []
        for seq, body in enumerate(bodies, first):
            for item, message in enumerate(self._decoder.decode(body).batch):
                who = message.userId or message.anonymousId or ""
                identity = number.setdefault(who, len(number) + 1)
                at = message.timestamp.encode()
                properties = message.traits if message.type == "identify" else message.properties
                lines.append(
                    ROW
                    % (
                        identity,
                        at,
                        at,
                        message.type.encode(),
                        (message.event or message.name).encode(),
                        message.messageId.encode(),
                        seq,
                        item,
                        identity,
                        bytes(properties),
                        bytes(message.context),
                    )
                )
        return b"\n".join(lines)


def best(work: Path, bodies: Sequence[memoryview]) -> dict[str, object]:
    """Find the best block size on a part of the data, then load all of it."""
    part = bodies[: TRIAL_EVENTS // BATCH]
    trials = {block: fresh(work).load(part, block) for block in BLOCKS}
    block = max(trials, key=lambda block: trials[block])
    floor = fresh(work)
    decode = floor.decode(part)
    cpu = time.process_time()
    rate = floor.load(bodies, block)
    cpu = time.process_time() - cpu
    live = fresh(work).live(bodies[:400])
    return {
        "block": block,
        "rate": rate,
        "cpu_us_per_event": cpu * 1e6 / (len(bodies) * BATCH),
        "decode_rate": decode,
        "trials": trials,
        "live_ms": live.summary(),
    }


def fresh(work: Path) -> Floor:
    """An empty floor. Earlier ones of this process are closed: one engine path per process."""
    for floor in _open:
        floor.warehouse.close()
    _open.clear()
    _open.append(Floor(work))
    return _open[0]


_open: list[Floor] = []


def main() -> None:
    """Measure the floor on a file of bodies and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--work", type=Path, default=Path("bench/.work/floor"))
    options = parser.parse_args()
    print(json.dumps(best(options.work, read_bodies(options.file))))
    shutil.rmtree(options.work, ignore_errors=True)


if __name__ == "__main__":
    main()
