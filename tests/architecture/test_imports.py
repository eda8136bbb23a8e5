"""Imports run one way, down the list of rooms: whoever reads a room need only know those before it.

A room may import every room to its left. What must flow the other way is handed over as a
callable by ``runtime`` and ``app``, which wire the rooms together.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "src" / "tekil"

ROOMS = (
    "kit",
    "errors",
    "settings",
    "query",
    "store",
    "problems",
    "bodies",
    "access",
    "consent",
    "clean",
    "inbox",
    "collect",
    "identity",
    "events",
    "profiles",
    "segments",
    "activate",
    "demo",
    "pipeline",
    "metrics",
    "api_page",
    "runtime",
    "replay",
    "console",
    "app",
    "commands",
    "cli",
)


def room_of(path: Path) -> str:
    first = path.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


def imported_rooms(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "tekil" and len(parts) > 1:
                yield node.lineno, parts[1]


def source_files() -> list[Path]:
    return [p for p in sorted(ROOT.rglob("*.py")) if "migrations" not in p.parts]


@pytest.mark.parametrize("path", source_files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_down_the_list(path: Path) -> None:
    own = room_of(path)
    if own in ("__init__", "__main__"):
        return
    assert own in ROOMS, f"{own} is a new room: put it where it belongs in ROOMS"
    for line, other in imported_rooms(path):
        assert ROOMS.index(other) <= ROOMS.index(own), (
            f"{path.relative_to(ROOT)}:{line} imports {other}, which comes after {own}"
        )
