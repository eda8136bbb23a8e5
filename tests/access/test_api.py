"""Logging in, tokens and permissions as a client sees them."""

from __future__ import annotations

import pytest
from tests.access.conftest import ADMIN_TOKEN, PASSWORD, House, make_app
from tests.contract.problems import assert_problem

from tekil.access import Permission
from tekil.access.service import SESSION_MS, AccessService

READ, WRITE = "/api/v1/profiles", "/api/v1/sources"


class TestBearer:
    """Whoever sends a token."""

    def test_nobody(self, house: House) -> None:
        assert_problem(house.client().get(READ), 401, "unauthorized")

    def test_a_token_with_the_permission(self, house: House) -> None:
        client = house.client(house.token(Permission.PROFILES_READ, name="reader"))
        assert client.get(READ).json() == "reader"

    def test_a_token_without_the_permission(self, house: House) -> None:
        client = house.client(house.token(Permission.PROFILES_READ))
        body = assert_problem(client.post(WRITE), 403, "forbidden")
        assert "sources:write" in body["detail"]

    def test_the_admin_token_may_do_everything(self, house: House) -> None:
        client = house.client(ADMIN_TOKEN)
        assert client.get(READ).status_code == client.post(WRITE).status_code == 200

    def test_without_an_admin_token_in_the_settings_nothing_matches_it(self, house: House) -> None:
        for setting in (None, ""):
            app = make_app(AccessService(house.store, house.clock, setting))
            client = House(house.access, house.clock, app, house.store).client()
            for secret in ("", " ", "None", "null"):
                answer = client.get(READ, headers={"Authorization": f"Bearer {secret}"})
                assert_problem(answer, 401, "unauthorized")

    @pytest.mark.parametrize(
        "header",
        [
            "",
            "Bearer",
            "Bearer ",
            "Bearer wrong",
            "Bearer tk_" + "A" * 32,
            "Bearer " + "x" * 5_000,
            "Basic YWRtaW46YWRtaW4=",
            ADMIN_TOKEN,
            f"Token {ADMIN_TOKEN}",
            f"Bearer {ADMIN_TOKEN[:-1]}",
            f"Bearer {ADMIN_TOKEN}x",
            b"Bearer \xff\xfe",
        ],
    )
    def test_a_wrong_header(self, house: House, header: str | bytes) -> None:
        answer = house.client().get(READ, headers={"Authorization": header})
        assert_problem(answer, 401, "unauthorized")

    def test_a_wrong_header_is_not_helped_by_a_good_cookie(self, house: House) -> None:
        client = logged_in(house)
        answer = client.get(READ, headers={"Authorization": "Bearer wrong"})
        assert_problem(answer, 401, "unauthorized")

    def test_the_scheme_may_be_written_in_any_case(self, house: House) -> None:
        answer = house.client().get(READ, headers={"Authorization": f"bearer {ADMIN_TOKEN}"})
        assert answer.status_code == 200


class TestTokens:
    """Making, listing and ending tokens."""

    def test_a_token_is_shown_once(self, house: House) -> None:
        client = house.client(ADMIN_TOKEN)
        answer = client.post("/api/v1/tokens", json={"name": "ci", "permissions": ["profiles:*"]})
        assert answer.status_code == 201
        made = answer.json()
        secret = made.pop("token")
        assert secret.startswith("tk_")
        assert made == {
            "token_id": 1,
            "name": "ci",
            "prefix": secret[:9],
            "permissions": ["profiles:read", "profiles:write"],
            "created_at": "2026-03-01T12:00:00.000Z",
            "created_by": "admin token",
            "last_used_at": None,
            "revoked_at": None,
        }
        listed = client.get("/api/v1/tokens")
        assert listed.json() == {"items": [made], "next": None}
        assert secret not in listed.text
        assert house.client(secret).get(READ).json() == "ci"

    def test_nobody_gives_what_they_do_not_have(self, house: House) -> None:
        client = house.client(house.token(Permission.TOKENS_WRITE, Permission.PROFILES_READ))
        wanted = {"name": "more", "permissions": ["profiles:read", "sources:write"]}
        body = assert_problem(client.post("/api/v1/tokens", json=wanted), 403, "forbidden")
        assert "sources:write" in body["detail"]
        assert "profiles:read" not in body["detail"]
        wanted = {"name": "less", "permissions": ["profiles:read"]}
        assert client.post("/api/v1/tokens", json=wanted).status_code == 201

    def test_permissions_added_later_come_with_all(self, house: House) -> None:
        made = house.client(ADMIN_TOKEN).post(
            "/api/v1/tokens", json={"name": "all", "permissions": ["*"]}
        )
        assert made.json()["permissions"] == ["*"]

    @pytest.mark.parametrize(
        ("wanted", "code", "path"),
        [
            ({"name": "a", "permissions": ["profile:read"]}, "unknown_name", "permissions"),
            ({"name": "a", "permissions": []}, "invalid_definition", "permissions"),
            ({"name": " ", "permissions": ["*"]}, "invalid_definition", "name"),
            ({"name": "x" * 101, "permissions": ["*"]}, "invalid_definition", "name"),
            ({"name": "a\x00b", "permissions": ["*"]}, "invalid_definition", "name"),
        ],
    )
    def test_a_wrong_wish(self, house: House, wanted: object, code: str, path: str) -> None:
        answer = house.client(ADMIN_TOKEN).post("/api/v1/tokens", json=wanted)
        body = assert_problem(answer, 400, code)
        assert body["path"] == path

    def test_a_near_permission_is_named(self, house: House) -> None:
        wanted = {"name": "a", "permissions": ["profile:read"]}
        answer = house.client(ADMIN_TOKEN).post("/api/v1/tokens", json=wanted)
        assert 'Did you mean "profiles:read"?' in answer.json()["detail"]

    def test_unknown_keys_are_refused(self, house: House) -> None:
        wanted = {"name": "a", "permissions": ["*"], "expires": 1}
        answer = house.client(ADMIN_TOKEN).post("/api/v1/tokens", json=wanted)
        assert assert_problem(answer, 400, "invalid_request")["errors"][0]["path"] == "expires"

    def test_a_name_is_taken_until_its_token_ends(self, house: House) -> None:
        client = house.client(ADMIN_TOKEN)
        wanted = {"name": "ci", "permissions": ["*"]}
        first = client.post("/api/v1/tokens", json=wanted).json()
        assert_problem(client.post("/api/v1/tokens", json=wanted), 409, "conflict")
        assert client.delete(f"/api/v1/tokens/{first['token_id']}").status_code == 200
        assert client.post("/api/v1/tokens", json=wanted).status_code == 201

    def test_an_ended_token_stops_at_once(self, house: House) -> None:
        secret = house.token(Permission.PROFILES_READ)
        client = house.client(secret)
        assert client.get(READ).status_code == 200
        ended = house.client(ADMIN_TOKEN).delete("/api/v1/tokens/1")
        assert ended.json()["revoked_at"] == "2026-03-01T12:00:00.000Z"
        assert_problem(client.get(READ), 401, "unauthorized")

    def test_ending_again_keeps_the_time(self, house: House) -> None:
        house.token(Permission.PROFILES_READ)
        client = house.client(ADMIN_TOKEN)
        first = client.delete("/api/v1/tokens/1").json()
        house.clock.advance(1000)
        assert client.delete("/api/v1/tokens/1").json() == first

    @pytest.mark.parametrize("token_id", [7, 2**63 - 1])
    def test_ending_what_is_not_there(self, house: House, token_id: int) -> None:
        answer = house.client(ADMIN_TOKEN).delete(f"/api/v1/tokens/{token_id}")
        assert_problem(answer, 404, "not_found")

    @pytest.mark.parametrize("token_id", ["0", "-1", "x", str(2**63)])
    def test_ending_with_an_impossible_id(self, house: House, token_id: str) -> None:
        answer = house.client(ADMIN_TOKEN).delete(f"/api/v1/tokens/{token_id}")
        assert_problem(answer, 400, "invalid_request")

    def test_ended_tokens_are_listed_on_demand(self, house: House) -> None:
        for name in ("a", "b"):
            house.token(Permission.PROFILES_READ, name=name)
        client = house.client(ADMIN_TOKEN)
        client.delete("/api/v1/tokens/1")
        assert names(client.get("/api/v1/tokens")) == ["b"]
        assert names(client.get("/api/v1/tokens?revoked=true")) == ["a", "b"]

    def test_pages_follow_each_other(self, house: House) -> None:
        expected = [f"t{number}" for number in range(5)]
        for name in expected:
            house.token(Permission.PROFILES_READ, name=name)
        client = house.client(ADMIN_TOKEN)
        found, cursor, pages = [], "", 0
        while cursor is not None:
            query = f"&cursor={cursor}" if cursor else ""
            page = client.get(f"/api/v1/tokens?limit=2{query}").json()
            found += [item["name"] for item in page["items"]]
            cursor, pages = page["next"], pages + 1
        assert (found, pages) == (expected, 3)

    @pytest.mark.parametrize("cursor", ["x", "!!!", "W10", "WyJhIl0", "WzksOV0", "Wy0xXQ", "{}"])
    def test_a_made_up_cursor(self, house: House, cursor: str) -> None:
        answer = house.client(ADMIN_TOKEN).get("/api/v1/tokens", params={"cursor": cursor})
        assert assert_problem(answer, 400, "invalid_definition")["path"] == "cursor"

    def test_when_a_token_was_used_is_written_down_later(self, house: House) -> None:
        client = house.client(house.token(Permission.PROFILES_READ))
        house.clock.advance(5_000)
        client.get(READ)
        admin = house.client(ADMIN_TOKEN)
        assert admin.get("/api/v1/tokens").json()["items"][0]["last_used_at"] is None
        house.access.flush()
        used = admin.get("/api/v1/tokens").json()["items"][0]["last_used_at"]
        assert used == "2026-03-01T12:00:05.000Z"


class TestSessions:
    """Whoever logs in with a password."""

    def test_log_in_and_out(self, house: House) -> None:
        client = logged_in(house)
        assert client.get("/api/v1/me").json()["name"] == "admin"
        assert client.get(READ).status_code == 200
        cookie = client.cookies["tekil_session"]
        assert client.post("/api/v1/logout").status_code == 204
        assert "tekil_session" not in client.cookies
        client.cookies.set("tekil_session", cookie)
        assert_problem(client.get("/api/v1/me"), 401, "unauthorized")

    @pytest.mark.parametrize(
        ("base_url", "secure"), [("http://tekil.example", False), ("https://tekil.example", True)]
    )
    def test_the_cookie_is_closed(self, house: House, base_url: str, secure: bool) -> None:
        house.access.set_password(PASSWORD)
        answer = house.client(base_url=base_url).post("/api/v1/login", json={"password": PASSWORD})
        attributes = {part.strip() for part in answer.headers["set-cookie"].split(";")[1:]}
        expected = {"HttpOnly", "Path=/", "SameSite=lax", f"Max-Age={SESSION_MS // 1000}"}
        assert attributes == expected | ({"Secure"} if secure else set())

    def test_behind_a_proxy_the_public_address_decides(self, house: House) -> None:
        house.access.public_url = "https://cdp.example"
        house.access.set_password(PASSWORD)
        answer = house.client().post("/api/v1/login", json={"password": PASSWORD})
        assert "Secure" in answer.headers["set-cookie"]

    def test_a_wrong_password_and_an_unknown_name_read_alike(self, house: House) -> None:
        house.access.set_password(PASSWORD)
        client = house.client()
        wrong = client.post("/api/v1/login", json={"password": "wrong"})
        unknown = client.post("/api/v1/login", json={"name": "bob", "password": PASSWORD})
        odd = client.post("/api/v1/login", json={"name": "a\x00", "password": PASSWORD})
        assert wrong.json() == unknown.json() == odd.json()
        assert_problem(wrong, 401, "unauthorized")
        assert "set-cookie" not in wrong.headers

    def test_nobody_logs_in_before_a_password_is_set(self, house: House) -> None:
        answer = house.client().post("/api/v1/login", json={"password": "x"})
        assert_problem(answer, 401, "unauthorized")

    def test_a_session_ends_by_itself(self, house: House) -> None:
        client = logged_in(house)
        house.clock.advance(SESSION_MS - 1)
        assert client.get(READ).status_code == 200
        house.clock.advance(1)
        assert_problem(client.get(READ), 401, "unauthorized")

    def test_a_new_password_ends_sessions(self, house: House) -> None:
        client = logged_in(house)
        assert client.get(READ).status_code == 200
        house.access.set_password("another long password 7")
        assert_problem(client.get(READ), 401, "unauthorized")
        old = client.post("/api/v1/login", json={"password": PASSWORD})
        assert_problem(old, 401, "unauthorized")

    def test_a_made_up_cookie(self, house: House) -> None:
        client = house.client()
        client.cookies.set("tekil_session", "ts_made_up")
        assert_problem(client.get(READ), 401, "unauthorized")

    def test_a_session_is_no_bearer_token_and_the_other_way_round(self, house: House) -> None:
        client = logged_in(house)
        bearer = house.client(client.cookies["tekil_session"])
        assert_problem(bearer.get(READ), 401, "unauthorized")
        cookie = house.client()
        secret = house.token(Permission.PROFILES_READ)
        assert house.client(secret).get(READ).status_code == 200
        cookie.cookies.set("tekil_session", secret)
        assert_problem(cookie.get(READ), 401, "unauthorized")

    def test_many_wrong_passwords_make_wait(self, house: House) -> None:
        house.access.set_password(PASSWORD)
        client = house.client()
        for _ in range(5):
            answer = client.post("/api/v1/login", json={"password": "wrong"})
            assert_problem(answer, 401, "unauthorized")
        right = client.post("/api/v1/login", json={"password": PASSWORD})
        assert_problem(right, 429, "rate_limited")
        house.clock.advance(int(right.headers["retry-after"]) * 1000)
        assert client.post("/api/v1/login", json={"password": PASSWORD}).status_code == 200

    def test_behind_a_proxy_each_address_has_its_own_tries(self, house: House) -> None:
        house.access.set_password(PASSWORD)
        house.access.trusted_proxies = 1
        client = house.client()
        for _ in range(5):
            client.post("/api/v1/login", json={"password": "wrong"}, headers=via("6.6.6.6"))
        right = {"password": PASSWORD}
        # What the client itself put in front is not believed.
        forged = client.post("/api/v1/login", json=right, headers=via("7.7.7.7, 6.6.6.6"))
        assert_problem(forged, 429, "rate_limited")
        answer = client.post("/api/v1/login", json=right, headers=via("8.8.8.8"))
        assert answer.status_code == 200
        assert "Secure" in answer.headers["set-cookie"]

    def test_without_proxies_their_headers_are_not_believed(self, house: House) -> None:
        house.access.set_password(PASSWORD)
        client = house.client()
        for number in range(5):
            headers = via(f"6.6.6.{number}")
            client.post("/api/v1/login", json={"password": "wrong"}, headers=headers)
        answer = client.post("/api/v1/login", json={"password": PASSWORD}, headers=via("8.8.8.8"))
        assert_problem(answer, 429, "rate_limited")

    def test_logging_out_without_a_session(self, house: House) -> None:
        assert house.client().post("/api/v1/logout").status_code == 204


class TestOtherSites:
    """A page of another site must not act with the user's cookie."""

    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://tekil.example.evil.example"},
            {"Origin": "http://tekil.example:81"},
            {"Origin": "https://evil.example", "X-Tekil-Console": "1"},
            {"Origin": "http://[bad"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {},
        ],
        ids=str,
    )
    def test_a_change_is_refused(self, house: House, headers: dict[str, str]) -> None:
        client = logged_in(house)
        assert_problem(client.post(WRITE, headers=headers), 403, "forbidden")
        assert client.get(READ, headers=headers).status_code == 200

    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "http://tekil.example"},
            {"Sec-Fetch-Site": "same-origin"},
            {"X-Tekil-Console": "1"},
        ],
        ids=str,
    )
    def test_our_own_pages_may_change(self, house: House, headers: dict[str, str]) -> None:
        assert logged_in(house).post(WRITE, headers=headers).status_code == 200

    def test_behind_a_proxy_the_public_address_is_ours(self, house: House) -> None:
        client = logged_in(house)
        house.access.public_url = "https://cdp.example/"
        assert client.post(WRITE, headers={"Origin": "https://cdp.example"}).status_code == 200
        answer = client.post(WRITE, headers={"Origin": "https://cdp.example:444"})
        assert_problem(answer, 403, "forbidden")

    def test_a_token_needs_no_origin(self, house: House) -> None:
        client = house.client(ADMIN_TOKEN)
        assert client.post(WRITE, headers={"Origin": "https://other.example"}).status_code == 200

    @pytest.mark.parametrize("path", ["/api/v1/login", "/api/v1/logout"])
    def test_nor_may_it_log_in_or_out(self, house: House, path: str) -> None:
        house.access.set_password(PASSWORD)
        answer = house.client().post(
            path, json={"password": PASSWORD}, headers={"Origin": "https://evil.example"}
        )
        assert_problem(answer, 403, "forbidden")


class TestPasswords:
    """Setting passwords over HTTP."""

    def test_set_and_use(self, house: House) -> None:
        client = house.client(ADMIN_TOKEN)
        answer = client.put("/api/v1/users/ayşe/password", json={"password": PASSWORD})
        assert answer.status_code == 204
        login = house.client().post("/api/v1/login", json={"name": "ayşe", "password": PASSWORD})
        assert login.json()["name"] == "ayşe"

    def test_only_who_may_do_everything(self, house: House) -> None:
        client = house.client(house.token(Permission.USERS_WRITE))
        answer = client.put("/api/v1/users/admin/password", json={"password": PASSWORD})
        assert_problem(answer, 403, "forbidden")

    @pytest.mark.parametrize("password", ["", "short", "admin-admin-admin", "x" * 1025])
    def test_a_weak_password(self, house: House, password: str) -> None:
        answer = house.client(ADMIN_TOKEN).put(
            "/api/v1/users/admin/password", json={"password": password}
        )
        assert answer.status_code == 400
        if password:
            assert f'"{password}"' not in answer.json()["detail"]


def logged_in(house: House):
    """A browser after logging in."""
    house.access.set_password(PASSWORD)
    client = house.client()
    assert client.post("/api/v1/login", json={"password": PASSWORD}).status_code == 200
    return client


def names(answer) -> list[str]:
    """The names in a page."""
    return [item["name"] for item in answer.json()["items"]]


def via(forwarded_for: str) -> dict[str, str]:
    """The headers that a proxy adds."""
    return {"X-Forwarded-For": forwarded_for, "X-Forwarded-Proto": "https"}
