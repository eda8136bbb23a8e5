"""The same traffic onto a history that grows: nothing may slow down with age.

Hypothesis: every step per message is a look-up by key or an append, so the rate does not depend
on how much is stored; the engine's merges grow with the logarithm of it. People grow along with
events, ten events a person. Expected: at 20 million stored events at least 0.9 of the rate at one
million, bytes per event level, memory bounded by caches. Refuted if the rate falls in proportion
to the number of identities (a scan somewhere) or memory grows with it (something held for ever).
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.figures import Aim, Figure
from bench.make_data import Shape
from bench.server import Server
from bench.setting import Setting

STAGES = (1_000_000, 5_000_000, 20_000_000)
QUICK_STAGES = (50_000, 100_000, 200_000)
CHUNK = 1_000_000
SPAN_PER_CHUNK_MS = 5 * 86_400_000
START_MS = 1_767_225_600_000  # 2026-01-01


def run(setting: Setting) -> Iterator[Figure]:
    """Fill up to each stage, then measure the rate of the next events."""
    measured = setting.pick(500_000, 50_000)
    stored, first_rate = 0, None
    with setting.server("growth") as server:
        for stage in QUICK_STAGES if setting.quick else STAGES:
            while stored < stage:
                chunk = min(CHUNK, stage - stored)
                _send(setting, server, stored, chunk)
                stored += chunk
            rate = measured / _send(setting, server, stored, measured)
            stored += measured
            first_rate = first_rate or rate
            yield from _figures(server, stage, stored, rate, first_rate)


def _send(setting: Setting, server: Server, stored: int, events: int) -> float:
    """Send so many events after so many others; returns the seconds until they are stored."""
    people = max(1000, (stored + events) // 10)
    span = SPAN_PER_CHUNK_MS * events // CHUNK
    end = START_MS + SPAN_PER_CHUNK_MS * stored // CHUNK + span
    shape = Shape(events, people, seed=5, first=stored, end_ms=end, span_ms=span)
    bodies, _ = setting.data("growth", shape)
    began = time.perf_counter()
    server.client("batches", file=bodies, connections=4)
    seconds = server.wait_drained(stored + events) - began
    bodies.unlink()
    return seconds


def _figures(
    server: Server, stage: int, stored: int, rate: float, first_rate: float
) -> Iterator[Figure]:
    at = f"at {stage / 1e6:g}M"
    last = stage in (STAGES[-1], QUICK_STAGES[-1])
    aim = Aim(least_ratio=0.9) if last else Aim()
    yield Figure("growth", f"end to end {at}", rate, "events/s", first_rate, aim)
    for store, size in server.disk().items():
        yield Figure("growth", f"{store} on disk {at}", size / stored, "bytes/event")
    memory = Aim(most=2000)
    yield Figure("growth", f"peak memory {at}", server.peak_memory() / 1e6, "MB", aim=memory)
