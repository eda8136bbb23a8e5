"""The load client sends everything once, waits when told to, and hides no stall."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
import uvloop
from bench.client import ClosedLoop, OpenLoop
from bench.wire import Buffer, Pool, connect, get_head, post_head

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
BUSY = b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\ncontent-length: 0\r\n\r\n"
Answer = Callable[[int, bytes], Awaitable[bytes]]


@asynccontextmanager
async def serving(answer: Answer):  # type: ignore[no-untyped-def]
    """A server that reads whole requests and writes whatever ``answer`` returns."""
    count = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                place = head.find(b"Content-Length: ")
                length = int(head[place + 16 :].split(b"\r")[0]) if place >= 0 else 0
                body = await reader.readexactly(length)
                count += 1
                for part in (await answer(count, body)).split(b"|"):
                    writer.write(part)
                    await writer.drain()
                    await asyncio.sleep(0)
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def views(count: int) -> list[memoryview]:
    return [memoryview(f"body {number}".encode()) for number in range(count)]


def test_closed_loop_sends_every_body_once_also_after_503() -> None:
    seen: list[bytes] = []

    async def answer(number: int, body: bytes) -> bytes:
        if number % 5 == 0:
            return BUSY
        seen.append(body)
        return OK

    async def main() -> dict[str, object]:
        async with serving(answer) as port:
            load = ClosedLoop("/v1/batch", "key", views(100))
            return await load.run(await connect(port, 3))

    summary = uvloop.run(main())
    assert sorted(seen) == sorted(bytes(view) for view in views(100))
    statuses = summary["statuses"]
    assert isinstance(statuses, dict)
    assert statuses[200] == 100
    assert statuses[503] >= 20


def test_a_reply_in_pieces_is_one_reply() -> None:
    async def answer(_number: int, _body: bytes) -> bytes:
        return b"HTTP/1.1 200 OK\r\ncontent-|length: 2\r\n|\r\no|k"

    async def main() -> dict[str, object]:
        async with serving(answer) as port:
            return await ClosedLoop("/v1/batch", "key", views(5)).run(await connect(port, 1))

    assert uvloop.run(main())["statuses"] == {200: 5}


def test_closed_loop_stops_at_a_status_that_nobody_expects() -> None:
    async def answer(_number: int, _body: bytes) -> bytes:
        return b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n"

    async def main() -> None:
        async with serving(answer) as port:
            await ClosedLoop("/v1/batch", "key", views(5)).run(await connect(port, 2))

    with pytest.raises(RuntimeError, match="401"):
        uvloop.run(main())


def test_open_loop_counts_the_requests_that_a_stall_held_back() -> None:
    async def answer(number: int, _body: bytes) -> bytes:
        if number == 1:
            await asyncio.sleep(0.5)
        return OK

    def requests() -> Iterator[tuple[bytes, Buffer]]:
        while True:
            yield post_head("/v1/track", "key", 2), memoryview(b"{}")

    async def main() -> OpenLoop:
        async with serving(answer) as port:
            load = OpenLoop(Pool(await connect(port, 1)), 100, requests())
            await load.run(1)
            return load

    load = uvloop.run(main())
    assert load.statuses == {200: 100}
    # Half of them were due during the stall; a client that waited for its first reply before
    # sending the next would have measured one slow request and ninety-nine fast ones.
    assert load.latencies.percentile(75) > 200
    assert load.latencies.percentile(40) < 200


def test_heads_are_what_a_server_reads() -> None:
    assert b"Authorization: Basic d2s6\r\n" in post_head("/v1/t", "wk", 5)
    assert b"Content-Length: 5\r\n\r\n" in post_head("/v1/t", "wk", 5)
    assert get_head("/x", "tok").startswith(b"GET /x HTTP/1.1\r\n")
