"""HTTP routes of uploaded lists, which definitions name as {"list": …}."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from pyroaring import BitMap

from tekil.access.guard import requires
from tekil.access.model import Caller, Permission
from tekil.errors import Conflict, NotFound, did_you_mean
from tekil.kit.clock import to_iso
from tekil.kit.paging import encode_cursor
from tekil.segments.api import Limit, MayReadPeople, Member, MemberPage, Name, Segments
from tekil.segments.model import InList
from tekil.segments.people_api import place_after
from tekil.segments.service import SegmentService

router = APIRouter(prefix="/api/v1/lists", tags=["lists"])

MAX_MEMBERS = 50_000
SHOWN = 100

MayRead = Depends(requires(Permission.LISTS_READ))
Writer = Annotated[Caller, Depends(requires(Permission.LISTS_WRITE))]
FindIdentities = Callable[[list[str]], dict[str, int]]


class ListBody(BaseModel):
    """A list to be stored in place of what it was."""

    model_config = ConfigDict(extra="forbid")
    members: list[str] = Field(max_length=MAX_MEMBERS, examples=[["email:ada@example.com"]])
    description: str = Field(default="", max_length=2_000)


class ListAnswer(BaseModel):
    """A list and how many identities are on it."""

    name: str
    description: str
    size: int
    updated_at: str
    updated_by: str


class Lists(BaseModel):
    """Every list."""

    items: list[ListAnswer]


class PutListAnswer(BaseModel):
    """What became of an upload."""

    name: str
    size: int
    unknown: list[str] = Field(description="Some references that name nobody who was ever seen.")
    unknown_count: int


@router.get("", dependencies=[MayRead])
def get_lists(segments: Segments) -> Lists:
    """List every uploaded list."""
    return Lists(
        items=[
            ListAnswer(
                name=row.name,
                description=row.description,
                size=row.size,
                updated_at=to_iso(row.updated_at),
                updated_by=row.updated_by,
            )
            for row in segments.store.lists()
        ]
    )


@router.put("/{name}")
def put_list(
    name: Name, body: ListBody, caller: Writer, segments: Segments, request: Request
) -> PutListAnswer:
    """Store a list of people, by reference; those that name nobody yet are told, not kept."""
    find: FindIdentities = request.app.state.find_identities
    found = find(body.members)
    unknown = [ref for ref in body.members if ref not in found]
    members = BitMap(found.values())
    segments.put_list(name, body.description, members, caller.name)
    return PutListAnswer(
        name=name, size=len(members), unknown=unknown[:SHOWN], unknown_count=len(unknown)
    )


@router.get("/{name}/members", dependencies=[MayRead, MayReadPeople])
def get_list_members(
    name: Name, segments: Segments, cursor: str | None = None, limit: Limit = 100
) -> MemberPage:
    """List whose identities are on a list; somebody with several may come several times."""
    lists = segments.store.list_members()
    if name not in lists:
        raise NotFound(f'There is no list "{name}".{did_you_mean(name, lists)}')
    after = place_after(cursor)
    some = list(islice(lists[name].iter_equal_or_larger(after + 1), limit + 1))
    shown = some[:limit]
    profiles = segments.store.profiles_of(shown)
    public = segments.store.public_ids(set(profiles.values()))
    return MemberPage(
        items=[Member(profile_id=public[profiles[i]]) for i in shown if i in profiles],
        next=encode_cursor(shown[-1]) if len(some) > limit else None,
    )


@router.delete("/{name}", status_code=204)
def delete_list(name: Name, caller: Writer, segments: Segments) -> None:
    """Delete a list; not while a segment names it."""
    users = _users(name, segments)
    if users:
        raise Conflict(f'"{name}" is used by {", ".join(users)}: change those first.')
    if not segments.store.delete_list(name):
        raise NotFound(f'There is no list "{name}".')
    segments.live.refresh()


def _users(name: str, segments: SegmentService) -> list[str]:
    return [
        user
        for user, definition in segments.catalog().segments.items()
        if any(branch.condition == InList(name) for branch in definition.branches)
    ]
