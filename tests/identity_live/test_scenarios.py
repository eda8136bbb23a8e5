"""What happens to people in real life, each by its name, through the running program."""

from __future__ import annotations

import pytest
from tests.identity.house import Call, person
from tests.identity_live.shop import Shop


def test_a_user_renamed_by_an_alias_keeps_both_histories(shop: Shop) -> None:
    shop.send(Call(1, user="old", server=True), Call(2, user="new", server=True))
    shop.send(Call(3, "alias", user="new", previous="old", server=True))
    assert shop.people() == {person("user_id:old", "user_id:new")}
    assert shop.get("/profiles/user_id:new")["event_count"] == 3


def test_an_alias_from_a_browser_joins_no_two_user_ids(shop: Shop) -> None:
    shop.send(Call(1, user="old", server=True), Call(2, user="new", server=True))
    shop.send(Call(3, "alias", user="new", previous="old"))
    assert shop.people() == {person("user_id:old"), person("user_id:new")}


def test_an_alias_of_oneself_changes_nothing(shop: Shop) -> None:
    shop.send(Call(1, "alias", user="ada", previous="ada", server=True))
    assert shop.people() == {person("user_id:ada")}


def test_an_id_that_only_an_alias_names_is_nobody_until_it_is_seen(shop: Shop) -> None:
    shop.send(Call(1, "alias", user="new", previous="old", server=True))
    assert shop.people() == {person("user_id:new")}
    shop.send(Call(2, user="old", server=True))
    assert shop.people() == {person("user_id:old", "user_id:new")}


def test_a_number_and_its_text_are_one_id(shop: Shop) -> None:
    shop.send(Call(1, user="42", server=True))
    shop.send(Call(2, server=True), userId=42)
    assert shop.people() == {person("user_id:42")}


def test_late_identify_brings_the_anonymous_past_along(shop: Shop) -> None:
    shop.send(Call(1, "page", anon="a"), Call(2, anon="a"))
    shop.send(Call(9, "identify", user="42", anon="a", traits={"email": "Ada@Example.com"}))
    found = shop.get("/profiles/email:ada@example.com")
    assert found["event_count"] == 3
    assert shop.people() == {person("anonymous_id:a", "user_id:42", "email:ada@example.com")}


def test_a_server_event_before_the_browser_identify_makes_no_second_person(shop: Shop) -> None:
    shop.send(Call(1, "page", anon="a"))
    shop.send(Call(2, user="42", server=True))
    shop.send(Call(3, "identify", user="42", anon="a"))
    assert shop.people() == {person("anonymous_id:a", "user_id:42")}


@pytest.mark.parametrize("backward", [False, True])
def test_a_shared_device_goes_to_its_first_user(shop: Shop, *, backward: bool) -> None:
    calls = [
        Call(1, "identify", user="ada", anon="family"),
        Call(2, "identify", user="bob", anon="family"),
        Call(3, user="bob", anon="family"),
    ]
    for call in reversed(calls) if backward else calls:
        shop.send(call)
    assert shop.people() == {person("user_id:ada", "anonymous_id:family"), person("user_id:bob")}


def test_logout_without_reset_keeps_the_next_user_apart_and_says_why(shop: Shop) -> None:
    shop.send(Call(1, "identify", user="ada", anon="a"), Call(2, anon="a"))
    shop.send(Call(3, "identify", user="bob", anon="a"), Call(4, user="bob", anon="a"))
    assert shop.people() == {person("user_id:ada", "anonymous_id:a"), person("user_id:bob")}
    claims = shop.get("/profiles/user_id:bob/claims")["items"]
    assert [(c["believed"], c["refused"]["reason"], c["refused"]["limit"]) for c in claims] == [
        (False, "limit", 1)
    ]
    why = shop.get("/identity/explain", a="user_id:ada", b="user_id:bob")
    assert not why["one_person"]
    assert why["refused"][0]["refused"]["explanation"] == (
        "One profile would hold more than 1 of user_id."
    )


def test_a_kiosk_belongs_to_nobody_and_is_shown(shop: Shop) -> None:
    for n in range(7):
        shop.send(Call(n, "identify", user=f"u{n}", anon="kiosk"))
    assert shop.people() == {
        person("anonymous_id:kiosk"), *(person(f"user_id:u{n}") for n in range(7))
    }  # fmt: skip
    (shared,) = shop.get("/identity/quarantine")["items"]
    assert (shared["namespace"], shared["value"]) == ("anonymous_id", "kiosk")
    assert (shared["strength"], shared["counted"], shared["limit"]) == ("weak", "user_id", 4)
    why = shop.get("/profiles/user_id:u1/explain", b="user_id:u2")
    assert why["explanation"].startswith("Two people: what connects them is an identity")
    assert [c["refused"]["identity"]["value"] for c in why["refused"]] == ["kiosk", "kiosk"]


def test_a_browser_cannot_take_over_a_verified_customer(shop: Shop) -> None:
    shop.send(Call(1, "identify", user="ada", traits={"email": "ada@example.com"}, server=True))
    shop.send(Call(2, "identify", user="eve", traits={"email": "eve@example.com"}, server=True))
    shop.send(
        Call(3, "identify", user="eve", anon="x", traits={"email": "ada@example.com", "vip": True})
    )
    assert shop.person("user_id:ada") == {"user_id:ada", "email:ada@example.com"}
    assert "vip" not in shop.get("/profiles/user_id:ada")["traits"]
