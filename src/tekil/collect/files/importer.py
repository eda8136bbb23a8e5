"""The import loop: units in, chunks out, with the position moving in the same transaction.

Killed at any point and started again, it goes on behind the last chunk that was stored: nothing
is lost and nothing comes in twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from tekil.collect.files.door import Door
from tekil.collect.files.examine import examine
from tekil.collect.files.guess import SAMPLE_ROWS, make_plan
from tekil.collect.files.mapping import MappingFile
from tekil.collect.files.messages import Builder, Built, file_facts
from tekil.collect.files.model import Plan, Progress
from tekil.collect.files.reader import read_rows
from tekil.collect.files.units import read_units
from tekil.inbox.model import Reject

CHUNK_ROWS = 2_000
CHUNK_BYTES = 2 << 20


def look_at(
    path: Path, given: MappingFile | None = None, *, encoding: str = "", delimiter: str = ""
) -> Plan:
    """Read a file through once and decide what its columns mean. Raises InputError."""
    look = examine(path, encoding=encoding, delimiter=delimiter)
    sample = list(islice(read_rows(path, look), SAMPLE_ROWS))
    return make_plan(look, sample, given)


def run(
    path: Path,
    plan: Plan,
    source: str,
    door: Door,
    *,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
    on_rejects: Callable[[Sequence[Reject]], None] = lambda _rejects: None,
    stop: Callable[[], bool] = lambda: False,
    chunk_rows: int = CHUNK_ROWS,
) -> Progress:
    """Import a file from where an earlier run stopped; say how far it came."""
    facts = file_facts(plan.look, plan.mapping, source)
    progress = door.begin(facts)
    on_progress(progress)
    if progress.done:
        return progress
    builder = Builder(plan.look, plan.mapping)
    units = read_units(lambda: read_rows(path, plan.look), plan.mapping)
    chunk = _Chunk(progress)
    for unit in islice(units, progress.position, None):
        built = builder.build(unit)
        chunk.add(built, len(unit))
        if built.rejects:
            on_rejects(built.rejects)
        if chunk.rows >= chunk_rows or chunk.size >= CHUNK_BYTES:
            progress = chunk.reached()
            door.submit(facts, chunk.messages, chunk.rejects, after=chunk.after, to=progress)
            chunk = _Chunk(progress)
            on_progress(progress)
            if stop():
                return progress
    progress = replace(chunk.reached(), done=True)
    door.submit(facts, chunk.messages, chunk.rejects, after=chunk.after, to=progress)
    on_progress(progress)
    return progress


class _Chunk:
    """What was read since the last submit."""

    def __init__(self, start: Progress) -> None:
        self.messages: list[bytes] = []
        self.rejects: list[Reject] = []
        self.after = start.position
        self.rows = 0
        self.size = 0
        self._start = start
        self._units = 0

    def add(self, built: Built, rows: int) -> None:
        self._units += 1
        self.rows += rows
        self.rejects.extend(built.rejects)
        self.size += sum(len(reject.payload) for reject in built.rejects)
        if built.message is not None:
            self.messages.append(built.message)
            self.size += len(built.message)

    def reached(self) -> Progress:
        start = self._start
        return Progress(
            start.position + self._units,
            start.rows + self.rows,
            start.rejected + len(self.rejects),
        )
