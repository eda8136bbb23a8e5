"""A person as of a past time is who they would be, had nothing happened since."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from tests.identity.house import Call
from tests.identity_live.shop import MINUTE, NOON, Shop, open_shop

from tekil.kit.clock import to_iso


def at(minute: float) -> str:
    return to_iso(round(NOON + minute * MINUTE))


def test_identities_traits_and_counts_are_those_of_then(shop: Shop) -> None:
    shop.send(
        Call(1, "page", anon="a"),
        Call(2, "identify", anon="a", traits={"plan": "free", "city": "İzmir"}),
        Call(3, "identify", user="ada", anon="a", traits={"plan": "paid", "email": "a@b.co"}),
        Call(4, user="ada", anon="a"),
    )
    then = shop.get("/profiles/anonymous_id:a", as_of=at(2))
    assert [i["value"] for i in then["identities"]] == ["a"]
    assert then["traits"] == {"plan": "free", "city": "İzmir"}
    assert (then["event_count"], then["last_seen"]) == (2, at(2))
    assert len(shop.get("/profiles/anonymous_id:a/events", as_of=at(2))["items"]) == 2
    later = shop.get("/profiles/anonymous_id:a", as_of=at(3))
    assert later["traits"]["plan"] == "paid"
    assert later["event_count"] == 3
    assert {i["value"] for i in later["identities"]} == {"a", "ada", "a@b.co"}
    now = shop.get("/profiles/anonymous_id:a", provenance=True)
    assert shop.get("/profiles/anonymous_id:a", as_of=at(99), provenance=True) == now
    shop.get("/profiles/user_id:ada", 404, as_of=at(2))
    shop.get("/profiles/user_id:ada", 400, as_of="yesterday")


def test_what_came_late_belongs_to_the_time_that_it_speaks_of(shop: Shop) -> None:
    shop.send(Call(5, "identify", user="ada", traits={"plan": "paid"}))
    shop.send(Call(1, "identify", user="ada", traits={"plan": "free"}))
    assert shop.get("/profiles/user_id:ada", as_of=at(2))["traits"] == {"plan": "free"}
    assert shop.get("/profiles/user_id:ada")["traits"] == {"plan": "paid"}


def test_a_strong_value_stands_above_a_later_weak_one_then_as_now(shop: Shop) -> None:
    shop.send(Call(1, "identify", user="ada", traits={"tier": "gold"}, server=True))
    shop.send(Call(2, "identify", user="ada", traits={"tier": "fake"}))
    shop.send(Call(8, "identify", user="ada", traits={"tier": "silver"}, server=True))
    assert shop.get("/profiles/user_id:ada", as_of=at(3))["traits"] == {"tier": "gold"}
    assert shop.get("/profiles/user_id:ada", as_of=at(9))["traits"] == {"tier": "silver"}


def test_a_kiosk_was_a_persons_own_before_it_was_shared(shop: Shop) -> None:
    for n in range(7):
        shop.send(Call(n, "identify", user=f"u{n}", anon="kiosk"))
    now = shop.get("/profiles/anonymous_id:kiosk")
    assert [i["value"] for i in now["identities"]] == ["kiosk"]
    then = shop.get("/profiles/anonymous_id:kiosk", as_of=at(2))
    assert {i["value"] for i in then["identities"]} == {"kiosk", "u0"}
    assert not any(i["shared"] for i in then["identities"])


def test_decisions_by_hand_count_from_when_they_were_made(shop: Shop) -> None:
    shop.send(Call(1, "identify", user="ada"), Call(2, "identify", user="bob"))
    for minute, path in ((610, "join"), (620, "separate"), (630, "join")):
        shop.clock.advance(NOON + minute * MINUTE - shop.clock.now())
        shop.post(f"/identity/{path}", a="user_id:ada", b="user_id:bob")
    sizes = [
        len(shop.get("/profiles/user_id:ada", as_of=at(minute))["identities"])
        for minute in (605, 615, 625, 635)
    ]
    assert sizes == [1, 2, 1, 2]


def test_accounts_are_those_of_then(shop: Shop) -> None:
    for minute, group_id, name in ((1, "acme", "Old"), (5, "acme", "New"), (6, "other", "Other")):
        call = Call(minute, "group", user="ada", traits={"name": name}, server=True)
        shop.send(call, groupId=group_id)
    assert shop.get("/profiles/user_id:ada", as_of=at(2))["accounts"] == [
        {"group_id": "acme", "traits": {"name": "Old"}, "first_seen": at(1)}
    ]
    assert len(shop.get("/profiles/user_id:ada", as_of=at(6))["accounts"]) == 2


def calls_of(dice: random.Random) -> list[Call]:
    users, devices = [f"u{n}" for n in range(6)], [f"d{n}" for n in range(8)]
    calls = []
    for number in range(60):
        traits: dict[str, Any] = {"n": number % 7, "plan": dice.choice(["a", "b", "c"])}
        if dice.random() < 0.4:
            traits["email"] = f"e{dice.randint(0, 4)}@example.com"
        calls.append(
            Call(
                number,
                dice.choice(["identify", "track", "page"]),
                user=dice.choice([None, dice.choice(users)]),
                anon=dice.choice(devices),
                traits=traits,
                server=dice.random() < 0.3,
            )
        )
    return calls


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_as_of_equals_a_house_that_has_heard_nothing_since(tmp_path: Path, seed: int) -> None:
    """What is proven (verified) is as known now, so everything here comes from servers."""
    dice = random.Random(seed)
    calls = [Call(c.at, c.type, c.user, c.anon, traits=c.traits if c.type == "identify" else None,
                  server=True) for c in calls_of(dice)]  # fmt: skip
    cut = dice.randint(15, 50)
    refs = sorted({f"user_id:{c.user}" for c in calls[: cut + 1] if c.user} | {
        f"anonymous_id:{c.anon}" for c in calls[: cut + 1]
    })  # fmt: skip
    with open_shop(tmp_path / "whole") as shop:
        for part in (calls[::2], calls[1::2]):
            shop.send(*part)
        as_of = {ref: shop.get(f"/profiles/{ref}", as_of=at(cut + 0.5)) for ref in refs}
    with open_shop(tmp_path / "then") as shop:
        shop.send(*calls[: cut + 1])
        expected = {ref: shop.get(f"/profiles/{ref}") for ref in refs}
    for ref in refs:
        for each in (as_of[ref], expected[ref]):
            del each["profile_id"]  # each installation has a key of its own
        assert as_of[ref] == expected[ref], (seed, cut, ref)
