"""A reverse proxy that fails as networks and busy servers do, then behaves.

It stands between a real SDK and the real server. The first POSTs meet the faults of its list,
one each; everything else passes through unchanged.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from tests.server import eventually

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

HOP_BY_HOP = {b"connection", b"keep-alive", b"transfer-encoding", b"content-length", b"upgrade"}


class Fault(Enum):
    """What a POST meets instead of an answer from the server."""

    TOO_FAST = 429
    UNAVAILABLE = 503
    REPLY_LOST = 504
    """The server took it, but the client hears otherwise: its retry is a true duplicate."""


@dataclass
class FaultProxy:
    """An ASGI application; ``messages`` counts what the server took, duplicates included."""

    target: str
    faults: list[Fault] = field(default_factory=list)
    met: list[Fault] = field(default_factory=list)
    messages: int = 0
    requests: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    """What the server answered to each POST that was passed on."""
    url: str = ""
    client: httpx.AsyncClient | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        body = await _read(receive)
        self.requests.append(f"{scope['method']} {scope['path']}")
        fault = self._next_fault(scope)
        if fault is None or fault is Fault.REPLY_LOST:
            status, headers, reply = await self._forward(scope, body)
        if fault is not None:
            status, headers, reply = _failure(fault, scope["headers"])
        headers.append((b"content-length", str(len(reply)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": reply})

    def _next_fault(self, scope: Scope) -> Fault | None:
        if scope["method"] != "POST" or not self.faults:
            return None
        self.met.append(self.faults.pop(0))
        return self.met[-1]

    async def _forward(self, scope: Scope, body: bytes) -> tuple[int, Headers, bytes]:
        assert self.client is not None
        headers = [(name, value) for name, value in scope["headers"] if name not in HOP_BY_HOP]
        headers.append((b"x-forwarded-for", scope["client"][0].encode()))
        headers.append((b"x-forwarded-proto", scope["scheme"].encode()))
        query = scope["query_string"].decode()
        request = self.client.build_request(
            scope["method"],
            scope["raw_path"].decode() + (f"?{query}" if query else ""),
            headers=headers,
            content=body,
        )
        response = await self.client.send(request, stream=True)
        reply = b"".join([chunk async for chunk in response.aiter_raw()])
        if scope["method"] == "POST":
            self.statuses.append(response.status_code)
            self.messages += count_messages(body) if response.status_code == 200 else 0
        kept = [(n.lower(), v) for n, v in response.headers.raw if n.lower() not in HOP_BY_HOP]
        return response.status_code, kept, reply


def count_messages(body: bytes) -> int:
    """How many messages a tracking request holds, compressed or not."""
    text = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    document = json.loads(text)
    return len(document["batch"]) if "batch" in document else 1


@contextmanager
def running_proxy(
    target: str, faults: list[Fault], *, certificate: tuple[Path, Path] | None = None
) -> Iterator[FaultProxy]:
    """A proxy for the length of a block, over TLS when a (certificate, key) is given."""
    proxy = FaultProxy(target, list(faults))
    cert, key = certificate or (None, None)
    config = uvicorn.Config(
        proxy,
        host="127.0.0.1",
        port=0,
        log_level="warning",
        lifespan="off",
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=2,
        ssl_certfile=str(cert) if cert else None,
        ssl_keyfile=str(key) if key else None,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=asyncio.run, args=(_serve(server, proxy),), daemon=True)
    thread.start()
    try:
        eventually(lambda: server.started, bool, seconds=10, what="the proxy did not start")
        port = server.servers[0].sockets[0].getsockname()[1]
        proxy.url = f"{'https' if cert else 'http'}://127.0.0.1:{port}"
        yield proxy
    finally:
        server.should_exit = True
        thread.join(10)


async def _serve(server: uvicorn.Server, proxy: FaultProxy) -> None:
    async with httpx.AsyncClient(base_url=proxy.target, timeout=30, trust_env=False) as client:
        proxy.client = client
        await server.serve()


async def _read(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _failure(fault: Fault, request_headers: Headers) -> tuple[int, Headers, bytes]:
    origin = dict(request_headers).get(b"origin", b"*")
    headers = [
        (b"content-type", b"application/json"),
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", b"Retry-After"),
    ]
    if fault is Fault.TOO_FAST:
        headers.append((b"retry-after", b"1"))
    reply = json.dumps({"code": fault.name.lower(), "message": "try again"}).encode()
    return fault.value, headers, reply
