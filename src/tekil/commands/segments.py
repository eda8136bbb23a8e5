"""``tekil segment …``: define, try, look into, compare and take away segments."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from tekil.commands.connection import ApiClient, connect
from tekil.commands.options import Data, Json, settings_for
from tekil.commands.output import console, print_json, print_table, short_time, stderr
from tekil.errors import Conflict, InputError, NotFound
from tekil.kit.json import JsonValue, encode_text
from tekil.segments.export import Delimiter, ExportFormat

app = typer.Typer(help="Segments: which people.", no_args_is_help=True)

PAGE = 1_000
SHOWN = 20
BAR_WIDTH = 40
STDIN = "-"

Name = Annotated[str, typer.Argument(help="The segment's name.")]
File = Annotated[str, typer.Argument(metavar="FILE", help="YAML or JSON; - is standard input.")]
Limit = Annotated[int, typer.Option(help="How many to show.", min=1)]
Everything = Annotated[bool, typer.Option("--all", help="Show all of them, page by page.")]


@app.command("list")
def list_segments(data: Data = None, as_json: Json = False) -> None:
    """Show every segment and its size."""
    with connect(settings_for(data), create=False) as api:
        found = api.get("/segments")
    if as_json:
        print_json(found)
        return
    print_table(
        ("name", "people", "changed", "description"),
        [
            (s["name"], f"{s['size']:,}", short_time(s["updated_at"]), s["description"])
            for s in found["items"]
        ],
    )


@app.command("show")
def show(name: Name, data: Data = None, as_json: Json = False) -> None:
    """Show one segment with its definition."""
    with connect(settings_for(data), create=False) as api:
        found = api.get(path_of(name))
    if as_json:
        print_json(found)
        return
    import yaml

    console.print(f"{found['name']}: {found['size']:,} people", style="bold", markup=False)
    if found["description"]:
        console.print(found["description"], markup=False, highlight=False)
    console.print(
        f"version {found['version']}, changed {short_time(found['updated_at'])} UTC "
        f"by {found['updated_by']}\n",
        style="dim",
        highlight=False,
        markup=False,
    )
    text = yaml.safe_dump(found["definition"], allow_unicode=True, sort_keys=False)
    console.print(text, markup=False, highlight=False, end="")


@app.command("preview")
def preview(file: File, data: Data = None, as_json: Json = False) -> None:
    """Count who a definition holds for, and each branch of it, without storing it."""
    definition, _ = read_definition(file)
    with connect(settings_for(data), create=False) as api, stderr.status("Judging everybody …"):
        found = api.post("/segments/preview", {"definition": definition})
    if as_json:
        print_json(found)
        return
    console.print(
        f"{found['count']:,} of {found['of']:,} people ({found['share']:.1%}), "
        f"in {found['took_ms']:,} ms",
        highlight=False,
    )
    rows = [(b["path"], b["kind"], f"{b['count']:,}") for b in found["branches"]]
    print_table(("branch", "kind", "people"), rows)
    if found["sample"]:
        console.print()
        print_table(("some of them",), [(f"profile_id:{one}",) for one in found["sample"]])


@app.command("put")
def put(
    name: Name,
    file: File,
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Create or change a segment from a file; it is followed when this returns."""
    definition, told = read_definition(file)
    body = {"definition": definition, "description": told if description is None else description}
    with connect(settings_for(data)) as api, stderr.status("Judging everybody …"):
        found = api.request("PUT", path_of(name), json=body)
    if as_json:
        print_json(found)
        return
    console.print(f"{found['name']}: {found['size']:,} people", markup=False, highlight=False)


@app.command("delete")
def delete(name: Name, data: Data = None) -> None:
    """Delete a segment; not while another one names it."""
    with connect(settings_for(data), create=False) as api:
        api.request("DELETE", path_of(name))
    console.print(f'"{name}" is deleted.', markup=False, highlight=False)


@app.command("members")
def members(
    name: Name,
    limit: Limit = SHOWN,
    everything: Everything = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show who is in a segment now."""
    with connect(settings_for(data), create=False) as api:
        wanted = None if everything else limit
        if as_json:
            print_json({"items": list(pages(api, f"{path_of(name)}/members", wanted))})
            return
        for member in pages(api, f"{path_of(name)}/members", wanted):
            sys.stdout.write(f"profile_id:{member['profile_id']}\n")


@app.command("why")
def why(
    name: Name,
    ref: Annotated[str, typer.Argument(help="The person, such as email:ada@example.com")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Explain why a person is in a segment or not."""
    with connect(settings_for(data), create=False) as api:
        found = api.get(f"{path_of(name)}/why/{quote(ref, safe='')}")
        definition = api.get(path_of(name))["definition"]
    if as_json:
        print_json(found)
        return
    console.print(
        f'profile_id:{found["profile_id"]} is {"" if found["is_member"] else "not "}in "{name}"',
        style="bold",
        markup=False,
    )
    rows = [
        (
            r["path"],
            _asked(definition, r["path"]),
            "yes" if r["holds"] else "no",
            ", ".join("nothing" if v is None else _measured(v) for v in r["measured"]),
        )
        for r in found["reasons"]
    ]
    print_table(("place", "condition", "holds", "measured"), rows)
    last = found["last_change"]
    if last:
        verb = "entered" if last["entered"] else "left"
        event = last["last_event"]
        after = f", last event {event['event'] or event['type']}" if event else ""
        at = short_time(last["at"])
        console.print(f"\n{verb} {at} UTC by {last['cause']}{after}", markup=False, highlight=False)


@app.command("changes")
def changes(
    name: Name,
    limit: Limit = SHOWN,
    everything: Everything = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show who entered and left, newest first."""
    with connect(settings_for(data), create=False) as api:
        found = list(pages(api, f"{path_of(name)}/changes", None if everything else limit))
    if as_json:
        print_json({"items": found})
        return
    rows = [
        (short_time(c["at"]), c["change"], c["cause"], c["profile_id"] or "(gone)") for c in found
    ]
    print_table(("time", "change", "cause", "profile_id"), rows)


@app.command("sizes")
def sizes(
    name: Name,
    since: Annotated[str | None, typer.Option(help="From this time on (ISO 8601).")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show how large a segment was over time."""
    with connect(settings_for(data), create=False) as api:
        found = api.get(f"{path_of(name)}/sizes", since=since)
    if as_json:
        print_json(found)
        return
    items = found["items"]
    largest = max((size["size"] for size in items), default=0) or 1
    rows = [
        (short_time(s["at"])[:16], f"{s['size']:,}", "█" * round(BAR_WIDTH * s["size"] / largest))
        for s in items
    ]
    print_table(("hour", "people", ""), rows)


@app.command("overlap")
def overlap(
    names: Annotated[list[str], typer.Argument(metavar="NAME …", help="Two segments or more.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show how many people segments share: a row and a column for each."""
    with connect(settings_for(data), create=False) as api:
        found = api.post("/segments/overlap", {"segments": names})
    if as_json:
        print_json(found)
        return
    rows = [
        (name, *(f"{n:,}" for n in row))
        for name, row in zip(found["segments"], found["matrix"], strict=True)
    ]
    print_table(("in both", *found["segments"]), rows)
    console.print(f"\n{found['in_all']:,} in all, {found['in_any']:,} in any", highlight=False)


Names = Annotated[list[str] | None, typer.Option(metavar="NAME", help="May repeat.")]


@app.command("combine")
def combine(
    union: Names = None,
    all_of: Names = None,
    minus: Names = None,
    limit: Limit = SHOWN,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Count and show who is in any (--union) and all (--all-of) and none (--minus) of segments."""
    asked: dict[str, object] = {
        "union": union or [],
        "all_of": all_of or [],
        "minus": minus or [],
        "limit": min(limit, PAGE),
    }
    with connect(settings_for(data), create=False) as api:
        found = api.post("/segments/combine", asked)
        items = found["items"]
        while found["next"] and len(items) < limit:
            rest = min(limit - len(items), PAGE)
            found = api.post("/segments/combine", {**asked, "limit": rest, "cursor": found["next"]})
            items += found["items"]
    if as_json:
        print_json({"count": found["count"], "items": items})
        return
    console.print(f"{found['count']:,} people", highlight=False)
    for member in items:
        sys.stdout.write(f"profile_id:{member['profile_id']}\n")


@app.command("export")
def export(
    name: Name,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file; else standard output.")
    ] = None,
    format: Annotated[
        ExportFormat | None, typer.Option("--format", help="Else by the file's name, or CSV.")
    ] = None,
    traits: Annotated[str, typer.Option(help="Traits, with commas between.")] = "",
    identities: Annotated[str, typer.Option(help="Namespaces, with commas between.")] = "",
    delimiter: Annotated[Delimiter, typer.Option(help="Of a CSV.")] = Delimiter.COMMA,
    bom: Annotated[bool, typer.Option("--bom", help="A mark by which Excel knows UTF-8.")] = False,
    no_guard: Annotated[
        bool, typer.Option("--no-guard", help="For programs: no apostrophe before formulas.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    data: Data = None,
) -> None:
    """Write the members with chosen traits to a file."""
    if output is not None and output.exists() and not force:
        raise Conflict(f'"{output}" exists: --force overwrites it.')
    if format is None:
        is_parquet = output is not None and output.suffix == ".parquet"
        format = ExportFormat.PARQUET if is_parquet else ExportFormat.CSV
    asked: dict[str, object] = {
        "format": format.value,
        "traits": traits,
        "identities": identities,
        "delimiter": delimiter.value,
        "bom": bom,
        "guard": not no_guard,
    }
    with connect(settings_for(data), create=False) as api:
        pieces = api.download(f"{path_of(name)}/export", **asked)
        if output is None:
            for piece in pieces:
                sys.stdout.buffer.write(piece)
            return
        _save(pieces, output, name)


def _save(pieces: Iterator[bytes], output: Path, name: str) -> None:
    """Write a file beside its place and move it there when it is whole."""
    partial = output.with_name(f"{output.name}.part")
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=stderr) as bar, partial.open("wb") as file:
            task = bar.add_task(name, total=None)
            for piece in pieces:
                file.write(piece)
                bar.advance(task, len(piece))
            done = bar.tasks[task].completed
            bar.update(task, total=done)
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)


def path_of(name: str) -> str:
    """Where the API has a segment."""
    return f"/segments/{quote(name, safe='')}"


def read_definition(file: str) -> tuple[JsonValue, str]:
    """A definition and perhaps its description, from a file that holds either. Raises InputError.

    A file may hold the conditions alone, or with name and description as in a folder.
    """
    from tekil.segments.parse import parse_text  # slow to import

    if file == STDIN:
        text = sys.stdin.read()
    else:
        path = Path(file)
        if not path.is_file():
            raise NotFound(f'There is no file "{file}".')
        text = path.read_text(encoding="utf-8")
    try:
        value = parse_text(text)
    except InputError as error:
        raise InputError(f"{file}: {error.message}") from error
    if isinstance(value, dict) and "definition" in value:
        description = value.get("description", "")
        return value["definition"], description if isinstance(description, str) else ""
    return value, ""


def pages(api: ApiClient, path: str, limit: int | None) -> Iterator[dict[str, Any]]:
    """The items of a paged list, at most so many."""
    cursor: str | None = None
    left = limit
    while left is None or left > 0:
        size = PAGE if left is None else min(left, PAGE)
        page = api.get(path, limit=size, cursor=cursor)
        yield from page["items"]
        cursor = page["next"]
        if left is not None:
            left -= len(page["items"])
        if cursor is None:
            return


def _asked(definition: JsonValue, path: str) -> str:
    """The condition that stands at a place of a definition; a branch is told by its word.

    >>> _asked({"all": [{"trait": "country", "is": "TR"}]}, "all[0]")
    '{"trait":"country","is":"TR"}'
    >>> _asked({"all": [{"trait": "country", "is": "TR"}]}, "$")
    'all'
    """
    found = definition
    for part in re.findall(r"[^.\[\]]+", path.removeprefix("$")):
        if isinstance(found, list) and part.isdecimal() and int(part) < len(found):
            found = found[int(part)]
        elif isinstance(found, dict) and part in found:
            found = found[part]
        else:
            return ""
    if isinstance(found, dict):
        for branch in ("all", "any", "not"):
            if branch in found:
                return branch
    return encode_text(found)


def _measured(value: object) -> str:
    return value if isinstance(value, str) else encode_text(value)
