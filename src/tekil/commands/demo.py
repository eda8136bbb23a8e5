"""``tekil demo``: a sample shop, or a year of real groceries, through the front doors."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from tekil.collect.files.command import ImportOptions, run_import
from tekil.collect.model import SourceKind
from tekil.commands.connection import ApiClient, connect
from tekil.commands.files import ensure_source, open_door
from tekil.commands.options import settings_for
from tekil.commands.output import console, print_table
from tekil.demo.check import Stored, check_shop
from tekil.demo.real.check import Figures, figures_of_rows
from tekil.demo.real.command import check_real, send_real
from tekil.demo.shop.model import ShopConfig
from tekil.demo.shop.run import run_shop_demo, truth_path
from tekil.demo.shop.truth import load_truth
from tekil.errors import TekilError
from tekil.kit.clock import SystemClock
from tekil.kit.json import encode
from tekil.settings import Settings
from tekil.store.directory import DataDirectory, RunningServer

REAL_SOURCE = "complete-journey"
START_SECONDS = 60
PAGE = 20_000


class DemoFailed(TekilError):
    """What the demo found is not what it must be."""

    code = "demo_failed"


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
    settings = settings_for(data)
    with running(settings, port) as (server, process), connect(settings) as api:
        load = _real if real else _shop
        load(api, server, data, people=people, seed=seed, check=check)
        _say_next(server, data)
        if serve and process is not None:
            console.print("The server runs until you press Ctrl-C.")
            _wait(process)


@contextmanager
def running(
    settings: Settings, port: int
) -> Iterator[tuple[RunningServer, subprocess.Popen[bytes] | None]]:
    """The server of a data directory; one is started, and stopped again, when none runs."""
    found = DataDirectory(settings.data).running_server()
    if found is not None:
        yield found, None
        return
    words = [sys.executable, "-m", "tekil", "serve", "--data", str(settings.data), "--port", port]
    process = subprocess.Popen([str(word) for word in words])
    try:
        yield _started(settings, process), process
    finally:
        process.terminate()
        process.wait()


def _started(settings: Settings, process: subprocess.Popen[bytes]) -> RunningServer:
    directory = DataDirectory(settings.data)
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends:
        if process.poll() is not None:
            raise DemoFailed("The server did not start; its message stands above.")
        server = directory.running_server()
        if server is not None and server.pid == process.pid and _answers(server.url):
            return server
        time.sleep(0.05)
    raise DemoFailed(f"The server did not answer within {START_SECONDS} s.")


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=5).is_success
    except httpx.TransportError:
        return False


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait()
    except KeyboardInterrupt:
        console.print("Stopping.")


class _Target:
    """The sample shop's way in: the tracking API and ``tekil import``."""

    def __init__(self, api: ApiClient, server: RunningServer) -> None:
        self._api = api
        self.base_url = server.url

    def create_source(self, name: str, kind: SourceKind) -> str:
        """Make a source, or find it; returns its write key."""
        return ensure_source(self._api, name, kind)

    def import_csv(self, path: Path, source: str, mapping: Path) -> None:
        """Import a file of orders."""
        options = ImportOptions(mapping=mapping, yes=True)
        run_import(path, source, lambda name: open_door(self._api, name), options, console=console)


def _shop(
    api: ApiClient, server: RunningServer, data: Path, *, people: int, seed: int, check: bool
) -> None:
    began = time.monotonic()
    if not truth_path(data).exists():
        config = ShopConfig(now=SystemClock().now(), people=people, seed=seed)
        run_shop_demo(_Target(api, server), config, data, console=console)
        settle(api)
        console.print(f"Everything is in after [bold]{time.monotonic() - began:.1f} s[/bold].")
    _print_stats(api)
    if check:
        _check_shop(api, data)


def _check_shop(api: ApiClient, data: Path) -> None:
    stats = api.get("/stats")
    by_currency = api.get("/events/summary", event="Order Completed", group_by="currency")["items"]
    stored = Stored(
        events=stats["events"],
        duplicates=stats["duplicates"],
        orders=sum(row["events"] for row in by_currency),
        revenue={row["currency"]: int(Decimal(row["revenue"]) * 100) for row in by_currency},
    )
    found = ((i["namespace"], i["value"], i["profile_id"]) for i in every(api, "/identities"))
    report = check_shop(load_truth(truth_path(data)).truth, found, stored)
    rows = [
        (line.name, line.expected, line.found, "ok" if line.ok else "WRONG")
        for line in report.lines
    ]
    print_table(("figure", "expected", "found", ""), rows)
    if not report.ok:
        for profile, members in report.wrong:
            console.print(f"Several people in {profile}: {', '.join(members)}")
        raise DemoFailed("The sample shop is not what it must be; see the table.")


def _real(
    api: ApiClient, server: RunningServer, data: Path, *, people: int, seed: int, check: bool
) -> None:
    del people, seed  # the real data is what it is
    cache = data / "complete-journey"
    cache.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    if not (cache / "sent").exists():
        key = ensure_source(api, REAL_SOURCE, SourceKind.HTTP)
        send_real(server.url, key, cache, console)
        settle(api)
        (cache / "sent").write_bytes(encode({"at": SystemClock().now()}))
        console.print(f"Everything is in after [bold]{time.monotonic() - began:.1f} s[/bold].")
    _print_stats(api)
    if check:
        check_real(_RealFigures(api), cache, console)


class _RealFigures:
    """The figures of a running Tekil."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    def figures(self) -> Figures:
        """Orders and revenue by household and month."""
        rows = every(
            self._api,
            "/events/summary",
            event="Order Completed",
            source=REAL_SOURCE,
            group_by=["identity_id", "month"],
        )
        lines = [(r["identity_id"], r["month"], r["events"], r["revenue"]) for r in rows]
        return figures_of_rows(lines, self._user_ids)

    def _user_ids(self, ids: Sequence[int]) -> Mapping[int, str]:
        wanted = set(ids)
        return {
            row["identity_id"]: row["value"]
            for row in every(self._api, "/identities")
            if row["namespace"] == "user_id" and row["identity_id"] in wanted
        }


def every(api: ApiClient, path: str, **parameters: object) -> Iterator[dict[str, Any]]:
    """Walk all pages of a list."""
    cursor: str | None = None
    while True:
        page = api.get(path, cursor=cursor, limit=PAGE, **parameters)
        yield from page["items"]
        cursor = page["next"]
        if cursor is None:
            return


def settle(api: ApiClient) -> None:
    """Wait until everything accepted can be queried."""
    with console.status("Working off the inbox …"):
        while api.get("/stats")["inbox_lag"]["messages"]:
            time.sleep(0.1)


def _print_stats(api: ApiClient) -> None:
    stats = api.get("/stats")
    names = ("events", "profiles", "identities", "duplicates", "rejects")
    print_table(("figure", "value"), [(name, f"{stats[name]:,}") for name in names])


def _say_next(server: RunningServer, data: Path) -> None:
    shown = os.path.relpath(data)
    console.print("\n[bold]Where to go next[/bold]")
    console.print(f"  Look somebody up:  tekil profile PROFILE --data {shown}")
    console.print(f"  The API's pages:   {server.url}/docs  (with --serve)")
    console.print(f"  Start it again:    tekil serve --data {shown}")
