"""``tekil import``: show what will be done, ask, do it with a progress bar, say what was done."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.prompt import Confirm
from rich.table import Table

from tekil.collect.files import model
from tekil.collect.files.door import Door
from tekil.collect.files.importer import look_at, run
from tekil.collect.files.mapping import MappingFile, dump_mapping, load_mapping
from tekil.collect.files.messages import file_facts
from tekil.collect.files.model import FileKind, Plan, ValueType
from tekil.inbox.model import Reject
from tekil.kit.json import encode_text

SHOWN_REJECTS = 5
DECLINED = 1
STOPPED = 130

OpenDoor = Callable[[str], AbstractContextManager[Door]]
"""Opens the way to a source by its name; raises NotFound if there is no such source."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the command line says beside the file and the source."""

    mapping: Path | None = None
    write_mapping: Path | None = None
    kind: FileKind | None = None
    encoding: str = ""
    delimiter: str = ""
    yes: bool = False
    as_json: bool = False


@dataclass(slots=True)
class _Outcome:
    progress: model.Progress
    resumed_at: int
    took: float
    rejects: list[Reject]


def run_import(
    path: Path,
    source: str,
    open_door: OpenDoor,
    options: ImportOptions = ImportOptions(),
    *,
    console: Console | None = None,
) -> int:
    """Import a file; return the exit code. Raises TekilError for what cannot be imported."""
    console = console or Console(stderr=options.as_json)
    plan = look_at(path, _given(options), encoding=options.encoding, delimiter=options.delimiter)
    show_plan(plan, source, console)
    if options.write_mapping is not None:
        options.write_mapping.write_text(dump_mapping(plan.mapping), encoding="utf-8")
        console.print(f"Mapping written to [bold]{escape(str(options.write_mapping))}[/]")
        return 0
    if not _agreed(options, console):
        return DECLINED
    outcome = _import(path, plan, source, open_door, console)
    if options.as_json:
        print(encode_text(summary(plan, source, outcome.progress, outcome.took)))  # noqa: T201
    else:
        _show_outcome(outcome, source, console)
    return 0 if outcome.progress.done else STOPPED


def show_plan(plan: Plan, source: str, console: Console) -> None:
    """Print what was found and what each column will become."""
    look, mapping = plan.look, plan.mapping
    told = [look.format.value, "gzip" if look.gzipped else "", f"about {look.rows_about:,} rows"]
    if look.encoding:
        told.append(f"{look.encoding} ({look.encoding_why})")
    if look.delimiter:
        told.append(f"delimiter {look.delimiter!r}")
    console.print(
        f"[bold]{escape(look.name)}[/] holds [bold]{mapping.kind}[/] for source "
        f"[bold]{escape(source)}[/]: {escape(', '.join(t for t in told if t))}"
    )
    table = Table(box=None, pad_edge=False)
    for title in ("Column", "Examples", "Goes to", "Read as"):
        table.add_column(title, overflow="fold")
    for column in mapping.columns:
        guess = " (guess)" if column.name in plan.guessed else ""
        table.add_row(
            escape(column.name),
            escape(" · ".join(plan.examples.get(column.name, ()))),
            f"{column.target}{guess}" if column.target else "left out",
            escape(_read_as(column.type, column.format)) if column.target else "",
        )
    console.print(table)
    for note in plan.notes:
        console.print(f"[yellow]Note:[/] {escape(note)}")


def summary(plan: Plan, source: str, progress: model.Progress, took: float) -> dict[str, object]:
    """What a script reads from ``--json``."""
    return {
        "file": plan.look.name,
        "source": source,
        "kind": plan.mapping.kind,
        "format": plan.look.format,
        "encoding": plan.look.encoding,
        "import_key": file_facts(plan.look, plan.mapping, source).import_key,
        "done": progress.done,
        "rows": progress.rows,
        "imported": progress.rows - progress.rejected,
        "rejected": progress.rejected,
        "took_seconds": round(took, 3),
        "columns": [
            {"name": c.name, "to": c.target or None, "type": c.type, "format": c.format or None}
            for c in plan.mapping.columns
        ],
        "notes": list(plan.notes),
    }


def _given(options: ImportOptions) -> MappingFile:
    given = load_mapping(options.mapping) if options.mapping else MappingFile()
    return replace(given, kind=options.kind) if options.kind else given


def _agreed(options: ImportOptions, console: Console) -> bool:
    if options.yes or options.as_json or not (sys.stdin.isatty() and console.is_terminal):
        return True
    agreed = Confirm.ask("Import it so?", console=console, default=True)
    if not agreed:
        console.print("Nothing was imported. `--write-mapping m.yaml` writes a mapping to change.")
    return agreed


def _import(path: Path, plan: Plan, source: str, open_door: OpenDoor, console: Console) -> _Outcome:
    began = time.monotonic()
    rejects: list[Reject] = []
    start: list[int] = []

    def keep(found: Sequence[Reject]) -> None:
        rejects.extend(found[: max(0, SHOWN_REJECTS - len(rejects))])

    with open_door(source) as door, _bar(console) as bar, _interruptible() as stopped:
        task = bar.add_task("Importing", total=max(plan.look.rows_about, 1))

        def moved(progress: model.Progress) -> None:
            start.append(progress.rows) if not start else None
            total = progress.rows if progress.done else max(plan.look.rows_about, progress.rows)
            bar.update(task, completed=progress.rows, total=total)

        progress = run(
            path, plan, source, door, on_progress=moved, on_rejects=keep, stop=stopped.is_set
        )
    return _Outcome(progress, start[0], time.monotonic() - began, rejects)


def _show_outcome(outcome: _Outcome, source: str, console: Console) -> None:
    progress, resumed_at = outcome.progress, outcome.resumed_at
    if progress.done and resumed_at == progress.rows and progress.rows:
        console.print(
            f"All {progress.rows:,} rows were imported before; nothing was counted twice."
        )
        return
    if resumed_at:
        console.print(f"Went on behind row {resumed_at:,}, where the last run stopped.")
    verb = "Imported" if progress.done else "Stopped after"
    console.print(
        f"[bold]{verb} {progress.rows - progress.rejected:,} rows[/] into {escape(source)}, "
        f"{progress.rejected:,} rejected, in {outcome.took:.1f} s."
    )
    for reject in outcome.rejects:
        console.print(f"  [red]rejected[/] {escape(reject.detail)}")
    if progress.rejected > len(outcome.rejects):
        console.print("  All of them: GET /api/v1/rejects?stage=import")
    if not progress.done:
        console.print("Start the same command again: it goes on where it stopped.")


def _read_as(type_: ValueType, form: str) -> str:
    match type_:
        case ValueType.NUMBER:
            return f'number, decimal "{form or "."}"'
        case ValueType.DATE:
            return f"date {form}".strip()
        case ValueType.TEXT | ValueType.BOOLEAN | ValueType.JSON:
            return type_.value


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Ctrl-C and SIGTERM end the import behind the present chunk instead of inside it."""
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    before = {s: signal.signal(s, on_signal) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
