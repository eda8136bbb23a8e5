"""``tekil profile …`` and ``tekil status``: look somebody up, see how things stand."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from tekil.commands.connection import connect
from tekil.commands.options import Data, Json, settings_for
from tekil.commands.output import console, print_json, print_table, short_time


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
    with connect(settings_for(data), create=False) as api:
        found = api.get(f"/profiles/{ref}", as_of=as_of)
        newest = api.get(f"/profiles/{ref}/events", limit=max(1, events), as_of=as_of)["items"]
    if as_json:
        print_json(found | {"events": newest[:events]})
        return
    _print_profile(found, newest[:events])


def status(data: Data = None, as_json: Json = False) -> None:
    """Show figures of the whole installation."""
    with connect(settings_for(data), create=False) as api:
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
    traits = found["traits"]
    name = " ".join(str(traits[part]) for part in ("firstName", "lastName") if traits.get(part))
    first = found["identities"][0] if found["identities"] else {"value": found["profile_id"]}
    console.print(Text(name or str(first["value"]), style="bold"))
    console.print(f"profile_id:{found['profile_id']}", highlight=False, style="dim")
    console.print(
        f"{found['event_count']:,} events from {short_time(found['first_seen'])} "
        f"to {short_time(found['last_seen'])} UTC\n",
        highlight=False,
    )
    identities = [
        (i["namespace"], i["value"], f"{i['event_count']:,}", short_time(i["last_seen"]))
        for i in found["identities"]
    ]
    print_table(("identity", "value", "events", "last seen"), identities)
    if traits:
        console.print()
        print_table(("trait", "value"), list(traits.items()))
    if found["accounts"]:
        console.print()
        rows = [(a["group_id"], a["traits"].get("name", "")) for a in found["accounts"]]
        print_table(("account", "name"), rows)
    if events:
        console.print()
        newest = [
            (short_time(e["timestamp"]), e["type"], e.get("event") or "", e["source"])
            for e in events
        ]
        print_table(("time", "type", "event", "source"), newest)
