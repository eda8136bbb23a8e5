"""The pages say what is true of the published packages and of what we ship."""

from __future__ import annotations

import json
import re
import subprocess
from importlib import resources

import pytest
from tests.sdk.clients import NODE, NODE_CLIENTS, NPM, PYTHON_CLIENTS, node_modules
from tests.sdk.pages import ADDRESS, PAGES, WRITE_KEY, code

PINNED: dict[str, str] = json.loads((NPM / "package.json").read_text())["dependencies"]
SCRIPTED = {
    "segment-browser-npm.md": "@segment/analytics-next",
    "rudder-browser.md": "@rudderstack/analytics-js",
}
UNSCRIPTED = {"README.md", "segment-kotlin.md", "segment-swift.md"}


def test_every_page_is_run_by_a_test_or_says_that_it_is_not() -> None:
    run = {client.page for client in (*PYTHON_CLIENTS, *NODE_CLIENTS)} | set(SCRIPTED)
    run.add("segment-browser-snippet.md")
    assert {path.name for path in PAGES.glob("*.md")} == run | UNSCRIPTED
    for name in UNSCRIPTED - {"README.md"}:
        assert "not run by our tests" in (PAGES / name).read_text().replace("\n", " ")


def test_the_overview_links_every_page() -> None:
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", (PAGES / "README.md").read_text()))
    assert linked == {path.name for path in PAGES.glob("*.md")} - {"README.md"}


@pytest.mark.parametrize("client", PYTHON_CLIENTS, ids=str)
def test_python_pages_name_the_tested_versions(client: object) -> None:
    assert client.version in (PAGES / client.page).read_text()  # type: ignore[attr-defined]


def test_npm_pages_name_the_tested_versions() -> None:
    pages = {client.page: client.package for client in NODE_CLIENTS} | SCRIPTED
    for page, package in pages.items():
        assert f"`{package}` {PINNED[package]}" in (PAGES / page).read_text()


@pytest.mark.e2e
@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_snippet_is_the_published_one_with_our_address() -> None:
    render = (
        'const s = require("@segment/snippet");'
        f'console.log(s.min({{ host: "{ADDRESS.removeprefix("https://")}", '
        f'apiKey: "{WRITE_KEY}", page: {{ category: "Docs", name: "Pricing" }} }}))'
    )
    printed = subprocess.run(
        ["node", "-e", render], cwd=node_modules(), check=True, capture_output=True, text=True
    ).stdout
    # The package renders an empty option as a second semicolon, and the release before its own.
    published = printed.replace(";;", ";").replace("5.2.0", PINNED["@segment/snippet"])
    ours = code("segment-browser-snippet.md", "html").split("</script>")[0].split("<script>")[1]
    assert _tight(ours) == _tight(published)


@pytest.mark.e2e
@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_shipped_script_is_the_published_one() -> None:
    umd = node_modules() / "node_modules/@segment/analytics-next/dist/umd"
    assets = resources.files("tekil.collect.browser") / "assets"
    assert (assets / "standalone.js").read_bytes() == (umd / "standalone.js").read_bytes()
    for part in (assets / "bundles").iterdir():
        assert part.read_bytes() == (umd / part.name).read_bytes()


def _tight(script: str) -> list[str]:
    return [line.strip() for line in script.strip().splitlines()]
