"""HTTP routes of profiles: look one up, read its timeline."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from tekil.access.guard import requires
from tekil.access.model import Permission
from tekil.kit.clock import Millis, to_iso
from tekil.kit.json import JsonObject, encode
from tekil.profiles.accounts import Account, AccountReader
from tekil.profiles.as_of import PastReader
from tekil.profiles.read import IdentityView, Profile, ProfileReader, TraitView
from tekil.profiles.search import ProfileSearch
from tekil.profiles.timeline import MAX_LIMIT, EventFilter, Timeline
from tekil.query import read_instant

router = APIRouter(prefix="/api/v1/profiles", tags=["profiles"])
accounts_router = APIRouter(prefix="/api/v1/accounts", tags=["accounts"])

Read = Depends(requires(Permission.PROFILES_READ))
ReadAccounts = Depends(requires(Permission.ACCOUNTS_READ))
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


class ProfilePage(BaseModel):
    """One page of people."""

    items: list[ProfileAnswer]
    next: str | None = Field(description="Pass it as cursor for the next page; null at the end.")


class AccountDetail(BaseModel):
    """One organisation."""

    group_id: str
    traits: dict[str, object]
    first_seen: str
    last_seen: str
    member_count: int = Field(description="People, not identities.")


class AccountPage(BaseModel):
    """One page of accounts."""

    items: list[AccountDetail]
    next: str | None


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


def searcher(request: Request) -> ProfileSearch:
    """The search that the app was wired with."""
    found: ProfileSearch = request.app.state.profile_search
    return found


def past_reader(request: Request) -> PastReader:
    """The reader of past times that the app was wired with."""
    found: PastReader = request.app.state.past_profiles
    return found


def account_reader(request: Request) -> AccountReader:
    """The reader of accounts that the app was wired with."""
    found: AccountReader = request.app.state.accounts
    return found


Profiles = Annotated[ProfileReader, Depends(reader)]
Search = Annotated[ProfileSearch, Depends(searcher)]
Past = Annotated[PastReader, Depends(past_reader)]
Accounts = Annotated[AccountReader, Depends(account_reader)]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
AsOf = Annotated[
    str | None,
    Query(description="A past time: only what had happened until then, by event time, counts."),
]


@router.get("", response_model=ProfilePage, dependencies=[Read])
def list_profiles(
    request: Request,
    search: Search,
    query: str = "",
    cursor: str | None = None,
    limit: Limit = 50,
) -> Response:
    """Find people by any identity or name, each word the beginning of one; else list everybody."""
    page = search.find(query, cursor=cursor, limit=limit)
    return _json({"items": _answers(request, page.items), "next": page.next})


# The reference is a path because ids may have slashes in them; so this route must come first.
@router.get("/{ref:path}/events", response_model=EventPage, dependencies=[ReadEvents])
def get_events(
    ref: str,
    profiles: Profiles,
    past: Past,
    events: Annotated[Timeline, Depends(timeline)],
    type: str | None = None,
    event: str | None = None,
    since: str | None = None,
    until: str | None = None,
    as_of: AsOf = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Response:
    """Read what a person did, newest first."""
    at, end = read_instant(as_of, "as_of"), read_instant(until, "until")
    if at is None:
        nodes = profiles.profile(ref).nodes
    else:
        nodes = past.profile(ref, at).nodes
        end = Millis(at + 1 if end is None else min(end, at + 1))
    wanted = EventFilter(type, event, None, read_instant(since, "since"), end)
    page = events.page(nodes, wanted, cursor=cursor, limit=limit)
    return _json({"items": list(page.items), "next": page.next})


@router.get("/{ref:path}", response_model=ProfileAnswer, dependencies=[Read])
def get_profile(
    ref: str,
    request: Request,
    profiles: Profiles,
    past: Past,
    provenance: bool = False,
    as_of: AsOf = None,
) -> Response:
    """Look up a person by namespace:value or profile_id:…, now or as of a past time."""
    at = read_instant(as_of, "as_of")
    profile = profiles.profile(ref) if at is None else past.profile(ref, at)
    answer = profile_json(profile, provenance=provenance)
    if at is None:
        answer = _extended(request, profile, answer)
    return _json(answer)


@accounts_router.get("", dependencies=[ReadAccounts])
def list_accounts(
    accounts: Accounts, query: str = "", cursor: str | None = None, limit: Limit = 50
) -> AccountPage:
    """Find accounts by what stands in their id or name; else list all, the newest first."""
    page = accounts.find(query, cursor=cursor, limit=limit)
    return AccountPage(items=[_account(each) for each in page.items], next=page.next)


@accounts_router.get(
    "/{group_id:path}/members", response_model=ProfilePage, dependencies=[ReadAccounts, Read]
)
def list_members(
    group_id: str,
    request: Request,
    accounts: Accounts,
    search: Search,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Response:
    """List the people of an account, the newest first."""
    account = accounts.account(group_id)
    page = search.members(account.account_id, cursor=cursor, limit=limit)
    return _json({"items": _answers(request, page.items), "next": page.next})


@accounts_router.get("/{group_id:path}", dependencies=[ReadAccounts])
def get_account(group_id: str, accounts: Accounts) -> AccountDetail:
    """Look up an account by the id that group calls gave it."""
    return _account(accounts.account(group_id))


def _json(answer: object) -> Response:
    return Response(encode(answer), media_type="application/json")


def _answers(request: Request, people: list[Profile]) -> list[JsonObject]:
    return [_extended(request, each, profile_json(each, provenance=False)) for each in people]


def _extended(request: Request, profile: Profile, answer: JsonObject) -> JsonObject:
    """Add what other rooms know of a profile."""
    for extend in getattr(request.app.state, "profile_extensions", ()):
        answer |= extend(profile)
    return answer


def _account(account: Account) -> AccountDetail:
    return AccountDetail(
        group_id=account.group_id,
        traits=dict(account.traits),
        first_seen=to_iso(account.first_seen),
        last_seen=to_iso(account.last_seen),
        member_count=account.member_count,
    )


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
