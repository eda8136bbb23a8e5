"""The whole application: no route without a declaration, and none that does not check it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient
from tests.contract.problems import assert_problem

from tekil.access import Permission, declared_permission, undeclared_routes
from tekil.app import _api
from tekil.runtime import Runtime
from tekil.settings import Settings


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    """Open stores in a directory of its own; nothing runs."""
    opened = Runtime(Settings(data=tmp_path / "data"))
    yield opened
    opened.close()


@pytest.fixture
def app(runtime: Runtime) -> FastAPI:
    """Everything under /api/v1, and the operators' routes."""
    return _api(runtime)


def guarded(app: FastAPI) -> Iterator[tuple[str, str, Permission]]:
    """Each method and path with the permission that it declares."""
    for context in iter_route_contexts(app.routes):
        declared = declared_permission(context)
        if isinstance(declared, Permission):
            path = re.sub(r"\{[^}]*\}", "1", context.path or "")
            for method in sorted(context.methods or ()):
                yield method, path, declared


def test_every_route_declares_what_it_needs(app: FastAPI) -> None:
    assert undeclared_routes(app.routes) == []
    assert len(list(guarded(app))) > 10


def test_every_route_refuses_strangers_and_the_unentitled(app: FastAPI, runtime: Runtime) -> None:
    client = TestClient(app, raise_server_exceptions=False)
    tokens = {
        permission: runtime.access.create_token(
            f"all but {permission}", frozenset(Permission) - {permission}
        ).secret
        for permission in Permission
    }
    for method, path, permission in guarded(app):
        assert_problem(client.request(method, path), 401, "unauthorized")
        headers = {"Authorization": f"Bearer {tokens[permission]}"}
        answer = client.request(method, path, headers=headers)
        body = assert_problem(answer, 403, "forbidden")
        assert body["permission"] == permission, (method, path)


def test_the_last_use_of_a_token_is_kept_over_a_restart(tmp_path: Path) -> None:
    first = Runtime(Settings(data=tmp_path / "data"))
    secret = first.access.create_token("t", frozenset({Permission.STATS_READ})).secret
    asyncio.run(first.access.caller_of_token(secret))
    first.close()
    second = Runtime(Settings(data=tmp_path / "data"))
    assert second.access.list_tokens().items[0].last_used_at is not None
    second.close()
