"""The check's report as a table for the terminal."""

from __future__ import annotations

from rich.table import Table

from tekil.demo.check import Report


def check_table(report: Report) -> Table:
    """Lay the report out: one line per figure, with what was expected and what was found."""
    score = report.score
    table = Table(
        title="Sample shop: what was found against what is true",
        caption=(
            f"{score.right:,} right pairs of {score.found:,} found and {score.true:,} true; "
            "identities of shared devices take no part"
        ),
    )
    for heading in ("figure", "expected", "found"):
        table.add_column(heading, justify="left" if heading == "figure" else "right")
    table.add_column("")
    for line in report.lines:
        mark = "[green]✓[/green]" if line.ok else "[red]✗[/red]"
        table.add_row(line.name, line.expected, line.found, mark)
    return table
