"""The record of the last full run of each load, and the page made from it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.figures import Aim, Figure, number
from bench.loads import LOADS

QUIET_LOAD = 0.5
HEAD = """# Benchmarks

`make bench` measures the real program, `tekil serve`, over HTTP from a client in a process of its
own, against a floor measured in the same run on the same machine, and writes this page. Nothing
about speed is claimed anywhere that does not stand here. Figures marked ✗ miss their aim.

Run one load with `python -m bench.run --load ingest`, a quick look with `--quick`. The floors:

- **Inserting**: a bare loop that decodes the same bodies and inserts the same messages into the
  same table, with the block size that suits the engine best (`bench/floor.py`).
- **Accepting**: a bare HTTP server that writes each body to SQLite, synced, before it answers, and
  looks at nothing (`bench/floor_server.py`).
- **Growth**: the rate at the first stage.
"""


@dataclass(frozen=True, slots=True)
class Record:
    """The figures of each load and what they were measured on."""

    figures: tuple[Figure, ...] = ()
    measured: Mapping[str, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Record:
        """The record in a file, empty if there is none."""
        if not path.exists():
            return cls()
        data = json.loads(path.read_text(encoding="utf-8"))
        figures = [Figure(**{**row, "aim": Aim(**row["aim"])}) for row in data["figures"]]
        return cls(tuple(figures), data["measured"])

    def write(self, path: Path) -> None:
        """Keep it for the next run."""
        data = {"measured": self.measured, "figures": [asdict(one) for one in self.figures]}
        path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def updated(
        self, figures: Iterable[Figure], names: Iterable[str], machine: dict[str, str]
    ) -> Record:
        """With these loads replaced."""
        replaced = set(names)
        kept = [figure for figure in self.figures if figure.load not in replaced]
        measured = {**self.measured, **dict.fromkeys(replaced, machine)}
        return Record((*kept, *figures), measured)

    def rows(self) -> list[dict[str, object]]:
        """The rows of results.json, in the order of the loads."""
        return [figure.row() for name in LOADS for figure in self.of(name)]

    def of(self, name: str) -> list[Figure]:
        """One load's figures."""
        return [figure for figure in self.figures if figure.load == name]


def page(record: Record) -> str:
    """The benchmark page."""
    return "\n".join([HEAD, *(_section(record, name) for name in LOADS if record.of(name))])


def _section(record: Record, name: str) -> str:
    measured = record.measured[name]
    lines = [f"## {name}", "", (LOADS[name].__doc__ or "").strip(), ""]
    lines += ["| figure | value | floor | ratio | aim |", "|---|---:|---:|---:|---|"]
    marks = {True: " ✓", False: " ✗", None: ""}
    for figure in record.of(name):
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        lines.append(
            f"| {figure.figure} | {number(figure.value)} {figure.unit} | {number(figure.floor)} "
            f"| {ratio} | {figure.aim.text()}{marks[figure.met]} |"
        )
    lines += ["", f"Measured on {measured['date']} at commit {measured['commit']}:"]
    lines += [f"{measured['machine']}; {measured['system']}."]
    if float(measured["load"]) > QUIET_LOAD:
        lines += [
            "",
            f"**The machine was not quiet:** its load average before the run was "
            f"{measured['load']}. Floors and figures suffer alike; compare the ratios.",
        ]
    lines.append("")
    return "\n".join(lines)
