"""``tekil doctor``: looks at everything that Tekil needs, and says what to do where it is wrong."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from rich.markup import escape

from tekil.access.rules import check_secrets
from tekil.commands.options import Data, Json, settings_for
from tekil.commands.output import console, print_json
from tekil.errors import TekilError
from tekil.settings import Settings
from tekil.store.directory import DataDirectory, RunningServer
from tekil.store.state import MIGRATIONS, SqlStore

FREE_WARN_BYTES = 5 * 1024**3
FREE_FAIL_BYTES = 256 * 1024**2
LAG_WARN_SECONDS = 60.0
QUICK_CHECK_BYTES = 1024**3
"""A larger file would be read for minutes."""

SKEW_WARN_SECONDS = 5.0
EARLIEST_YEAR = 2026
TIMEOUT_SECONDS = 10.0


class Health(StrEnum):
    """How one thing is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(NamedTuple):
    """One line of the report."""

    check: str
    health: Health
    detail: str
    advice: str = ""
    """What to do; empty when all is well."""


def doctor(data: Data = None, as_json: Json = False) -> None:
    """Check the data directory, the stores, the pipeline and the settings."""
    findings = list(examine(settings_for(data)))
    worst = Health.FAIL if any(f.health is Health.FAIL for f in findings) else Health.OK
    if as_json:
        print_json({"healthy": worst is Health.OK, "checks": [f._asdict() for f in findings]})
    else:
        _print(findings)
    sys.exit(1 if worst is Health.FAIL else 0)


def examine(settings: Settings) -> Iterator[Finding]:
    """Run every check; one that breaks is a finding too and stops none of the others."""
    server = _server(settings)
    yield from _checked("directory", lambda: check_directory(settings.data))
    yield from _checked("disk", lambda: check_disk(settings.data))
    for schema, url in (
        ("state", settings.resolved_state_url),
        ("inbox", settings.resolved_inbox_url),
    ):
        yield from _checked(schema, partial(check_schema, url, schema))
    yield from _checked("server", lambda: check_server(server))
    yield from _checked("warehouse", lambda: check_warehouse(settings, server))
    if server is not None:
        yield from _checked("inbox lag", lambda: check_lag(server))
    yield from _checked("clock", lambda: check_clock(settings, server))
    yield from _checked("geoip", lambda: check_geoip(settings.geoip))
    yield from _checked("secrets", lambda: check_admin(settings))


def check_directory(path: Path) -> Finding:
    """Files can be written there."""
    if not path.exists():
        return Finding(
            "directory", Health.WARN, f"{path} is not there yet", "`tekil serve` makes it."
        )
    with tempfile.TemporaryFile(dir=path) as probe:
        probe.write(b"x")
        probe.flush()
        os.fsync(probe.fileno())
    return Finding("directory", Health.OK, f"{path} can be written")


def check_disk(path: Path) -> Finding:
    """There is room left."""
    place = path
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    detail = f"{free / 1024**3:,.1f} GiB free"
    if free < FREE_FAIL_BYTES:
        return Finding("disk", Health.FAIL, detail, "Free some space; requests will be refused.")
    if free < FREE_WARN_BYTES:
        return Finding("disk", Health.WARN, detail, "Plan for more space.")
    return Finding("disk", Health.OK, detail)


def check_schema(url: str, schema: str) -> Finding:
    """The database answers, and its migrations are those of this program."""
    file = url.removeprefix("sqlite:///")
    if file != url and not Path(file).exists():
        return Finding(schema, Health.WARN, f"{file} is not there yet", "`tekil serve` makes it.")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS / schema))
    config.set_main_option("path_separator", "os")
    head = ScriptDirectory.from_config(config).get_current_head()
    store = SqlStore(url, schema=schema)
    try:
        with store.read() as connection:
            context = MigrationContext.configure(
                connection, opts={"version_table": f"{schema}_version"}
            )
            current = context.get_current_revision()
            small = store.is_sqlite and Path(file).stat().st_size < QUICK_CHECK_BYTES
            if small and connection.scalar(sa.text("PRAGMA quick_check(1)")) != "ok":
                return Finding(
                    schema, Health.FAIL, f"{file} is damaged", "Restore the last backup."
                )
    finally:
        store.close()
    if current != head:
        return Finding(
            schema,
            Health.WARN,
            f"at migration {current}, this program has {head}",
            "`tekil serve` migrates when it starts; an older program must be upgraded.",
        )
    return Finding(schema, Health.OK, f"answers, at migration {head}")


def check_server(server: RunningServer | None) -> Finding:
    """Whether a server owns the directory, and answers."""
    if server is None:
        return Finding("server", Health.OK, "none runs on this directory")
    try:
        answer = httpx.get(f"{server.url}/health", timeout=TIMEOUT_SECONDS)
    except httpx.HTTPError as error:
        return Finding(
            "server",
            Health.FAIL,
            f"process {server.pid} owns the directory, {server.url} does not answer: {error}",
            f"Look at its log; `kill {server.pid}` ends it, and nothing accepted is lost.",
        )
    status = answer.json().get("status")
    if status != "ok":
        return Finding(
            "server",
            Health.WARN,
            f"{server.url} says {status}",
            "The warehouse refuses rows; its log says why. They wait and are not lost.",
        )
    return Finding("server", Health.OK, f"{server.url} answers (process {server.pid})")


def check_warehouse(settings: Settings, server: RunningServer | None) -> Finding:
    """The warehouse answers a query."""
    if settings.warehouse_url is None and server is not None:
        # The engine in the server's process is the only one that may open the directory.
        _get(server, "/api/v1/events/summary", {"limit": "1"})
        return Finding("warehouse", Health.OK, "answers through the server")
    if settings.warehouse_url is None and not settings.warehouse_path.exists():
        return Finding(
            "warehouse",
            Health.WARN,
            f"{settings.warehouse_path} is not there yet",
            "`tekil serve` makes it.",
        )
    from tekil.store.warehouse import Warehouse  # slow to import

    warehouse = Warehouse(settings.warehouse_url, settings.warehouse_path)
    try:
        rows = warehouse.query("SELECT version()")
    finally:
        warehouse.close()
    return Finding("warehouse", Health.OK, f"ClickHouse {rows[0][0]} answers")


def check_lag(server: RunningServer) -> Finding:
    """The pipeline keeps up."""
    lag = _get(server, "/api/v1/stats", {})["inbox_lag"]
    detail = f"{lag['messages']:,} messages wait, the oldest for {lag['seconds']:.0f} s"
    if lag["seconds"] > LAG_WARN_SECONDS:
        return Finding(
            "inbox lag", Health.WARN, detail, "The log says whether the pipeline is held up."
        )
    return Finding("inbox lag", Health.OK, detail)


def check_clock(settings: Settings, server: RunningServer | None) -> Finding:
    """The machine's clock is not years off, nor ahead of or behind the database's."""
    from tekil.kit.clock import SystemClock, to_iso

    now = SystemClock().now()
    advice = "Set the clock, by NTP: events would carry wrong times."
    if int(to_iso(now)[:4]) < EARLIEST_YEAR:
        return Finding("clock", Health.FAIL, f"it says {to_iso(now)}", advice)
    skew = 0.0
    if settings.state_url is not None:
        store = SqlStore(settings.state_url, schema="state")
        try:
            with store.read() as connection:
                theirs = connection.scalar(sa.text("SELECT extract(epoch FROM clock_timestamp())"))
        finally:
            store.close()
        skew = abs(float(theirs or 0) - SystemClock().now() / 1000)
    elif server is not None:
        date = httpx.get(f"{server.url}/health", timeout=TIMEOUT_SECONDS).headers.get("date")
        if date:
            skew = abs(parsedate_to_datetime(date).timestamp() - SystemClock().now() / 1000)
    if skew > SKEW_WARN_SECONDS:
        return Finding("clock", Health.WARN, f"{skew:.0f} s apart from the server's", advice)
    return Finding("clock", Health.OK, to_iso(now))


def check_geoip(path: Path | None) -> Finding:
    """The GeoIP file, where one is set, can be read."""
    if path is None:
        return Finding("geoip", Health.OK, "no file is set; no city or country is derived")
    import maxminddb

    try:
        with maxminddb.open_database(path) as reader:
            kind = reader.metadata().database_type
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        return Finding(
            "geoip", Health.FAIL, f"{path}: {error}", "Set TEKIL_GEOIP to a City .mmdb file."
        )
    return Finding("geoip", Health.OK, f"{path} is a {kind}")


def check_admin(settings: Settings) -> Finding:
    """Secrets are strong enough for the address, and their files are the owner's alone."""
    check_secrets(settings)
    for file in sorted(settings.data.glob("*.json")):
        if file.stat().st_mode & 0o077:
            return Finding("secrets", Health.FAIL, f"others can read {file}", f"`chmod 600 {file}`")
    return Finding("secrets", Health.OK, f"strong enough for {settings.host}")


def _server(settings: Settings) -> RunningServer | None:
    try:
        return DataDirectory(settings.data).running_server()
    except (TekilError, OSError):
        return None  # said by the check of the directory


def _get(server: RunningServer, path: str, query: dict[str, str]) -> Any:
    answer = httpx.get(
        f"{server.url}{path}",
        params=query,
        headers={"Authorization": f"Bearer {server.token}"},
        timeout=TIMEOUT_SECONDS,
    )
    answer.raise_for_status()
    return answer.json()


def _checked(name: str, check: Callable[[], Finding]) -> Iterator[Finding]:
    try:
        yield check()
    except TekilError as error:
        yield Finding(name, Health.FAIL, error.message, "See above; then run this again.")
    except Exception as error:
        yield Finding(
            name,
            Health.FAIL,
            f"{type(error).__name__}: {error}"[:300],
            "See the log of the server.",
        )


def _print(findings: list[Finding]) -> None:
    marks = {Health.OK: "[green]ok[/green]  ", Health.WARN: "[yellow]warn[/yellow]",
             Health.FAIL: "[red]fail[/red]"}  # fmt: skip
    for finding in findings:
        console.print(
            f"{marks[finding.health]} {finding.check:10} {escape(finding.detail)}", highlight=False
        )
        if finding.advice:
            console.print(f"                {escape(finding.advice)}", style="dim", highlight=False)
