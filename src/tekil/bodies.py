"""How large a request to the API may be: counted as it comes, so that nobody fills the memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.exceptions import HTTPException

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

MAX_API_BYTES = 4 * 1024 * 1024
MAX_IMPORT_BYTES = 33 * 1024 * 1024
"""A chunk of a file may have 32 MiB, which its own route checks."""


def bounded(scope: Scope, receive: Receive) -> Receive:
    """Read a body until it is too large; the router turns the exception into a problem."""
    is_import = scope["path"].startswith("/api/v1/imports")
    limit = MAX_IMPORT_BYTES if is_import else MAX_API_BYTES
    held = 0

    async def counted() -> MutableMapping[str, Any]:
        nonlocal held
        message = await receive()
        held += len(message.get("body", b""))
        if held > limit:
            raise HTTPException(413, f"The body has over {limit} bytes.")
        return message

    return counted
