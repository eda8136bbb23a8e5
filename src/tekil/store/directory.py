"""The data directory: one owner at a time, and a note that says where its server listens."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import IO

import msgspec

from tekil.errors import DataDirectoryInUse, StoreUnavailable

LOCK_FILE = "owner.lock"
SERVER_FILE = "server.json"

PATIENCE_SECONDS = 15.0
"""How long to wait for an owner that is starting up, or is a command and will soon be done."""

POLL_SECONDS = 0.05


class RunningServer(msgspec.Struct, frozen=True):
    """Where the server that owns a data directory can be reached."""

    pid: int
    url: str
    token: str
    """Full rights for whoever can read this file; made anew at every start."""


class DataDirectory:
    """Holds the lock on a data directory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[str] | None = None

    def acquire(self, patience: float = PATIENCE_SECONDS) -> None:
        """Become the owner; waits for a command to end, but not for a server.

        Raises DataDirectoryInUse when another process is and stays the owner.
        """
        ends = time.monotonic() + patience
        while not self._try():
            if self._read_server() is not None or time.monotonic() > ends:
                raise DataDirectoryInUse(self._owner_text())
            time.sleep(POLL_SECONDS)

    def _try(self) -> bool:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = (self.path / LOCK_FILE).open("a+")
        except OSError as error:
            raise StoreUnavailable(
                f"The data directory {self.path} cannot be used: {error.strerror}."
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        # Whoever wrote it was killed: nobody may be sent there any more.
        (self.path / SERVER_FILE).unlink(missing_ok=True)
        self._lock = lock
        return True

    def publish(self, server: RunningServer) -> None:
        """Say where the server listens; only the owner of the directory can read it."""
        path = self.path / SERVER_FILE
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(server))

    def running_server(self, patience: float = PATIENCE_SECONDS) -> RunningServer | None:
        """Find the server that owns the directory, which may be starting; None if there is none."""
        ends = time.monotonic() + patience
        while self.path.exists() and not self._try():
            server = self._read_server()
            if server is not None or time.monotonic() > ends:
                return server
            time.sleep(POLL_SECONDS)
        self.release()
        return None

    def release(self) -> None:
        """Give the directory up."""
        if self._lock is not None:
            (self.path / SERVER_FILE).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def _read_server(self) -> RunningServer | None:
        try:
            return msgspec.json.decode((self.path / SERVER_FILE).read_bytes(), type=RunningServer)
        except (OSError, msgspec.DecodeError):
            return None

    def _owner_text(self) -> str:
        server = self._read_server()
        where = f" (process {server.pid}, {server.url})" if server else ""
        return (
            f"The data directory {self.path} belongs to another Tekil{where}. "
            "Stop that one, or pass another --data."
        )
