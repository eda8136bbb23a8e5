"""Messages that come in the address of a picture: from e-mails and pages without scripts."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import parse_qsl

import msgspec

from tekil.collect.validate import MAX_DEPTH
from tekil.kit.json import JsonObject, decode, encode

GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==")
"""A transparent picture of one pixel, 43 bytes."""

MAX_FIELDS = 500


def pixel_body(query: str) -> bytes | None:
    """Turn a query into the body of a single call; None when nothing can be read.

    Two forms: ``data`` holds the whole body as base64 JSON, or each pair is a field, a dot in
    its name going one level down.

    >>> pixel_body("writeKey=k&userId=u&properties.subject=Hi")
    b'{"writeKey":"k","userId":"u","properties":{"subject":"Hi"}}'
    """
    try:
        pairs = parse_qsl(query, keep_blank_values=False, max_num_fields=MAX_FIELDS)
    except ValueError:
        return None
    fields = dict(pairs)
    if "data" in fields:
        return _from_data(fields["data"])
    body: JsonObject = {}
    for name, value in pairs:
        if name.count(".") < MAX_DEPTH:
            _put(body, name.split("."), value)
    return encode(body) if body else None


def _from_data(data: str) -> bytes | None:
    padded = data.replace(" ", "+").replace("-", "+").replace("_", "/")
    try:
        raw = base64.b64decode(padded + "=" * (-len(padded) % 4))
        value = decode(raw)
    except (binascii.Error, ValueError, msgspec.DecodeError, RecursionError):
        return None
    return raw if isinstance(value, dict) else None


def _put(body: JsonObject, path: list[str], value: str) -> None:
    for name in path[:-1]:
        inner = body.setdefault(name, {})
        if not isinstance(inner, dict):
            return
        body = inner
    body[path[-1]] = value
