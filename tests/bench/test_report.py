"""Figures know whether they meet their aim, and the page holds what was measured."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest
from bench.figures import Aim, Figure
from bench.loads import LOADS
from bench.report import Record, page

from bench import client, figures, latency

MACHINE = {
    "machine": "2 cores",
    "system": "Linux",
    "commit": "abc",
    "date": "2026-11-22",
    "load": "0.1",
}


@pytest.mark.parametrize(
    ("value", "floor", "aim", "met"),
    [
        (10.0, None, Aim(), None),
        (10.0, None, Aim(least=10), True),
        (9.9, None, Aim(least=10), False),
        (10.1, None, Aim(most=10), False),
        (6.0, 10.0, Aim(least_ratio=0.6), True),
        (5.9, 10.0, Aim(least_ratio=0.6), False),
        (5.9, None, Aim(least_ratio=0.6), False),
        (7.0, 10.0, Aim(least=8, least_ratio=0.6), False),
    ],
)
def test_met(value: float, floor: float | None, aim: Aim, met: bool | None) -> None:
    assert Figure("ingest", "x", value, "u", floor, aim).met is met


def test_rows_have_exactly_the_published_fields() -> None:
    row = Figure("ingest", "end to end", 30.0, "events/s", 40.0).row()
    assert row == {
        "load": "ingest",
        "figure": "end to end",
        "value": 30.0,
        "unit": "events/s",
        "floor": 40.0,
        "ratio": 0.75,
    }


def test_a_load_run_again_replaces_its_own_figures_only(tmp_path: Path) -> None:
    first = Record().updated(
        [Figure("ingest", "a", 1, "s"), Figure("singles", "b", 2, "s", 4, Aim(most=3))],
        ["ingest", "singles"],
        MACHINE,
    )
    first.write(tmp_path / "record.json")
    again = Record.read(tmp_path / "record.json").updated(
        [Figure("ingest", "a", 5, "s")], ["ingest"], {**MACHINE, "commit": "def"}
    )
    assert [row["value"] for row in again.rows()] == [5, 2]
    text = page(again)
    assert "| b | 2 s | 4 | 0.50 | ≤ 3 ✓ |" in text
    assert "at commit def" in text
    assert "at commit abc" in text


def test_the_page_says_when_others_used_the_machine() -> None:
    figures = [Figure("ingest", "a", 1, "s")]
    assert "not quiet" not in page(Record().updated(figures, ["ingest"], MACHINE))
    busy = page(Record().updated(figures, ["ingest"], {**MACHINE, "load": "3.2"}))
    assert "load average before the run was 3.2" in busy


def test_every_load_says_what_would_refute_it() -> None:
    for name, module in LOADS.items():
        text = " ".join((module.__doc__ or "").split())
        for word in ("Hypothesis:", "Expected:", "Refuted if"):
            assert word in text, (name, word)


def test_docstring_examples() -> None:
    for module in (client, figures, latency):
        assert doctest.testmod(module).failed == 0
