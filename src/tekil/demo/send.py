"""Send batches through the tracking API's front door, as any server-side SDK would.

A body may be sent twice when a reply is lost, so its messages must carry ``messageId``s.
"""

from __future__ import annotations

import base64
import gzip
import http.client
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from tekil.errors import InputError, StoreUnavailable, TekilError, Unauthenticated
from tekil.kit.json import decode_object

Body = tuple[bytes, int]
"""A ``{"batch":[…]}`` request body and how many messages it holds."""

PATIENCE_SECONDS = 120.0
FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 10.0
TIMEOUT_SECONDS = 60.0
_RETRIED = frozenset({408, 429, 500, 502, 503, 504})


def send_batches(
    base_url: str,
    write_key: str,
    bodies: Iterable[Body],
    *,
    connections: int = 2,
    on_sent: Callable[[int], None] = lambda _count: None,
    gzip_level: int = 0,
    patience: float = PATIENCE_SECONDS,
) -> int:
    """POST every body to /v1/batch over keep-alive connections; return the messages accepted.

    ``on_sent`` is told the messages of each accepted body, by one thread at a time. 429 and 503
    are waited out as ``Retry-After`` says, for at most ``patience`` seconds each. The iterable is
    drawn from by one thread at a time and never further than what is being sent.
    """
    run = _Run(iter(bodies), on_sent)
    door = _Door.at(base_url, write_key, gzip_level, patience)
    threads = [
        threading.Thread(target=_send_all, args=(door, run), name=f"send-{n}", daemon=True)
        for n in range(max(1, connections))
    ]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except BaseException:
        run.stop.set()
        raise
    if run.error is not None:
        raise run.error
    return run.sent


class _Run:
    """What the sending threads share: the bodies left, the count, the first error."""

    def __init__(self, bodies: Iterator[Body], on_sent: Callable[[int], None]) -> None:
        self.stop = threading.Event()
        self.sent = 0
        self.error: BaseException | None = None
        self._bodies = bodies
        self._on_sent = on_sent
        self._draw = threading.Lock()
        self._count = threading.Lock()

    def next(self) -> Body | None:
        with self._draw:
            return None if self.stop.is_set() else next(self._bodies, None)

    def accepted(self, count: int) -> None:
        with self._count:
            self.sent += count
            self._on_sent(count)

    def failed(self, error: BaseException) -> None:
        with self._count:
            self.error = self.error or error
        self.stop.set()


@dataclass(frozen=True, slots=True)
class _Door:
    """Where and how to post."""

    scheme: str
    netloc: str
    path: str
    headers: dict[str, str]
    gzip_level: int
    patience: float

    @staticmethod
    def at(base_url: str, write_key: str, gzip_level: int, patience: float) -> _Door:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise InputError(
                f'"{base_url}" is not the address of a server: write it as http://127.0.0.1:8765'
            )
        headers = {
            "Authorization": "Basic " + base64.b64encode(f"{write_key}:".encode()).decode(),
            "Content-Type": "application/json",
            "User-Agent": "tekil-demo",
        }
        if gzip_level:
            headers["Content-Encoding"] = "gzip"
        path = parts.path.rstrip("/") + "/v1/batch"
        return _Door(parts.scheme, parts.netloc, path, headers, gzip_level, patience)

    def connect(self) -> http.client.HTTPConnection:
        if self.scheme == "https":
            return http.client.HTTPSConnection(self.netloc, timeout=TIMEOUT_SECONDS)
        return http.client.HTTPConnection(self.netloc, timeout=TIMEOUT_SECONDS)


def _send_all(door: _Door, run: _Run) -> None:
    connection = door.connect()
    try:
        while (body := run.next()) is not None:
            data, count = body
            payload = gzip.compress(data, door.gzip_level, mtime=0) if door.gzip_level else data
            if _send_one(door, connection, payload, run.stop):
                run.accepted(count)
    except BaseException as error:
        run.failed(error)
    finally:
        connection.close()


def _send_one(
    door: _Door, connection: http.client.HTTPConnection, payload: bytes, stop: threading.Event
) -> bool:
    """Post until it is accepted; False when told to stop. Raises TekilError."""
    pause, waited = FIRST_WAIT_SECONDS, 0.0
    while not stop.is_set():
        fault, wait = _post(door, connection, payload)
        if fault is None:
            return True
        if waited >= door.patience:
            raise StoreUnavailable(
                f"{door.scheme}://{door.netloc} did not take a batch for {waited:.0f} s: {fault}. "
                "Look at the server's log, then start again: what was sent is not counted twice."
            )
        began = time.monotonic()
        stop.wait(min(pause if wait is None else wait, LONGEST_WAIT_SECONDS))
        waited += time.monotonic() - began
        pause = min(pause * 2, LONGEST_WAIT_SECONDS)
    return False


def _post(
    door: _Door, connection: http.client.HTTPConnection, payload: bytes
) -> tuple[str | None, float | None]:
    """One attempt: (None, None) when accepted, else what went wrong and how long to wait."""
    try:
        connection.request("POST", door.path, payload, door.headers)
        response = connection.getresponse()
        reply = response.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()  # the next request opens it again
        return f"{type(error).__name__}: {error}", None
    if response.status == 200:
        return None, None
    if response.status not in _RETRIED:
        raise _refused(door, response.status, reply)
    return f"it answered {response.status}", _seconds(response.getheader("Retry-After"))


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.isdecimal() else None


def _refused(door: _Door, status: int, reply: bytes) -> TekilError:
    try:
        said = str(decode_object(reply).get("message", ""))
    except ValueError:  # msgspec.DecodeError is one
        said = reply[:200].decode("utf-8", "replace")
    where = f"{door.scheme}://{door.netloc}{door.path}"
    if status in (401, 403):
        return Unauthenticated(f"{where} does not know this write key: {said}")
    return InputError(f"{where} refused a batch with {status}: {said}", reply_status=status)
