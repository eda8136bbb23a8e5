"""Every error over HTTP has one shape."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog
from fastapi import APIRouter, FastAPI, HTTPException
from fastapi.testclient import TestClient
from pydantic import BaseModel, ConfigDict, Field

from tekil import errors
from tekil.errors import Retry, TekilError
from tekil.problems import error_of, install_problems
from tests.contract.problems import assert_problem


class Wish(BaseModel):
    """A body."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=5)
    count: int = Field(default=1, ge=1, le=9)


raised: list[Exception] = []


def make_app() -> FastAPI:
    """An app that raises what it is told to."""
    app = FastAPI()
    install_problems(app)
    app.add_api_route("/api/v1/raise", fail)
    router = APIRouter(prefix="/api/v1")
    router.add_api_route("/things", ask, methods=["POST"])
    router.add_api_route("/things", nothing, methods=["GET"])
    router.add_api_route("/things/{number}", one)
    app.include_router(router)
    return app


def fail() -> None:
    """Raise."""
    raise raised[-1]


def ask(wish: Wish) -> str:
    """Take a body."""
    return wish.name


def one(number: int) -> int:
    """Take a path parameter."""
    return number


def nothing() -> None:
    """Do nothing."""


@pytest.fixture
def client() -> TestClient:
    """A client of the app."""
    return TestClient(make_app(), raise_server_exceptions=False)


def tekil_errors() -> Iterator[type[TekilError]]:
    """Every error class."""
    todo = [TekilError]
    while todo:
        found = todo.pop()
        yield found
        todo += found.__subclasses__()


@pytest.mark.parametrize("kind", sorted(set(tekil_errors()), key=lambda kind: kind.__name__))
def test_every_error_of_ours(client: TestClient, kind: type[TekilError]) -> None:
    raised.append(kind("What is wrong.", path="a.b", value=[1, float("nan"), b"\xff", {"x"}]))
    body = assert_problem(client.get("/api/v1/raise"), kind.status, kind.code)
    assert body["detail"] == "What is wrong."
    assert body["path"] == "a.b"
    assert body["value"] == [1, "nan", "\ufffd", ["x"]]
    assert body["retry"] == kind.retry


@pytest.mark.parametrize(("seconds", "header"), [(3, "3"), (0.2, "1"), (7.01, "8"), (-4, "1")])
def test_how_long_to_wait_is_in_whole_seconds(
    client: TestClient, seconds: float, header: str
) -> None:
    raised.append(errors.RateLimited("Slow down.", retry_after_seconds=seconds))
    answer = client.get("/api/v1/raise")
    assert_problem(answer, 429, "rate_limited")
    assert answer.headers["retry-after"] == header


def test_an_attribute_cannot_take_the_place_of_a_member(client: TestClient) -> None:
    raised.append(errors.NotFound("Gone.", status=200, code="fine", title="OK", more=1))
    assert assert_problem(client.get("/api/v1/raise"), 404, "not_found")["more"] == 1


def test_lone_surrogates_do_not_break_the_answer(client: TestClient) -> None:
    raised.append(errors.NotFound("No such name.", value="a\ud800b", names={"\udfff": 1}))
    body = assert_problem(client.get("/api/v1/raise"), 404, "not_found")
    assert body["value"] == "a?b"


def test_a_fault_of_ours_tells_nothing_but_a_number(client: TestClient) -> None:
    raised.append(RuntimeError("password=hunter2"))
    with structlog.testing.capture_logs() as logs:
        answer = client.get("/api/v1/raise")
    body = assert_problem(answer, 500, "internal")
    assert "hunter2" not in answer.text
    assert body["incident"] in body["detail"]
    [entry] = logs
    assert entry["incident"] == body["incident"]
    assert entry["path"] == "/api/v1/raise"
    assert "RuntimeError: password=hunter2" in entry["exception"]
    assert "in fail" in entry["exception"]


def test_a_wrong_body_names_every_fault(client: TestClient) -> None:
    answer = client.post("/api/v1/things", json={"name": "longer", "count": 10, "x": [1]})
    body = assert_problem(answer, 400, "invalid_request")
    faults = {fault["path"]: fault for fault in body["errors"]}
    assert faults["name"]["value"] == "longer"
    assert faults["name"]["allowed"] == {"max_length": 5}
    assert faults["count"]["value"] == 10
    assert faults["count"]["allowed"] == {"le": 9}
    assert faults["x"]["value"] == [1]
    assert "name" in body["detail"]
    assert "count" in body["detail"]


def test_a_missing_value(client: TestClient) -> None:
    body = assert_problem(client.post("/api/v1/things", json={}), 400, "invalid_request")
    assert body["errors"] == [{"path": "name", "message": "Field required"}]


def test_a_wrong_path_parameter(client: TestClient) -> None:
    body = assert_problem(client.get("/api/v1/things/x"), 400, "invalid_request")
    assert body["errors"][0]["path"] == "path.number"
    assert body["errors"][0]["value"] == "x"


@pytest.mark.parametrize("sent", [b"{", b"", b"\xff\xfe", b'{"name": NaN', b"[" * 100_000, b"nul"])
def test_a_body_that_is_no_json(client: TestClient, sent: bytes) -> None:
    answer = client.post(
        "/api/v1/things", content=sent, headers={"Content-Type": "application/json"}
    )
    body = assert_problem(answer, 400, answer.json()["code"])
    assert body["code"] in ("malformed_request", "invalid_request")


def test_a_long_value_is_not_sent_back_whole(client: TestClient) -> None:
    answer = client.post("/api/v1/things", json={"name": "x" * 1_000_000, "count": [0] * 100_000})
    assert_problem(answer, 400, "invalid_request")
    assert len(answer.content) < 2_000


def test_a_lone_surrogate_in_a_body(client: TestClient) -> None:
    answer = client.post(
        "/api/v1/things",
        content=b'{"name": "\\ud800"}',
        headers={"Content-Type": "application/json"},
    )
    assert_problem(answer, 400, "invalid_request")


def test_an_unknown_path(client: TestClient) -> None:
    body = assert_problem(client.get("/api/v1/thing"), 404, "unknown_path")
    assert body["detail"] == ('There is nothing at /api/v1/thing. Did you mean "/api/v1/things"?')


def test_a_method_that_is_not_possible(client: TestClient) -> None:
    answer = client.delete("/api/v1/things")
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, POST"


def test_an_http_exception_keeps_its_words_and_headers(client: TestClient) -> None:
    raised.append(HTTPException(418, "I am a teapot", headers={"X-Tea": "green"}))
    answer = client.get("/api/v1/raise")
    assert assert_problem(answer, 418, "error")["detail"] == "I am a teapot"
    assert answer.headers["x-tea"] == "green"


def test_the_api_description_says_so() -> None:
    document = make_app().openapi()
    responses = document["paths"]["/api/v1/things"]["post"]["responses"]
    assert set(responses) == {"200", "4XX", "5XX"}
    assert set(responses["4XX"]["content"]) == {"application/problem+json"}
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert document["components"]["schemas"]["Problem"]["required"]


def test_a_client_gets_the_error_back(client: TestClient) -> None:
    raised.append(errors.Conflict("It exists.", name="x"))
    answer = client.get("/api/v1/raise")
    error = error_of(answer.status_code, answer.content)
    assert (error.status, error.code, error.message) == (409, "conflict", "It exists.")
    assert error.attributes == {"name": "x"}
    assert error.retry is Retry.NEVER


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"detail": 5}'])
def test_an_answer_of_something_else(body: bytes) -> None:
    error = error_of(502, body)
    assert (error.status, error.message) == (502, "The server answered 502.")
