"""How soon an answered message is seen, while 2,000 others arrive every second.

Hypothesis: a micro-batch is as large as what arrived during the one before it, so at a load far
below the most that the server can do a message waits for at most the rest of one micro-batch and
the whole of its own. Expected: visible in the profile API after two micro-batches, each about as
long as inserting a small block (the floor); look-ups read the state store alone and stay in single
milliseconds. Refuted if the p99 rises with the length of the run, or if a look-up waits for
the pipeline's transaction.
"""

from __future__ import annotations

from collections.abc import Iterator

from bench.figures import Aim, Figure
from bench.make_data import Shape
from bench.setting import Setting

EVENTS_PER_SECOND = 2000
BATCH = 10


def run(setting: Setting) -> Iterator[Figure]:
    """A stream in small batches, look-ups of known people, probes followed until seen."""
    seconds = setting.pick(60, 8)
    before = setting.pick(200_000, 20_000)
    history, people = setting.data("history", Shape(before, before // 10, seed=4))
    during = Shape(EVENTS_PER_SECOND * seconds + 10 * BATCH, before // 10, seed=4, first=before)
    stream, _ = setting.data("stream", during, batch=BATCH)
    references = setting.work / "references.txt"
    references.write_text("\n".join(people))
    floor = setting.insert_floor(history)
    rates = {"rate": EVENTS_PER_SECOND / BATCH, "lookup-rate": 50, "probe-rate": 3}
    with setting.server("freshness") as server:
        server.client("batches", file=history, connections=4)
        server.wait_drained(before)
        idle = server.cpu_seconds()
        options = {"file": stream, "references": references, "connections": 16, **rates}
        seen = server.client("freshness", seconds=seconds, **options)
        busy = (server.cpu_seconds() - idle) / seconds
    for path in (history, stream, references):
        path.unlink()
    visible, looked_up = seen["probes"]["profile_ms"], seen["lookups"]["latency_ms"]
    block = floor["live_ms"]
    yield Figure("freshness", "reply to visible, p50", visible["p50"], "ms", block["p50"])
    aim = Aim(most=1000)
    yield Figure("freshness", "reply to visible, p99", visible["p99"], "ms", block["p99"], aim)
    history_p99 = seen["probes"]["history_ms"]["p99"]
    yield Figure("freshness", "reply to visible in the history, p99", history_p99, "ms")
    yield Figure("freshness", "look-up of a profile, p50", looked_up["p50"], "ms")
    yield Figure("freshness", "look-up of a profile, p99", looked_up["p99"], "ms", aim=Aim(most=10))
    wrong = sum(count for status, count in looked_up_statuses(seen).items() if status != "200")
    yield Figure("freshness", "look-ups not answered 200", wrong, "requests", aim=Aim(most=0))
    yield Figure("freshness", "server processors busy", busy, "cores")


def looked_up_statuses(seen: dict[str, dict[str, dict[str, int]]]) -> dict[str, int]:
    """How many look-ups had which status."""
    return seen["lookups"]["statuses"]
