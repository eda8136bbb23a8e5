"""HTTP routes over the members of segments: combine several, take them away as a file."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from tekil.errors import InputError
from tekil.kit.ids import ProfileId
from tekil.kit.json import JsonValue
from tekil.kit.paging import decode_numbers, encode_cursor
from tekil.profiles.read import ProfileReader
from tekil.segments.api import MAX_LIMIT, MayRead, MayReadPeople, Member, Name, Segments
from tekil.segments.export import (
    CHUNK,
    MEDIA_TYPES,
    Columns,
    Delimiter,
    ExportFormat,
    csv_file,
    parquet_file,
    read_columns,
)
from tekil.segments.service import SegmentService
from tekil.segments.sets import Combination, combine
from tekil.store.state import SqlStore

router = APIRouter(prefix="/api/v1/segments", tags=["segments"])

MAX_COMBINED = 50
MAX_PLACE = 2**32 - 2
"""No bitmap holds larger numbers."""

Names = Annotated[list[str], Field(max_length=MAX_COMBINED)]


class CombineBody(BaseModel):
    """Segments to be put together and taken away."""

    model_config = ConfigDict(extra="forbid")
    union: Names = Field(default=[], description="Whoever is in any of these.", examples=[["vip"]])
    all_of: Names = Field(default=[], description="Only who is in all of these.")
    minus: Names = Field(default=[], description="Nobody who is in any of these.")
    cursor: str | None = None
    limit: int = Field(default=100, ge=1, le=MAX_LIMIT)


class CombineAnswer(BaseModel):
    """How many people that is, and one page of them."""

    count: int
    items: list[Member]
    next: str | None = Field(description="Pass it as cursor for the next page; null at the end.")


@router.post("/combine", dependencies=[MayRead, MayReadPeople])
def combine_segments(body: CombineBody, segments: Segments) -> CombineAnswer:
    """Union, intersection and difference of segments: an exact count and who that is."""
    asked = Combination(tuple(body.union), tuple(body.all_of), tuple(body.minus))
    people = combine({name: segments.members(name) for name in asked.names}, asked)
    after = place_after(body.cursor)
    some = list(islice(people.iter_equal_or_larger(after + 1), body.limit + 1))
    shown = some[: body.limit]
    public = segments.store.public_ids(shown)
    return CombineAnswer(
        count=len(people),
        items=[Member(profile_id=public[i]) for i in shown if i in public],
        next=encode_cursor(shown[-1]) if len(some) > body.limit else None,
    )


@router.get("/{name}/export", dependencies=[MayRead, MayReadPeople])
def export_members(
    name: Name,
    segments: Segments,
    request: Request,
    format: ExportFormat = ExportFormat.CSV,
    traits: Annotated[
        str,
        Query(
            description="Traits and computed traits, with commas between.",
            examples=["email,firstName"],
        ),
    ] = "",
    identities: Annotated[
        str, Query(description="Namespaces of identities, with commas between.")
    ] = "",
    delimiter: Delimiter = Delimiter.COMMA,
    bom: Annotated[
        bool, Query(description="Begin a CSV with a mark by which Excel knows UTF-8.")
    ] = False,
    guard: Annotated[
        bool,
        Query(description="Put an apostrophe before cells that a spreadsheet would run."),
    ] = True,
) -> StreamingResponse:
    """Take away the members of a segment with chosen traits, as CSV or Parquet."""
    columns = read_columns(traits, identities)
    segments.store.segment(name)  # it must be there before the answer begins
    rows = _rows(name, columns, segments, request)
    pieces = (
        csv_file(rows, columns.names, delimiter=delimiter, bom=bom, guard=guard)
        if format is ExportFormat.CSV
        else parquet_file(rows, columns.names)
    )
    return StreamingResponse(
        pieces, media_type=MEDIA_TYPES[format], headers=_attachment(f"{name}.{format.value}")
    )


def _rows(
    name: str, columns: Columns, segments: SegmentService, request: Request
) -> Iterator[list[JsonValue]]:
    """The rows of everybody who is there, a thousand people read at a time."""
    store: SqlStore = request.app.state.state
    reader: ProfileReader = request.app.state.profiles
    left = iter(segments.members(name))
    while some := [ProfileId(i) for i in islice(left, CHUNK)]:
        computed = segments.computed_of(columns.traits, some)
        with store.read() as connection:
            people = reader.read_many(connection, some)
        for person in people:
            yield columns.row(person, computed.get(person.internal_id, {}))


def _attachment(name: str) -> dict[str, str]:
    """The header that names a file, whatever letters it has (RFC 6266)."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_. ") else "_" for c in name)
    encoded = quote(name, safe="")
    return {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}",
        "X-Content-Type-Options": "nosniff",
    }


def place_after(cursor: str | None) -> int:
    """Read a cursor that holds the last number shown. Raises InputError."""
    if cursor is None:
        return 0
    try:
        return min(max(0, decode_numbers(cursor)[0]), MAX_PLACE)
    except ValueError as error:
        raise InputError(f'cursor: "{cursor}" is not one that an earlier page gave.') from error
