"""HTTP routes of profiles: look one up, read its timeline."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from tekil.access.guard import requires
from tekil.access.model import Permission
from tekil.errors import InputError
from tekil.kit.clock import Millis, from_iso, to_iso
from tekil.kit.json import JsonObject, encode
from tekil.profiles.read import IdentityView, Profile, ProfileReader, TraitView
from tekil.profiles.timeline import MAX_LIMIT, EventFilter, Timeline

router = APIRouter(prefix="/api/v1/profiles", tags=["profiles"])

Read = Depends(requires(Permission.PROFILES_READ))
ReadEvents = Depends(requires(Permission.EVENTS_READ))


class IdentityAnswer(BaseModel):
    """One identity of a profile."""

    namespace: str = Field(examples=["email"])
    value: str = Field(examples=["ada@example.com"])
    first_seen: str
    last_seen: str
    event_count: int
    verified: bool = Field(description="Seen in a source with a secret key.")
    shared: bool = Field(description="Quarantined: too many people use it.")


class AccountAnswer(BaseModel):
    """An account that the profile belongs to."""

    group_id: str
    traits: dict[str, object]
    first_seen: str


class ProfileAnswer(BaseModel):
    """One person."""

    profile_id: str
    identities: list[IdentityAnswer]
    traits: dict[str, object]
    computed_traits: dict[str, object]
    segments: list[str]
    accounts: list[AccountAnswer]
    first_seen: str
    last_seen: str
    event_count: int
    provenance: dict[str, object] | None = Field(
        default=None, description="With provenance=true: where each trait came from."
    )


class EventPage(BaseModel):
    """One page of a timeline, newest first."""

    items: list[dict[str, object]]
    next: str | None = Field(description="Pass it as cursor for the next page; null at the end.")


def reader(request: Request) -> ProfileReader:
    """The reader that the app was wired with."""
    found: ProfileReader = request.app.state.profiles
    return found


def timeline(request: Request) -> Timeline:
    """The timeline that the app was wired with."""
    found: Timeline = request.app.state.timeline
    return found


@router.get("/{ref}", response_model=ProfileAnswer, dependencies=[Read])
def get_profile(
    ref: str,
    request: Request,
    profiles: Annotated[ProfileReader, Depends(reader)],
    provenance: bool = False,
) -> Response:
    """Look up a person by namespace:value or profile_id:…"""
    profile = profiles.profile(ref)
    answer = profile_json(profile, provenance=provenance)
    for extend in getattr(request.app.state, "profile_extensions", ()):
        answer |= extend(profile)
    return Response(encode(answer), media_type="application/json")


@router.get("/{ref}/events", response_model=EventPage, dependencies=[ReadEvents])
def get_events(
    ref: str,
    profiles: Annotated[ProfileReader, Depends(reader)],
    events: Annotated[Timeline, Depends(timeline)],
    type: str | None = None,
    event: str | None = None,
    since: str | None = None,
    until: str | None = None,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 50,
) -> Response:
    """Read what a person did, newest first."""
    wanted = EventFilter(type, event, None, instant(since, "since"), instant(until, "until"))
    page = events.page(profiles.profile(ref).nodes, wanted, cursor=cursor, limit=limit)
    return Response(encode({"items": page.items, "next": page.next}), media_type="application/json")


def instant(text: str | None, name: str) -> Millis | None:
    """Read a query parameter that holds a time. Raises InputError."""
    if text is None:
        return None
    try:
        return from_iso(text)
    except ValueError as error:
        raise InputError(
            f'{name}: "{text}" is not an ISO 8601 time, as in 2026-01-31T09:00:00Z.'
        ) from error


def profile_json(profile: Profile, *, provenance: bool) -> JsonObject:
    """A profile as the API shows it."""
    answer: JsonObject = {
        "profile_id": profile.profile_id,
        "identities": [_identity_json(view) for view in profile.identities],
        "traits": {trait.name: trait.value for trait in profile.traits},
        "computed_traits": {},
        "segments": [],
        "accounts": [
            {"group_id": a.group_id, "traits": a.traits, "first_seen": to_iso(a.first_seen)}
            for a in profile.accounts
        ],
        "first_seen": to_iso(profile.first_seen),
        "last_seen": to_iso(profile.last_seen),
        "event_count": profile.event_count,
    }
    if provenance:
        answer["provenance"] = {trait.name: _trait_json(trait) for trait in profile.traits}
    return answer


def _identity_json(view: IdentityView) -> JsonObject:
    return {
        "namespace": view.namespace,
        "value": view.value,
        "first_seen": to_iso(view.first_seen),
        "last_seen": to_iso(view.last_seen),
        "event_count": view.event_count,
        "verified": view.verified,
        "shared": view.shared,
    }


def _trait_json(trait: TraitView) -> JsonObject:
    return {
        "identity": trait.identity,
        "source_id": trait.source_id,
        "message_id": trait.message_id,
        "event_time": to_iso(trait.event_time),
        "strong": trait.strong,
        "original": trait.original,
    }
