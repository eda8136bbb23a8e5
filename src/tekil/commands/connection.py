"""How a command reaches Tekil: through the server that owns the data directory, else directly.

Both ways speak the same HTTP API: without a server the command opens the stores and calls the
application in its own process, so that there is one meaning for each command.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from tekil.errors import DataDirectoryInUse, NotFound, TekilError
from tekil.kit.ids import new_secret
from tekil.settings import Role, Settings
from tekil.store.directory import DataDirectory, RunningServer

if TYPE_CHECKING:
    import httpx

    from tekil.runtime import Runtime

TIMEOUT_SECONDS = 600.0


class ApiError(TekilError):
    """The server refused what a command asked for."""

    code = "api_error"


class ApiClient:
    """Calls ``/api/v1`` and returns decoded JSON. Raises ApiError with the server's own words."""

    def __init__(self, send: Any, url: str | None, stream: Any = None) -> None:
        self._send = send
        self._stream = stream
        self.url = url
        """Where the server listens; None when there is none and the stores are open here."""

    def get(self, path: str, **parameters: object) -> Any:
        """Read something."""
        given = {k: v for k, v in parameters.items() if v is not None}
        return self.request("GET", path, params=given)

    def post(self, path: str, body: object = None) -> Any:
        """Make or do something."""
        return self.request("POST", path, json=body)

    def raw_post(self, path: str, body: bytes) -> httpx.Response:
        """Post bytes to a full path and return the reply as it is."""
        reply: httpx.Response = self._send(
            "POST", path, content=body, headers={"Content-Type": "application/json"}
        )
        return reply

    def download(self, path: str, **parameters: object) -> Iterator[bytes]:
        """Read a file piece by piece."""
        given = {k: v for k, v in parameters.items() if v is not None}
        if self._stream is None:  # no server: the application is called in this process
            reply: httpx.Response = self._send("GET", f"/api/v1{path}", params=given)
            if reply.is_error:
                raise ApiError(_reason(reply), status=reply.status_code)
            yield reply.content
            return
        import httpx

        with self._stream("GET", f"/api/v1{path}", params=given) as reply:
            if reply.is_error:
                reply.read()
                raise ApiError(_reason(reply), status=reply.status_code)
            try:
                yield from reply.iter_bytes()
            except httpx.TransportError as error:
                raise ApiError(
                    f"The server stopped in the middle of its answer ({error}). Look at its log."
                ) from error

    def request(self, method: str, path: str, **arguments: Any) -> Any:
        """Send a request."""
        reply: httpx.Response = self._send(method, f"/api/v1{path}", **arguments)
        if reply.is_error:
            raise ApiError(_reason(reply), status=reply.status_code)
        return reply.json() if reply.content else None


@contextmanager
def connect(settings: Settings, *, create: bool = True) -> Iterator[ApiClient]:
    """Reach the Tekil of a data directory; ``create`` says whether one may be made.

    Raises NotFound, DataDirectoryInUse.
    """
    if not (create or settings.is_remote or settings.data.exists()):
        raise NotFound(
            f"There is no data directory {settings.data}. "
            "`tekil serve` makes one; --data says where it is."
        )
    server = reach(settings)
    if isinstance(server, RunningServer):
        import httpx

        headers = {"Authorization": f"Bearer {server.token}"}
        with httpx.Client(base_url=server.url, headers=headers, timeout=TIMEOUT_SECONDS) as client:
            yield ApiClient(client.request, server.url, client.stream)
        return
    with _embedded(server) as client:
        yield client


def reach(settings: Settings) -> RunningServer | Runtime:
    """The server that owns the data directory; without one the stores, opened here.

    Raises DataDirectoryInUse.
    """
    if settings.is_remote:  # the work is left to the processes that run there
        settings = msgspec.structs.replace(settings, role=Role.API)
    directory = DataDirectory(settings.data)
    server = directory.running_server()
    if server is not None:
        return server
    from tekil.runtime import Runtime  # slow to import; only commands without a server need it

    try:
        return Runtime(settings)
    except DataDirectoryInUse:  # a server has started meanwhile
        server = directory.running_server()
        if server is None:
            raise
        return server


@contextmanager
def _embedded(runtime: Runtime) -> Iterator[ApiClient]:
    import httpx

    from tekil.app import create_app  # slow to import

    token = new_secret("local")
    runtime.access.trust_local(token)
    runtime.start()
    transport = httpx.ASGITransport(app=create_app(runtime), raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {token}"}

    async def call(method: str, path: str, **arguments: Any) -> httpx.Response:
        async with httpx.AsyncClient(
            transport=transport, base_url="http://tekil", headers=headers
        ) as client:
            return await client.request(method, path, **arguments)

    try:
        with asyncio.Runner() as runner:
            yield ApiClient(lambda m, p, **a: runner.run(call(m, p, **a)), None)
            if not runtime.settings.is_remote:
                runtime.pipeline.settle()
    finally:
        runtime.stop()


def _reason(reply: httpx.Response) -> str:
    try:
        body = reply.json()
    except ValueError:
        return f"The server answered {reply.status_code}: {reply.text[:300]}"
    return str(body.get("detail") or body.get("message") or body)
