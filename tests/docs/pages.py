"""Reads the commands out of a page, and runs them as its reader would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from tests.server import eventually, free_port

from tekil.store.directory import DataDirectory

ROOT = Path(__file__).parents[2]
PORT = "8765"
DATA = "tekil-data"


def shell_blocks(page: str) -> list[str]:
    """The blocks of a page that are meant for a shell, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@dataclass
class Reader:
    """Types commands into one shell, in an empty directory, with this environment's programs."""

    directory: Path
    port: int = field(default_factory=free_port)
    shell: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("TEKIL_")}
        programs = f"{Path(sys.executable).parent}:{clean['PATH']}"
        with (self.directory / "errors.log").open("w") as errors:
            self.shell = subprocess.Popen(
                ["bash"],
                cwd=self.directory,
                env=clean | {"PATH": programs, "COLUMNS": "200"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )

    def type(self, commands: str) -> str:
        """Run a block and return what it printed; waits until everything accepted is worked off."""
        commands = commands.replace(PORT, str(self.port))
        commands = re.sub(r"^pip install .*$", "", commands, flags=re.MULTILINE)
        # A server in the background keeps its output to itself: this pipe ends with the block.
        commands = re.sub(r" &$", " >server.log 2>&1 &", commands, flags=re.MULTILINE)
        assert self.shell.stdin is not None
        assert self.shell.stdout is not None
        self.shell.stdin.write(f'{commands}\necho; echo "=== $?"\n')
        self.shell.stdin.flush()
        printed: list[str] = []
        for line in self.shell.stdout:
            if line.startswith("=== "):
                break
            printed.append(line)
        if "tekil serve" in commands:
            eventually(self._healthy, bool, seconds=60, what="the server answers")
        self._settle()
        return "".join(printed)

    def errors(self) -> str:
        """What commands have written to standard error."""
        return (self.directory / "errors.log").read_text(encoding="utf-8")

    def close(self) -> None:
        """End the shell and the server that it started."""
        assert self.shell.stdin is not None
        self.shell.stdin.write("kill %1 2>/dev/null; wait\n")
        self.shell.stdin.close()
        self.shell.wait(30)

    def _healthy(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/health", timeout=5).is_success
        except httpx.TransportError:
            return False

    def _settle(self) -> None:
        server = DataDirectory(self.directory / DATA).running_server()
        if server is None:
            return
        headers = {"Authorization": f"Bearer {server.token}"}
        eventually(
            lambda: httpx.get(f"{server.url}/api/v1/stats", headers=headers).json(),
            lambda stats: stats["inbox_lag"]["messages"] == 0,
            what="the inbox is worked off",
        )
