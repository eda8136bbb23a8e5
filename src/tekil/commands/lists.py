"""``tekil list …``: lists of people that were uploaded, for {"list": …} in a definition."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from tekil.commands.connection import connect
from tekil.commands.options import Data, Json, settings_for
from tekil.commands.output import console, print_json, print_table, short_time, stderr
from tekil.commands.segments import SHOWN, STDIN, Everything, Limit, pages
from tekil.errors import NotFound

app = typer.Typer(help="Uploaded lists of people.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The list's name.")]


@app.command("list")
def list_lists(data: Data = None, as_json: Json = False) -> None:
    """Show every list and its size."""
    with connect(settings_for(data), create=False) as api:
        found = api.get("/lists")
    if as_json:
        print_json(found)
        return
    rows = [
        (x["name"], f"{x['size']:,}", short_time(x["updated_at"]), x["description"])
        for x in found["items"]
    ]
    print_table(("name", "identities", "changed", "description"), rows)


@app.command("put")
def put(
    name: Name,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="One reference in each line; - is standard input.")
    ],
    namespace: Annotated[
        str | None, typer.Option(help="Of lines that name none, such as email or user_id.")
    ] = None,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Store a list of people in place of what it was."""
    if file != STDIN and not Path(file).is_file():
        raise NotFound(f'There is no file "{file}".')
    text = sys.stdin.read() if file == STDIN else Path(file).read_text(encoding="utf-8-sig")
    refs = [line.strip() for line in text.splitlines() if line.strip()]
    if namespace is not None:
        refs = [ref if ":" in ref else f"{namespace}:{ref}" for ref in refs]
    with connect(settings_for(data)) as api, stderr.status("Looking them up …"):
        found = api.request(
            "PUT", path_of(name), json={"members": refs, "description": description}
        )
    if as_json:
        print_json(found)
        return
    console.print(f'"{name}": {found["size"]:,} identities', markup=False, highlight=False)
    if found["unknown_count"]:
        some = ", ".join(found["unknown"][:5])
        console.print(
            f"{found['unknown_count']:,} name nobody who was ever seen, such as {some}",
            markup=False,
            highlight=False,
        )


@app.command("members")
def members(
    name: Name,
    limit: Limit = SHOWN,
    everything: Everything = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show whose identities are on a list."""
    with connect(settings_for(data), create=False) as api:
        found = list(pages(api, f"{path_of(name)}/members", None if everything else limit))
    if as_json:
        print_json({"items": found})
        return
    for member in found:
        sys.stdout.write(f"profile_id:{member['profile_id']}\n")


@app.command("delete")
def delete(name: Name, data: Data = None) -> None:
    """Delete a list; not while a segment names it."""
    with connect(settings_for(data), create=False) as api:
        api.request("DELETE", path_of(name))
    console.print(f'"{name}" is deleted.', markup=False, highlight=False)


def path_of(name: str) -> str:
    """Where the API has a list."""
    return f"/lists/{quote(name, safe='')}"
