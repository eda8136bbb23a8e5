"""``tekil demo``: a sample shop, or a year of real groceries, through the front doors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    check: Annotated[
        bool, typer.Option("--check", help="Compare what was found with the truth.")
    ] = False,
    real: Annotated[
        bool, typer.Option("--real", help="Real grocery data in place of the sample shop.")
    ] = False,
    people: Annotated[int, typer.Option(help="How many people the sample shop has.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed tells the same year.")] = 1,
    serve: Annotated[
        bool, typer.Option("--serve", help="Keep the server running afterwards.")
    ] = False,
    data: Annotated[Path, typer.Option(help="The data directory.")] = Path("demo-data"),
    port: Annotated[int, typer.Option(help="The port of the server.")] = 8765,
) -> None:
    """Fill Tekil with a year of a shop, and see who is who."""
    from tekil.commands.demo_run import DemoPlan, run_demo  # slow to import

    run_demo(DemoPlan(data, port, people, seed, check=check, real=real, serve=serve))
