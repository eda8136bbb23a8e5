"""One real server for all SDK tests; each test has a person and a proxy of its own."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.sdk.pages import Person
from tests.server import Server, running_server

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that believes the one proxy in front of it."""
    data = tmp_path_factory.mktemp("sdk") / "data"
    with running_server(data, environ={"TEKIL_TRUSTED_PROXIES": "1"}) as running:
        yield running


@pytest.fixture(scope="session")
def http_key(server: Server) -> str:
    """The write key of a source whose key is secret."""
    return server.add_source("backend", kind="http")


@pytest.fixture(scope="session")
def web_key(server: Server) -> str:
    """The write key of a source that anybody can read."""
    return server.add_source("website", kind="web")


@pytest.fixture
def person() -> Person:
    """Somebody whom no other test speaks of."""
    return Person(f"n{next(_numbers)}x")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for loopback and its key, made for this run."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    directory = tmp_path_factory.mktemp("tls")
    cert, key = directory / "cert.pem", directory / "key.pem"
    request = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    names = ["-days", "2", "-nodes", "-subj", "/CN=localhost"]
    names += ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(cert)]
    subprocess.run([*request, *names, *files], check=True, capture_output=True)
    return cert, key
