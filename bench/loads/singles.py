"""One message a request, as browsers and phones send them.

Hypothesis: a single message costs an HTTP request and its share of a synced commit, and the group
commit makes that share small: requests that arrive during one commit ride the next one together.
Expected: thousands of requests a second, each on the disk before its reply, and at half that rate
a p99 of a few commits. Refuted if the rate follows the number of commits that the disk can sync
(one request, one sync), or if p99 grows with the length of the run (a queue that never empties).
"""

from __future__ import annotations

from collections.abc import Iterator

from bench.figures import Aim, Figure
from bench.make_data import Shape
from bench.setting import Setting

CONNECTIONS = 64
PATH = "/v1/{type}"


def run(setting: Setting) -> Iterator[Figure]:
    """Closed loop for the most that is accepted; open loop at half of it for the latency."""
    count = setting.pick(100_000, 15_000)
    seconds = setting.pick(20, 4)
    flood, _ = setting.data("flood", Shape(count, count // 10, seed=2), batch=1)
    with setting.accept_floor() as bare:
        bare_flood = bare.client("batches", file=flood, connections=CONNECTIONS, path=PATH)
    with setting.server("singles") as server:
        sent = server.client("batches", file=flood, connections=CONNECTIONS, path=PATH)
        rate = count / sent["seconds"]
        server.wait_drained(count)
        half = int(rate / 2)
        steady, _ = setting.data("steady", Shape((half + 1) * seconds, 5000, seed=3), batch=1)
        options = {"connections": CONNECTIONS, "path": PATH, "rate": half, "seconds": seconds}
        calm = server.client("rate", file=steady, **options)
    with setting.accept_floor() as bare:
        bare_calm = bare.client("rate", file=steady, **options)
    flood.unlink()
    steady.unlink()
    bare_rate = count / bare_flood["seconds"]
    aim = Aim(least=3000)
    yield Figure("singles", "accepted durably", rate, "requests/s", bare_rate, aim)
    for name, most in (("p50", None), ("p99", 25.0), ("p999", None)):
        value, floor = calm["latency_ms"][name], bare_calm["latency_ms"][name]
        figure = f"reply at {half:,} requests/s, {name}"
        yield Figure("singles", figure, value, "ms", floor, Aim(most=most))
