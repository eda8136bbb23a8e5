"""The page that explains segments: every example on it is read, judged and run."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tekil.kit.json import JsonValue
from tekil.segments.parse import KINDS, parse_text
from tekil.segments.parse_events import MEASURE_KEYS
from tests.segments_e2e.shop import Segments, send
from tests.segments_e2e.test_live import BUYERS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "segments.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
MAY_BE_NOBODY = ("consent",)
"""What the sample shop cannot show: it asked nobody for consent."""


@pytest.fixture
def prepared(segments: Segments, write_key: str) -> Iterator[Segments]:
    """What the page's examples name."""
    traits = {"event": "Order Completed", "count": True, "within": {"last": "365d"}}
    made = segments.api.put("/api/v1/computed-traits/orders_last_year", json={"definition": traits})
    assert made.status_code == 200, made.text
    segments.put("readers", {"event": "Email Opened", "count": {"gte": 2}})
    segments.put("buyers", BUYERS)
    segments.put("vip", {"event": "Order Completed", "sum": "revenue", "gte": 20_000})
    send(
        segments.server,
        write_key,
        {
            "type": "identify",
            "messageId": secrets.token_hex(8),
            "userId": "42",
            "traits": {"firstName": "Işıl", "email": "isil@lale.example"},
        },
        {
            "type": "group",
            "messageId": secrets.token_hex(8),
            "userId": "42",
            "groupId": "acme",
            "traits": {"plan": "enterprise"},
        },
        {
            "type": "page",
            "messageId": secrets.token_hex(8),
            "userId": "42",
            "name": "Search",
        },
    )
    segments.server.wait_until_idle()
    put = segments.api.put("/api/v1/lists/testers", json={"members": ["user_id:42"]})
    assert put.json()["size"] == 1, put.text
    yield segments
    for item in segments.names():
        if item not in ("readers", "buyers", "vip"):
            segments.delete(item)
    segments.api.delete("/api/v1/lists/testers")


def test_every_example_means_something_in_the_sample_shop(prepared: Segments) -> None:
    kinds: set[str] = set()
    measures: set[str] = set()
    for text in EXAMPLES:
        definition = parse_text(text)
        found = prepared.preview(definition)
        kinds |= kinds_of(definition)
        measures |= measures_of(definition)
        if not kinds_of(definition) & set(MAY_BE_NOBODY):
            assert 0 < found["count"] < found["of"], f"{found['count']} people for:\n{text}"
    assert kinds == set(KINDS), "every kind of condition has an example"
    assert measures >= {"count", "sum", "distinct", "days", "first", "last"}


def test_every_command_runs(prepared: Segments, tmp_path: Path) -> None:
    (tmp_path / "people.txt").write_text("isil@lale.example\n", encoding="utf-8")
    environ = dict(prepared.server.environ) | {
        "TEKIL_DATA": str(prepared.server.data),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    inline = re.findall(r"`(tekil list put [^`]+)`", PAGE)
    assert inline, "the page says how a list is uploaded"
    for block in [*COMMANDS, *inline]:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
    assert (tmp_path / "excel.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert (tmp_path / "definitions" / "segments" / "buyers.yaml").exists()


@pytest.mark.parametrize("page", ["docs/how-to/segments.md", "docs/concepts/segments.md"])
def test_links_lead_somewhere(page: str) -> None:
    path = ROOT / page
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), f"{page} links to {target}"


def kinds_of(definition: JsonValue) -> set[str]:
    """The kinds of condition that stand in a definition."""
    if isinstance(definition, list):
        return set().union(*(kinds_of(item) for item in definition))
    if not isinstance(definition, dict):
        return set()
    own = {kind for kind in KINDS if kind in definition}
    inner = [definition[key] for key in ("all", "any", "not", "account") if key in definition]
    return own.union(*(kinds_of(item) for item in inner))


def measures_of(definition: JsonValue) -> set[str]:
    """What is measured of events in a definition."""
    if not isinstance(definition, dict):
        return set()
    return {key for key in MEASURE_KEYS if key in definition} if "event" in definition else set()
