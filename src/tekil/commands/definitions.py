"""``tekil plan``, ``tekil apply`` and ``tekil export-definitions``: definitions in a git folder.

DIR/segments/vip.yaml            name, description, definition
DIR/computed-traits/orders.yaml
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tekil.commands.connection import ApiClient, connect
from tekil.commands.options import Data, Json, settings_for
from tekil.commands.output import console, print_json, print_table, stderr
from tekil.errors import Conflict, InvalidDefinition, NotFound, TekilError, did_you_mean
from tekil.kit.json import JsonObject, encode_canonical, encode_text

if TYPE_CHECKING:
    import yaml

FOLDERS = {"computed_trait": "computed-traits", "segment": "segments"}
SUFFIXES = (".yaml", ".yml", ".json")
KEYS = ("name", "description", "definition")
MAX_STEM_BYTES = 180
PLAIN_STEM = re.compile(r"\w[\w .+-]*")
SIGNS = {"added": "+", "changed": "~", "removed": "-", "kept": "·", "unchanged": " "}

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder with the definitions.")]
Prune = Annotated[bool, typer.Option("--prune", help="Delete what the folder does not hold.")]


def plan(
    directory: Folder,
    prune: Prune = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 1 if anything would change.")
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Say what a folder of definitions would change, and how many people would move."""
    wanted = read_folder(directory)
    with connect(settings_for(data), create=False) as api:
        found = _send(api, "plan", wanted, prune=prune)
    _print(found, as_json=as_json)
    if not as_json:
        n = found["changes"]
        console.print(f"{n} to change; `tekil apply` does it." if n else "Nothing to change.")
    if check and found["changes"]:
        raise typer.Exit(1)


def apply(
    directory: Folder, prune: Prune = False, data: Data = None, as_json: Json = False
) -> None:
    """Make the definitions what a folder says, all of them or none."""
    wanted = read_folder(directory)
    with connect(settings_for(data)) as api:
        found = _send(api, "apply", wanted, prune=prune)
    _print(found, as_json=as_json)
    if not as_json:
        n = found["changes"]
        console.print(f"{n} changed." if n else "Nothing to change.")


def export_definitions(
    directory: Folder,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that differ.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Write every definition into a folder, as `tekil apply` reads it."""
    with connect(settings_for(data), create=False) as api:
        items = api.get("/definitions")["items"]
    files = {directory / file_of(item): yaml_of(item) for item in items}
    differing = [
        path
        for path, text in files.items()
        if path.exists() and path.read_text(encoding="utf-8") != text
    ]
    if differing and not force:
        raise Conflict(
            f"{len(differing)} files are there and differ, such as {differing[0]}: "
            "--force overwrites them."
        )
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    if as_json:
        print_json({"files": [str(path) for path in files]})
        return
    console.print(f"{len(files)} definitions are in {directory}.")


# ---- files ---------------------------------------------------------------------------------------


def read_folder(directory: Path) -> list[JsonObject]:
    """Every definition of a folder. Raises NotFound, InvalidDefinition with every faulty file."""
    if not any((directory / folder).is_dir() for folder in FOLDERS.values()):
        folders = " or ".join(f"{directory / folder}/" for folder in FOLDERS.values())
        raise NotFound(
            f"There is no folder {folders}. `tekil export-definitions {directory}` makes them."
        )
    wanted: list[JsonObject] = []
    faults: list[str] = []
    for kind, folder in FOLDERS.items():
        for path in sorted((directory / folder).rglob("*")):
            if path.suffix not in SUFFIXES or not path.is_file():
                continue
            try:
                wanted.append({"kind": kind, **read_file(path), "origin": str(path)})
            except TekilError as error:
                faults.append(f"{path}: {error.message}")
    if faults:
        raise InvalidDefinition("\n".join(faults))
    return wanted


def read_file(path: Path) -> JsonObject:
    """One definition with its name and description. Raises InputError."""
    from tekil.segments.parse import parse_text  # slow to import

    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidDefinition(f"this is not UTF-8 text: {error}") from error
    value = parse_text(text)
    if not isinstance(value, dict):
        raise InvalidDefinition(f"this is not an object with the keys {', '.join(KEYS)}.")
    _refuse_twins(text)
    for key in value:
        if key not in KEYS:
            hint = did_you_mean(key, KEYS)
            raise InvalidDefinition(
                f'"{key}" is not a known key: use {", ".join(KEYS)}, '
                f'and write the conditions under "definition".{hint}'
            )
    if "definition" not in value:
        raise InvalidDefinition('there is no "definition".')
    name, description = value.get("name", path.stem), value.get("description", "")
    if not isinstance(name, str) or not isinstance(description, str):
        raise InvalidDefinition('"name" and "description" are texts: put them in quotes.')
    return {"name": name, "description": description, "definition": value["definition"]}


def file_of(item: dict[str, Any]) -> Path:
    """Where a definition is written; a name that no file can have is told in the file alone."""
    name: str = item["name"]
    stem = name
    if not PLAIN_STEM.fullmatch(name) or len(name.encode()) > MAX_STEM_BYTES or name[-1] in " .":
        cut = re.sub(r"[^\w-]+", "-", name)[:40].strip("-")
        stem = f"{cut}-{hashlib.blake2b(name.encode(), digest_size=4).hexdigest()}"
    return Path(FOLDERS[item["kind"]]) / f"{stem}.yaml"


def yaml_of(item: dict[str, Any]) -> str:
    """A definition as YAML that reads back as the same."""
    import yaml

    from tekil.segments.parse import parse_text

    told = {key: item[key] for key in KEYS if key != "description" or item[key]}
    readable = yaml.safe_dump(told, allow_unicode=True, sort_keys=False, width=100)
    # YAML itself loses some rare line breaks inside of texts; JSON, which is YAML too, keeps them.
    return readable if _same(parse_text(readable), told) else encode_text(told) + "\n"


def _same(one: object, other: object) -> bool:
    return encode_canonical(one) == encode_canonical(other)


def _refuse_twins(text: str) -> None:
    """Refuse a key that stands twice in one object: its first value would silently be forgotten."""
    try:
        json.loads(text, object_pairs_hook=_without_twins)
    except (json.JSONDecodeError, RecursionError):  # then it is YAML
        import yaml

        root = yaml.compose(text, Loader=yaml.SafeLoader)
        _look_for_twins([root] if root is not None else [])


def _without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [key for key, _ in pairs]
        twin = next(key for key in names if names.count(key) > 1)
        raise InvalidDefinition(f'the key "{twin}" stands twice.')
    return found


def _look_for_twins(waiting: list[yaml.Node]) -> None:
    import yaml

    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            keys: set[str] = set()
            for key, value in node.value:
                if str(key.value) in keys:
                    line = key.start_mark.line + 1
                    raise InvalidDefinition(f'line {line}: the key "{key.value}" stands twice.')
                keys.add(str(key.value))
                waiting.append(value)


# ---- talking -------------------------------------------------------------------------------------


def _send(api: ApiClient, verb: str, wanted: list[JsonObject], *, prune: bool) -> dict[str, Any]:
    with _patience():
        found: dict[str, Any] = api.post(
            f"/definitions/{verb}", {"definitions": wanted, "prune": prune}
        )
    return found


@contextmanager
def _patience() -> Iterator[None]:
    with stderr.status("Judging everybody by both sets of definitions …"):
        yield


def _print(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    rows = [
        (
            SIGNS[step["change"]],
            step["change"],
            step["kind"].replace("_", " "),
            step["name"],
            *(_people(step, key) for key in ("before", "after", "entering", "leaving")),
        )
        for step in found["steps"]
        if step["change"] not in ("unchanged", "kept") or step["entering"] or step["leaving"]
    ]
    if rows:
        heads = ("", "change", "kind", "name", "people now", "then", "enter", "leave")
        print_table(heads, rows)
    same = sum(step["change"] == "unchanged" for step in found["steps"])
    kept = sum(step["change"] == "kept" for step in found["steps"])
    if same:
        console.print(f"{same} as they are.")
    if kept:
        console.print(f"{kept} are not in the folder and stay; --prune deletes them.")


def _people(step: dict[str, Any], key: str) -> str:
    number = step[key] if step["kind"] == "segment" else None
    return "" if number is None else f"{number:,}"
