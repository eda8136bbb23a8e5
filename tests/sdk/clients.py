"""The published SDKs under test: pinned, fetched once into a cache, run as their users run them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tekil-tests"
NPM = Path(__file__).parent / "npm"
NODE = shutil.which("node")
INSTALL_SECONDS = 240
RUN_SECONDS = 90


@dataclass(frozen=True)
class PythonClient:
    """A release of a Python SDK and the page that says how to use it."""

    package: str
    version: str
    page: str
    library: str
    """What it calls itself in ``context.library.name``."""

    def __str__(self) -> str:
        return f"{self.package}-{self.version}"


@dataclass(frozen=True)
class NodeClient:
    """A Node.js SDK (its version is in npm/package.json) and its page."""

    package: str
    page: str
    library: str

    def __str__(self) -> str:
        return self.package.replace("/", "-").removeprefix("@")


PYTHON_CLIENTS = (
    PythonClient("segment-analytics-python", "2.3.4", "segment-python.md", "analytics-python"),
    PythonClient("segment-analytics-python", "2.4.0", "segment-python.md", "analytics-python"),
    PythonClient("rudder-sdk-python", "2.1.9", "rudder-python.md", "analytics-python"),
)
NODE_CLIENTS = (
    NodeClient("@segment/analytics-node", "segment-node.md", "@segment/analytics-node"),
    NodeClient("@rudderstack/rudder-sdk-node", "rudder-node.md", "analytics-node"),
)


def installed(client: PythonClient) -> Path:
    """The directory that holds this release and what it needs, nothing else."""
    interpreter = f"py{sys.version_info.major}{sys.version_info.minor}"
    target = CACHE / f"{client}-{interpreter}"
    if not target.is_dir():
        unfinished = target.with_name(f"{target.name}.{os.getpid()}")
        requirement = f"{client.package}=={client.version}"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _install([*pip, "--target", str(unfinished), requirement], Path.cwd())
        _publish(unfinished, target)
    return target


def node_modules() -> Path:
    """The directory with ``node_modules``, exactly as the lock file says."""
    lock = (NPM / "package-lock.json").read_bytes()
    target = CACHE / f"npm-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not target.is_dir():
        unfinished = target.with_name(f"{target.name}.{os.getpid()}")
        unfinished.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(NPM / name, unfinished)
        _install(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], unfinished)
        _publish(unfinished, target)
    return target


def run_python(client: PythonClient, script: Path) -> str:
    """Run a script with this release alone on its path; returns what it printed."""
    environ = {"PYTHONPATH": str(installed(client)), "PATH": os.environ["PATH"]}
    return _run([sys.executable, "-s", str(script)], script.parent, environ)


def run_node(script: str, directory: Path) -> str:
    """Run an ES module with the pinned packages in reach; returns what it printed."""
    (directory / "node_modules").symlink_to(node_modules() / "node_modules")
    path = directory / "main.mjs"
    path.write_text(script, encoding="utf-8")
    return _run(["node", str(path)], directory, {"PATH": os.environ["PATH"]})


def bundle(script: str, directory: Path) -> str:
    """Bundle an ES module for a browser as a user's build would; returns the script."""
    (directory / "node_modules").symlink_to(node_modules() / "node_modules")
    (directory / "main.mjs").write_text(script, encoding="utf-8")
    out = directory / "bundle.js"
    esbuild = str(node_modules() / "node_modules" / ".bin" / "esbuild")
    options = ["--bundle", "--format=iife", "--log-level=error", f"--outfile={out}"]
    _run([esbuild, "main.mjs", *options], directory, {"PATH": os.environ["PATH"]})
    return out.read_text(encoding="utf-8")


def _run(command: list[str], directory: Path, environ: dict[str, str]) -> str:
    done = subprocess.run(
        command,
        cwd=directory,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def _install(command: list[str], directory: Path) -> None:
    subprocess.run(command, cwd=directory, check=True, timeout=INSTALL_SECONDS)


def _publish(unfinished: Path, target: Path) -> None:
    try:
        unfinished.rename(target)
    except OSError:  # Another test run was first.
        shutil.rmtree(unfinished)
