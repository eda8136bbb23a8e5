"""What ``tekil demo`` does: fill Tekil through its front doors, check it, say where to go next."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

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
from tekil.demo.shop.truth import by_person, load_truth
from tekil.errors import TekilError
from tekil.kit.clock import SystemClock
from tekil.kit.json import encode
from tekil.settings import Settings
from tekil.store.directory import DataDirectory, RunningServer

REAL_SOURCE = "complete-journey"
START_SECONDS = 60
PAGE = 20_000
INTERESTING_DEVICES = 5
"""More devices than this make nobody more interesting."""


class DemoFailed(TekilError):
    """What the demo found is not what it must be."""

    code = "demo_failed"


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What the command line asked for."""

    data: Path
    port: int
    people: int
    seed: int
    check: bool
    real: bool
    serve: bool


def run_demo(plan: DemoPlan) -> None:
    """Fill a data directory, unless it is filled; check it and serve it if asked to."""
    # Ends as on Ctrl-C, so that the server that was started here ends too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    settings = settings_for(plan.data)
    try:
        with running(settings, plan.port) as (server, process), connect(settings) as api:
            _fill(api, server, plan)
            stays = process is None or plan.serve
            _say_next(api, server.url if stays else None, plan)
            if plan.serve and process is not None:
                console.print("\nThe server runs until you press Ctrl-C.")
                process.wait()
    except KeyboardInterrupt:
        console.print("Stopped.")


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
        server = directory.running_server(0)
        if server is not None and server.pid == process.pid and _answers(server.url):
            return server
        time.sleep(0.05)
    raise DemoFailed(f"The server did not answer within {START_SECONDS} s.")


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=5).is_success
    except httpx.TransportError:
        return False


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


def _fill(api: ApiClient, server: RunningServer, plan: DemoPlan) -> None:
    began = time.monotonic()
    if (_load_real if plan.real else _load_shop)(api, server, plan):
        settle(api)
        console.print(f"Everything is in after [bold]{time.monotonic() - began:.1f} s[/bold].")
    else:
        console.print(f"{plan.data} was filled before; nothing is sent again.", highlight=False)
    console.print()
    _print_stats(api)
    if plan.check and plan.real:
        check_real(_RealFigures(api), _cache(plan.data), console)
    elif plan.check:
        _check_shop(api, plan.data)


def _load_shop(api: ApiClient, server: RunningServer, plan: DemoPlan) -> bool:
    if truth_path(plan.data).exists():
        return False
    config = ShopConfig(now=SystemClock().now(), people=plan.people, seed=plan.seed)
    run_shop_demo(_Target(api, server), config, plan.data, console=console)
    return True


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


def _load_real(api: ApiClient, server: RunningServer, plan: DemoPlan) -> bool:
    sent = _cache(plan.data) / "sent"
    if sent.exists():
        return False
    sent.parent.mkdir(parents=True, exist_ok=True)
    key = ensure_source(api, REAL_SOURCE, SourceKind.HTTP)
    send_real(server.url, key, sent.parent, console)
    sent.write_bytes(encode({"at": SystemClock().now()}))
    return True


def _cache(data: Path) -> Path:
    return data / "complete-journey"


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


def _say_next(api: ApiClient, url: str | None, plan: DemoPlan) -> None:
    """Commands to copy: they work as they stand, in this directory and this environment."""
    shown = shlex.quote(min(os.path.relpath(plan.data), str(plan.data), key=len))
    tekil = _program()
    somebody = _somebody_real(api) if plan.real else _somebody(plan.data)
    console.print("\n[bold]Where to go next[/bold]")
    lines = [("Look somebody up", f"{tekil} profile {somebody} --data {shown}")]
    if url is None:
        lines.append(("Start the server", f"{tekil} serve --data {shown} --port {plan.port}"))
    lines.append(("Figures", f"{tekil} status --data {shown}"))
    lines.append(("The API's pages", f"{url or f'http://127.0.0.1:{plan.port}'}/docs"))
    for title, line in lines:
        console.print(f"  {title + ':':<18}{line}", highlight=False, soft_wrap=True)


def _program() -> str:
    """How this very program is called from here."""
    if shutil.which("tekil"):
        return "tekil"
    beside = Path(sys.executable).with_name("tekil")
    near = os.path.relpath(beside)
    return shlex.quote(near if len(near) < len(str(beside)) else str(beside))


def _somebody(data: Path) -> str:
    """Somebody of the shop worth looking at: known by name, with several devices."""
    best, found = 0, ""
    for _, keys in by_person(load_truth(truth_path(data)).truth):
        spaces = [namespace for namespace, _ in keys]
        emails = sorted(value for namespace, value in keys if namespace == "email")
        devices = min(spaces.count("anonymous_id"), INTERESTING_DEVICES)
        worth = 10 * len(set(spaces)) + devices
        if emails and worth > best:
            best, found = worth, f"email:{emails[0]}"
    return found


def _somebody_real(api: ApiClient) -> str:
    for row in every(api, "/identities"):
        if row["namespace"] == "user_id":
            return f"user_id:{row['value']}"
    return "PROFILE"
