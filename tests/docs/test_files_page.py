"""The page on files: every option in it is there, and does what the page says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docs.pages import ROOT, Reader, shell_blocks

PAGE = "docs/how-to/files.md"
CSV = "E-posta;Ad;Doğum tarihi\nayse@example.com;Ayşe;31.01.1990\nbad;Can;yok\n"

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """Somebody with a file of people from a Turkish Excel."""
    (tmp_path / "people.csv").write_text(CSV, encoding="windows-1254")
    made = Reader(tmp_path)
    yield made
    made.close()


def test_every_option_is_there() -> None:
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    reference = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")
    section = reference.split("## `tekil import`")[1].split("\n## ")[0]
    for option in set(re.findall(r"--[a-z][a-z-]*", page)):
        assert f"`{option}`" in section, option


def test_what_the_page_says(reader: Reader) -> None:
    (command,) = shell_blocks(PAGE)
    command = command.strip()
    guessed = reader.type(command)
    assert "windows-1254" in guessed
    assert "';'" in guessed
    assert "Imported 1 rows" in guessed.replace("\n", " ")
    assert "1 rejected" in guessed
    assert "Line 3" in guessed
    again = reader.type(f"{command} --encoding windows-1254")
    assert "nothing was counted twice" in again
    reader.type(f"{command} --write-mapping m.yaml")
    summary = json.loads(reader.type(f"{command} --mapping m.yaml --json --yes"))
    assert (summary["rows"], summary["rejected"]) == (2, 1)
    stats = json.loads(reader.type("tekil status --data tekil-data --json"))
    assert stats["events"] == 1
    assert stats["rejects"] >= 1
    assert "Ayşe" in reader.type("tekil profile email:ayse@example.com --data tekil-data")
