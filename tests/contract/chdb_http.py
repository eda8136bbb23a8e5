"""A server that speaks ClickHouse's HTTP interface over chdb, for tests.

There is no ClickHouse server package to install with pip, but chdb is the same engine; this puts
the part of the HTTP interface in front of it that clickhouse-connect uses. It runs as a process of
its own, because chdb allows one engine path per process:

    python chdb_http.py DIRECTORY PORT        prints "listening on PORT" once it is ready

Left out, as no client here uses it: sessions, external data, progress headers, users.
"""

from __future__ import annotations

import ctypes
import email.parser
import email.policy
import gzip
import json
import re
import signal
import sys
import tempfile
import zlib
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import chdb
import lz4.frame
from clickhouse_connect.driver.compression import _zstd_decompress

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PR_SET_PDEATHSIG = 1

# Arguments of the HTTP interface itself; every other one is a setting of the query.
ARGUMENTS = {
    "query", "database", "default_format", "query_id", "session_id", "session_timeout",
    "session_check", "wait_end_of_query", "send_progress_in_http_headers", "buffer_size",
    "http_headers_progress_interval_ms", "enable_http_compression", "client_protocol_version",
    "cancel_http_readonly_queries_on_client_close", "compress", "decompress", "quota_key", "role",
    "user", "password",
}  # fmt: skip

# As ClickHouse answers them; everything else is a 500.
STATUS_OF_CODE = {60: 404, 81: 404, 46: 404, 47: 404, 62: 400, 53: 400, 27: 400, 26: 400, 241: 500}

_INSERT_DATA = re.compile(
    rb"\s*(INSERT\s+INTO\s+.*?)\s+FORMAT\s+(\w+)[ \t]*(?:\n|$)", re.IGNORECASE | re.DOTALL
)
_FORMAT = re.compile(rb"\bFORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)
_CODE = re.compile(r"Code: (\d+)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass
class Answer:
    """What a statement gave back."""

    body: bytes
    format: str | None
    summary: dict[str, str]


def decompress(data: bytes, encoding: str) -> bytes:
    """Undo the Content-Encoding of a request."""
    match encoding:
        case "" | "identity":
            return data
        case "gzip":
            return gzip.decompress(data)
        case "deflate":
            return zlib.decompress(data)
        case "lz4":
            return lz4.frame.decompress(data)
        case "zstd":
            return _zstd_decompress(data)
    raise ValueError(f"unknown Content-Encoding {encoding}")


def compress(data: bytes, accepted: str) -> tuple[bytes, str | None]:
    """Compress an answer with the first method that the client accepts."""
    for encoding in (each.partition(";")[0].strip() for each in accepted.split(",")):
        match encoding:
            case "lz4":
                return lz4.frame.compress(data), encoding
            case "zstd":
                return zstd.compress(data), encoding
            case "gzip":
                return gzip.compress(data, 1), encoding
    return data, None


def quoted(value: str) -> str:
    """A string literal of SQL."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def run(path: str, sql: bytes, data: bytes, arguments: dict[str, str]) -> Answer:
    """Run one statement on a handle of its own, so that USE and SET end with the request."""
    settings = {k: v for k, v in arguments.items() if k not in ARGUMENTS and k[:6] != "param_"}
    parameters = {k[6:]: v for k, v in arguments.items() if k.startswith("param_")}
    connection = chdb.connect(path)
    try:
        if arguments.get("database"):
            connection.query(f"USE `{arguments['database']}`", "TabSeparated")
        for name, value in settings.items():
            if not _NAME.fullmatch(name):
                raise RuntimeError(f"Code: 115. DB::Exception: Unknown setting {name!r}")
            connection.query(f"SET {name} = {quoted(value)}", "TabSeparated")
        insert = _INSERT_DATA.match(sql)
        if insert is not None:
            block = sql[insert.end() :] + data
            return insert_block(connection, insert[1].decode(), insert[2].decode(), block)
        return query(connection, sql + (b"\n" + data if data else b""), parameters)
    finally:
        connection.close()


def insert_block(connection: Any, statement: str, fmt: str, block: bytes) -> Answer:
    """Insert a block; by way of a file, as binary formats must be."""
    with tempfile.NamedTemporaryFile(suffix=".block") as file:
        file.write(block)
        file.flush()
        result = connection.query(
            f"{statement} FROM INFILE {quoted(file.name)} FORMAT {fmt}", "TabSeparated"
        )
    return Answer(b"", None, {"written_rows": str(result.rows_read())})


def query(connection: Any, sql: bytes, parameters: dict[str, str]) -> Answer:
    """Run a query or a command; a result always names its format."""
    named = _FORMAT.search(sql)
    # chdb does not say whether a statement has a result, but a result has a line of names.
    result = connection.query(
        sql.decode(), "TabSeparated" if named else "TabSeparatedWithNames", params=parameters
    )
    body: bytes = result.bytes() or b""
    summary = {"read_rows": str(result.rows_read()), "read_bytes": str(result.bytes_read())}
    if named:
        return Answer(body, named[1].decode(), summary)
    if not body:
        return Answer(b"", None, summary)
    return Answer(body.partition(b"\n")[2], "TabSeparated", summary)


class Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    server: ChdbHttpServer
    # Headers and body go out as two packets, of which the second waits for the first's receipt.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer a health check or a query in the address."""
        if urlsplit(self.path).path == "/ping" or "query=" not in self.path:
            self.reply(200, b"Ok.\n")
        else:
            self.do_POST()

    def do_POST(self) -> None:
        """Run the statement of a request."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = self.read_chunks()
        arguments = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        try:
            body = decompress(body, self.headers.get("Content-Encoding", ""))
            kind = self.headers.get("Content-Type", "")
            if kind.startswith("multipart/form-data"):
                arguments |= form_fields(kind, body)
                body = b""
            sql, data = (arguments["query"].encode(), body) if "query" in arguments else (body, b"")
            answer = run(self.server.path, sql, data, arguments)
        except Exception as error:
            self.fail(str(error))
        else:
            self.succeed(answer, arguments)

    def read_chunks(self) -> bytes:
        """Read a body of which the client did not know the length."""
        parts = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def succeed(self, answer: Answer, arguments: dict[str, str]) -> None:
        """Send a result."""
        headers = {
            "X-ClickHouse-Summary": json.dumps(answer.summary),
            "X-ClickHouse-Query-Id": arguments.get("query_id", ""),
            "X-ClickHouse-Timezone": self.server.timezone,
        }
        if answer.format:
            headers["X-ClickHouse-Format"] = answer.format
        body = answer.body
        if arguments.get("enable_http_compression") == "1":
            body, encoding = compress(body, self.headers.get("Accept-Encoding", ""))
            if encoding:
                headers["Content-Encoding"] = encoding
        self.reply(200, body, headers)

    def fail(self, message: str) -> None:
        """Send an error as ClickHouse does: its number in a header, its text as the body."""
        found = _CODE.search(message)
        code = int(found[1]) if found else 1002
        text = message[found.start() :] if found else f"Code: 1002. DB::Exception: {message}"
        headers = {"X-ClickHouse-Exception-Code": str(code)}
        self.reply(STATUS_OF_CODE.get(code, 500), text.encode() + b"\n", headers)

    def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Send an answer."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Be quiet."""


def form_fields(kind: str, body: bytes) -> dict[str, str]:
    """The fields of a multipart form."""
    parser = email.parser.BytesParser(policy=email.policy.HTTP)
    form = parser.parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    fields = {}
    for part in form.iter_parts():
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        fields[str(part.get_param("name", header="content-disposition"))] = content.decode()
    return fields


class ChdbHttpServer(ThreadingHTTPServer):
    """Serves one chdb directory."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path: str, port: int) -> None:
        self.path = path
        self.engine = chdb.connect(path)  # held open: with the last handle the engine would end
        self.timezone = self.engine.query("SELECT timezone()", "TabSeparated").bytes().decode()[:-1]
        super().__init__(("127.0.0.1", port), Handler)


def main() -> None:
    """Serve until the parent ends or a signal comes."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    path, port = str(Path(sys.argv[1]).resolve()), int(sys.argv[2])
    Path(path).mkdir(parents=True, exist_ok=True)
    server = ChdbHttpServer(path, port)
    print(f"listening on {server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
