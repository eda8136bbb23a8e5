"""Every error that Tekil raises on purpose.

    TekilError               code (stable slug) · status · retry · attributes
    ├─ InputError 400        the caller must change the request
    │  ├─ MalformedRequest 400   not JSON, truncated, wrong shape
    │  ├─ InvalidDefinition 400  path, value, what is allowed
    │  ├─ UnknownName 400        an unknown field or option, with "did you mean"
    │  └─ TooLarge 413           over a size limit
    ├─ AccessError           the caller may not
    │  ├─ Unauthenticated 401    no key, token or session, or a wrong one
    │  ├─ Forbidden 403          known, but lacks the permission
    │  └─ RateLimited 429        too fast; comes with the seconds to wait
    ├─ StateError            the request clashes with what is there
    │  ├─ NotFound 404
    │  ├─ Conflict 409
    │  └─ DataDirectoryInUse 409
    └─ StoreError 503        a store cannot answer now
       ├─ StoreUnavailable 503   disk full, database gone; a retry can help
       └─ MigrationFailed 503    a person must look

A bad *event* is not an exception: it is a reject (see ``tekil.inbox.model``).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import StrEnum


class Retry(StrEnum):
    """Whether sending the same request again can help."""

    NEVER = "never"
    LATER = "later"


class TekilError(Exception):
    """The root of all errors raised on purpose; carries its values as attributes."""

    code = "error"
    status = 500
    retry = Retry.NEVER

    def __init__(self, message: str, **attributes: object) -> None:
        super().__init__(message)
        self.message = message
        self.attributes = attributes


class InputError(TekilError):
    """The request itself is wrong; sending it again cannot help."""

    code = "invalid_request"
    status = 400


class MalformedRequest(InputError):
    """The body cannot be read at all: not JSON, truncated, or of the wrong shape."""

    code = "malformed_request"


class InvalidDefinition(InputError):
    """A definition is wrong at ``path``; ``errors`` holds every fault found at once."""

    code = "invalid_definition"


class UnknownName(InputError):
    """A name that is not one of the allowed ones."""

    code = "unknown_name"


class TooLarge(InputError):
    """The request is over a size limit."""

    code = "too_large"
    status = 413


class AccessError(TekilError):
    """The caller may not do this."""

    code = "access"
    status = 403


class Unauthenticated(AccessError):
    """No write key, token or session came with the request, or it is not valid."""

    code = "unauthorized"
    status = 401


class Forbidden(AccessError):
    """The caller is known but lacks the permission that the route declares."""

    code = "forbidden"


class RateLimited(AccessError):
    """The caller is too fast; ``retry_after_seconds`` says when to come back."""

    code = "rate_limited"
    status = 429
    retry = Retry.LATER


class StateError(TekilError):
    """The request is well formed but clashes with what is there."""

    code = "state"
    status = 409


class NotFound(StateError):
    """No such thing."""

    code = "not_found"
    status = 404


class Conflict(StateError):
    """It exists already, or was changed by somebody else meanwhile."""

    code = "conflict"


class DataDirectoryInUse(StateError):
    """Another process owns the data directory."""

    code = "data_directory_in_use"


class StoreError(TekilError):
    """A store cannot answer."""

    code = "store_error"
    status = 503
    retry = Retry.LATER


class StoreUnavailable(StoreError):
    """The store is gone, full or locked; it may come back by itself."""

    code = "store_unavailable"


class MigrationFailed(StoreError):
    """The schema could not be brought up to date; a person must look."""

    code = "migration_failed"
    retry = Retry.NEVER


def did_you_mean(value: str, allowed: Iterable[str]) -> str:
    """End a message with the nearest allowed word, if one is near.

    >>> did_you_mean("emial", ["email", "phone"])
    ' Did you mean "email"?'
    >>> did_you_mean("zzz", ["email", "phone"])
    ''
    """
    near = difflib.get_close_matches(value, list(allowed), n=1)
    return f' Did you mean "{near[0]}"?' if near else ""
