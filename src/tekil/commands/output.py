"""What commands print: tables and sentences for people, JSON for scripts."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tekil.kit.json import encode_text

console = Console()
stderr = Console(stderr=True)


def print_json(value: object) -> None:
    """Print one JSON document on standard output."""
    sys.stdout.write(encode_text(value) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; what people typed is shown as it is, never as markup."""
    table = Table(*columns, box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*(Text(shown(cell), overflow="fold") for cell in row))
    console.print(table)


def print_error(message: str) -> None:
    """Say on standard error what went wrong."""
    stderr.print(Text.assemble(("Error: ", "red"), message), highlight=False)


def shown(value: object) -> str:
    """A value for people: text as it is, everything else as in JSON.

    >>> shown("Işıl"), shown(True), shown(["a", "b"]), shown({"city": "İzmir"})
    ('Işıl', 'true', '["a","b"]', '{"city":"İzmir"}')
    """
    return value if isinstance(value, str) else encode_text(value)


def short_time(iso: str | None) -> str:
    """A time of the API, to the second.

    >>> short_time("2026-10-31T16:28:24.951Z"), short_time(None)
    ('2026-10-31 16:28:24', '')
    """
    return iso[:19].replace("T", " ") if iso else ""
