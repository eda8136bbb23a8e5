"""``tekil source …``: add, list, disable."""

from __future__ import annotations

from typing import Annotated

import typer

from tekil.clean.ip import IpPolicy
from tekil.collect.model import SourceKind
from tekil.commands.connection import connect
from tekil.commands.options import Data, Json, settings_for
from tekil.commands.output import console, print_json, print_table

app = typer.Typer(help="Sources and their write keys.", no_args_is_help=True)


@app.command("add")
def add(
    name: str,
    kind: Annotated[SourceKind, typer.Option(help="Where the write key will live.")] = (
        SourceKind.HTTP
    ),
    region: Annotated[
        str | None, typer.Option(help="Country of phone numbers without a country code.")
    ] = None,
    rate: Annotated[
        int | None, typer.Option("--events-per-second", help="Faster is answered 429.")
    ] = None,
    ip_policy: Annotated[
        IpPolicy | None, typer.Option("--ip", help="What is kept of network addresses.")
    ] = None,
    strict: Annotated[
        bool | None, typer.Option("--strict", help="List in the reply what was wrong.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make a source and print its write key."""
    given = {
        "default_region": region,
        "events_per_second": rate,
        "ip_policy": ip_policy,
        "strict": strict,
    }
    settings = {name: value for name, value in given.items() if value is not None}
    with connect(settings_for(data)) as api:
        made = api.post("/sources", {"name": name, "kind": kind.value, "settings": settings})
    if as_json:
        print_json(made)
        return
    console.print(f"Source [bold]{made['name']}[/bold] ({made['kind']})")
    console.print(f"Write key: [bold]{made['write_key']}[/bold]")


@app.command("list")
def list_sources(data: Data = None, as_json: Json = False) -> None:
    """Show every source."""
    with connect(settings_for(data), create=False) as api:
        found = api.get("/sources")
    if as_json:
        print_json(found)
        return
    rows = [
        (s["name"], s["kind"], s["trust"], "yes" if s["enabled"] else "no", s["write_key"])
        for s in found["items"]
    ]
    print_table(("name", "kind", "trust", "enabled", "write key"), rows)


@app.command("disable")
def disable(name: str, data: Data = None) -> None:
    """Refuse what a source sends from now on."""
    with connect(settings_for(data)) as api:
        api.request("PATCH", f"/sources/{name}", json={"enabled": False})
    console.print(f'"{name}" is disabled; `tekil source enable {name}` undoes it.')


@app.command("enable")
def enable(name: str, data: Data = None) -> None:
    """Take what a source sends again."""
    with connect(settings_for(data)) as api:
        api.request("PATCH", f"/sources/{name}", json={"enabled": True})
    console.print(f'"{name}" is enabled.')
