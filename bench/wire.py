"""One keep-alive HTTP/1.1 connection that costs the client as little as it can.

No pipelining: one request, one reply. Callbacks instead of futures, because at thousands of
requests a second on two cores every microsecond of the client is taken from the server.
"""

from __future__ import annotations

import asyncio
import base64
from collections import deque
from collections.abc import Callable
from typing import cast

Buffer = bytes | memoryview
Reply = Callable[["Connection", int, bytes], None]


class Connection(asyncio.Protocol):
    """Sends one request at a time and calls back with the status and the body."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.retry_after = 0.0
        """What the last reply asked for, in seconds."""
        self._reply: Reply | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Answer a request that is under way with status 0."""
        self.transport = None
        self._finish(0, b"")

    def send(self, head: bytes, body: Buffer, reply: Reply) -> None:
        """Send one request; ``reply`` is called once, with status 0 if the connection broke."""
        if self.transport is None:
            reply(self, 0, b"")
            return
        self._reply = reply
        self.transport.writelines((head, body) if body else (head,))

    def data_received(self, data: bytes) -> None:
        """Collect one reply."""
        received = self._received + data if self._received else data
        end = received.find(b"\r\n\r\n")
        if end < 0:
            self._received = received
            return
        head = received[:end].lower()
        length = int(_header(head, b"content-length") or b"0")
        if len(received) < end + 4 + length:
            self._received = received
            return
        self._received = b""
        self.retry_after = float(_header(head, b"retry-after") or b"0")
        self._finish(int(head[9:12]), received[end + 4 :])

    def _finish(self, status: int, body: bytes) -> None:
        reply, self._reply = self._reply, None
        if reply is not None:
            reply(self, status, body)


class Pool:
    """Connections that are free, and requests that wait for one."""

    def __init__(self, connections: list[Connection]) -> None:
        self._free = deque(connections)
        self._waiting: deque[tuple[bytes, Buffer, Reply]] = deque()

    @property
    def waiting(self) -> int:
        """How many requests wait for a connection."""
        return len(self._waiting)

    def send(self, head: bytes, body: Buffer, reply: Reply) -> None:
        """Send on a free connection, or as soon as one is free."""
        if not self._free:
            self._waiting.append((head, body, reply))
            return
        self._send(self._free.popleft(), head, body, reply)

    def _send(self, connection: Connection, head: bytes, body: Buffer, reply: Reply) -> None:
        def done(connection: Connection, status: int, answer: bytes) -> None:
            reply(connection, status, answer)
            if self._waiting:
                self._send(connection, *self._waiting.popleft())
            else:
                self._free.append(connection)

        connection.send(head, body, done)


async def connect(port: int, count: int) -> list[Connection]:
    """Open connections to a server on this machine."""
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(Connection, "127.0.0.1", port))[1] for _ in range(count)]


def post_head(path: str, key: str, length: int) -> bytes:
    """The head of a tracking request, with the write key as SDKs send it."""
    basic = base64.b64encode(f"{key}:".encode()).decode()
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic {basic}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def get_head(path: str, token: str) -> bytes:
    """The head of an API request."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
    ).encode()


def _header(head: bytes, name: bytes) -> bytes | None:
    place = head.find(b"\r\n" + name + b":")
    if place < 0:
        return None
    start = place + len(name) + 3
    end = head.find(b"\r\n", start)
    return head[start : end if end >= 0 else len(head)].strip()
