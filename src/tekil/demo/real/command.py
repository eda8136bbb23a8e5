"""``tekil demo --real``: fetch the data, send all of it, compare the figures."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from tekil.demo.real.check import FiguresSource, check, expected_figures
from tekil.demo.real.dataset import find_dataset, load
from tekil.demo.real.generate import bodies, count_messages
from tekil.demo.send import send_batches

CONNECTIONS = 2


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent, and how long it took until the server had accepted all of it."""

    messages: int
    seconds: float


def send_real(
    base_url: str,
    write_key: str,
    cache: Path,
    console: Console,
    *,
    connections: int = CONNECTIONS,
    gzip_level: int = 1,
) -> Sent:
    """Send the grocery data through /v1/batch with a progress bar. Raises TekilError."""
    began = time.monotonic()
    with console.status("Looking for the real data …"):
        data = load(find_dataset(cache))
    with _bar(console) as bar:
        task = bar.add_task("Sending a year of baskets", total=count_messages(data))
        messages = send_batches(
            base_url,
            write_key,
            bodies(data),
            connections=connections,
            gzip_level=gzip_level,
            on_sent=lambda count: bar.advance(task, count),
        )
    return Sent(messages, time.monotonic() - began)


def check_real(source: FiguresSource, cache: Path, console: Console) -> None:
    """Compare Tekil's figures with those of the files. Raises FiguresDifferError."""
    with console.status("Adding up the files …"):
        expected = expected_figures(load(find_dataset(cache)).transactions)
    console.print(f"[green]✓[/] {check(expected, source)}")


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
