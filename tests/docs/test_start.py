"""The command line is there at once: what is slow to import waits until a command needs it."""

from __future__ import annotations

import subprocess
import sys

SLOW = {
    "sqlalchemy",
    "alembic",
    "fastapi",
    "pyarrow",
    "chdb",
    "clickhouse_connect",
    "httpx",
    "numpy",
}


def test_help_imports_nothing_slow() -> None:
    program = "import sys, tekil.cli; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert SLOW & set(done.stdout.split()) == set()
