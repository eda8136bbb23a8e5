"""Every route says what it needs: a permission, or a reason for being public."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.openapi.models import HTTPBearer
from fastapi.routing import iter_route_contexts
from fastapi.security.base import SecurityBase
from starlette.routing import BaseRoute

from tekil.access.model import Caller, Permission
from tekil.access.rules import is_same_origin
from tekil.errors import Forbidden, Unauthenticated

if TYPE_CHECKING:
    from tekil.access.service import AccessService

SESSION_COOKIE = "tekil_session"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Requires(SecurityBase):
    """A dependency that lets a request through only with one permission."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission
        self.scheme_name = "bearer"
        self.model = HTTPBearer(
            description="An API token (`tekil token create`) or the session cookie of the console."
        )

    async def __call__(self, request: Request) -> Caller:
        """Find the caller and check the permission. Raises AccessError."""
        caller = await resolve_caller(request)
        if self.permission not in caller.permissions:
            raise Forbidden(
                f'This needs the permission "{self.permission}", which "{caller.name}" lacks. '
                f"Create a token that has it: `tekil token create NAME --allow {self.permission}`.",
                permission=self.permission.value,
            )
        return caller


class Public:
    """A dependency that lets everybody through and says why that is right."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    async def __call__(self) -> None:
        """Let the request through."""


def requires(permission: Permission) -> Requires:
    """Declare what a route needs: ``caller: Caller = Depends(requires(Permission.X))``."""
    return Requires(permission)


def public(reason: str) -> Public:
    """Declare that a route is open to everybody: ``dependencies=[Depends(public("why"))]``."""
    return Public(reason)


async def resolve_caller(request: Request) -> Caller:
    """Say who sent a request, by bearer token or else by session cookie. Raises AccessError."""
    access: AccessService = request.app.state.access
    authorization = request.headers.get("authorization")
    if authorization is not None:
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() != "bearer" or not secret:
            raise Unauthenticated(
                "The Authorization header is not understood; send `Authorization: Bearer <token>`."
            )
        caller = await access.caller_of_token(secret.strip())
    else:
        caller = await _caller_of_cookie(request, access)
    request.state.caller = caller
    return caller


async def _caller_of_cookie(request: Request, access: AccessService) -> Caller:
    cookie = request.cookies.get(SESSION_COOKIE)
    if cookie is None:
        raise Unauthenticated(
            "No token came with the request; send `Authorization: Bearer <token>` or log in. "
            "`tekil token create` makes a token."
        )
    caller = await access.caller_of_session(cookie)
    # Whether the cookie is good is checked first, so that an expired session always reads as one.
    if request.method not in _SAFE_METHODS:
        check_same_origin(request, access)
    return caller


def check_same_origin(
    request: Request, access: AccessService, *, unless_silent: bool = False
) -> None:
    """Refuse what another site's page sends in the user's name. Raises Forbidden.

    ``unless_silent`` lets through what says nothing of where it comes from: no browser's page.
    """
    silent = "origin" not in request.headers and "sec-fetch-site" not in request.headers
    if unless_silent and silent:
        return
    if not is_same_origin(request.headers, access.public_url):
        raise Forbidden(
            "This request came from another site's page and was not carried out. "
            "Scripts send a token instead of the cookie, or the header X-Tekil-Console: 1."
        )


def declared_permission(route: object) -> Permission | Public | None:
    """What a route (or a route context) declares; None if it says nothing."""
    dependant = getattr(route, "dependant", None)
    if not isinstance(dependant, Dependant):
        return None
    for call in _calls(dependant):
        if isinstance(call, Requires):
            return call.permission
        if isinstance(call, Public):
            return call
    return None


def undeclared_routes(routes: Iterable[BaseRoute], prefix: str = "/api/v1") -> list[str]:
    """The routes under ``prefix`` that declare nothing; an app must have none."""
    return sorted(
        f"{','.join(sorted(context.methods or ()))} {context.path}"
        for context in iter_route_contexts(list(routes))
        if (context.path or "").startswith(prefix) and declared_permission(context) is None
    )


def _calls(dependant: Dependant) -> Iterator[object]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)
