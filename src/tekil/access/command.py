"""What `tekil token` and `tekil admin` do, on the data directory or through a running server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TextIO

from rich.console import Console
from rich.table import Table

from tekil.access.model import NewToken, Permission, Token
from tekil.access.rules import ALL, format_permissions, parse_permissions
from tekil.access.service import ADMIN
from tekil.kit.clock import Millis, to_iso
from tekil.kit.json import JsonObject, JsonValue, encode_text
from tekil.kit.paging import Page


class TokenAdmin(Protocol):
    """What the commands need; ``AccessService`` and ``RemoteAccess`` have it."""

    def create_token(self, name: str, permissions: frozenset[Permission]) -> NewToken:
        """Make a token."""

    def list_tokens(
        self, *, after: int = 0, limit: int = 100, revoked: bool = False
    ) -> Page[Token]:
        """A page of tokens, in the order in which they were made."""

    def revoke_token_named(self, name: str) -> Token:
        """End the token with this name. Raises NotFound."""

    def set_password(self, password: str, *, name: str = ADMIN) -> None:
        """Make a user or change the password."""


def token_create(
    access: TokenAdmin, name: str, allow: Sequence[str], *, as_json: bool, out: TextIO
) -> None:
    """Make a token and show its secret, this once; nothing to allow means everything."""
    made = access.create_token(name, parse_permissions(allow or [ALL]))
    if as_json:
        _write_json(out, {**_as_json(made.token), "token": made.secret})
        return
    allowed = ", ".join(format_permissions(made.token.permissions))
    out.write(
        f"{made.secret}\n\n"
        f'This is the token "{made.token.name}" ({allowed}). It is shown only now: keep it safe.\n'
        "Send it as `Authorization: Bearer <token>`.\n"
    )


def token_list(access: TokenAdmin, *, revoked: bool, as_json: bool, out: TextIO) -> None:
    """Show all tokens; ``revoked`` adds ended ones."""
    tokens = list(_all_tokens(access, revoked=revoked))
    if as_json:
        _write_json(out, {"items": [_as_json(token) for token in tokens], "next": None})
        return
    table = Table("Name", "Token", "Permissions", "Created", "Last used", "Revoked")
    for token in tokens:
        table.add_row(
            token.name,
            f"{token.prefix}…",
            ", ".join(format_permissions(token.permissions)),
            to_iso(token.created_at),
            _iso(token.last_used_at) or "never",
            _iso(token.revoked_at) or "",
        )
    Console(file=out).print(table)


def token_revoke(access: TokenAdmin, name: str, *, as_json: bool, out: TextIO) -> None:
    """End a token."""
    token = access.revoke_token_named(name)
    if as_json:
        _write_json(out, _as_json(token))
    else:
        out.write(f'The token "{token.name}" ({token.prefix}…) no longer works.\n')


def admin_set_password(
    access: TokenAdmin, password: str, *, out: TextIO, name: str = ADMIN
) -> None:
    """Set the password with which a person logs in."""
    access.set_password(password, name=name)
    out.write(f'The password of "{name}" is set; open sessions have ended.\n')


def _all_tokens(access: TokenAdmin, *, revoked: bool) -> Iterator[Token]:
    after = 0
    while True:
        page = access.list_tokens(after=after, revoked=revoked)
        yield from page.items
        if page.next is None:
            return
        after = page.items[-1].token_id


def _as_json(token: Token) -> JsonObject:
    permissions: list[JsonValue] = [*format_permissions(token.permissions)]
    return {
        "token_id": token.token_id,
        "name": token.name,
        "prefix": token.prefix,
        "permissions": permissions,
        "created_at": to_iso(token.created_at),
        "created_by": token.created_by,
        "last_used_at": _iso(token.last_used_at),
        "revoked_at": _iso(token.revoked_at),
    }


def _write_json(out: TextIO, value: JsonObject) -> None:
    out.write(f"{encode_text(value)}\n")


def _iso(at: Millis | None) -> str | None:
    return None if at is None else to_iso(at)
