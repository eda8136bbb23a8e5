"""Writes the generated pages of docs/reference from the running program: ``make docs``.

python -m tools.reference            writes them
python -m tools.reference --check    says which ones are stale, and fails if any is
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import typer
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

import tekil
from tekil import problems
from tekil.access import Permission, declared_permission
from tekil.access.guard import Public
from tekil.app import _api
from tekil.cli import app as commands
from tekil.collect.routes import FIXED, Endpoint
from tekil.errors import TekilError
from tekil.inbox.model import RejectReason, RejectStage
from tekil.runtime import Runtime
from tekil.settings import Settings

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
NOTE = "<!-- Written by `make docs`; change the program, not this page. -->"

TRACKING_MORE = (
    ("GET", "/v1/projects/{write_key}/settings", "browser settings of `@segment/analytics-next`"),
    ("GET", "/analytics.js/v1/{write_key}/analytics.min.js", "the classic snippet's script"),
    ("GET", "/analytics-next/bundles/{name}", "what that script loads"),
    ("GET", "/sourceConfig", "settings of RudderStack's SDKs"),
)
HTTP_SAYS = {
    400: "The request cannot be read.",
    404: "There is nothing at this path; the detail names the nearest.",
    405: "The path is right, the method is not; `Allow` names those that are.",
    413: "The request is over a size limit.",
    415: "The body is in a format that is not understood here.",
}
TRACKING_SAYS = {
    Endpoint.SINGLE: "one message",
    Endpoint.BATCH: 'many messages: `{"batch": […]}`',
    Endpoint.METRICS: "the SDK's own figures; taken and dropped",
    Endpoint.PIXEL: "one message in the address, answered by an image",
}


def pages() -> dict[str, str]:
    """Every generated page by file name."""
    with tempfile.TemporaryDirectory() as directory:
        runtime = Runtime(Settings(data=Path(directory)))
        try:
            http = http_page(_api(runtime))
        finally:
            runtime.close()
    return {
        "http.md": http,
        "cli.md": cli_page(),
        "errors.md": errors_page(),
        "rejects.md": rejects_page(),
    }


def http_page(app: FastAPI) -> str:
    """Every route with the permission that it needs."""
    document = app.openapi()
    sections: dict[str, list[list[str]]] = defaultdict(list)
    for context in iter_route_contexts(app.routes):
        path = re.sub(r":\w+\}", "}", context.path or "")
        operations: dict[str, Any] = document["paths"].get(path, {})
        for method in sorted(context.methods or ()):
            operation = operations.get(method.lower())
            if operation is None:
                continue
            section = (operation.get("tags") or ["operations"])[0]
            says = first_sentence(operation.get("description") or operation.get("summary", ""))
            row = [f"`{method}`", f"`{path}`", permission(context), says]
            sections[section].append(row)
    parts = [
        "# HTTP API",
        NOTE,
        "Everything under `/api/v1` takes `Authorization: Bearer <token>` and answers JSON; errors "
        "are [problems](errors.md). Lists answer `items` and `next`: pass `next` as `cursor` for "
        "the next page. Parameters and bodies: `/docs` and `/openapi.json` on a running server.",
        "## tracking",
        "Takes a write key, as Segment's and RudderStack's SDKs send it.",
        table(["method", "path", "what it takes or gives"], tracking_rows()),
    ]
    for section, rows in sorted(sections.items()):
        parts += [f"## {section}", table(["method", "path", "permission", "what it does"], rows)]
    return "\n\n".join(parts) + "\n"


def tracking_rows() -> list[list[str]]:
    """The tracking API's addresses, the tolerated short forms behind the proper ones."""
    also: dict[tuple[str, Endpoint, str], list[str]] = defaultdict(list)
    for (method, path), (endpoint, kind) in FIXED.items():
        if endpoint in TRACKING_SAYS:
            also[method, endpoint, kind].append(path)
    rows = []
    for (method, endpoint, kind), paths in also.items():
        shown = f"`{paths[0]}`" + "".join(f", `{path}`" for path in paths[1:])
        rows.append(
            [f"`{method}`", shown, f"{TRACKING_SAYS[endpoint]}{f': {kind}' if kind else ''}"]
        )
    return rows + [[f"`{method}`", f"`{path}`", says] for method, path, says in TRACKING_MORE]


def permission(context: object) -> str:
    """What a route declares."""
    match declared_permission(context):
        case Permission() as wanted:
            return f"`{wanted.value}`"
        case Public():
            return "none"
        case None:
            return "none"


def cli_page() -> str:
    """Every command with its arguments and options."""
    parts = ["# Command line", NOTE, "\n`tekil COMMAND --help` says the same.\n"]
    for words, function in walk(commands, ()):
        given, rows = [], []
        for parameter in inspect.signature(function, eval_str=True).parameters.values():
            row = parameter_row(parameter)
            rows.append(row)
            if not row[0].startswith("`-"):
                given.append(parameter.name.upper())
        parts.append(f"## `tekil {' '.join(words)}`\n")
        parts.append((inspect.getdoc(function) or "") + "\n")
        parts.append(f"```\n{' '.join(['tekil', *words, *given])} [options]\n```\n")
        if rows:
            parts.append(table(["argument or option", "default", "meaning"], rows) + "\n")
    return "\n".join(parts)


def walk(
    app: typer.Typer, words: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Callable[..., object]]]:
    """Every command with its words."""
    for command in app.registered_commands:
        assert command.callback is not None
        yield (*words, command.name or command.callback.__name__), command.callback
    for group in app.registered_groups:
        assert group.typer_instance is not None
        yield from walk(group.typer_instance, (*words, str(group.name)))


def parameter_row(parameter: inspect.Parameter) -> list[str]:
    """One argument or option of a command."""
    kind, info = parameter.annotation, None
    if get_origin(kind) is Annotated:
        kind, *notes = get_args(kind)
        info = next((n for n in notes if hasattr(n, "param_decls")), None)
    is_option = info is not None and type(info).__name__.startswith("Option")
    declared = tuple(getattr(info, "param_decls", None) or ())
    if info is not None and isinstance(info.default, str):  # Option("--yes", "-y")
        declared = (info.default, *declared)
    says = getattr(info, "help", None) or ""
    choices = [one for one in (kind, *get_args(kind)) if isinstance(one, type)]
    for one in choices:
        if issubclass(one, StrEnum):
            says += f" One of {', '.join(f'`{member.value}`' for member in one)}."
    if is_option:
        names = declared or (f"--{parameter.name.replace('_', '-')}",)
    else:
        names = (parameter.name.upper(),)
    default = parameter.default
    if default is inspect.Parameter.empty:
        shown = "required"
    else:
        shown = "" if default in (None, False, "") else f"`{default}`"
    return [", ".join(f"`{name}`" for name in names), shown, says.strip()]


def errors_page() -> str:
    """Every code of every error."""
    for module in pkgutil.walk_packages(tekil.__path__, "tekil."):
        if not module.name.endswith("__main__") and ".migrations" not in module.name:
            importlib.import_module(module.name)
    found: dict[str, list[str]] = {}
    for kind in subclasses(TekilError):
        if kind.code != getattr(kind.__mro__[1], "code", None):
            says = first_sentence(inspect.getdoc(kind) or "")
            row = [f"`{kind.code}`", str(kind.status), kind.retry.value, says]
            found.setdefault(kind.code, row)
    for status, code in problems._CODES.items():
        found.setdefault(code, [f"`{code}`", str(status), "never", HTTP_SAYS[status]])
    found["internal"] = [
        "`internal`", "500", "later", "A fault of Tekil's own; the log has the details."
    ]  # fmt: skip
    rows = sorted(found.values(), key=lambda row: (row[1], row[0]))
    return (
        "\n\n".join(
            [
                "# Errors",
                NOTE,
                "An error of `/api/v1` is a problem (RFC 9457) with `type`, `title`, `status`, "
                "`detail`, `code` and `retry`; `detail` is for people, `code` never changes. "
                "`retry` is `later` where sending the same again can help; then `Retry-After` says "
                'when. The tracking API answers `{"code", "message"}` with the same codes. '
                "Commands print the message and end with 1.",
                table(["code", "status", "retry", "meaning"], rows),
            ]
        )
        + "\n"
    )


def subclasses(kind: type[TekilError]) -> Iterator[type[TekilError]]:
    """Everything that derives from an error."""
    for one in kind.__subclasses__():
        if one.__module__.startswith("tekil."):
            yield one
            yield from subclasses(one)


def rejects_page() -> str:
    """Every stage and reason of a reject."""
    says = member_docs("RejectStage") | member_docs("RejectReason")
    stages = [[f"`{s.value}`", says.get(s.name, "")] for s in RejectStage]
    reasons = [[f"`{r.value}`", says.get(r.name, "")] for r in RejectReason]
    return (
        "\n\n".join(
            [
                "# Rejects",
                NOTE,
                "A message that cannot be used becomes a reject and holds up nothing. "
                "`GET /api/v1/rejects` lists them with `stage`, `reason`, `detail` and the message "
                "itself, filtered by any of these; `POST /api/v1/rejects/replay` sends them "
                "through again once the cause is mended.",
                "## Stages",
                table(["stage", "where the message stopped"], stages),
                "## Reasons",
                table(["reason", "what was wrong"], reasons),
            ]
        )
        + "\n"
    )


def member_docs(name: str) -> dict[str, str]:
    """The sentence behind each member of an enum of the inbox."""
    path = Path(inspect.getsourcefile(RejectReason) or "")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    body = next(n.body for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name)
    docs: dict[str, str] = {}
    for member, text in pairwise(body):
        if isinstance(member, ast.Assign) and isinstance(text, ast.Expr):
            target, value = member.targets[0], text.value
            if isinstance(target, ast.Name) and isinstance(value, ast.Constant):
                docs[target.id] = str(value.value)
    return docs


def first_sentence(text: str) -> str:
    """The first sentence of a docstring, on one line."""
    line = " ".join(text.strip().split("\n\n")[0].split())
    return re.split(r"(?<=[.])\s", line)[0].replace("``", "`")


def table(columns: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def main() -> int:
    """Write the pages, or only compare them."""
    stale = []
    for name, text in pages().items():
        path = REFERENCE / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(text, encoding="utf-8")
    if stale:
        print(("stale: " if "--check" in sys.argv else "written: ") + ", ".join(stale))
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
