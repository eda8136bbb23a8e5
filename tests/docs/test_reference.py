"""The reference is what the program is; links lead somewhere; examples in the code are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest
from tests.docs.pages import ROOT
from tools.reference import REFERENCE, pages

import tekil
from tekil.settings import PREFIX, Settings

MARKDOWN = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not any(part.startswith(".") or part == "node_modules" for part in path.parts)
    and path.relative_to(ROOT).parts[0] not in {"demo-data", "tekil-data", "build", "dist"}
)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def test_the_reference_is_not_stale() -> None:
    for name, text in pages().items():
        stands = (REFERENCE / name).read_text(encoding="utf-8")
        assert stands == text, f"docs/reference/{name} is stale: run `make docs`"


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        goal = (path.parent / file).resolve() if file else path
        assert goal.exists(), f"{path.name} links to {target}, which is not there"
        if anchor and goal.suffix == ".md":
            assert anchor in anchors(goal), f"{path.name} links to {target}: no such heading"


def anchors(path: Path) -> set[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def test_the_settings_table_is_the_settings() -> None:
    page = (ROOT / "docs/how-to/operate.md").read_text(encoding="utf-8")
    told: dict[str, str] = {}
    for row in re.findall(r"^\| `.*$", page.split("## Watch")[0], re.MULTILINE):
        names, environ, defaults, _ = [cell.strip() for cell in row.strip("|").split("|")]
        words = [re.findall(r"`([^`]+)`", cell) for cell in (names, environ)]
        assert words[1] == [PREFIX + name.upper() for name in words[0]], row
        shown = [cell.strip().strip("`") for cell in defaults.split(",")]
        told |= dict(zip(words[0], shown, strict=True))
    known = Settings()
    assert told.keys() == set(Settings.__struct_fields__)
    for name, shown in told.items():
        default = getattr(known, name)
        if default is not None:
            assert shown == str(default), name


def modules() -> list[str]:
    found = pkgutil.walk_packages(tekil.__path__, "tekil.")
    return [m.name for m in found if "__main__" not in m.name and ".migrations" not in m.name]


@pytest.mark.parametrize("name", modules())
def test_examples_in_the_code_are_true(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
