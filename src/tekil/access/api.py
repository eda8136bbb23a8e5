"""HTTP routes: log in and out, who am I, API tokens."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from tekil.access.guard import (
    SESSION_COOKIE,
    check_same_origin,
    public,
    requires,
    resolve_caller,
)
from tekil.access.model import Caller, Permission, Token, TokenId
from tekil.access.rules import ALL, client_address, format_permissions, parse_permissions
from tekil.access.service import ADMIN, SESSION_MS, AccessService
from tekil.errors import InvalidDefinition
from tekil.kit.clock import Millis, to_iso
from tekil.kit.paging import decode_cursor

MAX_ID = 2**63 - 1

router = APIRouter(prefix="/api/v1", tags=["access"])


class Login(BaseModel):
    """A name and its password."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(default=ADMIN, min_length=1, max_length=100)
    password: str = Field(min_length=1, max_length=1024)


class NewPassword(BaseModel):
    """A password to be set."""

    model_config = ConfigDict(extra="forbid")
    password: str = Field(max_length=1024)


class Me(BaseModel):
    """Who the caller is and what they may do."""

    name: str
    kind: str
    permissions: list[Permission]


class TokenRequest(BaseModel):
    """A token to be made."""

    model_config = ConfigDict(extra="forbid")
    name: str
    permissions: list[str] = Field(
        description=f'Permissions; "{ALL}" is all of them, "segments:{ALL}" an area.'
    )


class TokenView(BaseModel):
    """A token as it is listed."""

    token_id: int
    name: str
    prefix: str
    permissions: list[str]
    created_at: str
    created_by: str
    last_used_at: str | None
    revoked_at: str | None


class NewTokenView(TokenView):
    """A token just made; ``token`` is shown this once."""

    token: str


class TokenPage(BaseModel):
    """A page of tokens."""

    items: list[TokenView]
    next: str | None


def access_service(request: Request) -> AccessService:
    """The service that the app was built with."""
    service: AccessService = request.app.state.access
    return service


Access = Annotated[AccessService, Depends(access_service)]


@router.post("/login", dependencies=[Depends(public("this is how a person proves who they are"))])
def log_in(login: Login, request: Request, response: Response, access: Access) -> Me:
    """Check a password and set the session cookie."""
    check_same_origin(request, access, unless_silent=True)
    session = access.log_in(login.name, login.password, address=_address(request, access))
    response.set_cookie(
        SESSION_COOKIE,
        session.secret,
        max_age=SESSION_MS // 1000,
        path="/",
        httponly=True,
        samesite="lax",
        secure=_is_https(request, access),
    )
    return Me(name=session.user.name, kind="session", permissions=sorted(Permission))


@router.post(
    "/logout",
    status_code=204,
    dependencies=[Depends(public("ends only the session whose cookie comes along"))],
)
def log_out(request: Request, access: Access) -> Response:
    """End the session and take the cookie back."""
    check_same_origin(request, access, unless_silent=True)
    secret = request.cookies.get(SESSION_COOKIE)
    if secret is not None:
        access.log_out(secret)
    response = Response(status_code=204)
    response.delete_cookie(
        SESSION_COOKIE,
        path="/",
        httponly=True,
        samesite="lax",
        secure=_is_https(request, access),
    )
    return response


@router.get("/me", dependencies=[Depends(public("any valid token or session may ask who it is"))])
async def who_am_i(request: Request) -> Me:
    """Say who the caller is; 401 without a valid token or session."""
    caller = await resolve_caller(request)
    return Me(name=caller.name, kind=caller.kind, permissions=sorted(caller.permissions))


@router.get("/tokens", dependencies=[Depends(requires(Permission.TOKENS_READ))])
def list_tokens(
    access: Access,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    revoked: bool = False,
) -> TokenPage:
    """List tokens in the order in which they were made; ``revoked`` adds ended ones."""
    page = access.list_tokens(after=_position(cursor), limit=limit, revoked=revoked)
    return TokenPage(items=[_view(token) for token in page.items], next=page.next)


@router.post("/tokens", status_code=201)
def create_token(
    wanted: TokenRequest,
    access: Access,
    caller: Annotated[Caller, Depends(requires(Permission.TOKENS_WRITE))],
) -> NewTokenView:
    """Make a token with some of the caller's own permissions; its secret is shown this once."""
    made = access.create_token(wanted.name, parse_permissions(wanted.permissions), by=caller)
    return NewTokenView(**_view(made.token).model_dump(), token=made.secret)


@router.delete("/tokens/{token_id}", dependencies=[Depends(requires(Permission.TOKENS_WRITE))])
def revoke_token(token_id: Annotated[int, Path(ge=1, le=MAX_ID)], access: Access) -> TokenView:
    """End a token at once."""
    return _view(access.revoke_token(TokenId(token_id)))


@router.put("/users/{name}/password", status_code=204)
def set_password(
    name: str,
    wanted: NewPassword,
    access: Access,
    caller: Annotated[Caller, Depends(requires(Permission.USERS_WRITE))],
) -> None:
    """Make a user or change the password; the user's open sessions end."""
    access.set_password(wanted.password, name=name, by=caller)


def _view(token: Token) -> TokenView:
    return TokenView(
        token_id=token.token_id,
        name=token.name,
        prefix=token.prefix,
        permissions=format_permissions(token.permissions),
        created_at=to_iso(token.created_at),
        created_by=token.created_by,
        last_used_at=_iso(token.last_used_at),
        revoked_at=_iso(token.revoked_at),
    )


def _iso(at: Millis | None) -> str | None:
    return None if at is None else to_iso(at)


def _position(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        match decode_cursor(cursor):
            case [int(position)] if 0 <= position <= MAX_ID:
                return position
            case _:
                raise ValueError(f'"{cursor}" is not a cursor of this list')
    except ValueError as error:
        raise InvalidDefinition(
            f'{error}; leave it out, or send the "next" of the page before.', path="cursor"
        ) from error


def _address(request: Request, access: AccessService) -> str:
    peer = request.client.host if request.client else ""
    forwarded = request.headers.get("x-forwarded-for", "")
    return client_address(peer, forwarded, access.trusted_proxies)


def _is_https(request: Request, access: AccessService) -> bool:
    scheme = request.url.scheme
    if access.trusted_proxies:
        forwarded = request.headers.get("x-forwarded-proto", "").partition(",")[0].strip()
        scheme = forwarded or scheme
    return scheme == "https" or (access.public_url or "").startswith("https://")
