"""The sender against a small real server: retries, refusals, counts, compression."""

from __future__ import annotations

import base64
import gzip
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tekil.demo import send
from tekil.demo.send import send_batches
from tekil.errors import InputError, StoreUnavailable, Unauthenticated

Answer = Callable[[int], tuple[int, dict[str, str], bytes]]
OK = (200, {}, b'{"success": true}')


class Server:
    """Answers as told by the number of the request; keeps what it accepted."""

    def __init__(self) -> None:
        self.answer: Answer = lambda _n: OK
        self.accepted: list[dict[str, object]] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.drop: set[int] = set()
        self.connections: set[object] = set()
        lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                with lock:
                    number = len(outer.requests)
                    outer.requests.append((self.path, dict(self.headers)))
                    outer.connections.add(self.client_address)
                    if number in outer.drop:
                        self.close_connection = True
                        self.connection.close()
                        return
                    status, headers, reply = outer.answer(number)
                    if status == 200:
                        outer.accepted.append(json.loads(body))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


def bodies(n: int) -> list[tuple[bytes, int]]:
    return [
        (json.dumps({"batch": [{"messageId": str(i)}] * (i % 3 + 1)}).encode(), i % 3 + 1)
        for i in range(n)
    ]


def ids(server: Server) -> list[str]:
    return sorted((b["batch"][0]["messageId"] for b in server.accepted), key=int)  # type: ignore


def test_everything_arrives_once_over_few_connections(server: Server) -> None:
    told: list[int] = []
    made = bodies(50)
    sent = send_batches(server.url, "wk_x", iter(made), connections=3, on_sent=told.append)
    assert sent == sum(c for _, c in made) == sum(told)
    assert len(told) == 50
    assert ids(server) == [str(i) for i in range(50)]
    assert len(server.connections) <= 3
    path, headers = server.requests[0]
    assert path == "/v1/batch"
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"wk_x:"


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured_and_nothing_is_lost(server: Server, status: int) -> None:
    refusal = (status, {"Retry-After": "0"}, b'{"code":"x","message":"wait"}')
    server.answer = lambda n: refusal if n % 2 == 0 else OK
    assert send_batches(server.url, "k", bodies(10), connections=1) == sum(c for _, c in bodies(10))
    assert ids(server) == [str(i) for i in range(10)]
    assert len(server.requests) == 20


def test_a_dropped_connection_is_opened_again(server: Server) -> None:
    server.drop = {0, 3}
    send_batches(server.url, "k", bodies(5), connections=1)
    assert ids(server) == [str(i) for i in range(5)]


def test_a_wrong_key_ends_it_at_once(server: Server) -> None:
    server.answer = lambda _n: (401, {}, b'{"code":"unauthorized","message":"no such key"}')
    with pytest.raises(Unauthenticated, match="no such key"):
        send_batches(server.url, "k", bodies(1000), connections=2)
    assert len(server.requests) <= 2


def test_a_refusal_that_is_not_json_is_quoted(server: Server) -> None:
    server.answer = lambda _n: (413, {}, b"<html>too big")
    with pytest.raises(InputError, match=r"413: <html>too big"):
        send_batches(server.url, "k", bodies(1))


def test_patience_ends(server: Server) -> None:
    server.answer = lambda _n: (503, {"Retry-After": "0"}, b"")
    with pytest.raises(StoreUnavailable, match="answered 503"):
        send_batches(server.url, "k", bodies(3), patience=0)


@pytest.mark.timeout(20)
def test_patience_is_counted_over_all_attempts(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "FIRST_WAIT_SECONDS", 0.01)
    server.answer = lambda _n: (503, {}, b"")
    with pytest.raises(StoreUnavailable):
        send_batches(server.url, "k", bodies(1), patience=0.05)
    assert 3 <= len(server.requests) <= 6


@pytest.mark.timeout(20)
def test_retry_after_counts_more_than_the_own_pause(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "FIRST_WAIT_SECONDS", 1e6)
    monkeypatch.setattr(send, "LONGEST_WAIT_SECONDS", 1e6)
    server.answer = lambda n: (429, {"Retry-After": "0"}, b"") if n < 3 else OK
    assert send_batches(server.url, "k", bodies(1), connections=1) == 1


def test_gzip(server: Server) -> None:
    send_batches(server.url, "k", bodies(4), gzip_level=1)
    assert ids(server) == ["0", "1", "2", "3"]
    assert all(h.get("Content-Encoding") == "gzip" for _, h in server.requests)


def test_an_error_in_the_bodies_comes_out(server: Server) -> None:
    def broken() -> Iterator[tuple[bytes, int]]:
        yield b'{"batch":[]}', 0
        raise RuntimeError("source ran dry")

    with pytest.raises(RuntimeError, match="ran dry"):
        send_batches(server.url, "k", broken(), connections=2)


@pytest.mark.parametrize("url", ["localhost:8765", "ftp://x", "", "http://"])
def test_an_address_must_be_one(url: str) -> None:
    with pytest.raises(InputError, match="not the address"):
        send_batches(url, "k", [])
