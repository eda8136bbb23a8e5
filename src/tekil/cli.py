"""The command line: ``tekil serve``, ``tekil source add``, ``tekil profile email:…`` and more."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

import tekil
from tekil.commands import (
    definitions,
    demo,
    files,
    lists,
    people,
    replay,
    segments,
    sources,
    tokens,
    traits,
)
from tekil.commands.options import Data, Json
from tekil.commands.output import console, print_error
from tekil.errors import TekilError
from tekil.settings import Role, load_settings

app = typer.Typer(
    help="Tekil: one customer, one profile.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(sources.app, name="source")
app.add_typer(tokens.app, name="token")
app.add_typer(tokens.admin, name="admin")
app.add_typer(replay.rejects, name="rejects")
app.add_typer(segments.app, name="segment")
app.add_typer(lists.app, name="list")
app.add_typer(traits.app, name="trait")
app.command("apply")(definitions.apply)
app.command("demo")(demo.demo)
app.command("export-definitions")(definitions.export_definitions)
app.command("import")(files.import_file)
app.command("plan")(definitions.plan)
app.command("profile")(people.profile)
app.command("replay")(replay.replay)
app.command("status")(people.status)


@app.command()
def serve(
    data: Annotated[Path | None, typer.Option(help="The data directory.")] = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The port; 0 picks a free one.")] = None,
    role: Annotated[Role | None, typer.Option(help="Which part to run.")] = None,
) -> None:
    """Run the server."""
    from tekil.commands.serve import serve as run  # the server's libraries are slow to import

    settings = load_settings(
        {"data": str(data) if data else None, "host": host, "port": port, "role": role}
    )
    log_to_stderr(settings.log_format)
    run(settings)


@app.command()
def doctor(data: Data = None, as_json: Json = False) -> None:
    """Check the data directory, the stores, the pipeline and the settings."""
    from tekil.commands.doctor import doctor as run  # slow to import

    run(data, as_json)


@app.command()
def version() -> None:
    """Print the version."""
    console.print(tekil.__version__, highlight=False)


def log_to_stderr(form: str) -> None:
    """Send every log line to standard error, for people or as JSON."""
    import structlog  # only the server logs

    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)


def main() -> None:
    """Run a command; an expected error is one sentence and exit code 1, never a stack trace."""
    try:
        app()
    except TekilError as error:
        print_error(error.message)
        sys.exit(1)
