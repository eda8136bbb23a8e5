"""People are found by any identity and by names as they are typed on any keyboard."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from tests.identity.house import Call
from tests.identity_live.shop import Shop

from tekil.identity.tables import identities
from tekil.kit.json import JsonObject
from tekil.profiles.search import profiles_sql
from tekil.profiles.tables import search_terms
from tekil.store.state import SqlStore


def identify(number: int, user: str, **traits: Any) -> Call:
    return Call(number, "identify", user=user, traits=traits, server=True)


@pytest.fixture
def people(shop: Shop) -> Shop:
    shop.send(
        identify(1, "u1", name="Işıl Yılmaz", email="isil@example.com", phone="0532 111 22 33"),
        identify(2, "u2", firstName="IŞIL", lastName="Kara", email="kara@example.com"),
        identify(3, "u3", name="İbrahim Çağrı", email="ibrahim@example.org"),
        identify(4, "a/b events", name="Pat O'Brien"),
        Call(5, anon="3f2a-anonymous"),
        Call(6, "alias", user="u1", previous="older", server=True),
    )
    return shop


def found(shop: Shop, query: str) -> list[str]:
    items = shop.get("/profiles", query=query)["items"]
    return [min(i["value"] for i in item["identities"]) for item in items]


@pytest.mark.parametrize("query", ["ışıl", "ISIL", "isil", "IŞIL", "ışı", "  Işıl  "])
def test_turkish_letters_are_found_on_any_keyboard(people: Shop, query: str) -> None:
    assert {"+905321112233", "kara@example.com"} == set(found(people, query))


def test_every_word_must_match_each_the_beginning_of_one(people: Shop) -> None:
    assert found(people, "işıl yıl") == ["+905321112233"]
    assert found(people, "kara ışıl") == ["kara@example.com"]
    assert found(people, "ışıl zzz") == []
    assert found(people, "şıl") == [], "the middle of a word is not its beginning"
    assert found(people, "cagri ibr") == ["ibrahim@example.org"]
    assert found(people, "o'brien") == ["a/b events"]
    assert found(people, "brien") == ["a/b events"]


@pytest.mark.parametrize(
    "query",
    ["isil@example.com", "ISIL@Example.com", "email:isil@example.com", "05321112233",
     "+90 532 111 22 33", "phone:05321112233", "u1", "user_id:u1", "isil@exam"],
)  # fmt: skip
def test_every_identity_finds_its_person(people: Shop, query: str) -> None:
    assert found(people, query)[0] == "+905321112233"


def test_machine_made_ids_are_found_whole(people: Shop) -> None:
    assert found(people, "3f2a-anonymous") == ["3f2a-anonymous"]
    assert found(people, "anonymous_id:3f2a-anonymous") == ["3f2a-anonymous"]
    assert found(people, "3f2a") == []


def test_who_has_exactly_the_identity_comes_first(shop: Shop) -> None:
    shop.send(identify(1, "ada", name="First"))
    shop.send(identify(2, "x", name="ada ada"))
    shop.send(identify(3, "y", email="ada@example.com"))
    assert found(shop, "ada")[0] == "ada"
    assert len(found(shop, "ada")) == 3


def test_without_a_query_everybody_is_listed_in_pages(people: Shop) -> None:
    seen: list[str] = []
    cursor: str | None = None
    while True:
        more: dict[str, Any] = {"cursor": cursor} if cursor else {}
        page = people.get("/profiles", limit=2, **more)
        seen += [item["profile_id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == people.get("/stats")["profiles"] == 5
    first: JsonObject = people.get("/profiles", limit=1)["items"][0]
    assert first == people.get(f"/profiles/profile_id:{first['profile_id']}")


def test_pages_of_a_search_show_everybody_once(shop: Shop) -> None:
    shop.send(*(identify(n, f"u{n}", name="Ada Any") for n in range(7)))
    shop.send(identify(9, "ada", name="Somebody"))
    for limit in (1, 2, 3, 8):
        seen: list[str] = []
        cursor: str | None = None
        while True:
            more: dict[str, Any] = {"cursor": cursor} if cursor else {}
            page = shop.get("/profiles", query="ada", limit=limit, **more)
            assert len(page["items"]) <= limit
            seen += [item["profile_id"] for item in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == 8
        assert seen[0] == shop.get("/profiles/user_id:ada")["profile_id"]


def test_bad_questions_get_clear_answers(people: Shop) -> None:
    people.get("/profiles", 400, cursor="nonsense")
    assert people.get("/profiles", query="\x00 ' \" % _ ; --")["items"] == []
    assert people.get("/profiles", query="x " * 500)["items"] == []
    people.get("/profiles", 400, limit=0)


def test_ids_with_slashes_can_be_looked_up(people: Shop) -> None:
    assert people.person("user_id:a/b events") == {"user_id:a/b events"}
    assert len(people.get("/profiles/user_id:a/b events/events")["items"]) == 1


def test_the_statement_gives_the_same_on_both_databases(state_store: SqlStore) -> None:
    """Prefixes are compared byte by byte, whatever the database's language."""
    words = ["ada", "adam", "ad-a", "ad a", "adé", "ae", "z", "ab", "adz"]
    with state_store.write() as connection:
        for number, word in enumerate(words, 1):
            node = {
                "identity_id": number, "key": str(number), "namespace": "user_id", "value": word,
                "first_seen": 0, "verified": True, "attested": True, "component": number,
                "profile_id": number,
            }  # fmt: skip
            connection.execute(sa.insert(identities), [node])
            connection.execute(sa.insert(search_terms), [{"term": word, "identity_id": number}])
    with state_store.read() as connection:
        for prefix in ("ad", "ada", "a", "z"):
            statement = profiles_sql([prefix], before=None, without=[])
            rows = [words[row[0] - 1] for row in connection.execute(statement)]
            assert sorted(rows) == sorted(w for w in words if w.startswith(prefix))
