"""``tekil serve``: open the data directory, listen, and shut down with nothing lost."""

from __future__ import annotations

import os
import signal
import socket

import structlog
import uvicorn

from tekil.access.rules import check_secrets
from tekil.app import create_app
from tekil.commands.output import console
from tekil.errors import StoreUnavailable
from tekil.kit.ids import new_secret
from tekil.runtime import Runtime
from tekil.settings import Role, Settings
from tekil.store.directory import RunningServer

SHUTDOWN_SECONDS = 20
BACKLOG = 2048

log = structlog.get_logger()


def serve(settings: Settings) -> None:
    """Run the server until SIGTERM or SIGINT."""
    check_secrets(settings)
    listening = _listen(settings)
    port = listening.getsockname()[1]
    runtime = Runtime(settings)
    try:
        listening.listen(BACKLOG)  # who reads where the server listens may knock at once
        _announce(runtime, settings, port)
        config = uvicorn.Config(
            create_app(runtime),
            loop="uvloop",
            http="httptools",
            lifespan="off",
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            backlog=BACKLOG,
            server_header=False,
        )
        # The HTTP server ends on these by itself and then raises them again; what follows must
        # still run: the inbox and the warehouse are closed below.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        runtime.start()
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        log.info("shutting down")
        runtime.stop()
        log.info("stopped, nothing lost")


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        raise StoreUnavailable(
            f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}. "
            "Pass another --port, or 0 for a free one."
        ) from error
    return listening


def _announce(runtime: Runtime, settings: Settings, port: int) -> None:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    host = f"[{host}]" if ":" in host else host
    url = f"http://{host}:{port}"
    if not settings.is_remote:  # where several processes share the stores, none owns them
        token = new_secret("local")
        runtime.access.trust_local(token)
        runtime.directory.publish(RunningServer(os.getpid(), url, token))
    first = runtime.access.ensure_admin_token()
    if first is not None:
        console.print(f"Admin token (shown once, keep it): [bold]{first}[/bold]")
    console.print(f"Tekil listens on [bold]{url}[/bold]; {_place(settings)}", highlight=False)
    if settings.role is not Role.ALL:
        console.print(f"It runs as [bold]{settings.role}[/bold].")


def _place(settings: Settings) -> str:
    return "data in PostgreSQL and ClickHouse" if settings.is_remote else f"data in {settings.data}"
