"""The pipeline as segments see it: what is stored, and a way to commit events of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from tekil.events.store import Parcel
from tekil.pipeline.batch import BatchResult, BatchWorker
from tekil.pipeline.loop import PipelineLoop

BEHIND_BATCHES = 3
"""With more batches than that on the way to the warehouse, taking in goes before judging."""


@dataclass(frozen=True, slots=True)
class PipelineJournal:
    """Commits on the pipeline's thread, so that there is one order of batches."""

    loop: PipelineLoop

    def is_ready(self) -> bool:
        """Whether what earlier runs left is in the warehouse, and work can begin."""
        return self.loop.is_ready

    def is_behind(self) -> bool:
        """Whether much is waiting to be taken in."""
        return self.loop.writer.waiting() >= BEHIND_BATCHES

    def append(self, act: Callable[[sa.Connection, int], list[Parcel]], events: int) -> None:
        """Commit something in a batch of its own, whose lines then go to the warehouse."""

        def command(worker: BatchWorker) -> Iterable[BatchResult]:
            return [worker.append(act, events)]

        self.loop.run(command)
