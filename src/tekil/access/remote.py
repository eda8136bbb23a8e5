"""The commands' view of access through a running server: the same methods, over HTTP."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import msgspec

from tekil.access.model import NewToken, Permission, Token, TokenId
from tekil.access.rules import format_permissions, stored_permissions
from tekil.access.service import ADMIN
from tekil.errors import NotFound, StoreUnavailable
from tekil.kit.clock import Millis, from_iso
from tekil.kit.json import JsonObject
from tekil.kit.paging import Page, encode_cursor
from tekil.problems import error_of


class _TokenView(msgspec.Struct):
    token_id: int
    name: str
    prefix: str
    permissions: list[str]
    created_at: str
    created_by: str
    last_used_at: str | None = None
    revoked_at: str | None = None
    token: str = ""

    def to_token(self) -> Token:
        return Token(
            token_id=TokenId(self.token_id),
            name=self.name,
            prefix=self.prefix,
            permissions=stored_permissions(self.permissions),
            created_at=from_iso(self.created_at),
            created_by=self.created_by,
            last_used_at=_millis(self.last_used_at),
            revoked_at=_millis(self.revoked_at),
        )


class _TokenPage(msgspec.Struct):
    items: list[_TokenView]
    next: str | None


class RemoteAccess:
    """Access through a server; the client knows its address and sends a token."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def create_token(self, name: str, permissions: frozenset[Permission]) -> NewToken:
        """Make a token."""
        wanted: JsonObject = {"name": name, "permissions": [*format_permissions(permissions)]}
        made = msgspec.json.decode(self._send("POST", "/api/v1/tokens", wanted), type=_TokenView)
        return NewToken(made.to_token(), made.token)

    def list_tokens(
        self, *, after: int = 0, limit: int = 100, revoked: bool = False
    ) -> Page[Token]:
        """A page of tokens, in the order in which they were made."""
        path = f"/api/v1/tokens?limit={limit}&revoked={str(revoked).lower()}"
        page = msgspec.json.decode(
            self._send("GET", f"{path}&cursor={encode_cursor(after)}"), type=_TokenPage
        )
        return Page([item.to_token() for item in page.items], page.next)

    def revoke_token_named(self, name: str) -> Token:
        """End the token with this name. Raises NotFound."""
        after = 0
        while True:
            page = self.list_tokens(after=after)
            for token in page.items:
                if token.name == name:
                    answer = self._send("DELETE", f"/api/v1/tokens/{token.token_id}")
                    return msgspec.json.decode(answer, type=_TokenView).to_token()
            if page.next is None:
                raise NotFound(
                    f'There is no token named "{name}"; `tekil token list` shows them.', name=name
                )
            after = page.items[-1].token_id

    def set_password(self, password: str, *, name: str = ADMIN) -> None:
        """Make a user or change the password."""
        path = f"/api/v1/users/{quote(name, safe='')}/password"
        self._send("PUT", path, {"password": password})

    def _send(self, method: str, path: str, body: JsonObject | None = None) -> bytes:
        try:
            response = self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise StoreUnavailable(f"The running server does not answer: {error}") from error
        if response.is_error:
            raise error_of(response.status_code, response.content)
        return response.content


def _millis(text: str | None) -> Millis | None:
    return None if text is None else from_iso(text)
