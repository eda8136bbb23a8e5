"""One owner at a time; who comes while a command works or a server starts waits for it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tekil.errors import DataDirectoryInUse
from tekil.store.directory import SERVER_FILE, DataDirectory, RunningServer

SERVER = RunningServer(4711, "http://127.0.0.1:1", "token")


def test_a_server_waits_for_a_command_to_end(tmp_path: Path) -> None:
    command, server = DataDirectory(tmp_path / "data"), DataDirectory(tmp_path / "data")
    command.acquire()
    ends = threading.Timer(0.2, command.release)
    ends.start()
    server.acquire(patience=30)
    ends.join()
    server.release()


def test_nobody_waits_for_a_server_to_end(tmp_path: Path) -> None:
    first, second = DataDirectory(tmp_path / "data"), DataDirectory(tmp_path / "data")
    first.acquire()
    first.publish(SERVER)
    with pytest.raises(DataDirectoryInUse, match="4711"):
        second.acquire(patience=3600)
    first.release()


def test_a_command_finds_the_server_that_is_starting(tmp_path: Path) -> None:
    server, command = DataDirectory(tmp_path / "data"), DataDirectory(tmp_path / "data")
    server.acquire()
    starts = threading.Timer(0.2, lambda: server.publish(SERVER))
    starts.start()
    assert command.running_server(patience=30) == SERVER
    starts.join()
    server.release()
    assert command.running_server() is None


def test_nobody_is_sent_to_a_server_that_was_killed(tmp_path: Path) -> None:
    killed, later = DataDirectory(tmp_path / "data"), DataDirectory(tmp_path / "data")
    killed.acquire()
    killed.publish(SERVER)
    assert killed._lock is not None
    killed._lock.close()  # as the kernel does; the file stays
    later.acquire()
    assert not (tmp_path / "data" / SERVER_FILE).exists()
    assert DataDirectory(tmp_path / "data").running_server(patience=0) is None
    later.release()


def test_looking_makes_no_directory(tmp_path: Path) -> None:
    assert DataDirectory(tmp_path / "none").running_server() is None
    assert not (tmp_path / "none").exists()
