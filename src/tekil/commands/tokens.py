"""``tekil token …`` and ``tekil admin …``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tekil.commands.connection import TIMEOUT_SECONDS, reach
from tekil.commands.options import Data, Json, settings_for
from tekil.store.directory import RunningServer

if TYPE_CHECKING:
    from tekil.access.command import TokenAdmin

app = typer.Typer(help="API tokens.", no_args_is_help=True)
admin = typer.Typer(help="The administrator.", no_args_is_help=True)


@app.command("create")
def create(
    name: str,
    allow: Annotated[
        list[str] | None, typer.Option(help="A permission, such as profiles:read; may repeat.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make a token; without --allow it may do everything."""
    from tekil.access.command import token_create

    with _access(data) as access:
        token_create(access, name, allow or [], as_json=as_json, out=sys.stdout)


@app.command("list")
def list_tokens(
    revoked: Annotated[bool, typer.Option(help="Show ended ones too.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show every token."""
    from tekil.access.command import token_list

    with _access(data) as access:
        token_list(access, revoked=revoked, as_json=as_json, out=sys.stdout)


@app.command("revoke")
def revoke(name: str, data: Data = None, as_json: Json = False) -> None:
    """End a token at once."""
    from tekil.access.command import token_revoke

    with _access(data) as access:
        token_revoke(access, name, as_json=as_json, out=sys.stdout)


@admin.command("set-password")
def set_password(
    password: Annotated[str, typer.Option(prompt=True, confirmation_prompt=True, hide_input=True)],
    data: Data = None,
) -> None:
    """Set the password with which the administrator logs in."""
    from tekil.access.command import admin_set_password

    with _access(data) as access:
        admin_set_password(access, password, out=sys.stdout)


@contextmanager
def _access(data: Path | None) -> Iterator[TokenAdmin]:
    server = reach(settings_for(data))
    if isinstance(server, RunningServer):
        import httpx

        from tekil.access.remote import RemoteAccess

        headers = {"Authorization": f"Bearer {server.token}"}
        with httpx.Client(base_url=server.url, headers=headers, timeout=TIMEOUT_SECONDS) as client:
            yield RemoteAccess(client)
        return
    try:
        yield server.access
    finally:
        server.close()
