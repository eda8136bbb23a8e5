"""The tracking API as an ASGI application: check, append to the inbox, answer. Nothing else.

It is written on bare ASGI because every event passes here: a framework's routing and validation
would cost more than the work itself. All its rules are in the pure modules beside it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import structlog

from tekil.collect.browser.rules import rudder_source_config, segment_settings
from tekil.collect.browser.script import analytics_script, bundle, compressed_script
from tekil.collect.limits import RateLimiter
from tekil.collect.model import Source
from tekil.collect.pixel import GIF, pixel_body
from tekil.collect.request import (
    ReadRequest,
    basic_write_key,
    find_write_key,
    header_write_key,
    inflate,
    read_body,
    to_submission,
)
from tekil.collect.routes import Endpoint, Route, is_tracking_path, route
from tekil.collect.sources import SourceRegister
from tekil.errors import Forbidden, MalformedRequest, TekilError, TooLarge, Unauthenticated
from tekil.inbox.committer import GroupCommitter
from tekil.inbox.model import Submission
from tekil.kit.clock import Clock
from tekil.kit.json import encode

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

ABSOLUTE_BODY_LIMIT = 32 * 1024 * 1024
"""No source may be allowed more than this; the source is only known once the body is read."""

ACCEPTED = b'{"success": true}'
JSON_TYPE = (b"content-type", b"application/json")
JAVASCRIPT_TYPE = (b"content-type", b"text/javascript; charset=utf-8")
RETRY_AFTER_SECONDS = 5

log = structlog.get_logger()


class SourceDisabled(Forbidden):
    """The write key is right but its source is switched off."""

    code = "source_disabled"


@dataclass(frozen=True, slots=True)
class Reply:
    """A status, a body and the headers beside CORS."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = (JSON_TYPE,)


@dataclass(frozen=True, slots=True)
class TrackingSettings:
    """What the tracking API needs to know of the installation."""

    public_url: str | None = None
    trusted_proxies: int = 0


class TrackingApp:
    """Answers the tracking API; ``handles`` says whether a request is one of its own."""

    def __init__(
        self,
        sources: SourceRegister,
        committer: GroupCommitter,
        clock: Clock,
        settings: TrackingSettings,
    ) -> None:
        self._sources = sources
        self._committer = committer
        self._clock = clock
        self._settings = settings
        self._limiter = RateLimiter(clock)

    @staticmethod
    def handles(scope: Scope) -> bool:
        """Whether this request belongs to the tracking API."""
        path = scope["path"]
        return not path.startswith("/api/") and is_tracking_path(path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; every answer, also an error, carries the CORS headers."""
        headers = dict(scope["headers"])
        if scope["method"] == "OPTIONS":
            await _send(send, Reply(204, b"", ()), headers)
            return
        try:
            reply = await self._reply(scope, receive, headers)
        except TekilError as error:
            reply = error_reply(error)
        except Exception:
            log.exception("tracking request failed", path=scope["path"])
            reply = Reply(500, encode({"code": "internal", "message": "This is our fault."}))
        await _send(send, reply, headers)

    async def _reply(self, scope: Scope, receive: Receive, headers: Mapping[bytes, bytes]) -> Reply:
        found = route(scope["method"], scope["path"])
        if found is None:
            message = f"{scope['method']} is not served here; the tracking API takes POST."
            return Reply(405, encode({"code": "method_not_allowed", "message": message}))
        match found[0]:
            case Endpoint.SINGLE | Endpoint.BATCH:
                return await self._track(scope, receive, headers, found)
            case Endpoint.PIXEL:
                return await self._pixel(scope, headers, found[1])
            case Endpoint.METRICS:
                return Reply(200, ACCEPTED)
            case Endpoint.SETTINGS:
                return self._browser_settings(scope, headers, found[1])
            case Endpoint.SCRIPT:
                return self._script(found[1], headers)
            case Endpoint.BUNDLE:
                return _bundle(found[1])
            case Endpoint.SOURCE_CONFIG:
                return self._source_config(scope, headers)

    async def _track(
        self, scope: Scope, receive: Receive, headers: Mapping[bytes, bytes], found: Route
    ) -> Reply:
        raw = await _read(receive)
        path_type = found[1]
        encoding = headers.get(b"content-encoding", b"").decode("latin-1").lower()
        early = basic_write_key(headers)
        known = self._sources.by_write_key(early) if early else None
        limit = known.settings.max_body_bytes if known else ABSOLUTE_BODY_LIMIT
        request = read_body(inflate(raw, encoding, limit), path_type)
        source = self._source(find_write_key(headers, _query_key(scope), request))
        if len(request.body) > source.settings.max_body_bytes:
            raise TooLarge(
                f"The body has {len(request.body)} bytes; this source allows "
                f"{source.settings.max_body_bytes}."
            )
        submission = self._submission(request, source, scope, headers, path_type)
        self._limiter.take(source, max(1, submission.count))
        await self._committer.submit_async(submission)
        if source.settings.strict or headers.get(b"x-tekil-strict") == b"1":
            return Reply(200, strict_body(submission))
        return Reply(200, ACCEPTED)

    async def _pixel(self, scope: Scope, headers: Mapping[bytes, bytes], path_type: str) -> Reply:
        picture = Reply(
            200, GIF, ((b"content-type", b"image/gif"), (b"cache-control", b"no-store"))
        )
        try:
            body = pixel_body(scope["query_string"].decode("utf-8", "replace"))
            if body is None:
                return picture
            request = read_body(body, path_type)
            source = self._source(find_write_key(headers, _query_key(scope), request))
            self._limiter.take(source, 1)
            submission = self._submission(request, source, scope, headers, path_type)
            await self._committer.submit_async(submission)
        except TekilError as error:
            log.info("pixel not taken", reason=error.code, detail=error.message)
        except Exception:
            log.exception("pixel failed", path=scope["path"])  # a page shows the picture anyway
        return picture

    def _browser_settings(
        self, scope: Scope, headers: Mapping[bytes, bytes], write_key: str
    ) -> Reply:
        protocol, host = self._public_address(scope, headers)
        settings = segment_settings(self._source(write_key), host, protocol)
        return Reply(200, encode(settings), (JSON_TYPE, (b"cache-control", b"max-age=60")))

    def _script(self, write_key: str, headers: Mapping[bytes, bytes]) -> Reply:
        self._source(write_key)
        about = (
            JAVASCRIPT_TYPE,
            (b"cache-control", b"max-age=300"),
            (b"vary", b"Accept-Encoding"),
        )
        if b"gzip" in headers.get(b"accept-encoding", b""):
            packed = (*about, (b"content-encoding", b"gzip"))
            return Reply(200, compressed_script(write_key), packed)
        return Reply(200, analytics_script(write_key), about)

    def _source_config(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Reply:
        key = basic_write_key(headers) or _query_key(scope) or header_write_key(headers)
        source = self._source(key, allow_disabled=True)
        return Reply(200, encode(rudder_source_config(source)))

    def _source(self, write_key: str | None, *, allow_disabled: bool = False) -> Source:
        if not write_key:
            raise Unauthenticated("No write key came with the request.")
        source = self._sources.by_write_key(write_key)
        if source is None:
            raise Unauthenticated(
                "The write key is not known; `tekil source list` shows the right ones."
            )
        if not source.enabled and not allow_disabled:
            raise SourceDisabled(f'The source "{source.name}" is disabled.')
        return source

    def _submission(
        self,
        request: ReadRequest,
        source: Source,
        scope: Scope,
        headers: Mapping[bytes, bytes],
        path_type: str,
    ) -> Submission:
        return to_submission(
            request,
            source,
            path_type=path_type,
            received_at=self._clock.now(),
            ip=client_ip(scope, headers, self._settings.trusted_proxies),
            user_agent=headers.get(b"user-agent", b"").decode("latin-1")[:1000],
        )

    def _public_address(self, scope: Scope, headers: Mapping[bytes, bytes]) -> tuple[str, str]:
        if self._settings.public_url:
            protocol, _, host = self._settings.public_url.partition("://")
            return protocol, host.rstrip("/")
        protocol = scope.get("scheme", "http")
        if self._settings.trusted_proxies:
            forwarded = headers.get(b"x-forwarded-proto", b"").decode("latin-1")
            protocol = forwarded.split(",")[0].strip() or protocol
        return protocol, headers.get(b"host", b"localhost").decode("latin-1")


def client_ip(scope: Scope, headers: Mapping[bytes, bytes], trusted_proxies: int) -> str:
    """Find the sender's address: the entry that the outermost trusted proxy wrote."""
    peer = scope["client"][0] if scope.get("client") else ""
    if not trusted_proxies:
        return peer
    forwarded = headers.get(b"x-forwarded-for", b"").decode("latin-1")
    chain = [part.strip() for part in forwarded.split(",") if part.strip()]
    return chain[-trusted_proxies] if len(chain) >= trusted_proxies else peer


def error_reply(error: TekilError) -> Reply:
    """Render an error as the SDKs expect: JSON with ``code`` and ``message``."""
    headers: list[tuple[bytes, bytes]] = [JSON_TYPE]
    wait = error.attributes.get("retry_after_seconds")
    if wait is None and error.status == 503:
        wait = RETRY_AFTER_SECONDS
    if isinstance(wait, int):
        headers.append((b"retry-after", str(wait).encode()))
        if error.status == 429:
            headers.append((b"x-ratelimit-reset", str(wait).encode()))
    code = "invalid_request" if isinstance(error, MalformedRequest) else error.code
    return Reply(error.status, encode({"code": code, "message": error.message}), tuple(headers))


def strict_body(submission: Submission) -> bytes:
    """Tell a source in strict mode what was wrong with each item."""
    errors = [
        {"item": r.item, "reason": r.reason.value, "detail": r.detail} for r in submission.rejects
    ]
    return encode({"success": not errors, "accepted": submission.count, "errors": errors})


async def _read(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise MalformedRequest("The body was cut short.")
        part = message.get("body", b"")
        size += len(part)
        if size > ABSOLUTE_BODY_LIMIT:
            raise TooLarge(f"The body has over {ABSOLUTE_BODY_LIMIT} bytes.")
        parts.append(part)
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def _send(send: Send, reply: Reply, request_headers: Mapping[bytes, bytes]) -> None:
    headers: Headers = [
        *reply.headers,
        (b"content-length", str(len(reply.body)).encode()),
        *cors_headers(request_headers),
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


def cors_headers(request_headers: Mapping[bytes, bytes]) -> Headers:
    """Let any page read the answer; without these an SDK takes an error for a network fault."""
    origin = request_headers.get(b"origin")
    if origin is None:
        return []
    asked = request_headers.get(b"access-control-request-headers", b"")
    headers: Headers = [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        # A page's script may read only the headers named here, and the SDKs obey Retry-After.
        (b"access-control-expose-headers", b"Retry-After, X-RateLimit-Reset"),
        (b"vary", b"Origin"),
    ]
    if asked:
        headers.append((b"access-control-allow-headers", asked))
    if asked or b"access-control-request-method" in request_headers:
        headers += [
            (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
            (b"access-control-max-age", b"86400"),
        ]
    return headers


def _bundle(name: str) -> Reply:
    found = bundle(name)
    if found is None:
        return Reply(404, encode({"code": "not_found", "message": f'There is no "{name}".'}))
    return Reply(200, found, (JAVASCRIPT_TYPE, (b"cache-control", b"max-age=86400")))


def _query_key(scope: Scope) -> str | None:
    query = scope["query_string"]
    if b"writeKey" not in query:
        return None
    keys: list[str] = parse_qs(query.decode("latin-1")).get("writeKey", [])
    return keys[0] if keys else None
