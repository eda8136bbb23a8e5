"""A door that keeps what it takes, and small shorthands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tekil.collect.files.examine import examine
from tekil.collect.files.importer import look_at
from tekil.collect.files.mapping import MappingFile, parse_mapping
from tekil.collect.files.messages import Builder
from tekil.collect.files.model import FileFacts, Plan, Progress, Row
from tekil.collect.files.reader import read_rows
from tekil.collect.files.units import read_units
from tekil.inbox.model import ImportProgress, Reject, Submission
from tekil.kit.ids import SourceId


class KilledError(BaseException):
    """The process dies here."""


class FakeInbox:
    """Atomic: a submission and its progress are both in, or neither; dies where it is told to."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.rejects: list[Reject] = []
        self.progress: dict[tuple[str, SourceId], ImportProgress] = {}
        self.appends = 0
        self.die_before: set[int] = set()
        self.die_after: set[int] = set()

    def look(self, key: str, source: SourceId) -> ImportProgress | None:
        return self.progress.get((key, source))

    def append(self, submission: Submission, progress: ImportProgress) -> None:
        self.appends += 1
        if self.appends in self.die_before:
            raise KilledError
        batch = json.loads(submission.body)["batch"]
        assert len(batch) == submission.count
        self.messages.extend(batch)
        self.rejects.extend(submission.rejects)
        self.progress[progress.file_hash, progress.source_id] = progress
        if self.appends in self.die_after:
            raise KilledError


class ListDoor:
    """Takes everything."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.rejects: list[Reject] = []
        self.chunks: list[tuple[int, Progress]] = []

    def begin(self, facts: FileFacts) -> Progress:
        return Progress()

    def submit(
        self,
        facts: FileFacts,
        messages: Sequence[bytes],
        rejects: Sequence[Reject],
        *,
        after: int,
        to: Progress,
    ) -> None:
        self.messages.extend(json.loads(m) for m in messages)
        self.rejects.extend(rejects)
        self.chunks.append((after, to))


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def rows_of(path: Path, **options: str) -> list[Row]:
    return list(read_rows(path, examine(path, **options)))


def plan_of(path: Path, mapping: str = "") -> Plan:
    return look_at(path, parse_mapping(mapping) if mapping else MappingFile())


def targets(plan: Plan) -> dict[str, str]:
    return {c.name: c.target for c in plan.mapping.columns}


def built(path: Path, mapping: str = "") -> tuple[list[dict[str, Any]], list[Reject]]:
    """All messages and rejects of a file."""
    plan = plan_of(path, mapping)
    builder = Builder(plan.look, plan.mapping)
    messages, rejects = [], []
    for unit in read_units(lambda: read_rows(path, plan.look), plan.mapping):
        made = builder.build(unit)
        rejects.extend(made.rejects)
        if made.message is not None:
            messages.append(json.loads(made.message))
    return messages, rejects
