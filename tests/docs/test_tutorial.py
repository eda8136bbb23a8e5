"""What the tutorial and the README tell a reader to type does what they promise."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docs.pages import Reader, shell_blocks

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """Somebody with an empty directory and this page."""
    made = Reader(tmp_path)
    yield made
    made.close()


def test_the_tutorial(reader: Reader) -> None:
    install, serve, source, *sends, profile, http, explain = shell_blocks(
        "docs/tutorial/first-profile.md"
    )
    assert install == "pip install .\n"
    reader.type(serve)
    reader.type(source)
    assert len(sends) == 3
    for send in sends:
        assert json.loads(reader.type(send)) == {"success": True}
    shown = reader.type(profile)
    assert "Işıl" in shown
    assert all("2026-" in line for line in shown.splitlines() if "Product Viewed" in line)
    assert {"Product Viewed", "Order Completed"} <= {w.strip() for w in shown.split("  ")}
    found = json.loads(reader.type(http))
    assert found["event_count"] == 3
    identities = {(i["namespace"], i["value"]) for i in found["identities"]}
    assert identities == {
        ("user_id", "42"),
        ("email", "isil@example.com"),
        ("phone", "+905321112233"),
        ("anonymous_id", "browser-7f3a"),
    }
    assert found["traits"]["country"] == "TR"
    why = json.loads(reader.type(explain))
    print(why)
    assert why["chain"], why
    assert reader.errors() == ""


@pytest.mark.parametrize("page", ["README.md", "README.tr.md"])
def test_the_readme(reader: Reader, page: str) -> None:
    make, own_shop, look_up = shell_blocks(page)
    targets = subprocess.run(["make", "-n", "demo", "test"], capture_output=True, check=False)
    assert targets.returncode == 0, targets.stderr
    assert [line.split()[:2] for line in make.splitlines()] == [["make", "demo"], ["make", "test"]]
    printed = reader.type(own_shop)
    key = printed.split("Write key: ")[1].split()[0]
    reader.type(
        f"curl -s -u {key}: http://127.0.0.1:8765/v1/identify -d "
        '\'{"userId": "1", "traits": {"email": "Ada@example.com", "firstName": "Ada"}}\''
    )
    assert "Ada" in reader.type(look_up)
    assert reader.errors() == ""
