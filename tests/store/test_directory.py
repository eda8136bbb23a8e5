"""One owner at a time; who comes while a command works or a server starts waits for it."""

from __future__ import annotations

import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tekil.errors import DataDirectoryInUse, StoreUnavailable
from tekil.store.directory import SERVER_FILE, DataDirectory, RunningServer

SERVER = RunningServer(pid=4711, url="http://127.0.0.1:8765", token="local_x")


def test_the_second_owner_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    first, second = DataDirectory(tmp_path / "data"), DataDirectory(tmp_path / "data")
    first.acquire()
    with pytest.raises(DataDirectoryInUse, match="--data"):
        second.acquire(patience=0)
    first.publish(SERVER)
    with pytest.raises(DataDirectoryInUse, match=r"process 4711, http://127\.0\.0\.1:8765"):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


def test_the_running_server_is_found_while_it_runs(tmp_path: Path) -> None:
    owner, other = DataDirectory(tmp_path / "data"), DataDirectory(tmp_path / "data")
    assert other.running_server() is None
    assert not (tmp_path / "data").exists()
    owner.acquire()
    assert other.running_server(patience=0) is None
    owner.publish(SERVER)
    assert other.running_server() == SERVER
    owner.release()
    assert other.running_server() is None


def test_only_the_owner_can_read_the_token(tmp_path: Path) -> None:
    owner = DataDirectory(tmp_path)
    owner.acquire()
    owner.publish(SERVER)
    assert stat.S_IMODE((tmp_path / SERVER_FILE).stat().st_mode) == 0o600
    owner.release()


def test_a_killed_owner_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, sys;"
        "from tekil.store.directory import *;"
        "d = DataDirectory(pathlib.Path(sys.argv[1])); d.acquire();"
        "d.publish(RunningServer(1, 'http://gone', 't')); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert (tmp_path / SERVER_FILE).exists()
    heir = DataDirectory(tmp_path)
    assert heir.running_server() is None
    heir.acquire()
    heir.release()


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        DataDirectory(tmp_path / "file" / "data").acquire()


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
