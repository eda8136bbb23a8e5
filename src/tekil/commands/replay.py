"""``tekil replay`` and ``tekil rejects …``: work messages again, see what could not be used."""

from __future__ import annotations

from typing import Annotated

import typer

from tekil.commands.connection import connect
from tekil.commands.options import Data, Json, settings_for
from tekil.commands.output import console, print_json, print_table

rejects = typer.Typer(help="Messages that could not be used.", no_args_is_help=True)

Source = Annotated[str | None, typer.Option(help="Only of this source.")]
Since = Annotated[str | None, typer.Option(help="Only received from this time on (ISO 8601).")]
Until = Annotated[str | None, typer.Option(help="Only received before this time (ISO 8601).")]
Stage = Annotated[str | None, typer.Option(help="Only from collect, import, process or store.")]
Reason = Annotated[str | None, typer.Option(help="Only for this reason, as in the list.")]


def replay(
    source: Source = None,
    since: Since = None,
    until: Until = None,
    types: Annotated[
        list[str] | None, typer.Option("--type", help="Only this message type; may repeat.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Work accepted messages again; those in the history already are not doubled."""
    wanted = {"source": source, "since": since, "until": until, "types": types or None}
    with connect(settings_for(data)) as api:
        done = api.post("/inbox/replay", wanted)
    if as_json:
        print_json(done)
        return
    console.print(f"{done['replayed']:,} messages go through the pipeline again.")


@rejects.command("list")
def list_rejects(
    source: Source = None,
    stage: Stage = None,
    reason: Reason = None,
    text: Annotated[str | None, typer.Option(help="Words in the detail.")] = None,
    since: Since = None,
    until: Until = None,
    pending: Annotated[bool, typer.Option(help="Leave out those replayed already.")] = False,
    limit: Annotated[int, typer.Option(help="How many of the newest to show.", min=1)] = 20,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show what could not be used, and why."""
    with connect(settings_for(data)) as api:
        found = api.get(
            "/rejects",
            source=source,
            stage=stage,
            reason=reason,
            text=text,
            since=since,
            until=until,
            pending=pending or None,
            limit=min(limit, 500),
        )
    if as_json:
        print_json(found)
        return
    print_table(
        ("id", "received", "source", "stage", "reason", "detail"),
        [
            (r["reject_id"], r["received_at"], r["source"], r["stage"], r["reason"], r["detail"])
            for r in found["items"]
        ],
    )
    console.print(", ".join(f"{name} {n:,}" for name, n in found["counts"].items()) or "none")


@rejects.command("replay")
def replay_rejects(
    ids: Annotated[list[int] | None, typer.Argument(help="Ids from the list; none: all.")] = None,
    source: Source = None,
    stage: Stage = None,
    reason: Reason = None,
    since: Since = None,
    until: Until = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Check rejects again after a fix; those that are good now go into the inbox."""
    wanted = {
        "reject_ids": ids or None,
        "source": source,
        "stage": stage,
        "reason": reason,
        "since": since,
        "until": until,
    }
    with connect(settings_for(data)) as api:
        done = api.post("/rejects/replay", wanted)
    if as_json:
        print_json(done)
        return
    console.print(f"{done['replayed']:,} replayed, {done['still_rejected']:,} still rejected.")
