"""The two routes by which ``tekil import`` reaches a running server."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Annotated, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from tekil.access import Caller, Permission, requires
from tekil.collect.files.door import Append, BeginBody, ChunkBody, DirectDoor, Look
from tekil.collect.files.model import FileFacts, Progress
from tekil.collect.model import Source
from tekil.errors import MalformedRequest, TooLarge
from tekil.kit.clock import Clock

MAX_BODY_BYTES = 32 * 1024 * 1024
Body = TypeVar("Body", BeginBody, ChunkBody)
Importer = Annotated[Caller, Depends(requires(Permission.IMPORTS_WRITE))]


class ProgressOut(BaseModel):
    """How far an import has come."""

    position: int
    """Rows, or whole orders, behind it."""
    rows: int
    rejected: int
    done: bool


def import_routes(
    find_source: Callable[[str], Source], look: Look, append: Append, clock: Clock
) -> APIRouter:
    """Routes over an inbox; ``find_source`` raises NotFound for an unknown name."""
    router = APIRouter(prefix="/api/v1/imports", tags=["imports"])
    # One chunk at a time: where an import stands is read before the chunk is appended.
    turn = Lock()

    def door(source: str) -> DirectDoor:
        return DirectDoor(find_source(source).source_id, look, append, clock)

    @router.post(
        "", summary="Begin an import, or ask where it stopped", openapi_extra=_body_of(BeginBody)
    )
    async def begin(request: Request, _caller: Importer) -> ProgressOut:
        body = await _read(request, BeginBody)
        facts = FileFacts(body.import_key, body.file_name, body.source, body.kind)
        return _out(await run_in_threadpool(door(body.source).begin, facts))

    @router.post(
        "/{import_key}/chunk",
        summary="Store a chunk of rows and move the position",
        openapi_extra=_body_of(ChunkBody),
    )
    async def chunk(import_key: str, request: Request, _caller: Importer) -> ProgressOut:
        body = await _read(request, ChunkBody)
        facts = FileFacts(import_key, body.file_name, body.source, body.kind)

        def store() -> None:
            with turn:
                door(body.source).submit(
                    facts,
                    [bytes(message) for message in body.messages],
                    body.rejects,
                    after=body.after,
                    to=body.to,
                )

        await run_in_threadpool(store)
        return _out(body.to)

    return router


def _body_of(shape: type[msgspec.Struct]) -> dict[str, object]:
    """What the API's page says of a body that is decoded by msgspec."""
    (_,), parts = msgspec.json.schema_components([shape], ref_template="{name}")

    def inlined(value: object) -> object:
        if isinstance(value, dict):
            name = value.get("$ref")
            if isinstance(name, str):
                return inlined(parts[name])
            return {key: inlined(inner) for key, inner in value.items()}
        return [inlined(inner) for inner in value] if isinstance(value, list) else value

    schema = inlined(parts[shape.__name__])
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _out(progress: Progress) -> ProgressOut:
    return ProgressOut(
        position=progress.position,
        rows=progress.rows,
        rejected=progress.rejected,
        done=progress.done,
    )


async def _read(request: Request, shape: type[Body]) -> Body:
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > MAX_BODY_BYTES:
            raise TooLarge(f"A chunk has at most {MAX_BODY_BYTES} bytes; send fewer rows at once.")
    try:
        return msgspec.json.decode(bytes(data), type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedRequest(f"The body is not understood: {error}") from error
