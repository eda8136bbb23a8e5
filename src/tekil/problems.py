"""Errors as HTTP answers: RFC 9457 problem details, the same shape from every producer.

    {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "…",
     "code": "not_found", "retry": "never", "errors": [{"path", "message", "value", "allowed"}]}

``code`` is stable and for programs; ``detail`` is for people; ``retry`` says whether sending the
same request again can help. ``errors`` is there when several things were wrong at once.
"""

from __future__ import annotations

import math
import secrets
import traceback
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.responses import Response

from tekil.errors import Retry, StoreError, TekilError, did_you_mean
from tekil.kit.json import JsonObject, JsonValue, decode_object, encode

MEDIA_TYPE = "application/problem+json"
DEFAULT_RETRY_AFTER_SECONDS = 5
MAX_SHOWN_CHARACTERS = 200

_CODES = {
    400: "malformed_request",
    404: "unknown_path",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
}
_log = structlog.get_logger("tekil.http")


def install_problems(app: FastAPI) -> None:
    """Answer every error of this app as a problem."""
    app.add_exception_handler(TekilError, _on_tekil_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(Exception, _on_unexpected)
    _document_problems(app)


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    retry: Retry = Retry.NEVER,
    headers: Mapping[str, str] | None = None,
    **extra: JsonValue,
) -> Response:
    """Build one problem answer."""
    body: JsonObject = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "retry": retry.value,
        **extra,
    }
    return Response(encode(body), status, dict(headers or {}), media_type=MEDIA_TYPE)


def problem_of(error: TekilError) -> Response:
    """The answer that belongs to an error raised on purpose."""
    headers: dict[str, str] = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="tekil"'
    seconds = retry_after_seconds(error)
    if seconds is not None:
        headers["Retry-After"] = str(seconds)
    extra = {name: _json(value) for name, value in error.attributes.items() if name != "status"}
    known = {"type", "title", "status", "detail", "code", "retry"}
    extra = {name: value for name, value in extra.items() if name not in known}
    return problem(
        error.status, error.code, error.message, retry=error.retry, headers=headers, **extra
    )


def retry_after_seconds(error: TekilError) -> int | None:
    """Whole seconds to wait: as the error says, else a short while where waiting can help."""
    seconds = error.attributes.get("retry_after_seconds")
    if isinstance(seconds, int | float):
        return max(1, math.ceil(seconds))
    can_help = error.retry is Retry.LATER and error.status in (429, 503)
    return DEFAULT_RETRY_AFTER_SECONDS if can_help else None


async def _on_tekil_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, TekilError)
    if isinstance(error, StoreError):
        _log.warning("store_error", code=error.code, detail=error.message)
    return problem_of(error)


async def _on_validation_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    for each in error.errors():
        if each["type"] == "json_invalid":
            return problem(400, "malformed_request", _not_json(each))
    faults = [_fault(each) for each in error.errors()]
    lines = "; ".join(f"{fault['path']}: {fault['message']}" for fault in faults[:5])
    more = f" and {len(faults) - 5} more" if len(faults) > 5 else ""
    return problem(400, "invalid_request", f"{lines}{more}", errors=[*faults])


def _not_json(error: Mapping[str, Any]) -> str:
    reason = str((error.get("ctx") or {}).get("error", "it cannot be read"))
    return f"The body is not JSON: {reason} at character {error['loc'][-1]}."


def _fault(error: Mapping[str, Any]) -> JsonObject:
    """One wrong value: where it is, what it was, what is allowed."""
    place = [str(part) for part in error["loc"]]
    where = ".".join(place[1:]) if place[:1] == ["body"] else ".".join(place)
    fault: JsonObject = {"path": where or "body", "message": str(error["msg"])}
    if error["type"] != "missing":
        fault["value"] = _short(_json(error.get("input")))
    context = error.get("ctx") or {}
    allowed = {name: value for name, value in context.items() if name not in ("error", "reason")}
    if allowed:
        fault["allowed"] = _json(allowed)
    return fault


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status, detail = error.status_code, str(error.detail)
    headers = dict(error.headers or {})
    if status < 400:
        return Response(status_code=status, headers=headers)
    if status == 404 and detail == HTTPStatus(404).phrase:
        detail = f"There is nothing at {_short(request.url.path)}.{_near_path(request)}"
    if status == 405:
        headers["Allow"] = ", ".join(_allowed_methods(request))
        detail = f"{request.method} is not possible here; allowed: {headers['Allow'] or 'none'}."
    return problem(status, _CODES.get(status, "error"), detail, headers=headers)


async def _on_unexpected(request: Request, error: Exception) -> Response:
    """A fault of ours: say so, keep the details in the log, give both the same number."""
    incident = secrets.token_hex(6)
    _log.error(
        "unexpected_error",
        incident=incident,
        method=request.method,
        path=request.url.path,
        # Formatted here: a renderer that shows local variables would put secrets into the log.
        exception="".join(traceback.format_exception(error)),
    )
    detail = f"Something went wrong in Tekil itself. The log has the details under {incident}."
    return problem(500, "internal", detail, retry=Retry.LATER, incident=incident)


def _near_path(request: Request) -> str:
    paths = (context.path or "" for context in iter_route_contexts(request.app.routes))
    return did_you_mean(request.url.path, (path for path in paths if "{" not in path))


def _allowed_methods(request: Request) -> list[str]:
    """All methods of all routes at this path; the first route alone would name only its own."""
    found: set[str] = set()
    for context in iter_route_contexts(request.app.routes):
        pattern = getattr(context, "path_regex", None)
        if pattern is not None and pattern.match(request.url.path):
            found |= context.methods or set()
    return sorted(found)


def _short(value: JsonValue) -> JsonValue:
    """Cut what would make the answer as long as the request."""
    if isinstance(value, str):
        return value if len(value) <= MAX_SHOWN_CHARACTERS else value[:MAX_SHOWN_CHARACTERS] + "…"
    text = encode(value)
    return value if len(text) <= MAX_SHOWN_CHARACTERS else f"({type(value).__name__})"


def _json(value: object) -> JsonValue:
    """Anything an error carries, as JSON that can always be encoded."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Mapping):
        return {str(_json(str(key))): _json(item) for key, item in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        return [_json(item) for item in value]
    return str(value)


_PROBLEM_SCHEMA: JsonObject = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "retry"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "Stable; for programs."},
        "retry": {"type": "string", "enum": list(Retry)},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}
_PROBLEM_RESPONSE: JsonObject = {
    "description": "A problem (RFC 9457)",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def _document_problems(app: FastAPI) -> None:
    """Describe in OpenAPI what is really answered, in place of FastAPI's own 422."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _put_problems(generate())
        return generate()

    app.openapi = openapi  # type: ignore[method-assign]


def _put_problems(document: dict[str, Any]) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = _PROBLEM_SCHEMA
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for path in document.get("paths", {}).values():
        for operation in path.values():
            if isinstance(operation, dict) and "responses" in operation:
                operation["responses"].pop("422", None)
                for status in ("4XX", "5XX"):
                    operation["responses"].setdefault(status, _PROBLEM_RESPONSE)


def error_of(status: int, body: bytes) -> TekilError:
    """The error behind a problem that another Tekil server answered, for its clients."""
    try:
        found = decode_object(body)
    except msgspec.DecodeError:
        found = {}
    detail = found.get("detail")
    known = {"type", "title", "status", "detail", "code", "retry"}
    attributes: dict[str, Any] = {k: v for k, v in found.items() if k not in known}
    error = TekilError(
        detail if isinstance(detail, str) else f"The server answered {status}.", **attributes
    )
    error.status = status
    error.code = str(found.get("code", "error"))
    error.retry = Retry.LATER if found.get("retry") == Retry.LATER.value else Retry.NEVER
    return error
