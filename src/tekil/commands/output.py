"""What commands print: tables and sentences for people, JSON for scripts."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from tekil.kit.json import encode_text

console = Console()
stderr = Console(stderr=True)


def print_json(value: object) -> None:
    """Print one JSON document on standard output."""
    sys.stdout.write(encode_text(value) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table."""
    table = Table(*columns, box=None, header_style="bold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console.print(table)
