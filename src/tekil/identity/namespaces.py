"""The rules that an installation starts with, and the placeholders that name nobody."""

from __future__ import annotations

from dataclasses import replace

from tekil.identity.model import IdentityRules, Namespace, Normaliser

PLACEHOLDERS: tuple[str, ...] = (
    "anonymous",
    "guest",
    "distinctid",
    "distinct_id",
    "id",
    "not_authenticated",
    "email",
    "undefined",
    "true",
    "false",
    "null",
    "none",
    "nan",
    "nil",
    "n/a",
    "na",
    "unknown",
    "test",
    "user",
    "userid",
    "user_id",
    "anonymousid",
    "anonymous_id",
    "void",
    "-",
    "-1",
    "0",
    "[object object]",
)
"""Values that sloppy clients send instead of an identifier. A blank one never counts either."""

ZEROS_AND_DASHES = "^[0-]*$"
"""Covers the zero UUID and the advertising id of people who opted out."""

USER_ID = "user_id"
EMAIL = "email"
PHONE = "phone"
DEVICE_ID = "device_id"
ADVERTISING_ID = "advertising_id"
ANONYMOUS_ID = "anonymous_id"

EXTERNAL_IDS = "context.externalIds"

_GUARDED = Namespace(rank=10, blocked=PLACEHOLDERS, blocked_patterns=(ZEROS_AND_DASHES,))

_NAMESPACES: dict[str, Namespace] = {
    USER_ID: replace(_GUARDED, rank=1, limit=1, from_=("userId", EXTERNAL_IDS)),
    EMAIL: replace(
        _GUARDED,
        rank=2,
        limit=5,
        normaliser=Normaliser.EMAIL,
        shared_after=4,
        from_=("traits.email", EXTERNAL_IDS),
    ),
    PHONE: replace(
        _GUARDED,
        rank=3,
        limit=5,
        normaliser=Normaliser.PHONE,
        shared_after=4,
        from_=("traits.phone", EXTERNAL_IDS),
    ),
    DEVICE_ID: replace(
        _GUARDED, rank=20, shared_after=4, personal=False, from_=("context.device.id", EXTERNAL_IDS)
    ),
    ADVERTISING_ID: replace(
        _GUARDED,
        rank=21,
        normaliser=Normaliser.LOWER,
        shared_after=4,
        personal=False,
        from_=("context.device.advertisingId", EXTERNAL_IDS),
    ),
    ANONYMOUS_ID: replace(
        _GUARDED, rank=30, shared_after=4, personal=False, from_=("anonymousId", EXTERNAL_IDS)
    ),
}

DEFAULT_RULES = IdentityRules(
    namespaces=_NAMESPACES,
    default=replace(_GUARDED, rank=10, limit=5, shared_after=4),
)
"""What an installation starts with; an operator edits it through the API."""
