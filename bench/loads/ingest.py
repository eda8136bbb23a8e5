"""Everything that a message goes through, at full speed.

Hypothesis: the JSON columns of the event history are the slowest part, and whatever else happens
to a message (HTTP, inbox, de-duplication, cleaning, identity, traits) hides behind them on the
second core. Expected: end to end at least 0.6 of a bare loop that only decodes and inserts the
same messages, and flat over the run. Refuted if the rate falls while people accumulate, or if the
server's processor time per event is more than double that of the bare loop.

Accepting is the part that a client waits for: key, decode, checks, synced commit. Alone, with the
pipeline held back, it is expected to reach at least three times the rate end to end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.figures import Aim, Figure
from bench.make_data import BATCH, Shape
from bench.setting import Setting

CONNECTIONS = 4


def run(setting: Setting) -> Iterator[Figure]:
    """Send everything in batches, closed loop, and wait until all of it can be queried."""
    events = setting.pick(1_000_000, 100_000)
    bodies, _ = setting.data("ingest", Shape(events, events // 10))
    floor = setting.insert_floor(bodies)
    with setting.accept_floor() as bare:
        accept = bare.client("batches", file=bodies, connections=CONNECTIONS)
    with setting.server("accept", accept_only=True) as server:
        alone = server.client("batches", file=bodies, connections=CONNECTIONS)
    with setting.server("ingest") as server:
        idle = server.cpu_seconds()
        began = time.perf_counter()
        sent = server.client("batches", file=bodies, connections=CONNECTIONS)
        seconds = server.wait_drained(events) - began
        cpu = (server.cpu_seconds() - idle) * 1e6 / events
        memory, disk = server.peak_memory(), sum(server.disk().values())
        started = server.started_seconds
    bodies.unlink()
    rate = events / seconds
    aim = Aim(least=20_000, least_ratio=0.6)
    yield Figure("ingest", "end to end", rate, "events/s", floor["rate"], aim)
    bare_rate = events / accept["seconds"]
    taken = events / alone["seconds"]
    yield Figure("ingest", "accepting alone", taken, "events/s", bare_rate, Aim(least=3 * rate))
    accepted = events / sent["seconds"]
    yield Figure("ingest", "accepting while working", accepted, "events/s", bare_rate)
    p99 = sent["latency_ms"]["p99"]
    name = f"reply to a batch of {BATCH}, p99"
    yield Figure("ingest", name, p99, "ms", accept["latency_ms"]["p99"])
    yield Figure("ingest", "server processor time", cpu, "µs/event", floor["cpu_us_per_event"])
    yield Figure("ingest", "disk", disk / events, "bytes/event")
    yield Figure("ingest", "peak memory", memory / 1e6, "MB", aim=Aim(most=2000))
    yield Figure("ingest", "start of an empty server", started, "s")
