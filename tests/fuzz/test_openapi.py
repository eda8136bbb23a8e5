"""Schemathesis sends what the OpenAPI document allows and what it forbids: no 500, no surprise."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.contract.backends import PostgresServer
from tests.server import Server, running_server

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

PORT = 18911
OPEN = {"/api/v1/login", "/api/v1/logout"}
SECONDS = 18.0
"""How long all operations together are tried, per database."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]

REAL = {
    "ref": ["user_id:ada", "email:ada@example.com", "anonymous_id:a1", "user_id:a\0b"],
    "name": ["shop", "vip", "admin", "no such"],
    "group_id": ["acme", "a\0b"],
    "token_id": [1, 2**63, 2**80, -1],
    "import_key": ["f" * 32],
}  # fmt: skip
"""Values that name something, or have to be told apart from it."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    environ = {}
    if request.param == "postgresql":
        postgres: PostgresServer = request.getfixturevalue("postgres_server")
        environ["TEKIL_STATE_URL"] = postgres.url(postgres.create_database())
    data = tmp_path_factory.mktemp("fuzz") / "data"
    with running_server(data, port=PORT, environ=environ) as running:
        fill(running)
        yield running


def fill(server: Server) -> None:
    """A little of everything, so that there is something to find."""
    key = server.add_source("shop")
    person = {"anonymousId": "a1", "userId": "ada"}
    batch = [
        {"type": "identify", "traits": {"email": "ada@example.com", "name": "Ada"}} | person,
        {"type": "group", "groupId": "acme", "traits": {"name": "Acme"}} | person,
        {"type": "track", "event": "Order Completed", "properties": {"revenue": 5}} | person,
        {"type": "nonsense"},
    ]
    answer = httpx.post(f"{server.url}/v1/batch", json={"batch": batch}, auth=(key, ""))
    assert answer.status_code == 200
    server.wait_until_idle()


def cases(operation: Any) -> st.SearchStrategy[Any]:
    """What the document allows, what it forbids, and both with names that exist."""
    made: st.SearchStrategy[Any] = st.one_of(
        operation.as_strategy(GenerationMode.POSITIVE),
        operation.as_strategy(GenerationMode.NEGATIVE),
    )
    return st.builds(with_names, made, st.integers(0, 9))


def with_names(case: Any, choice: int) -> Any:
    for name in case.path_parameters or ():
        known = REAL.get(name, [])
        if choice < len(known):
            case.path_parameters[name] = known[choice]
    return case


def test_every_operation_answers_as_documented(server: Server) -> None:
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    headers = {"Authorization": f"Bearer {server.admin_token}"}
    operations = [result.ok() for result in schema.get_all_operations()]
    operations = [o for o in operations if o.path.startswith("/api/v1")]
    assert len(operations) > 25
    faults: list[str] = []
    started = time.monotonic()
    for place, operation in enumerate(operations):
        left = SECONDS - (time.monotonic() - started)
        faults += tried(operation, headers, left / (len(operations) - place))
    assert not faults, "\n\n".join(faults)
    server.api.get("/health").raise_for_status()
    log = server.log()
    assert "Traceback" not in log
    assert "unexpected_error" not in log


def tried(operation: Any, headers: dict[str, str], seconds: float) -> list[str]:
    """Send cases for a while, at least a few; the first fault of an operation is enough."""
    deadline = time.monotonic() + seconds

    @settings(
        max_examples=40,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases(operation))
    def send(case: Any) -> None:
        nonlocal sent
        if sent >= 4 and time.monotonic() > deadline:
            return
        sent += 1
        answer = case.call(headers=headers, timeout=30)
        assert "Traceback" not in answer.text
        case.validate_response(answer, checks=CHECKS)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == ["application/problem+json"]
            assert answer.json()["code"]

    sent = 0
    try:
        send()
    except BaseExceptionGroup as group:
        return [f"{operation.method} {operation.path}: {e}"[:3000] for e in group.exceptions]
    except Exception as error:
        return [f"{operation.method} {operation.path}: {error}"[:3000]]
    return []


def test_nothing_works_without_a_token(server: Server) -> None:
    document = server.get("/openapi.json")
    for path, operations in document["paths"].items():
        if not path.startswith("/api/v1") or path in OPEN:
            continue
        for method in operations:
            url = server.url + path.replace("{", "").replace("}", "")
            for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic x"}):
                answer = httpx.request(method.upper(), url, headers=headers, json={})
                assert answer.status_code in {400, 401}, (method, path, answer.status_code)
                assert answer.headers["content-type"] == "application/problem+json"


def test_odd_query_strings(server: Server) -> None:
    paths = [
        path
        for path, operations in server.get("/openapi.json")["paths"].items()
        if "get" in operations and path.startswith("/api/v1")
    ]
    odd = [
        "cursor=x", "cursor=W10", "cursor=WyJ4Il0", "cursor=Wy01XQ", "cursor=WzFlOTldCg",
        "cursor=Wzk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5XQ", "cursor=%00", "cursor=W251bGwsMSwxXQ",
        "since=%00", "since=9999-12-31T23:59:59-14:00", "until=0001-01-01T00:00:00%2B14:00",
        "text=%00", "source=%00", "source=nope", "event=%00%27%5C%0A", "type=%F0%9F%98%80",
        "limit=0", "limit=99999999999999999999", "limit=NaN", "query=%00", "query=%25_%5C",
        "as_of=%00", "as_of=9999-12-31T23:59:59-14:00", "a=%00", "b=email:%00",
        "namespace=%00", "stage=x", "reason=%00", "group_by=x", "q=" + "x" * 5000,
    ]  # fmt: skip
    names = {name: values[0] for name, values in REAL.items()}
    for path in (path.format_map(names) for path in paths):
        for query in odd:
            answer = server.api.get(f"{path}?{query}")
            assert answer.status_code < 500, (path, query, answer.text)
            assert answer.status_code == 200 or answer.json()["code"], (path, query)
