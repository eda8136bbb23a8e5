"""A data directory has one owner; a second server says who it is and leaves."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from tests.server import TEKIL, free_port, running_server, start_server

pytestmark = pytest.mark.faults


def serve(data: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TEKIL, "serve", "--data", str(data), "--port", str(free_port())],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"TEKIL_ADMIN_TOKEN": "t" * 40},
    )


def test_second_server_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    with running_server(tmp_path / "data") as server:
        second = serve(tmp_path / "data")
        said = second.stdout + second.stderr
        assert second.returncode not in {0, None}
        assert str(tmp_path / "data") in said.replace("\n", "")
        assert str(server.process.pid) in said or str(server.port) in said
        assert "Traceback" not in said
        assert server.stats()["events"] == 0


def test_a_killed_owner_leaves_nothing_that_must_be_cleaned_up(tmp_path: Path) -> None:
    first = start_server(tmp_path / "data")
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    first.api.close()
    with running_server(tmp_path / "data") as second:
        assert second.stats()["events"] == 0
