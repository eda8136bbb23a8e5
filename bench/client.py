"""The load client: a process of its own that sends ready bodies and prints one line of JSON.

batches    closed loop: each connection sends the next body when the last one was answered
rate       open loop: bodies at a fixed rate; latency counts from the intended send time,
           so a server that stalls is not let off the requests that it kept from being sent
lookups    open loop: profile look-ups at a fixed rate
freshness  all at once: a stream at a fixed rate, look-ups, and probes that wait until an
           identify that was answered is seen in the profile API
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path

import uvloop

from bench.bodies import read_bodies
from bench.latency import Latencies
from bench.wire import Connection, Pool, connect, get_head, post_head

OK = 200
BUSY = frozenset({429, 503})
POLL_SECONDS = 0.02
HISTORY_POLL_SECONDS = 0.1  # a query of the warehouse each: asked more often, it would be a load
TICK_SECONDS = 0.001
Summary = dict[str, object]


class ClosedLoop:
    """Every body once, over all connections, again after 429 and 503."""

    def __init__(self, path: str, key: str, bodies: Sequence[memoryview]) -> None:
        self.statuses: Counter[int] = Counter()
        self.latencies = Latencies()
        self._path, self._key = path, key
        self._bodies = iter(bodies)
        self._open = 0
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[None] = self._loop.create_future()

    async def run(self, connections: list[Connection]) -> Summary:
        """Send everything; returns what happened."""
        began = time.perf_counter()
        self._open = len(connections)
        for connection in connections:
            self._next(connection)
        await self._done
        return {
            "seconds": time.perf_counter() - began,
            "statuses": dict(self.statuses),
            "latency_ms": self.latencies.summary(),
        }

    def _next(self, connection: Connection) -> None:
        body = next(self._bodies, None)
        if body is None:
            self._open -= 1
            if self._open == 0:
                self._done.set_result(None)
            return
        self._send(connection, body)

    def _send(self, connection: Connection, body: memoryview) -> None:
        began = time.perf_counter()

        def reply(connection: Connection, status: int, _answer: bytes) -> None:
            self.statuses[status] += 1
            if status in BUSY:
                wait = connection.retry_after or 0.1
                self._loop.call_later(wait, self._send, connection, body)
                return
            if status != OK:
                if self._done.done():
                    return
                self._done.set_exception(RuntimeError(f"The server answered {status}."))
                return
            self.latencies.add(time.perf_counter() - began)
            self._next(connection)

        connection.send(post_head(path_for(self._path, body), self._key, len(body)), body, reply)


class OpenLoop:
    """Requests at a fixed rate, whatever the server does meanwhile."""

    def __init__(self, pool: Pool, rate: float, requests: Iterator[tuple[bytes, memoryview]]):
        self.statuses: Counter[int] = Counter()
        self.latencies = Latencies()
        self._pool, self._rate, self._requests = pool, rate, requests

    async def run(self, seconds: float) -> Summary:
        """Send for some seconds and wait for every reply."""
        began = time.perf_counter()
        total, sent = int(self._rate * seconds), 0
        while sent < total:
            due = min(total, int((time.perf_counter() - began) * self._rate) + 1)
            while sent < due:
                self._send(began + sent / self._rate)
                sent += 1
            await asyncio.sleep(max(TICK_SECONDS, began + sent / self._rate - time.perf_counter()))
        while self.statuses.total() < total:
            await asyncio.sleep(POLL_SECONDS)
        return {
            "seconds": time.perf_counter() - began,
            "statuses": dict(self.statuses),
            "latency_ms": self.latencies.summary(),
        }

    def _send(self, intended: float) -> None:
        def reply(_connection: Connection, status: int, _answer: bytes) -> None:
            self.statuses[status] += 1
            self.latencies.add(time.perf_counter() - intended)

        head, body = next(self._requests)
        self._pool.send(head, body, reply)


class Probes:
    """Identifies of new people, each followed until the profile API shows it."""

    def __init__(self, posts: Pool, gets: Pool, key: str, token: str) -> None:
        self.visible = Latencies()
        self.in_history = Latencies()
        self._posts, self._gets, self._key, self._token = posts, gets, key, token

    async def run(self, rate: float, seconds: float) -> Summary:
        """Send probes at a rate; returns how long each took from reply to visible."""
        stamp = f"{time.time_ns():x}"
        tasks = []
        for number in range(int(rate * seconds)):
            tasks.append(asyncio.create_task(self._probe(f"probe-{stamp}-{number}")))
            await asyncio.sleep(1 / rate)
        await asyncio.gather(*tasks)
        return {"profile_ms": self.visible.summary(), "history_ms": self.in_history.summary()}

    async def _probe(self, user: str) -> None:
        message = {
            "messageId": user,
            "userId": user,
            "traits": {"email": f"{user}@example.com", "nonce": user},
        }
        body = memoryview(json.dumps(message).encode())
        head = post_head("/v1/identify", self._key, len(body))
        status, _ = await _ask(self._posts, head, body)
        if status != OK:
            raise RuntimeError(f"A probe was answered {status}.")
        answered = time.perf_counter()
        profile = f"/api/v1/profiles/user_id:{user}"
        await self._until(profile, f'"nonce":"{user}"', answered, self.visible, POLL_SECONDS)
        history = f"{profile}/events"
        await self._until(history, user, answered, self.in_history, HISTORY_POLL_SECONDS)

    async def _until(
        self, path: str, text: str, since: float, into: Latencies, pause: float
    ) -> None:
        head, wanted = get_head(path, self._token), text.encode()
        while time.perf_counter() - since < 60:
            status, answer = await _ask(self._gets, head, memoryview(b""))
            if status == OK and wanted in answer.replace(b'": "', b'":"'):
                into.add(time.perf_counter() - since)
                return
            await asyncio.sleep(pause)
        raise RuntimeError(f"{path} did not show {text} within a minute: {status} {answer[:200]!r}")


async def _ask(pool: Pool, head: bytes, body: memoryview) -> tuple[int, bytes]:
    answer: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
    pool.send(head, body, lambda _c, status, text: answer.set_result((status, text)))
    return await answer


def path_for(path: str, body: memoryview) -> str:
    """The path with {type} replaced by the type of the message, which stands first in it.

    >>> path_for("/v1/{type}", memoryview(b'{"type":"page","messageId":"1"}'))
    '/v1/page'
    """
    if "{type}" not in path:
        return path
    return path.replace("{type}", bytes(body[:40]).split(b'"', 4)[3].decode())


def posts(path: str, key: str, bodies: Sequence[memoryview]) -> Iterator[tuple[bytes, memoryview]]:
    """Requests of bodies, in order. Running out of them is a mistake of the caller."""
    for body in bodies:
        yield post_head(path_for(path, body), key, len(body)), body
    raise RuntimeError(f"The file holds only {len(bodies)} bodies: make more.")


def lookups(token: str, references: Sequence[str]) -> Iterator[tuple[bytes, memoryview]]:
    """Look-ups of profiles drawn at random, the same every time."""
    draw = random.Random(7)
    heads = [get_head(f"/api/v1/profiles/{reference}", token) for reference in references]
    while True:
        yield draw.choice(heads), memoryview(b"")


async def batches(options: argparse.Namespace) -> Summary:
    """Closed loop."""
    load = ClosedLoop(options.path, options.key, read_bodies(options.file))
    return await load.run(await connect(options.port, options.connections))


async def rate(options: argparse.Namespace) -> Summary:
    """Open loop of bodies."""
    pool = Pool(await connect(options.port, options.connections))
    requests = posts(options.path, options.key, read_bodies(options.file))
    return await OpenLoop(pool, options.rate, requests).run(options.seconds)


async def look_up(options: argparse.Namespace) -> Summary:
    """Open loop of look-ups."""
    pool = Pool(await connect(options.port, options.connections))
    requests = lookups(options.token, options.references.read_text().split())
    return await OpenLoop(pool, options.lookup_rate, requests).run(options.seconds)


async def freshness(options: argparse.Namespace) -> Summary:
    """A stream, look-ups and probes at the same time."""
    probe_pool = Pool(await connect(options.port, 4))
    polls = Pool(await connect(options.port, 8))
    probes = Probes(probe_pool, polls, options.key, options.token)
    stream, looked_up, probed = await asyncio.gather(
        rate(options), look_up(options), probes.run(options.probe_rate, options.seconds)
    )
    return {"stream": stream, "lookups": looked_up, "probes": probed}


MODES: dict[str, Callable[[argparse.Namespace], Coroutine[None, None, Summary]]] = {
    "batches": batches,
    "rate": rate,
    "lookups": look_up,
    "freshness": freshness,
}


def main() -> None:
    """Run one mode and print what happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=sorted(MODES))
    parser.add_argument("--file", type=Path, help="bodies to send")
    parser.add_argument("--references", type=Path, help="profiles to look up, one a line")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/v1/batch")
    parser.add_argument("--key", default="")
    parser.add_argument("--token", default="")
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--rate", type=float, default=1000.0, help="requests a second")
    parser.add_argument("--lookup-rate", type=float, default=50.0)
    parser.add_argument("--probe-rate", type=float, default=10.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    summary = uvloop.run(MODES[options.mode](options))
    print(json.dumps({**summary, "cpu_seconds": time.process_time()}))


if __name__ == "__main__":
    main()
