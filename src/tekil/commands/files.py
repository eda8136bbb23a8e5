"""``tekil import FILE --source NAME``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tekil.collect.files.model import FileKind
from tekil.collect.model import SourceKind
from tekil.commands.connection import ApiClient, connect
from tekil.commands.options import Data, Json, settings_for

if TYPE_CHECKING:
    from tekil.collect.files.door import Door


def import_file(
    path: Annotated[Path, typer.Argument(help="CSV, JSON Lines or Parquet; also gzipped.")],
    source: Annotated[str, typer.Option(help="The source; made if it is not there.")],
    kind: Annotated[FileKind | None, typer.Option(help="What the file holds.")] = None,
    mapping: Annotated[Path | None, typer.Option(help="A mapping file in YAML.")] = None,
    write_mapping: Annotated[
        Path | None, typer.Option(help="Write the guessed mapping here and stop.")
    ] = None,
    encoding: Annotated[str, typer.Option(help="The encoding, when the guess is wrong.")] = "",
    delimiter: Annotated[str, typer.Option(help="The delimiter, when the guess is wrong.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Import people, events or orders from a file; goes on where it stopped."""
    from tekil.collect.files.command import ImportOptions, run_import  # slow to import

    options = ImportOptions(mapping, write_mapping, kind, encoding, delimiter, yes, as_json)
    with connect(settings_for(data)) as api:
        code = run_import(path, source, lambda name: open_door(api, name), options)
    sys.exit(code)


@contextmanager
def open_door(api: ApiClient, source: str) -> Iterator[Door]:
    """Reach the inbox through the API; a source of this name is made when there is none."""
    from tekil.collect.files.door import HttpDoor

    ensure_source(api, source, SourceKind.FILE)
    yield HttpDoor(api.raw_post)


def ensure_source(api: ApiClient, name: str, kind: SourceKind) -> str:
    """Find a source or make it; returns its write key."""
    for known in api.get("/sources")["items"]:
        if known["name"] == name:
            return str(known["write_key"])
    return str(api.post("/sources", {"name": name, "kind": kind.value})["write_key"])
