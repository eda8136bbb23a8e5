"""The floor under accepting: a bare HTTP server that writes each body to SQLite, synced.

It reads a request, puts the body into the next group commit and answers 200 when that commit is
on the disk. It looks at nothing: no key, no JSON, no limit.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sqlite3
import threading
from pathlib import Path
from typing import cast

import uvloop

from tekil.store.state import SQLITE_PRAGMAS

REPLY = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n"
    b'{"success": true}'
)


class Log:
    """Commits whatever has gathered, again and again, on a thread of its own."""

    def __init__(self, path: Path, loop: asyncio.AbstractEventLoop) -> None:
        self._path, self._loop = path, loop
        self._pending: list[tuple[Peer, bytes]] = []
        self._wake = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def append(self, peer: Peer, body: bytes) -> None:
        """Take a body into the next commit."""
        self._pending.append((peer, body))
        self._wake.set()

    def _run(self) -> None:
        connection = sqlite3.connect(self._path, isolation_level=None)
        for pragma in SQLITE_PRAGMAS:
            connection.execute(pragma)
        connection.execute("CREATE TABLE bodies (seq INTEGER PRIMARY KEY, body BLOB)")
        while True:
            self._wake.wait()
            self._wake.clear()
            group, self._pending = self._pending, []
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "INSERT INTO bodies (body) VALUES (?)", [(body,) for _, body in group]
            )
            connection.execute("COMMIT")
            self._loop.call_soon_threadsafe(_answer, [peer for peer, _ in group])


class Peer(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Gather one request; a request without a body is answered at once."""
        received = self._received + data
        end = received.find(b"\r\n\r\n")
        place = received.find(b"Content-Length: ")
        length = int(received[place + 16 : received.find(b"\r", place)]) if place >= 0 else 0
        if end < 0 or len(received) < end + 4 + length:
            self._received = received
            return
        self._received = b""
        if length:
            self._log.append(self, received[end + 4 :])
        else:
            self.transport.write(REPLY)


def _answer(peers: list[Peer]) -> None:
    for peer in peers:
        if not peer.transport.is_closing():
            peer.transport.write(REPLY)


async def serve(port: int, work: Path) -> None:
    """Serve until killed."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    loop = asyncio.get_running_loop()
    log = Log(work / "floor.db", loop)
    server = await loop.create_server(lambda: Peer(log), "127.0.0.1", port)
    print("ready", flush=True)
    await server.serve_forever()


def main() -> None:
    """Serve on a port."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--work", type=Path, default=Path("bench/.work/floor-server"))
    options = parser.parse_args()
    uvloop.run(serve(options.port, options.work))


if __name__ == "__main__":
    main()
