"""The data directory: one owner at a time, and a note that says where its server listens."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

import msgspec

from tekil.errors import DataDirectoryInUse, StoreUnavailable

LOCK_FILE = "owner.lock"
SERVER_FILE = "server.json"


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

    def acquire(self) -> None:
        """Become the owner. Raises DataDirectoryInUse when another process is."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = (self.path / LOCK_FILE).open("a+")
        except OSError as error:
            raise StoreUnavailable(
                f"The data directory {self.path} cannot be used: {error.strerror}."
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise DataDirectoryInUse(self._owner_text()) from error
        self._lock = lock

    def publish(self, server: RunningServer) -> None:
        """Say where the server listens; only the owner of the directory can read it."""
        path = self.path / SERVER_FILE
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(server))

    def running_server(self) -> RunningServer | None:
        """Find the server that owns the directory; None when nobody does."""
        if not self.path.exists():
            return None
        try:
            self.acquire()
        except DataDirectoryInUse:
            return self._read_server()
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
