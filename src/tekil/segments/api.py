"""HTTP routes of segments: define, preview, members, why, changes, overlap."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from tekil.access.guard import requires
from tekil.access.model import Caller, Permission
from tekil.errors import InputError
from tekil.kit.clock import to_iso
from tekil.kit.json import JsonValue
from tekil.kit.paging import decode_cursor, encode_cursor
from tekil.query import read_instant
from tekil.segments.schema import definition_schema
from tekil.segments.service import SegmentService
from tekil.segments.store import Change, SegmentRow

router = APIRouter(prefix="/api/v1/segments", tags=["segments"])

MAX_LIMIT = 1_000
MAX_OVERLAP = 20
NAME = r"^[^/\x00-\x1f]{1,200}$"

MayRead = Depends(requires(Permission.SEGMENTS_READ))
MayReadPeople = Depends(requires(Permission.PROFILES_READ))
Writer = Annotated[Caller, Depends(requires(Permission.SEGMENTS_WRITE))]
Name = Annotated[str, Path(pattern=NAME, examples=["vip"])]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]


class SegmentBody(BaseModel):
    """A segment to be stored."""

    model_config = ConfigDict(extra="forbid")
    definition: object = Field(examples=[{"trait": "country", "is": "TR"}])
    description: str = Field(default="", max_length=2_000)


class PreviewBody(BaseModel):
    """A definition to be tried."""

    model_config = ConfigDict(extra="forbid")
    definition: object


class OverlapBody(BaseModel):
    """Segments to be compared."""

    model_config = ConfigDict(extra="forbid")
    segments: list[str] = Field(min_length=1, max_length=MAX_OVERLAP)


class SegmentAnswer(BaseModel):
    """A segment and how large it is."""

    name: str
    description: str
    definition: object
    version: int
    size: int
    created_at: str
    updated_at: str
    updated_by: str


class SegmentList(BaseModel):
    """Every segment."""

    items: list[SegmentAnswer]


class BranchAnswer(BaseModel):
    """How many people one place of a definition holds for."""

    path: str
    kind: str
    count: int


class PreviewAnswer(BaseModel):
    """How many people a definition holds for."""

    count: int
    of: int = Field(description="Everybody there is.")
    share: float
    sample: list[str] = Field(description="Profile ids of up to ten members.")
    branches: list[BranchAnswer]
    took_ms: int


class Member(BaseModel):
    """Somebody in a segment."""

    profile_id: str


class MemberPage(BaseModel):
    """One page of members."""

    items: list[Member]
    next: str | None


class ReasonAnswer(BaseModel):
    """One place of the definition for one person."""

    path: str
    kind: str
    holds: bool
    measured: list[object] = Field(description="For a leaf, what was found; null for nothing.")


class LastChange(BaseModel):
    """When somebody last entered or left."""

    entered: bool
    at: str
    cause: str = Field(description="event, time, list, merge or restart.")
    last_event: dict[str, object] | None = Field(
        description="The last event of the person that was known then."
    )


class WhyAnswer(BaseModel):
    """Why somebody is in a segment or not."""

    profile_id: str
    is_member: bool
    reasons: list[ReasonAnswer]
    last_change: LastChange | None


class ChangeAnswer(BaseModel):
    """Somebody entered or left."""

    profile_id: str | None
    change: str
    at: str
    cause: str


class ChangePage(BaseModel):
    """One page of changes, newest first."""

    items: list[ChangeAnswer]
    next: str | None


class Size(BaseModel):
    """How large a segment was at the end of an hour."""

    at: str
    size: int


class SizeList(BaseModel):
    """A segment's size over time."""

    items: list[Size]


class OverlapAnswer(BaseModel):
    """How segments overlap; ``matrix[i][j]`` is how many people are in both."""

    segments: list[str]
    sizes: list[int]
    matrix: list[list[int]]
    in_all: int
    in_any: int


def service(request: Request) -> SegmentService:
    """The service that the app was wired with."""
    found: SegmentService = request.app.state.segments
    return found


Segments = Annotated[SegmentService, Depends(service)]


@router.get("", dependencies=[MayRead])
def list_segments(segments: Segments) -> SegmentList:
    """List every segment with its size."""
    return SegmentList(items=[_answer(row, segments) for row in segments.store.segments()])


@router.get("/schema", dependencies=[MayRead])
def get_schema() -> dict[str, object]:
    """The JSON Schema of a definition."""
    return {**definition_schema()}


@router.post("/preview", dependencies=[MayRead])
def preview(body: PreviewBody, segments: Segments) -> PreviewAnswer:
    """Count who a definition holds for, exactly, without storing it."""
    found = segments.preview(_json(body.definition))
    return PreviewAnswer(
        count=found.count,
        of=found.of,
        share=found.count / found.of if found.of else 0.0,
        sample=found.sample,
        branches=[BranchAnswer(path=b.path, kind=b.kind, count=b.count) for b in found.branches],
        took_ms=found.took_ms,
    )


@router.post("/overlap", dependencies=[MayRead])
def overlap(body: OverlapBody, segments: Segments) -> OverlapAnswer:
    """Count how many people segments share, exactly."""
    sizes, matrix, in_all, in_any = segments.overlap(body.segments)
    return OverlapAnswer(
        segments=body.segments, sizes=sizes, matrix=matrix, in_all=in_all, in_any=in_any
    )


@router.get("/{name}", dependencies=[MayRead])
def get_segment(name: Name, segments: Segments) -> SegmentAnswer:
    """Read one segment."""
    return _answer(segments.store.segment(name), segments)


@router.put("/{name}")
def put_segment(name: Name, body: SegmentBody, caller: Writer, segments: Segments) -> SegmentAnswer:
    """Create or change a segment; when this answers, its members are known."""
    row = segments.put(name, body.description, _json(body.definition), caller.name)
    return _answer(row, segments)


@router.delete("/{name}", status_code=204)
def delete_segment(name: Name, caller: Writer, segments: Segments) -> None:
    """Delete a segment; not while another one names it."""
    segments.delete(name)


@router.get("/{name}/members", dependencies=[MayRead, MayReadPeople])
def get_members(
    name: Name, segments: Segments, cursor: str | None = None, limit: Limit = 100
) -> MemberPage:
    """List who is in a segment now."""
    people, following = segments.page(name, _position(cursor), limit)
    return MemberPage(
        items=[Member(profile_id=person.public_id) for person in people],
        next=None if following is None else encode_cursor(following),
    )


@router.get("/{name}/why/{ref:path}", dependencies=[MayRead, MayReadPeople])
def get_why(name: Name, ref: str, segments: Segments) -> WhyAnswer:
    """Explain why a person is in a segment or not: each condition with what was measured."""
    found = segments.why(name, ref)
    return WhyAnswer(
        profile_id=segments.find(ref).public_id,
        is_member=found.why.holds,
        reasons=[
            ReasonAnswer(path=r.path, kind=r.kind, holds=r.holds, measured=list(r.measured))
            for r in found.why.reasons
        ],
        last_change=None
        if found.last_change is None
        else _last_change(found.last_change, found.last_event),
    )


@router.get("/{name}/changes", dependencies=[MayRead, MayReadPeople])
def get_changes(
    name: Name, segments: Segments, cursor: str | None = None, limit: Limit = 100
) -> ChangePage:
    """List who entered and left, newest first."""
    row = segments.store.segment(name)
    before = _position(cursor) if cursor else None
    changes = segments.store.changes(row.segment_id, before, limit + 1)
    public = segments.store.public_ids({change.profile_id for change in changes[:limit]})
    return ChangePage(
        items=[
            ChangeAnswer(
                profile_id=public.get(change.profile_id),
                change="entered" if change.entered else "left",
                at=to_iso(change.at),
                cause=change.cause,
            )
            for change in changes[:limit]
        ],
        next=encode_cursor(changes[limit - 1].change_id) if len(changes) > limit else None,
    )


@router.get("/{name}/sizes", dependencies=[MayRead])
def get_sizes(name: Name, segments: Segments, since: str | None = None) -> SizeList:
    """A segment's size over time, one entry for each hour in which it changed."""
    row = segments.store.segment(name)
    found = segments.store.sizes(row.segment_id, read_instant(since, "since") or 0)
    return SizeList(items=[Size(at=to_iso(hour), size=size) for hour, size in found])


def _answer(row: SegmentRow, segments: SegmentService) -> SegmentAnswer:
    return SegmentAnswer(
        name=row.name,
        description=row.description,
        definition=row.definition,
        version=row.version,
        size=len(segments.members(row.name)),
        created_at=to_iso(row.created_at),
        updated_at=to_iso(row.updated_at),
        updated_by=row.updated_by,
    )


def _last_change(change: Change, event: dict[str, JsonValue] | None) -> LastChange:
    shown: dict[str, object] | None = None
    if event is not None:
        at = event["timestamp"]
        shown = {**event, "timestamp": to_iso(at) if isinstance(at, int) else at}
    return LastChange(
        entered=change.entered, at=to_iso(change.at), cause=change.cause, last_event=shown
    )


def _json(value: object) -> JsonValue:
    """What a request's JSON was decoded to, which is JSON."""
    return value  # type: ignore[return-value]


def _position(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        (position,) = decode_cursor(cursor)
    except ValueError as error:
        raise InputError(f'cursor: "{cursor}" is not one that an earlier page gave.') from error
    if not isinstance(position, int):
        raise InputError(f'cursor: "{cursor}" is not one that an earlier page gave.')
    return position
