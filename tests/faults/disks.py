"""Disks that can be made full, and empty again, while a server writes to them."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

SIZE = "192m"


class Disk(Protocol):
    """Where a server keeps its data."""

    path: Path

    def fill(self, pid: int) -> None:
        """From now on the server can write nothing more."""

    def free(self, pid: int) -> None:
        """There is room again."""


class SmallDisk:
    """A small file system of its own, which a file fills to the last byte: real ENOSPC."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fill(self, pid: int) -> None:
        """Write until no byte fits."""
        with (self.path / "filler").open("wb", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                try:
                    while True:
                        file.write(b"\0" * size)
                except OSError:
                    continue

    def free(self, pid: int) -> None:
        """Delete the filler."""
        (self.path / "filler").unlink()


class LimitedProcess:
    """A limit on the size of the server's files, which needs no privilege: EFBIG."""

    LIMIT = 64 * 1024

    def __init__(self, path: Path) -> None:
        self.path = path

    def fill(self, pid: int) -> None:
        """No file may be written beyond the limit."""
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (self.LIMIT, hard))

    def free(self, pid: int) -> None:
        """Files may be of any size again."""
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))


@contextmanager
def small_disk(path: Path) -> Iterator[SmallDisk | None]:
    """A mounted small file system, or None where this user may not mount one."""
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "tmpfs", str(path)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        yield None
        return
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)
