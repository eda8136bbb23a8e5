"""Strong secrets, passwords, permissions, and pages of our own."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tekil.access import Permission, check_secrets
from tekil.access.model import EVERY_PERMISSION
from tekil.access.rules import (
    check_grant,
    check_password,
    client_address,
    format_permissions,
    is_loopback,
    parse_permissions,
    stored_permissions,
    weakness,
)
from tekil.errors import Forbidden, InputError, InvalidDefinition
from tekil.kit.ids import new_secret
from tekil.settings import Settings

WEAK = [
    "admin",
    "secret",
    "changeme",
    "test",
    "demo",
    "x",
    "1234567890123456789",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "abababababababababababababab",
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789012345",
    "admin-secret-changeme-test",
    "AdminAdminAdminAdminAdmin",
    "my-secret-admin-token-demo",
    "tekil-tekil-tekil-tekil-tekil",
    "change-me-change-me-change-me",
    "password-password-12345",
]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "cdp.example", "", "2001:db8::1"])
@pytest.mark.parametrize("token", WEAK)
def test_a_weak_token_is_refused_where_others_can_reach_it(host: str, token: str) -> None:
    with pytest.raises(InvalidDefinition) as caught:
        check_secrets(Settings(host=host, admin_token=token))
    message = caught.value.message
    assert "admin_token (TEKIL_ADMIN_TOKEN)" in message
    assert "python3 -c" in message
    assert f"listen on {host}" in message
    assert f'"{token}"' not in message


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.9.1", "localhost", "LOCALHOST", "::1", "[::1]"]
)
def test_on_loopback_any_token_will_do(host: str) -> None:
    assert is_loopback(host)
    check_secrets(Settings(host=host, admin_token="admin"))


def test_without_a_token_there_is_nothing_weak() -> None:
    check_secrets(Settings(host="0.0.0.0"))
    check_secrets(Settings(host="0.0.0.0", admin_token=""))


@pytest.mark.parametrize(
    "make",
    [
        lambda: secrets.token_urlsafe(32),
        lambda: secrets.token_hex(16),
        lambda: new_secret("tk"),
        lambda: secrets.token_urlsafe(16),
    ],
)
def test_random_tokens_are_strong(make) -> None:
    for _ in range(500):
        secret = make()
        assert weakness(secret) is None, secret


@given(st.text(max_size=19))
def test_a_short_token_is_always_weak(text: str) -> None:
    assert weakness(text) is not None


@given(st.text(max_size=60))
def test_any_text_gets_an_answer(text: str) -> None:
    weakness(text)


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "elevenchars",
        "adminadminadmin",
        "password1234",
        "aaaaaaaaaaaaaaaa",
        "123456789012",
        "ayşeayşeayşe",
        "changeme-admin",
        "x" * 2000,
    ],
)
def test_a_weak_password_is_refused(password: str) -> None:
    with pytest.raises(InvalidDefinition) as caught:
        check_password("ayşe", password)
    assert caught.value.attributes["path"] == "password"


@pytest.mark.parametrize(
    "password", ["correct horse battery staple", "Şifre değil: 7 küçük ördek", "k8#Lq2!vPz0w"]
)
def test_a_good_password_is_taken(password: str) -> None:
    check_password("admin", password)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["*"], EVERY_PERMISSION),
        (["profiles:read"], {Permission.PROFILES_READ}),
        ([" profiles:read "], {Permission.PROFILES_READ}),
        (["tokens:*"], {Permission.TOKENS_READ, Permission.TOKENS_WRITE}),
        (["tokens:*", "tokens:read"], {Permission.TOKENS_READ, Permission.TOKENS_WRITE}),
    ],
)
def test_permissions_as_people_write_them(texts: list[str], expected: set[Permission]) -> None:
    assert parse_permissions(texts) == expected


@pytest.mark.parametrize("text", ["profiles", "profile:*", ":*", "", "PROFILES:READ", "read:*"])
def test_unknown_permissions_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="There is no permission"):
        parse_permissions([text])


@given(st.frozensets(st.sampled_from(Permission), min_size=1))
def test_permissions_survive_being_stored(permissions: frozenset[Permission]) -> None:
    assert stored_permissions(format_permissions(permissions)) == permissions
    assert parse_permissions(format_permissions(permissions)) == permissions


def test_a_permission_that_is_no_more_grants_nothing() -> None:
    assert stored_permissions(["profiles:read", "gone:write"]) == {Permission.PROFILES_READ}


@given(st.frozensets(st.sampled_from(Permission)), st.frozensets(st.sampled_from(Permission)))
def test_a_grant_is_allowed_exactly_when_it_is_owned(
    granted: frozenset[Permission], own: frozenset[Permission]
) -> None:
    if granted <= own:
        check_grant(granted, own)
    else:
        with pytest.raises(Forbidden):
            check_grant(granted, own)


@pytest.mark.parametrize(
    ("forwarded", "proxies", "expected"),
    [
        ("", 0, "peer"),
        ("1.1.1.1", 0, "peer"),
        ("", 2, "peer"),
        ("1.1.1.1", 1, "1.1.1.1"),
        ("9.9.9.9, 1.1.1.1, 2.2.2.2", 2, "1.1.1.1"),
        ("1.1.1.1", 2, "peer"),
        (" , ,", 1, "peer"),
    ],
)
def test_the_address_behind_proxies(forwarded: str, proxies: int, expected: str) -> None:
    assert client_address("peer", forwarded, proxies) == expected


def test_each_permission_names_an_area_and_an_action() -> None:
    for permission in Permission:
        area, _, action = permission.partition(":")
        assert permission.name == f"{area}_{action}".upper()
        assert action in ("read", "write")
