"""Runs loads, prints one table, writes bench/results.json and docs/benchmarks.md.

python -m bench.run                      everything, about 40 minutes on two cores
python -m bench.run --load ingest        one load; the others keep their last figures
python -m bench.run --quick              a look in two minutes; written nowhere but bench/.work
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.figures import Figure, machine, number
from bench.loads import LOADS, load
from bench.report import Record, page
from bench.server import ROOT
from bench.setting import Setting

WORK = ROOT / "bench" / ".work"
RESULTS = ROOT / "bench" / "results.json"
RECORD = ROOT / "bench" / "record.json"
PAGE = ROOT / "docs" / "benchmarks.md"


def main() -> int:
    """Run what was asked for; returns 1 if an aim was missed and --strict was said."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--load", action="append", choices=sorted(LOADS), help="default: all")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it works")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--strict", action="store_true", help="fail if an aim is missed")
    parser.add_argument("--port", type=int, default=18_700, help="this one and the next are used")
    options = parser.parse_args()
    setting = Setting(WORK, options.port, options.quick)
    names = options.load or list(LOADS)
    load_before = os.getloadavg()[0]
    progress = Console(stderr=True)
    figures: list[Figure] = []
    for name in names:
        progress.print(f"[bold]{name}[/bold]: {(LOADS[name].__doc__ or '').splitlines()[0]}")
        for figure in load(name)(setting):
            figures.append(figure)
            progress.print(f"  {figure.figure}: {number(figure.value)} {figure.unit}")
    measured_on = machine(load_before)
    keep(figures, names, measured_on, quick=options.quick)
    if options.json:
        print(json.dumps([figure.row() for figure in figures], indent=1, ensure_ascii=False))
    else:
        Console().print(table(figures, measured_on))
    return int(options.strict and any(figure.met is False for figure in figures))


def keep(
    figures: list[Figure], names: list[str], measured_on: dict[str, str], *, quick: bool
) -> None:
    """Write the rows; a full run also replaces its loads on the benchmark page."""
    rows = [figure.row() for figure in figures]
    if quick:
        _write(WORK / "results-quick.json", rows)
        return
    record = Record.read(RECORD).updated(figures, names, measured_on)
    record.write(RECORD)
    _write(RESULTS, record.rows())
    PAGE.write_text(page(record), encoding="utf-8")


def table(figures: list[Figure], measured_on: dict[str, str]) -> Table:
    """All figures on one screen."""
    title = f"{measured_on['machine']} · {measured_on['commit']} · {measured_on['date']}"
    result = Table("load", "figure", title=title)
    for column in ("value", "unit", "floor", "ratio", "aim"):
        result.add_column(column, justify="left" if column in {"unit", "aim"} else "right")
    marks = {True: " [green]✓[/green]", False: " [red]✗[/red]", None: ""}
    for figure in figures:
        result.add_row(
            figure.load,
            figure.figure,
            number(figure.value),
            figure.unit,
            number(figure.floor),
            "" if figure.ratio is None else f"{figure.ratio:.2f}",
            figure.aim.text() + marks[figure.met],
        )
    return result


def _write(path: Path, rows: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
