"""One filled server for every test here that does not end it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.segments_e2e.shop import Segments, fill
from tests.server import Server, running_server


@pytest.fixture(scope="session")
def shop_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that knows a year of the sample shop."""
    with running_server(tmp_path_factory.mktemp("segments") / "data") as server:
        fill(server)
        yield server


@pytest.fixture
def segments(shop_server: Server) -> Iterator[Segments]:
    """Segments of the shop; a test begins and ends without any definition."""
    yield Segments(shop_server)
    gone = shop_server.api.post(
        "/api/v1/definitions/apply", json={"definitions": [], "prune": True}
    )
    assert gone.status_code == 200, gone.text


@pytest.fixture(scope="session")
def write_key(shop_server: Server) -> str:
    """A secret key for what a test sends itself."""
    return shop_server.add_source("tests", kind="http")
