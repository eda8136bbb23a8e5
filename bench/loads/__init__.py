"""The named loads; each module's docstring says what it expects and what would refute it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType

from bench.figures import Figure
from bench.loads import freshness, growth, ingest, singles
from bench.setting import Setting

LOADS: dict[str, ModuleType] = {
    "ingest": ingest,
    "singles": singles,
    "freshness": freshness,
    "growth": growth,
}


def load(name: str) -> Callable[[Setting], Iterator[Figure]]:
    """The function that runs a load."""
    run: Callable[[Setting], Iterator[Figure]] = LOADS[name].run
    return run
