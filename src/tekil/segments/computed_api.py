"""HTTP routes of computed traits: values made of a person's events, as live as the events."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from tekil.access.guard import requires
from tekil.access.model import Caller, Permission
from tekil.errors import NotFound, did_you_mean
from tekil.kit.clock import to_iso
from tekil.segments.api import Name, Segments, _json
from tekil.segments.store import NamedRow

router = APIRouter(prefix="/api/v1/computed-traits", tags=["computed traits"])

MayRead = Depends(requires(Permission.TRAITS_READ))
MayReadPeople = Depends(requires(Permission.PROFILES_READ))
Writer = Annotated[Caller, Depends(requires(Permission.TRAITS_WRITE))]


class ComputedBody(BaseModel):
    """A computed trait to be stored."""

    model_config = ConfigDict(extra="forbid")
    definition: object = Field(
        examples=[{"event": "Order Completed", "sum": "revenue", "within": {"last": "365d"}}]
    )
    description: str = Field(default="", max_length=2_000)


class ComputedAnswer(BaseModel):
    """A computed trait."""

    name: str
    description: str
    definition: object
    version: int
    created_at: str
    updated_at: str
    updated_by: str


class ComputedList(BaseModel):
    """Every computed trait."""

    items: list[ComputedAnswer]


class ValuesAnswer(BaseModel):
    """What the computed traits of somebody are now."""

    profile_id: str
    computed_traits: dict[str, object]


@router.get("", dependencies=[MayRead])
def list_computed_traits(segments: Segments) -> ComputedList:
    """List every computed trait with its definition."""
    return ComputedList(items=[_answer(row) for row in segments.store.computed_traits()])


@router.get("/{name}", dependencies=[MayRead])
def get_computed_trait(name: Name, segments: Segments) -> ComputedAnswer:
    """Read one computed trait."""
    return _answer(_row(name, segments))


@router.put("/{name}")
def put_computed_trait(
    name: Name, body: ComputedBody, caller: Writer, segments: Segments
) -> ComputedAnswer:
    """Create or change a computed trait; segments that name it follow at once."""
    segments.put_computed(name, body.description, _json(body.definition), caller.name)
    return _answer(_row(name, segments))


@router.delete("/{name}", status_code=204)
def delete_computed_trait(name: Name, caller: Writer, segments: Segments) -> None:
    """Delete a computed trait; not while a segment names it."""
    segments.delete_computed(name)


@router.get("/values/{ref:path}", dependencies=[MayRead, MayReadPeople])
def get_values(ref: str, segments: Segments) -> ValuesAnswer:
    """What every computed trait is for a person now."""
    person = segments.find(ref)
    values = segments.computed_values(person.profile_id)
    return ValuesAnswer(profile_id=person.public_id, computed_traits={**values})


def _row(name: str, segments: Segments) -> NamedRow:
    rows = {row.name: row for row in segments.store.computed_traits()}
    if name not in rows:
        raise NotFound(f'There is no computed trait "{name}".{did_you_mean(name, rows)}')
    return rows[name]


def _answer(row: NamedRow) -> ComputedAnswer:
    return ComputedAnswer(
        name=row.name,
        description=row.description,
        definition=row.definition,
        version=row.version,
        created_at=to_iso(row.created_at),
        updated_at=to_iso(row.updated_at),
        updated_by=row.updated_by,
    )
