"""Whether a message can be used: pure checks, each with a reason of a closed list."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from tekil.collect.message import ABSENT, Message, decode_message, id_text
from tekil.collect.model import MessageType
from tekil.collect.times import read_time
from tekil.errors import did_you_mean
from tekil.inbox.model import Reject, RejectReason, RejectStage
from tekil.kit.json import JsonValue, decode

MAX_ID_CHARS = 512
MAX_NAME_CHARS = 512
MAX_DEPTH = 32

TYPES = frozenset(MessageType)
NUL = "\x00"
BACKSLASH = b"\\"  # one byte is found ten times faster than six; most messages have none
NUL_ESCAPED = b"\\u0000"

_without_texts = re.compile(rb'"(?:[^"\\]|\\.)*"').sub
_AS_SQUARE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))

_large_exponent = re.compile(rb"[eE]\+?[0-9]{3}").search
"""Finds what may be a number that no float can hold; cheaper than to read every number."""


def read_item(raw: bytes, item: int, path_type: str, max_bytes: int) -> Message | Reject:
    """Decode and check one message; ``path_type`` is the type that the address set, or empty."""
    if len(raw) > max_bytes:
        detail = f"The message has {len(raw)} bytes; this source allows {max_bytes}."
        return _reject(RejectReason.EVENT_TOO_LARGE, detail, raw, item)
    try:
        message = decode_message(raw)
    except msgspec.ValidationError as error:
        return _reject(_shape_reason(raw), str(error), raw, item)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _reject(RejectReason.INVALID_JSON, str(error), raw, item)
    if path_type:
        message.type = path_type
    if (fault := check_readable(raw)) is not None:
        return _reject(fault[0], fault[1], raw, item)
    for check in CHECKS:
        fault = check(message, raw)
        if fault is not None:
            return _reject(fault[0], fault[1], raw, item)
    return message


Fault = tuple[RejectReason, str] | None


def check_readable(raw: bytes) -> Fault:
    """All of it is UTF-8 and has only numbers that exist, also where nothing was decoded yet."""
    if not raw.isascii():
        try:
            raw.decode()
        except UnicodeDecodeError as error:
            return RejectReason.INVALID_TEXT, f"The message is not UTF-8: byte {error.start}."
    if _large_exponent(raw):
        try:
            decode(raw)
        except (msgspec.DecodeError, RecursionError) as error:
            return RejectReason.INVALID_JSON, f"{error}."
    return None


def check_type(message: Message, _raw: bytes) -> Fault:
    """One of the six calls."""
    kind = message.type
    if kind in TYPES:
        return None
    if not kind:
        return RejectReason.UNKNOWN_MESSAGE_TYPE, "The message has no type."
    allowed = ", ".join(MessageType)
    hint = did_you_mean(kind, list(MessageType))
    return (
        RejectReason.UNKNOWN_MESSAGE_TYPE,
        f'The type "{kind[:64]}" is none of {allowed}.{hint}',
    )


def check_identity(message: Message, _raw: bytes) -> Fault:
    """Somebody must have done it; a group or alias also names the other side."""
    if message.type == "group" and id_text(message.group_id) is None:
        return RejectReason.MISSING_GROUP_ID, "A group call needs groupId."
    if message.type == "alias" and id_text(message.previous_id) is None:
        return RejectReason.MISSING_PREVIOUS_ID, "An alias call needs previousId."
    if id_text(message.user_id) is None and id_text(message.anonymous_id) is None:
        if b'"externalIds"' in _raw:
            return None
        return RejectReason.MISSING_IDENTITY, "The message has neither userId nor anonymousId."
    return None


def check_name(message: Message, _raw: bytes) -> Fault:
    """A track call names its event."""
    name = message.event if message.type == "track" else message.name
    if message.type == "track" and (name is None or name == ""):
        return RejectReason.MISSING_EVENT_NAME, "A track call needs event."
    if name is not None and len(str(name)) > MAX_NAME_CHARS:
        return (
            RejectReason.ID_TOO_LONG,
            f"The name has {len(str(name))} characters; {MAX_NAME_CHARS} are allowed.",
        )
    return None


def check_lengths(message: Message, _raw: bytes) -> Fault:
    """Ids are short: a longer one is a mistake or an attack."""
    for field, value in (
        ("userId", message.user_id),
        ("anonymousId", message.anonymous_id),
        ("groupId", message.group_id),
        ("previousId", message.previous_id),
        ("messageId", message.message_id),
    ):
        text = value if isinstance(value, str) else id_text(value)
        if text is not None and len(text) > MAX_ID_CHARS:
            return (
                RejectReason.ID_TOO_LONG,
                f"{field} has {len(text)} characters; {MAX_ID_CHARS} are allowed.",
            )
    return None


def check_nul(message: Message, raw: bytes) -> Fault:
    """The character NUL may stand in values alone: PostgreSQL takes it in no name and no id."""
    if BACKSLASH not in raw or NUL_ESCAPED not in raw:
        return None
    for field, value in (
        ("userId", message.user_id),
        ("anonymousId", message.anonymous_id),
        ("groupId", message.group_id),
        ("previousId", message.previous_id),
        ("messageId", message.message_id),
        ("event", message.event),
        ("name", message.name),
    ):
        if isinstance(value, str) and NUL in value:
            return RejectReason.INVALID_TEXT, f"{field} holds the character NUL (U+0000)."
    for field, part in (
        ("properties", message.properties),
        ("traits", message.traits),
        ("context", message.context),
    ):
        if has_nul_key(bytes(part)):
            return RejectReason.INVALID_TEXT, f"A key in {field} holds the character NUL (U+0000)."
    return None


def has_nul_key(raw: bytes) -> bool:
    """Whether a key somewhere in this JSON holds the character NUL."""
    return NUL_ESCAPED in raw and _is_nul_keyed(decode(raw))


def check_objects(message: Message, _raw: bytes) -> Fault:
    """properties, traits and context are objects or absent."""
    for field, raw in (
        ("properties", message.properties),
        ("traits", message.traits),
        ("context", message.context),
    ):
        if raw is ABSENT:
            continue
        start = bytes(raw)[:1]
        if start not in (b"", b"{", b"n"):
            return RejectReason.INVALID_TYPE, f"{field} must be an object."
    return None


def check_times(message: Message, _raw: bytes) -> Fault:
    """Times can be read."""
    for field, value in (
        ("timestamp", message.timestamp),
        ("originalTimestamp", message.original_timestamp),
        ("sentAt", message.sent_at),
    ):
        if value is None:
            continue
        try:
            read_time(value)
        except (ValueError, OverflowError) as error:
            return RejectReason.INVALID_TIMESTAMP, f"{field}: {error}."
    return None


def check_depth(_message: Message, raw: bytes) -> Fault:
    """Nesting is bounded, because every later stage walks it."""
    if nests_too_deep(raw):
        return RejectReason.TOO_DEEP, f"The message nests deeper than {MAX_DEPTH}."
    return None


def nests_too_deep(raw: bytes) -> bool:
    """Whether valid JSON nests deeper than allowed; its leaves are cut off layer by layer."""
    if raw.count(b"{") + raw.count(b"[") <= MAX_DEPTH:
        return False
    brackets = _without_texts(b"", raw).translate(_AS_SQUARE, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"[]", b"")
        if not brackets:
            return False
    return True


CHECKS: tuple[Callable[[Message, bytes], Fault], ...] = (
    check_type,
    check_identity,
    check_name,
    check_lengths,
    check_objects,
    check_times,
    check_depth,
    check_nul,
)


def _is_nul_keyed(value: JsonValue) -> bool:
    if isinstance(value, dict):
        return any(NUL in key or _is_nul_keyed(part) for key, part in value.items())
    return isinstance(value, list) and any(_is_nul_keyed(part) for part in value)


def _shape_reason(raw: bytes) -> RejectReason:
    if raw[:1] != b"{":
        return RejectReason.NOT_AN_OBJECT
    return RejectReason.INVALID_TYPE


def _reject(reason: RejectReason, detail: str, raw: bytes, item: int) -> Reject:
    return Reject(RejectStage.COLLECT, reason, detail, bytes(raw), item)
