"""``tekil profile …`` and ``tekil status``: look somebody up, see how things stand."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tekil.commands.connection import connect
from tekil.commands.options import Data, Json, settings_for
from tekil.commands.output import console, print_json, print_table


def profile(
    ref: Annotated[str, typer.Argument(help="namespace:value, such as email:ada@example.com")],
    events: Annotated[int, typer.Option(help="How many of the newest events to show.")] = 10,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="What was known of events until this time.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Look up a person by any identity."""
    with connect(settings_for(data)) as api:
        found = api.get(f"/profiles/{ref}", as_of=as_of)
        newest = api.get(f"/profiles/{ref}/events", limit=max(1, events), until=as_of)["items"]
    if as_json:
        print_json(found | {"events": newest[:events]})
        return
    _print_profile(found, newest[:events])


def status(data: Data = None, as_json: Json = False) -> None:
    """Show figures of the whole installation."""
    with connect(settings_for(data)) as api:
        stats = api.get("/stats")
        url = api.url
    if as_json:
        print_json(stats | {"url": url})
        return
    lag = stats["inbox_lag"]
    console.print(f"Server: {url or 'not running'}")
    print_table(
        ("figure", "value"),
        [
            *((name, f"{stats[name]:,}") for name in stats if name != "inbox_lag"),
            ("inbox lag", f"{lag['messages']:,} messages, {lag['seconds']:.1f} s"),
        ],
    )


def _print_profile(found: dict[str, Any], events: list[dict[str, Any]]) -> None:
    console.print(f"[bold]Profile {found['profile_id']}[/bold]")
    console.print(
        f"{found['event_count']:,} events from {found['first_seen']} to {found['last_seen']}\n",
        highlight=False,
    )
    identities = [
        (i["namespace"], i["value"], i["event_count"], i["last_seen"]) for i in found["identities"]
    ]
    print_table(("identity", "value", "events", "last seen"), identities)
    if found["traits"]:
        console.print()
        print_table(("trait", "value"), list(found["traits"].items()))
    if found["accounts"]:
        console.print()
        rows = [(a["group_id"], a["traits"].get("name", "")) for a in found["accounts"]]
        print_table(("account", "name"), rows)
    if events:
        console.print()
        newest = [
            (e["timestamp"], e["type"], e.get("event") or e.get("name", ""), e["source"])
            for e in events
        ]
        print_table(("time", "type", "event", "source"), newest)
