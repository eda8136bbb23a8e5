"""One measured figure, the aim that it is held to, and where it was measured."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("chdb-core", "clickhouse-connect", "msgspec", "uvloop", "sqlalchemy")


@dataclass(frozen=True, slots=True)
class Aim:
    """What a figure should reach."""

    least: float | None = None
    most: float | None = None
    least_ratio: float | None = None

    def text(self) -> str:
        """The aim as people write it.

        >>> Aim(least=20_000, least_ratio=0.6).text()
        '≥ 20,000, ≥ 0.60 × floor'
        """
        parts = []
        if self.least is not None:
            parts.append(f"≥ {number(self.least)}")
        if self.most is not None:
            parts.append(f"≤ {number(self.most)}")
        if self.least_ratio is not None:
            parts.append(f"≥ {self.least_ratio:.2f} × floor")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the results."""

    load: str
    figure: str
    value: float
    unit: str
    floor: float | None = None
    aim: Aim = Aim()

    @property
    def ratio(self) -> float | None:
        """The value as a share of its floor."""
        return self.value / self.floor if self.floor else None

    @property
    def met(self) -> bool | None:
        """Whether the aim is reached; None without an aim."""
        aim = self.aim
        if aim == Aim():
            return None
        ratio = self.ratio
        return (
            (aim.least is None or self.value >= aim.least)
            and (aim.most is None or self.value <= aim.most)
            and (aim.least_ratio is None or (ratio is not None and ratio >= aim.least_ratio))
        )

    def row(self) -> dict[str, object]:
        """The figure as results.json holds it."""
        ratio = self.ratio
        return {
            "load": self.load,
            "figure": self.figure,
            "value": round(self.value, 3),
            "unit": self.unit,
            "floor": None if self.floor is None else round(self.floor, 3),
            "ratio": None if ratio is None else round(ratio, 3),
        }


def number(value: float | None) -> str:
    """A number with as many digits as it deserves.

    >>> number(23456.7), number(3.14159), number(None)
    ('23,457', '3.14', '')
    """
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def machine(load_before: float) -> dict[str, str]:
    """What the figures were measured on, and how busy it was with other things before."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return {
        "machine": f"{len(os.sched_getaffinity(0))} cores, {memory:.0f} GB, {model}",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {libraries}",
        "commit": commit.stdout.strip(),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "load": f"{load_before:.1f}",
    }
