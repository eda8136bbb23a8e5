"""Options that many commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tekil.settings import Settings, load_settings

Data = Annotated[Path | None, typer.Option("--data", help="The data directory.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


def settings_for(data: Path | None, **arguments: object) -> Settings:
    """The settings with what the command line said on top."""
    return load_settings({"data": str(data) if data else None, **arguments})
