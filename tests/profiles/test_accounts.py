"""Accounts: what group calls tell of organisations, and who belongs to them."""

from __future__ import annotations

from typing import Any

from tests.identity.house import Call
from tests.identity_live.shop import Shop


def group(number: int, user: str, group_id: str, **traits: Any) -> dict[str, Any]:
    return {"call": Call(number, "group", user=user, traits=traits, server=True), "id": group_id}


def send(shop: Shop, *calls: dict[str, Any]) -> None:
    for each in calls:
        shop.send(each["call"], groupId=each["id"])


def test_an_account_has_traits_and_members_that_are_people(shop: Shop) -> None:
    send(
        shop,
        group(3, "ada", "acme", name="Acme Ltd Şti", seats=3),
        group(1, "bob", "acme", name="Acme", plan="free"),
        group(2, "cem", "other", name="Other"),
    )
    shop.send(Call(4, "identify", user="ada", anon="x", server=True))
    shop.send(Call(5, "group", anon="x", server=True), groupId="acme")
    found = shop.get("/accounts/acme")
    assert found["traits"] == {"name": "Acme Ltd Şti", "seats": 3, "plan": "free"}
    assert found["member_count"] == 2
    assert found["first_seen"] == "2026-03-01T12:01:00.000Z"
    assert found["last_seen"] == "2026-03-01T12:05:00.000Z"
    members = shop.get("/accounts/acme/members")["items"]
    assert {m["identities"][0]["value"] for m in members} == {"ada", "bob"}
    page = shop.get("/accounts/acme/members", limit=1)
    rest = shop.get("/accounts/acme/members", limit=1, cursor=page["next"])
    assert page["items"] + rest["items"] == members
    assert rest["next"] is None
    accounts = shop.get("/profiles/user_id:ada")["accounts"]
    assert [(a["group_id"], a["first_seen"]) for a in accounts] == [
        ("acme", "2026-03-01T12:03:00.000Z")
    ]


def test_accounts_are_found_by_id_and_name(shop: Shop) -> None:
    send(
        shop,
        group(1, "ada", "acme-1", name="Işık A.Ş."),
        group(2, "bob", "acme-2", name="Gölge Ltd"),
        group(3, "cem", "a/b"),
    )
    names = [a["group_id"] for a in shop.get("/accounts")["items"]]
    assert names == ["a/b", "acme-2", "acme-1"]
    assert [a["group_id"] for a in shop.get("/accounts", query="ISIK")["items"]] == ["acme-1"]
    assert [a["group_id"] for a in shop.get("/accounts", query="acme golge")["items"]] == ["acme-2"]
    assert shop.get("/accounts", query="nothing")["items"] == []
    page = shop.get("/accounts", query="acme", limit=1)
    rest = shop.get("/accounts", query="acme", limit=1, cursor=page["next"])
    assert [page["items"][0]["group_id"], rest["items"][0]["group_id"]] == ["acme-2", "acme-1"]
    assert rest["next"] is None
    assert shop.get("/accounts/a/b")["group_id"] == "a/b"
    assert len(shop.get("/accounts/a/b/members")["items"]) == 1
    shop.get("/accounts/nobody", 404)
    shop.get("/accounts", 400, cursor="x")
