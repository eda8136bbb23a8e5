"""The commands give the same answers on the data directory and through a server."""

from __future__ import annotations

import io
import json

import httpx
import pytest
from tests.access.conftest import ADMIN_TOKEN, PASSWORD, House

from tekil.access.command import (
    TokenAdmin,
    admin_set_password,
    token_create,
    token_list,
    token_revoke,
)
from tekil.access.remote import RemoteAccess
from tekil.errors import StoreUnavailable, TekilError


@pytest.fixture(params=["directory", "server"])
def admin(request: pytest.FixtureRequest, house: House) -> TokenAdmin:
    """Both ways to work."""
    return house.access if request.param == "directory" else RemoteAccess(house.client(ADMIN_TOKEN))


def created(admin: TokenAdmin, name: str, *allow: str) -> dict[str, object]:
    """Make a token and read what the command printed."""
    out = io.StringIO()
    token_create(admin, name, allow, as_json=True, out=out)
    return json.loads(out.getvalue())


def listed(admin: TokenAdmin, *, revoked: bool = False) -> list[str]:
    """The names that the command printed."""
    out = io.StringIO()
    token_list(admin, revoked=revoked, as_json=True, out=out)
    return [item["name"] for item in json.loads(out.getvalue())["items"]]


def test_create_list_revoke(admin: TokenAdmin, house: House) -> None:
    made = created(admin, "ci", "profiles:read")
    assert made["permissions"] == ["profiles:read"]
    assert house.client(str(made["token"])).get("/api/v1/profiles").json() == "ci"
    assert listed(admin) == ["ci"]
    out = io.StringIO()
    token_revoke(admin, "ci", as_json=True, out=out)
    assert json.loads(out.getvalue())["revoked_at"] is not None
    assert house.client(str(made["token"])).get("/api/v1/profiles").status_code == 401
    assert listed(admin) == []
    assert listed(admin, revoked=True) == ["ci"]


def test_without_permissions_a_token_may_do_everything(admin: TokenAdmin) -> None:
    assert created(admin, "all")["permissions"] == ["*"]


def test_a_list_longer_than_a_page(admin: TokenAdmin) -> None:
    names = [f"t{number:03}" for number in range(103)]
    for name in names:
        created(admin, name, "profiles:read")
    assert listed(admin) == names
    token_revoke(admin, "t102", as_json=False, out=io.StringIO())
    assert listed(admin) == names[:-1]


@pytest.mark.parametrize(
    ("status", "code", "run"),
    [
        (409, "conflict", lambda admin: created(admin, "taken")),
        (400, "unknown_name", lambda admin: created(admin, "x", "nope:read")),
        (400, "invalid_definition", lambda admin: created(admin, "")),
        (
            404,
            "not_found",
            lambda admin: token_revoke(admin, "no", as_json=False, out=io.StringIO()),
        ),
        (
            400,
            "invalid_definition",
            lambda admin: admin_set_password(admin, "short", out=io.StringIO()),
        ),
    ],
)
def test_faults_read_alike(admin: TokenAdmin, status: int, code: str, run) -> None:
    created(admin, "taken")
    with pytest.raises(TekilError) as caught:
        run(admin)
    assert (caught.value.status, caught.value.code) == (status, code)
    assert caught.value.message


def test_set_a_password(admin: TokenAdmin, house: House) -> None:
    out = io.StringIO()
    admin_set_password(admin, PASSWORD, out=out)
    assert PASSWORD not in out.getvalue()
    answer = house.client().post("/api/v1/login", json={"password": PASSWORD})
    assert answer.status_code == 200


def test_for_people(admin: TokenAdmin) -> None:
    out = io.StringIO()
    token_create(admin, "ci", ["profiles:read"], as_json=False, out=out)
    secret = out.getvalue().splitlines()[0]
    assert secret.startswith("tk_")
    assert "shown only now" in out.getvalue()
    out = io.StringIO()
    token_list(admin, revoked=False, as_json=False, out=out)
    assert secret[:9] in out.getvalue()
    assert secret not in out.getvalue()
    out = io.StringIO()
    token_revoke(admin, "ci", as_json=False, out=out)
    assert "no longer works" in out.getvalue()


def test_a_server_that_is_gone() -> None:
    with (
        httpx.Client(base_url="http://127.0.0.1:9") as client,
        pytest.raises(StoreUnavailable, match="does not answer"),
    ):
        RemoteAccess(client).list_tokens()
