"""``tekil trait …``: computed traits, values made of what people did."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import typer

from tekil.commands.connection import connect
from tekil.commands.options import Data, Json, settings_for
from tekil.commands.output import console, print_json, print_table, short_time
from tekil.commands.segments import File, read_definition
from tekil.kit.json import encode_text

app = typer.Typer(help="Computed traits: values made of what people did.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The computed trait's name.")]


@app.command("list")
def list_traits(data: Data = None, as_json: Json = False) -> None:
    """Show every computed trait with its definition."""
    with connect(settings_for(data), create=False) as api:
        found = api.get("/computed-traits")
    if as_json:
        print_json(found)
        return
    rows = [
        (t["name"], short_time(t["updated_at"]), encode_text(t["definition"]), t["description"])
        for t in found["items"]
    ]
    print_table(("name", "changed", "definition", "description"), rows)


@app.command("put")
def put(
    name: Name,
    file: File,
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Create or change a computed trait from a file."""
    definition, told = read_definition(file)
    body = {"definition": definition, "description": told if description is None else description}
    with connect(settings_for(data)) as api:
        found = api.request("PUT", path_of(name), json=body)
    if as_json:
        print_json(found)
        return
    console.print(f'"{found["name"]}" is followed.', markup=False, highlight=False)


@app.command("values")
def values(
    ref: Annotated[str, typer.Argument(help="The person, such as email:ada@example.com")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show what every computed trait is for a person now."""
    with connect(settings_for(data), create=False) as api:
        found = api.get(f"/computed-traits/values/{quote(ref, safe='')}")
    if as_json:
        print_json(found)
        return
    print_table(("computed trait", "value"), list(found["computed_traits"].items()))


@app.command("delete")
def delete(name: Name, data: Data = None) -> None:
    """Delete a computed trait; not while a segment names it."""
    with connect(settings_for(data), create=False) as api:
        api.request("DELETE", path_of(name))
    console.print(f'"{name}" is deleted.', markup=False, highlight=False)


def path_of(name: str) -> str:
    """Where the API has a computed trait."""
    return f"/computed-traits/{quote(name, safe='')}"
