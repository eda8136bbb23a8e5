"""The published Python and Node.js SDKs, run as their pages say, against a real server."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.sdk.arrivals import SIX_CALLS, assert_each_once, assert_profile
from tests.sdk.clients import (
    NODE,
    NODE_CLIENTS,
    PYTHON_CLIENTS,
    NodeClient,
    PythonClient,
    run_node,
    run_python,
)
from tests.sdk.fault_proxy import Fault, running_proxy
from tests.sdk.pages import Person, code_for
from tests.server import Server

pytestmark = pytest.mark.e2e

WEATHER = {
    "calm": [],
    "faults": [Fault.TOO_FAST, Fault.UNAVAILABLE, Fault.REPLY_LOST],
}


@pytest.mark.parametrize("faults", WEATHER.values(), ids=WEATHER)
@pytest.mark.parametrize("client", PYTHON_CLIENTS, ids=str)
def test_every_call_of_a_python_sdk_arrives_once(
    client: PythonClient,
    faults: list[Fault],
    server: Server,
    http_key: str,
    person: Person,
    tmp_path: Path,
) -> None:
    before = server.wait_until_idle()
    with running_proxy(server.url, faults) as proxy:
        text = code_for(client.page, "python", url=proxy.url, write_key=http_key, person=person)
        script = tmp_path / "main.py"
        script.write_text(text, encoding="utf-8")
        run_python(client, script)
        assert_each_once(server, proxy, person, SIX_CALLS, before, library=client.library)
    assert_profile(server, person)


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
@pytest.mark.parametrize("faults", WEATHER.values(), ids=WEATHER)
@pytest.mark.parametrize("client", NODE_CLIENTS, ids=str)
def test_every_call_of_a_node_sdk_arrives_once(
    client: NodeClient,
    faults: list[Fault],
    server: Server,
    http_key: str,
    person: Person,
    tmp_path: Path,
) -> None:
    before = server.wait_until_idle()
    with running_proxy(server.url, faults) as proxy:
        text = code_for(client.page, "js", url=proxy.url, write_key=http_key, person=person)
        run_node(text, tmp_path)
        assert_each_once(server, proxy, person, SIX_CALLS, before, library=client.library)
    assert_profile(server, person)
