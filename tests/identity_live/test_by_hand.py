"""Decisions by hand: they go through the one writer, and undoing them restores what was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.identity.house import Call, person
from tests.identity_live.shop import Shop, open_shop

from tekil.kit.ids import ProfileId


def two_people(shop: Shop) -> None:
    shop.send(
        Call(1, "identify", user="ada", traits={"email": "ada@example.com", "plan": "a"}),
        Call(2, "identify", user="bob", traits={"email": "bob@example.com", "plan": "b"}),
        Call(3, user="ada"),
    )


def state(shop: Shop) -> dict[str, Any]:
    """All that the API says of everybody."""
    people = {}
    for group in shop.people():
        found = shop.get(f"/profiles/{min(group)}", provenance=True)
        people[min(group)] = found | {"events": shop.get(f"/profiles/{min(group)}/events")["items"]}
    return people


def test_joining_and_separating_again_restores_exactly_what_was(shop: Shop) -> None:
    two_people(shop)
    before = state(shop)
    joined = shop.post("/identity/join", a="user_id:ada", b="email:bob@example.com", note="twins?")
    assert joined["changed"]
    assert [p["identity_count"] for p in joined["before"]] == [2, 2]
    assert [p["identity_count"] for p in joined["after"]] == [4]
    found = shop.get("/profiles/user_id:bob")
    assert found["event_count"] == 3
    assert found["traits"]["plan"] == "b"
    (claim,) = [c for c in shop.get("/profiles/user_id:bob/claims")["items"] if c["kind"] == "join"]
    assert (claim["source"], claim["note"], claim["believed"]) == ("by hand", "twins?", True)
    parted = shop.post("/identity/separate", a="user_id:ada", b="email:bob@example.com")
    assert parted["changed"]
    assert (parted["before"], parted["after"]) == (joined["after"], joined["before"])
    assert state(shop) == before


def test_separating_and_joining_again_restores_exactly_what_was(shop: Shop) -> None:
    two_people(shop)
    before = state(shop)
    parted = shop.post("/identity/separate", a="user_id:ada", b="email:ada@example.com")
    assert len(parted["after"]) == 2
    assert shop.person("user_id:ada") == {"user_id:ada"}
    shop.send(Call(9, "identify", user="ada", traits={"email": "ada@example.com"}))
    assert shop.person("user_id:ada") == {"user_id:ada"}, "new evidence overrules nobody"
    why = shop.get("/identity/explain", a="user_id:ada", b="email:ada@example.com")
    assert why["separations"]
    assert why["refused"][0]["refused"]["reason"] == "separated"
    shop.post("/identity/join", a="user_id:ada", b="email:ada@example.com")
    assert shop.person("user_id:ada") == {"user_id:ada", "email:ada@example.com"}
    assert {k: v["profile_id"] for k, v in state(shop).items()} == {
        k: v["profile_id"] for k, v in before.items()
    }


def test_the_last_of_many_decisions_holds_though_the_clock_stands_still(shop: Shop) -> None:
    two_people(shop)
    pair = {"a": "user_id:ada", "b": "user_id:bob"}
    for _ in range(3):
        shop.post("/identity/join", **pair)
        assert len(shop.people()) == 1
        shop.post("/identity/separate", **pair)
        assert len(shop.people()) == 2


def test_a_join_that_a_separation_forbids_is_refused_whole(shop: Shop) -> None:
    two_people(shop)
    shop.post("/identity/separate", a="user_id:ada", b="user_id:bob")
    before = state(shop)
    problem = shop.post("/identity/join", 409, a="email:ada@example.com", b="email:bob@example.com")
    assert problem["code"] == "conflict"
    assert "user_id:ada" in problem["detail"]
    assert "user_id:bob" in problem["detail"]
    assert state(shop) == before
    assert all(c["kind"] != "join" for c in shop.get("/profiles/user_id:ada/claims")["items"])
    shop.send(Call(20, user="cem"))
    assert person("user_id:cem") in shop.people(), "the pipeline goes on after a refused decision"


def test_separating_people_who_are_two_keeps_them_two(shop: Shop) -> None:
    two_people(shop)
    done = shop.post("/identity/separate", a="email:ada@example.com", b="email:bob@example.com")
    assert not done["changed"]
    shop.send(Call(9, "identify", anon="x", traits={"email": "ada@example.com"}))
    shop.send(Call(10, "identify", anon="x", traits={"email": "bob@example.com"}))
    assert len(shop.people()) == 2


def test_followers_hear_of_decisions_as_of_batches(shop: Shop) -> None:
    two_people(shop)
    heard: list[frozenset[ProfileId]] = []
    shop.runtime.pipeline.writer.on_stored = heard.append
    shop.post("/identity/join", a="user_id:ada", b="user_id:bob")
    assert len(heard) == 1
    assert len(heard[0]) == 2
    shop.post("/identity/separate", a="user_id:ada", b="user_id:bob")
    assert len(heard[1]) == 2


def test_what_cannot_be_decided_says_why(shop: Shop) -> None:
    two_people(shop)
    same = shop.post("/identity/join", 400, a="user_id:ada", b="user_id: ada ")
    assert "same identity" in same["detail"]
    shop.post("/identity/join", 404, a="user_id:ada", b="user_id:nobody")
    shop.post("/identity/separate", 400, a="user_id:ada", b="bob")
    shop.post("/identity/separate", 400, a="user_id:ada")
    shop.post("/identity/separate", 400, a="user_id:ada", b="user_id:bob", c=1)
    shop.send(Call(30, user="ada"))
    assert shop.get("/profiles/user_id:ada")["event_count"] == 3


def test_the_chain_between_two_identities_reads_from_the_one_to_the_other(shop: Shop) -> None:
    shop.send(
        Call(1, "identify", user="ada", anon="phone"),
        Call(2, "identify", user="ada", traits={"email": "ada@example.com"}, server=True),
    )
    why = shop.get("/identity/explain", a="anonymous_id:phone", b="email:ada@example.com")
    assert why["one_person"]
    steps = [(c["a"]["value"], c["b"]["value"], c["source"], c["strength"]) for c in why["chain"]]
    assert steps == [
        ("phone", "ada", "browser", "weak"),
        ("ada", "ada@example.com", "server", "strong"),
    ]
    assert [c["event_time"] for c in why["chain"]] == [
        "2026-03-01T12:01:00.000Z", "2026-03-01T12:02:00.000Z"
    ]  # fmt: skip
    assert all(c["message_id"].startswith("m") for c in why["chain"])


def test_claims_are_paged_in_the_order_of_time(shop: Shop) -> None:
    shop.send(*(Call(n, "identify", user="ada", anon=f"a{n}") for n in range(7)))
    items, cursor = [], None
    while True:
        query = {"cursor": cursor} if cursor else {}
        page = shop.get("/profiles/user_id:ada/claims", limit=3, **query)
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert [c["a"]["value"] + c["b"]["value"] for c in items] == [f"adaa{n}" for n in range(7)]
    shop.get("/profiles/user_id:ada/claims", 400, cursor="nonsense")


# -- rules --------------------------------------------------------------------------------------


def test_rules_show_their_difference_first_and_then_apply_to_the_past(shop: Shop) -> None:
    shop.send(
        Call(1, "identify", user="ada", anon="test-1"),
        Call(2, "identify", anon="test-1", traits={"email": "x@example.com"}),
        Call(3, "identify", user="bob", anon="b"),
    )
    before = shop.people()
    answer = shop.get("/identity/rules")
    assert answer["version"] == 0
    rules = answer["rules"]
    rules["namespaces"]["anonymous_id"]["blocked_patterns"].append("^test-")
    announced = shop.put("/identity/rules", rules, dry_run="true")
    assert (announced["split"], announced["merged"]) == (1, 0)
    assert announced["profiles_after"] == announced["profiles_before"] + 2
    assert len(announced["splits"][0]["after"]) == 3
    assert shop.people() == before
    assert shop.get("/identity/rules")["version"] == 0
    done = shop.put("/identity/rules", rules, dry_run="false")
    assert done | {"dry_run": True, "version": 0} == announced
    assert shop.people() == {
        person("user_id:ada"), person("anonymous_id:test-1"), person("email:x@example.com"),
        person("user_id:bob", "anonymous_id:b"),
    }  # fmt: skip
    answer = shop.get("/identity/rules")
    assert (answer["version"], answer["rules"]) == (1, rules)
    shop.send(Call(4, "identify", user="cem", anon="test-1"))
    assert shop.person("user_id:cem") == {"user_id:cem"}, "new messages follow the new rules"
    rules["namespaces"]["anonymous_id"]["blocked_patterns"].pop()
    shop.put("/identity/rules", rules)
    assert before <= shop.people() | {person("user_id:cem")}


def test_wrong_rules_change_nothing_and_say_where_they_are_wrong(shop: Shop) -> None:
    two_people(shop)
    rules = shop.get("/identity/rules")["rules"]
    rules["namespaces"]["email"]["normaliser"] = "exact"
    problem = shop.put("/identity/rules", rules, 400, dry_run="true")
    assert "email" in problem["detail"]
    shop.put("/identity/rules", rules, 400, dry_run="false")
    rules["namespaces"]["email"]["limit"] = "many"
    shop.put("/identity/rules", rules, 400)
    assert shop.get("/identity/rules")["version"] == 0


def test_rules_and_decisions_outlive_the_process(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with open_shop(data) as shop:
        two_people(shop)
        rules = shop.get("/identity/rules")["rules"]
        rules["namespaces"]["email"]["limit"] = 7
        shop.put("/identity/rules", rules)
        shop.post("/identity/join", a="user_id:ada", b="user_id:bob")
        people = shop.people()
    with open_shop(data, sources=False) as shop:
        assert shop.get("/identity/rules")["rules"] == rules
        assert shop.people() == people
        shop.post("/identity/separate", a="user_id:ada", b="user_id:bob")
        assert len(shop.people()) == 2


def test_without_a_pipeline_nothing_is_decided(shop: Shop) -> None:
    two_people(shop)
    shop.runtime.pipeline.stop()
    problem = shop.api.post(
        "/api/v1/identity/join", json={"a": "user_id:ada", "b": "user_id:bob"}, headers=shop.head()
    )
    assert problem.status_code == 503
    assert "No pipeline works" in problem.json()["detail"]
