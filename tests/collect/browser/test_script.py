"""The script that pages load: it carries the key and knows no server but ours."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tekil.collect.browser import analytics_script, bundle, script

BUNDLES = ("auto-track", "queryString", "schemaFilter")


def test_the_script_carries_the_write_key() -> None:
    text = analytics_script("wk_1").decode()
    assert 'window.analyticsWriteKey="wk_1"' in text
    assert "__WRITE_KEY__" not in text
    assert analytics_script("wk_2") != analytics_script("wk_1")


def test_the_script_fetches_from_and_sends_to_no_other_server() -> None:
    text = analytics_script("wk_1").decode()
    named = set(re.findall(r"https?://[\w.]+", text))
    assert named == {
        "https://segment.com",  # a page to read, printed in a warning
        "https://cdn.segment.",  # a pattern that recognises a blocked address
        "https://cdnjs.cloudflare.com",  # a polyfill for Internet Explorer and Firefox below 46
    }
    assert "api.segment.io" not in text


@pytest.mark.parametrize("write_key", ['"+alert(1)+"', "</script><script>alert(1)", "\u2028\\"])
@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
def test_no_write_key_can_become_code(write_key: str, tmp_path: Path) -> None:
    text = analytics_script(write_key).decode()
    assert "</script" not in text.split("analyticsWriteKey=", 1)[1][:200]
    path = tmp_path / "script.js"
    path.write_text(text, encoding="utf-8")
    subprocess.run(["node", "--check", str(path)], check=True)
    literal = re.search(r"window\.analyticsWriteKey=(\"(?:[^\"\\]|\\.)*\")", text)
    assert literal
    printed = subprocess.run(
        ["node", "-p", f"JSON.stringify({literal[1]})"], check=True, capture_output=True, text=True
    )
    assert (
        printed.stdout.strip()
        == subprocess.run(
            ["node", "-p", "JSON.stringify(process.argv[1])", write_key],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
    )


def test_the_later_parts_are_served_by_the_names_that_the_script_uses() -> None:
    text = analytics_script("wk_1").decode()
    table = re.search(r'\(\{([^{}]+)\}\[t\]\|\|t\)\+"\.bundle\."\+\{([^{}]+)\}\[t\]\+"\.js"', text)
    assert table
    names, hashes = (dict(re.findall(r'(\d+):"([\w-]+)"', part)) for part in table.groups())
    asked = {f"{name}.bundle.{hashes[number]}.js" for number, name in names.items()}
    served = {name for name in asked if bundle(name)}
    assert served == {name for name in asked if name.split(".")[0] in BUNDLES}
    assert len(served) == len(BUNDLES)


@pytest.mark.parametrize("name", ["", "..", "../standalone.js", "standalone.js", "nothing.js"])
def test_no_other_file_can_be_fetched(name: str) -> None:
    assert bundle(name) is None


def test_the_licence_of_the_published_files_is_beside_them() -> None:
    text = (Path(script.__file__).parent / "assets" / "LICENSES.md").read_text(encoding="utf-8")
    assert "Copyright © 2021 Segment" in text
    assert "The MIT License (MIT)" in text
