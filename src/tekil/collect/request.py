"""From the bytes of a request to a submission: inflate, find the key, split, check each item."""

from __future__ import annotations

import base64
import binascii
import codecs
import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec

from tekil.collect.message import ABSENT, Envelope, decode_envelope
from tekil.collect.model import Source
from tekil.collect.validate import check_readable, has_nul_key, nests_too_deep, read_item
from tekil.errors import MalformedRequest, TooLarge
from tekil.inbox.model import Reject, RejectReason, RejectStage, Submission
from tekil.kit.clock import Millis
from tekil.kit.json import encode

MAX_ITEMS = 20_000
"""Items that one batch may have: more would hold up every other sender."""

EXPANSION = 16
"""How many times a body's limit its events may take once the batch's context is in each."""

GZIP_MAGIC = b"\x1f\x8b"


MAX_DIGITS = 1000


class UnreadableNumberError(ValueError):
    """NaN or Infinity, which JSON does not have."""


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A request body taken apart, before it is known who may send it."""

    envelope: Envelope
    body: bytes
    items: list[bytes]
    faults: tuple[Reject, ...]
    is_batch: bool


def inflate(body: bytes, content_encoding: str, limit: int) -> bytes:
    """Undo gzip, which some clients announce and some do not. Raises TooLarge, MalformedRequest."""
    if len(body) > limit:
        raise TooLarge(f"The body has over {limit} bytes.")
    if body[:2] != GZIP_MAGIC and "gzip" not in content_encoding:
        return body
    decompressor = zlib.decompressobj(wbits=31)
    try:
        inflated = decompressor.decompress(body, limit + 1)
    except zlib.error as error:
        raise MalformedRequest(f"The body cannot be inflated: {error}.") from error
    if len(inflated) > limit:
        raise TooLarge(f"The inflated body has over {limit} bytes.")
    if not decompressor.eof:
        raise MalformedRequest("The gzip body is cut short.")
    return inflated


def read_body(body: bytes, path_type: str) -> ReadRequest:
    """Take a body apart. Raises MalformedRequest when nothing in it can be read."""
    try:
        envelope = decode_envelope(body)
        faults: tuple[Reject, ...] = ()
    except msgspec.ValidationError as error:
        raise MalformedRequest(f"The body has the wrong shape: {error}.") from error
    except RecursionError as error:
        raise MalformedRequest("The body nests too deep.") from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        envelope, body, faults = _read_slowly(body)
    if envelope.batch is None:
        if not path_type:
            raise MalformedRequest('The body has no "batch"; a single call goes to /v1/track etc.')
        return ReadRequest(envelope, body, [] if faults else [body], faults, is_batch=False)
    if len(envelope.batch) > MAX_ITEMS:
        count = len(envelope.batch)
        raise TooLarge(f"The batch has {count} items; {MAX_ITEMS} are allowed. Send smaller ones.")
    items = [bytes(raw) for raw in envelope.batch]
    return ReadRequest(envelope, body, items, faults, is_batch=True)


def find_write_key(
    headers: Mapping[bytes, bytes], query_key: str | None, request: ReadRequest
) -> str | None:
    """Look for the key where the SDKs put it, in the order in which they are believed."""
    return (
        basic_write_key(headers)
        or body_write_key(request)
        or query_key
        or header_write_key(headers)
    )


def body_write_key(request: ReadRequest) -> str | None:
    """Find the write key in a body: at the top, else in the first item."""
    if request.envelope.write_key:
        return request.envelope.write_key
    if request.is_batch and request.items:
        try:
            return msgspec.json.decode(request.items[0], type=_KeyOnly).writeKey
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
    return None


def basic_write_key(headers: Mapping[bytes, bytes]) -> str | None:
    """Find the write key in ``Authorization: Basic``, with or without a colon after it."""
    authorization = headers.get(b"authorization", b"")
    if authorization[:6].lower() != b"basic ":
        return None
    encoded = authorization[6:].strip()
    try:
        decoded = base64.b64decode(encoded + b"=" * (-len(encoded) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return decoded.partition(":")[0] or None


def header_write_key(headers: Mapping[bytes, bytes]) -> str | None:
    """Find the write key in ``X-Write-Key``."""
    return headers.get(b"x-write-key", b"").decode("latin-1") or None


def to_submission(
    request: ReadRequest,
    source: Source,
    *,
    path_type: str,
    received_at: Millis,
    ip: str,
    user_agent: str,
) -> Submission:
    """Check every item; one bad item becomes a reject and leaves the others alone."""
    limit = source.settings.max_event_bytes
    if request.is_batch:
        check_context(request, limit, EXPANSION * source.settings.max_body_bytes)
    single_type = "" if request.is_batch else path_type
    good: list[bytes] = []
    bad: list[Reject] = list(request.faults)
    for place, raw in enumerate(request.items):
        read = read_item(raw, place, single_type, limit)
        if isinstance(read, Reject):
            bad.append(_typed(read, single_type))
        else:
            good.append(raw)
    body = request.body
    if request.is_batch and len(good) != len(request.items):
        body = join_batch(request.envelope, good)
    return Submission(
        source.source_id, received_at, body, len(good), single_type, ip, user_agent, tuple(bad)
    )


def check_context(request: ReadRequest, max_bytes: int, max_expanded: int) -> None:
    """The context of a batch counts for each item. Raises MalformedRequest, TooLarge."""
    context = bytes(request.envelope.context)
    if context[:1] not in (b"", b"{", b"n"):
        raise MalformedRequest("The context of the batch must be an object.")
    if len(context) > max_bytes or len(context) * len(request.items) > max_expanded:
        raise TooLarge(
            f"The context of the batch has {len(context)} bytes, which count for each of its "
            f"{len(request.items)} items; one event may have {max_bytes}, all together "
            f"{max_expanded}. Send smaller batches, or a shorter context."
        )
    if nests_too_deep(context):
        raise MalformedRequest("The context of the batch nests too deep.")
    fault = check_readable(context)
    if fault is not None:
        raise MalformedRequest(f"The context of the batch cannot be read: {fault[1]}")
    if has_nul_key(context):
        raise MalformedRequest("A key in the context of the batch holds the character NUL.")


def _typed(reject: Reject, path_type: str) -> Reject:
    """Write the type that the address said into the payload, so that it can be replayed."""
    payload = reject.payload.rstrip()
    if not path_type or payload[:1] != b"{" or payload[-1:] != b"}":
        return reject
    inside = payload[1:-1].strip()
    typed = b'"type":"%b"}' % path_type.encode()
    return replace(reject, payload=b"{" + inside + b"," + typed if inside else b"{" + typed)


def join_batch(envelope: Envelope, items: list[bytes]) -> bytes:
    """Write a batch anew with the envelope's defaults and these items."""
    parts = [b'{"batch":[', b",".join(items), b"]"]
    for name, raw in ((b"context", envelope.context), (b"integrations", envelope.integrations)):
        if raw != ABSENT:
            parts += [b',"', name, b'":', bytes(raw)]
    for name, value in ((b"sentAt", envelope.sent_at), (b"timestamp", envelope.timestamp)):
        if value is not None:
            parts += [b',"', name, b'":', encode(value)]
    return b"".join([*parts, b"}"])


class _KeyOnly(msgspec.Struct):
    writeKey: str | None = None  # noqa: N815 (the wire's name)


def _read_slowly(body: bytes) -> tuple[Envelope, bytes, tuple[Reject, ...]]:
    """Read a body that has something no strict parser takes, and find which item it is in."""
    try:
        # Bytes that are no UTF-8 become surrogates here, so that only their item is refused.
        value = json.loads(
            body.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape"),
            parse_constant=_BadNumber,
            parse_float=_float,
            parse_int=_int,
        )
    except RecursionError as error:
        raise MalformedRequest("The body nests too deep.") from error
    except ValueError as error:
        raise MalformedRequest(f"The body is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise MalformedRequest("The body must be a JSON object.")
    batch = value.get("batch")
    if not isinstance(batch, list):
        fault = _encode_or_reject(value, 0)
        if isinstance(fault, Reject):
            return Envelope(write_key=_text(value.get("writeKey"))), b"{}", (fault,)
        return _envelope(fault), fault, ()
    good: list[msgspec.Raw] = []
    bad: list[Reject] = []
    for place, item in enumerate(batch):
        encoded = _encode_or_reject(item, place)
        if isinstance(encoded, Reject):
            bad.append(encoded)
        else:
            good.append(msgspec.Raw(encoded))
    rest = {k: v for k, v in value.items() if k != "batch"}
    outer = _encode_or_reject(rest, 0)
    if isinstance(outer, Reject):
        raise MalformedRequest(f"What is around the batch cannot be read: {outer.detail}")
    envelope = _envelope(outer)
    envelope.batch = good
    return envelope, join_batch(envelope, [bytes(r) for r in good]), tuple(bad)


def _envelope(body: bytes) -> Envelope:
    try:
        return decode_envelope(body)
    except msgspec.DecodeError as error:
        raise MalformedRequest(f"The body has the wrong shape: {error}.") from error


def _float(text: str) -> float | _BadNumber:
    number = float(text)
    return number if math.isfinite(number) else _BadNumber(text)


def _int(text: str) -> int | _BadNumber:
    return int(text) if len(text) <= MAX_DIGITS else _BadNumber(text)


class _BadNumber:
    """Stands for NaN or Infinity until the item that holds it is written again."""

    def __init__(self, text: str) -> None:
        self.text = text


def _encode_or_reject(value: object, place: int) -> bytes | Reject:
    try:
        return msgspec.json.encode(value, enc_hook=_refuse_number)
    except UnreadableNumberError as error:
        reason, detail = RejectReason.INVALID_JSON, f"{str(error)[:64]} is not a JSON number."
    except UnicodeEncodeError:
        reason, detail = RejectReason.INVALID_TEXT, "Text is not UTF-8 or holds half a character."
    except (RecursionError, ValueError, OverflowError) as error:
        reason, detail = RejectReason.INVALID_JSON, str(error)
    payload = json.dumps(value, default=lambda bad: getattr(bad, "text", None)).encode()
    return Reject(RejectStage.COLLECT, reason, detail, payload, place)


def _refuse_number(value: object) -> object:
    raise UnreadableNumberError(getattr(value, "text", "?"))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
