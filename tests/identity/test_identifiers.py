"""What a message names and what it claims."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.identity.house import NORMALISERS

from tekil.identity.identifiers import NO_LINKS, Identifiers, Link, external_namespace
from tekil.identity.model import ClaimKind, Namespace, Normaliser, Strength
from tekil.identity.namespaces import DEFAULT_RULES
from tekil.identity.rules import Rulebook
from tekil.identity.values import MAX_VALUE_CHARS, normalise_plain
from tekil.kit.json import JsonObject, JsonValue

IDS = Identifiers(Rulebook(DEFAULT_RULES), NORMALISERS)


def test_identities_come_in_the_order_of_rank_whatever_the_message_looks_like() -> None:
    context: JsonObject = {
        "device": {"advertisingId": "AD", "id": "dev"},
        "externalIds": [
            {"id": "z", "type": "zendesk"},
            {"id": "b", "type": "braze_id", "collection": "users", "encoding": "none"},
        ],
    }
    traits: JsonObject = {"phone": "+90 532 123 45 67", "email": "ADA@Example.com"}
    assert IDS.find("identify", "42", "anon", traits=traits, context=context) == [
        ("user_id", "42"),
        ("email", "ada@example.com"),
        ("phone", "+905321234567"),
        ("braze_id", "b"),
        ("zendesk", "z"),
        ("device_id", "dev"),
        ("advertising_id", "ad"),
        ("anonymous_id", "anon"),
    ]


@pytest.mark.parametrize("type_", ["track", "page", "screen", "group", "alias"])
def test_traits_count_in_identify_calls_only(type_: str) -> None:
    traits: JsonObject = {"email": "ada@example.com"}
    context: JsonObject = {"traits": {"email": "ada@example.com"}}
    assert IDS.find(type_, "42", None, traits=traits, context=context) == [("user_id", "42")]


def test_a_phone_is_read_in_the_region_of_its_source() -> None:
    traits: JsonObject = {"phone": "0532 123 45 67"}
    assert IDS.find("identify", None, None, traits=traits, region="TR") == [
        ("phone", "+905321234567")
    ]
    assert IDS.find("identify", None, None, traits=traits, region="US") == []
    assert IDS.find("identify", None, None, traits=traits, region="TR") != []


def test_what_is_no_address_names_nobody() -> None:
    assert IDS.find("identify", None, "a", traits={"email": "none of your business"}) == [
        ("anonymous_id", "a")
    ]


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        ({"id": "x", "type": "email"}, False),
        ({"id": "ada@example.com", "type": "email"}, True),
        ({"id": "x", "type": "loyalty", "collection": "accounts"}, False),
        ({"id": "x", "type": "loyalty", "encoding": "md5"}, False),
        ({"id": "x", "type": "loyalty", "encoding": None, "collection": None}, True),
        ({"id": "x"}, False),
        ({"type": "loyalty"}, False),
        ({"id": None, "type": "loyalty"}, False),
        ({"id": {"a": 1}, "type": "loyalty"}, False),
        ({"id": 7, "type": "loyalty"}, True),
        ({"id": "null", "type": "loyalty"}, False),
        ({"id": "x", "type": "bad name"}, False),
        ({"id": "x", "type": "n" * 65}, False),
        ("x", False),
    ],
)
def test_external_ids(entry: JsonValue, named: bool) -> None:
    found = IDS.find("track", "42", None, context={"externalIds": [entry]})
    assert (len(found) == 2) == named
    assert found[0] == ("user_id", "42")


def test_no_identity_is_named_twice_and_external_ids_are_bounded() -> None:
    same: list[JsonValue] = [{"id": "42", "type": "user_id"}, {"id": " 42", "type": "user_id"}]
    assert IDS.find("track", "42", None, context={"externalIds": same}) == [("user_id", "42")]
    many: list[JsonValue] = [{"id": str(n), "type": "loyalty"} for n in range(1, 5000)]
    assert len(IDS.find("track", "42", None, context={"externalIds": many})) == 21


def test_a_namespace_takes_only_what_its_rules_say() -> None:
    spaces = dict(DEFAULT_RULES.namespaces)
    spaces["email"] = replace(
        spaces["email"], from_=("userId", "properties.customer.email", "traits.mail")
    )
    ids = Identifiers(Rulebook(replace(DEFAULT_RULES, namespaces=spaces)), NORMALISERS)
    properties: JsonObject = {"customer": {"email": "B@example.com"}}
    assert ids.find("track", "a@example.com", None, properties=properties) == [
        ("user_id", "a@example.com"),
        ("email", "b@example.com"),
        ("email", "a@example.com"),
    ]
    assert ids.find("identify", "a@x.org", None, traits={"mail": "a@x.org"}) == [
        ("user_id", "a@x.org"),
        ("email", "a@x.org"),
    ]
    external: JsonObject = {"externalIds": [{"id": "c@example.com", "type": "email"}]}
    assert ids.find("track", "42", None, context=external) == [("user_id", "42")]


def test_long_values_and_nul_name_nobody() -> None:
    assert IDS.value("user_id", "x" * MAX_VALUE_CHARS) is not None
    assert IDS.value("user_id", "x" * (MAX_VALUE_CHARS + 1)) is None
    assert IDS.value("user_id", "a\x00b") is None


def test_the_plain_normalisers() -> None:
    assert normalise_plain(Normaliser.EXACT, " A ") == " A "
    assert normalise_plain(Normaliser.TRIM, " A ") == "A"
    assert normalise_plain(Normaliser.LOWER, " İZMİR ") == "izmir"
    assert normalise_plain(Normaliser.TRIM, "  ") is None


def test_external_namespace() -> None:
    assert external_namespace(" Braze_ID ") == "braze_id"
    assert external_namespace("_x") is None


json_values: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(
    st.none() | st.text(max_size=9),
    st.none() | st.text(max_size=9),
    st.dictionaries(st.sampled_from(["email", "phone", "x"]), json_values),
    st.dictionaries(st.sampled_from(["device", "externalIds", "traits"]), json_values),
    st.sampled_from(["identify", "track", "alias"]),
    st.sampled_from(Strength),
)
def test_anything_can_come_in(
    user: str | None,
    anon: str | None,
    traits: JsonObject,
    context: JsonObject,
    type_: str,
    strength: Strength,
) -> None:
    found = IDS.find(type_, user, anon, traits=traits, context=context)
    rules = Rulebook(DEFAULT_RULES)
    ranks = [rules.rank(namespace) for namespace, _ in found]
    assert ranks == sorted(ranks)
    assert len(set(found)) == len(found)
    assert not any(rules.is_blocked(*ref) for ref in found)
    links = IDS.links(found, strength, previous_id=user, anonymous_id=anon)
    assert all(link.left != link.right for link in links)
    again = Identifiers(rules, NORMALISERS)
    assert [again.value(*ref) for ref in found] == [value for _, value in found], "idempotent"


# -- what a message claims ----------------------------------------------------------------------

USER, MAIL, ANON = ("user_id", "u"), ("email", "e@example.com"), ("anonymous_id", "a")


def test_a_message_is_a_star_around_its_highest_ranked_identity() -> None:
    assert IDS.links([USER, MAIL, ANON], Strength.WEAK) == [
        Link(USER, MAIL, ClaimKind.MESSAGE),
        Link(USER, ANON, ClaimKind.MESSAGE),
    ]
    assert IDS.links([USER], Strength.WEAK) is NO_LINKS
    assert IDS.links([], Strength.STRONG) is NO_LINKS


def test_a_strong_alias_names_a_user_or_a_browser() -> None:
    assert list(IDS.links([USER], Strength.STRONG, previous_id="p")) == [
        Link(USER, ("user_id", "p"), ClaimKind.ALIAS),
        Link(USER, ("anonymous_id", "p"), ClaimKind.ALIAS),
    ]


def test_a_weak_alias_names_a_browser_at_most() -> None:
    assert list(IDS.links([USER], Strength.WEAK, previous_id="p")) == [
        Link(USER, ("anonymous_id", "p"), ClaimKind.ALIAS)
    ]


def test_an_alias_of_the_messages_own_anonymous_id_is_no_rename() -> None:
    links = IDS.links([USER, ANON], Strength.STRONG, previous_id="a", anonymous_id="a")
    assert list(links) == [
        Link(USER, ANON, ClaimKind.MESSAGE),
        Link(USER, ANON, ClaimKind.ALIAS),
    ]


@pytest.mark.parametrize("strength", list(Strength))
def test_an_alias_without_a_user_of_itself_or_of_nobody_claims_nothing(strength: Strength) -> None:
    assert list(IDS.links([ANON], strength, previous_id="p", anonymous_id="a")) == []
    assert list(IDS.links([USER], strength, previous_id=" u ")) == []
    assert list(IDS.links([USER], strength, previous_id="null")) == []


def test_the_cache_is_bounded_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tekil.identity.identifiers._CACHED_VALUES", 3)
    ids = Identifiers(Rulebook(DEFAULT_RULES), NORMALISERS)
    for _ in range(2):
        for n in range(10):
            assert ids.value("user_id", f" u{n} ") == f"u{n}"
            assert len(ids._known) <= 3


def test_a_message_costs_microseconds() -> None:
    """A guard against disaster, not a benchmark: the bound is thirty times what it takes."""
    traits: JsonObject = {"email": "ada@example.com", "phone": "+905321234567"}
    context: JsonObject = {"device": {"id": "d"}, "page": {"url": "https://example.com"}}
    best = min(_spent(traits, context) for _ in range(5))
    assert best < 100e-6


def _spent(traits: JsonObject, context: JsonObject) -> float:
    start = time.perf_counter()
    for _ in range(2000):
        found = IDS.find("identify", "42", "anon", traits=traits, context=context)
        IDS.links(found, Strength.WEAK)
    return (time.perf_counter() - start) / 2000


def test_default_paths_need_no_namespace_named_twice() -> None:
    assert Namespace(rank=1).from_ == ("context.externalIds",)
    assert not IDS._may_repeat
