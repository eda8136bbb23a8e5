"""The two routes and the client of them, against each other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from tests.files.fakes import FakeInbox, ListDoor, plan_of, write

from tekil.access import Caller, CallerKind, Permission
from tekil.access.guard import undeclared_routes
from tekil.access.model import EVERY_PERMISSION
from tekil.collect.files import door as door_module
from tekil.collect.files.api import import_routes
from tekil.collect.files.door import HttpDoor, post_to
from tekil.collect.files.importer import run
from tekil.collect.files.model import FileFacts, FileKind, Progress
from tekil.collect.model import Source, SourceKind
from tekil.errors import (
    Conflict,
    InputError,
    NotFound,
    StoreUnavailable,
    TekilError,
    Unauthenticated,
)
from tekil.kit.clock import FixedClock, Millis
from tekil.kit.ids import SourceId

FACTS = FileFacts("key", "a.csv", "crm", FileKind.PEOPLE)


class FakeAccess:
    """Knows two tokens."""

    public_url = None

    async def caller_of_token(self, secret: str) -> Caller:
        if secret == "tk_good":
            return Caller(CallerKind.TOKEN, "t", EVERY_PERMISSION)
        if secret == "tk_reader":
            return Caller(CallerKind.TOKEN, "t", frozenset({Permission.IMPORTS_READ}))
        raise Unauthenticated("There is no such token.")


def find_source(name: str) -> Source:
    if name != "crm":
        raise NotFound(f'There is no source "{name}".')
    return Source(SourceId(3), "crm", SourceKind.FILE, "wk")


@pytest.fixture
def inbox() -> FakeInbox:
    return FakeInbox()


@pytest.fixture
def client(inbox: FakeInbox) -> Iterator[TestClient]:
    app = FastAPI()
    app.state.access = FakeAccess()
    app.include_router(
        import_routes(find_source, inbox.look, inbox.append, FixedClock(Millis(1_000)))
    )
    assert undeclared_routes(app.routes) == []

    @app.exception_handler(TekilError)
    async def _problem(_request: object, error: TekilError) -> object:
        from starlette.responses import JSONResponse

        return JSONResponse({"detail": error.message, "code": error.code}, error.status)

    with TestClient(app, base_url="http://tekil") as made:
        yield made


def door_to(client: TestClient, token: str = "tk_good") -> HttpDoor:
    return HttpDoor(post_to("http://tekil/", token, client))


def test_a_file_goes_through_the_api(client: TestClient, inbox: FakeInbox, tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv", "email,n\n" + "".join(f"p{n}@x.com,{n}\n" for n in range(40)) + ",bad\n"
    )
    plan = plan_of(path)
    whole = ListDoor()
    run(path, plan, "crm", whole)
    door = door_to(client)
    assert run(path, plan, "crm", door, chunk_rows=7).done
    assert inbox.messages == whole.messages
    assert inbox.rejects == whole.rejects
    assert run(path, plan, "crm", door) == Progress(41, 41, 1, True)
    assert len(inbox.messages) == 40


def test_a_chunk_sent_twice_is_taken_once(client: TestClient, inbox: FakeInbox) -> None:
    door = door_to(client)
    for _ in range(2):
        door.submit(FACTS, [b'{"a":1}'], [], after=0, to=Progress(1, 1))
    assert inbox.messages == [{"a": 1}]
    assert door.begin(FACTS) == Progress(1, 1)
    with pytest.raises(Conflict, match="stands at 1, not at 0"):
        door.submit(FACTS, [b'{"a":1}'], [], after=0, to=Progress(2, 2))


def test_who_may(client: TestClient) -> None:
    with pytest.raises(Unauthenticated, match="no such token"):
        door_to(client, "tk_wrong").begin(FACTS)
    with pytest.raises(Unauthenticated, match="imports:write"):
        door_to(client, "tk_reader").begin(FACTS)
    other = FileFacts("key", "a.csv", "shop", FileKind.PEOPLE)
    with pytest.raises(NotFound, match='no source "shop"'):
        door_to(client).begin(other)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"import_key":5}',
        b"[" * 9999,
        b"\xff",
        b'{"import_key":"k","file_name":"f","source":"crm","kind":"x"}',
    ],
)
def test_bodies_that_are_not_understood(client: TestClient, body: bytes) -> None:
    headers = {"Authorization": "Bearer tk_good"}
    for url in ("/api/v1/imports", "/api/v1/imports/key/chunk"):
        answer = client.post(url, content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


def test_a_chunk_has_a_limit(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tekil.collect.files.api.MAX_BODY_BYTES", 100)
    with pytest.raises(InputError, match="413"):
        door_to(client).submit(
            FACTS, [b'{"a":"' + b"x" * 200 + b'"}'], [], after=0, to=Progress(1, 1)
        )


def scripted(answers: list[httpx.Response | Exception]) -> tuple[HttpDoor, list[float]]:
    waits: list[float] = []

    def answer(_request: httpx.Request) -> httpx.Response:
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(found, Exception):
            raise found
        return found

    client = httpx.Client(transport=httpx.MockTransport(answer))
    door = HttpDoor(post_to("http://x", "t", client), sleep=waits.append, patience=20)
    return door, waits


def test_the_bodies_are_described(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for path, key in (("/api/v1/imports", "source"), ("/api/v1/imports/{import_key}/chunk", "to")):
        body = paths[path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert key in body["properties"]
        assert "$ref" not in json.dumps(body)


def test_trouble_is_waited_out() -> None:
    good = httpx.Response(200, json={"position": 5, "rows": 5, "rejected": 0, "done": False})
    door, waits = scripted(
        [httpx.Response(503, headers={"Retry-After": "3"}), httpx.ConnectError("gone"), good]
    )
    assert door.begin(FACTS) == Progress(5, 5)
    assert waits == [3.0, 0.4]


def test_patience_ends_with_what_to_do() -> None:
    door, waits = scripted([httpx.Response(503)])
    with pytest.raises(StoreUnavailable, match="goes on where it stopped"):
        door.begin(FACTS)
    assert max(waits) <= door_module.LONGEST_WAIT_SECONDS
    door, _ = scripted([httpx.Response(200, text="hello")])
    with pytest.raises(StoreUnavailable, match="not understood"):
        door.begin(FACTS)
    door, _ = scripted([httpx.Response(418, text="teapot")])
    with pytest.raises(InputError, match="418: teapot"):
        door.begin(FACTS)
