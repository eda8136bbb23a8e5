"""Traits are cleaned by name, and what was sent is kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tekil.clean.traits import _CLEANERS, CANONICAL, CleanedValue, Kind, clean_traits, trait_kind
from tekil.kit.json import JsonObject, JsonValue

texts = st.text(st.characters(exclude_categories=()), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=6,
)
NAMES = [
    "email", "phone", "country", "currency", "name", "firstName", "first_name", "last_name",
    "address", "birthday", "createdAt", "created_at", "contractDate", "age", "plan", "id",
    "billing_country",
]  # fmt: skip
names = st.sampled_from(NAMES) | texts
address_parts = st.dictionaries(
    st.sampled_from(["country", "city", "postal_code", "postalCode"]), json_values
)


def values(traits: JsonObject) -> dict[str, JsonValue]:
    return {name: trait.value for name, trait in clean_traits(traits, "TR").items()}


@pytest.mark.parametrize(
    ("name", "sent", "stored"),
    [
        ("email", " ADA@Example.com", "ada@example.com"),
        ("workEmail", "ALİ@example.com", "ali@example.com"),
        ("phone", "0532 123 45 67", "+905321234567"),
        ("phone", 5321234567, "+905321234567"),
        ("home_phone", "0212 293 00 00", "+902122930000"),
        ("phoneNumber", "0532 123 45 67", "+905321234567"),
        ("country", "Türkiye", "TR"),
        ("billing_country", "Almanya", "DE"),
        ("countryCode", "deu", "DE"),
        ("currency", "tl", "TRY"),
        ("preferredCurrency", "€", "EUR"),
        ("firstName", "  Ays\u0327e ", "Ayşe"),
        ("name", "Ada   Lovelace", "Ada Lovelace"),
        ("fullName", " Ada ", "Ada"),
        ("birthday", "01.05.1990", "1990-05-01"),
        ("birthDate", "1990-05-01T00:00:00Z", "1990-05-01"),
        ("date_of_birth", "1/5/1990", "1990-05-01"),
        ("createdAt", "2026-05-01T12:00:00+03:00", "2026-05-01T09:00:00.000Z"),
        ("createdAt", 1_700_000_000, "2023-11-14T22:13:20.000Z"),
        ("lastLoginAt", "2026-05-01", "2026-05-01T00:00:00.000Z"),
        ("contractDate", "01.05.2026", "2026-05-01"),
        ("contractDate", "2026-05-01T12:00:00+03:00", "2026-05-01T09:00:00.000Z"),
        ("age", "42", 42),
        ("order_count", "7", 7),
        ("totalSpent", "19.5", 19.5),
        ("subscribed", "true", True),
        ("vip", "FALSE", False),
        ("address", {"country": "Türkiye", "city": "İzmir"}, {"country": "TR", "city": "İzmir"}),
        ("address", {"postal_code": "35000"}, {"postalCode": "35000"}),
    ],
)
def test_cleaned_by_name(name: str, sent: JsonValue, stored: JsonValue) -> None:
    assert clean_traits({name: sent}, "TR") == {name: CleanedValue(stored, sent)}


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("email", "not an address"), ("email", 5), ("email", ""), ("phone", "42"), ("phone", True),
        ("country", "Atlantis"), ("country", 90), ("currency", "beans"), ("firstName", 5),
        ("firstName", "True"), ("name", "42"), ("birthday", "yesterday"), ("birthday", 42),
        ("createdAt", "x"), ("contractDate", 20260501), ("age", "about 40"), ("age", "042"),
        ("age", 42), ("plan", "42"), ("plan", "007"), ("customerId", "42"), ("id", "42"),
        ("loyalty_no", "42"), ("zip", "34000"), ("postalCode", "01000"), ("tags", ["a", "b"]),
        ("address", "Main St 1"), ("address", {"country": "Atlantis"}), ("address", {}),
        ("company", {"name": " A "}), ("subscribed", "yes"), ("vip", True), ("plan", " pro "),
        ("companyName", " A "), ("format", "2026-05-01"), ("", "true-ish"), ("nothing", None),
        ("email", None), ("__proto__", {"x": 1}), ("age", 1.5),
    ],
)  # fmt: skip
def test_kept_as_it_came(name: str, sent: JsonValue) -> None:
    assert clean_traits({name: sent}, "TR") == {name: CleanedValue(sent, None)}


def test_reserved_names_have_one_spelling() -> None:
    assert values({"first_name": "Ada", "last_name": "L", "created_at": "2026-01-01"}) == {
        "firstName": "Ada",
        "lastName": "L",
        "createdAt": "2026-01-01T00:00:00.000Z",
    }
    assert set(values(dict.fromkeys(CANONICAL, "x"))) == set(CANONICAL.values())


@pytest.mark.parametrize(
    ("first", "second", "stored"),
    [("Ada", "Bea", "Bea"), ("Ada", None, "Ada"), (None, "Bea", "Bea"), (None, None, None)],
)
def test_of_two_spellings_the_stored_one_wins_unless_it_says_nothing(
    first: str | None, second: str | None, stored: str | None
) -> None:
    assert values({"first_name": first, "firstName": second}) == {"firstName": stored}
    assert values({"firstName": second, "first_name": first}) == {"firstName": stored}


def test_null_stays_null_because_it_removes_the_trait() -> None:
    assert clean_traits(dict.fromkeys(NAMES), "TR") == {
        CANONICAL.get(name, name): CleanedValue(None) for name in NAMES
    }


def test_the_region_reads_telephones_and_dates() -> None:
    sent: JsonObject = {"phone": "(202) 456-1111", "birthday": "05/04/1990"}
    american = clean_traits(sent, "US")
    assert american["phone"].value == "+12024561111"
    assert american["birthday"].value == "1990-05-04"
    assert clean_traits(sent, "TR")["birthday"].value == "1990-04-05"


def test_what_was_sent_is_not_changed() -> None:
    address: JsonObject = {"country": "Türkiye", "postal_code": "35000"}
    sent: JsonObject = {"address": address}
    cleaned = clean_traits(sent, "TR")
    assert address == {"country": "Türkiye", "postal_code": "35000"}
    assert cleaned["address"].original is address


def test_every_kind_has_a_cleaner() -> None:
    assert set(_CLEANERS) == set(Kind)


def test_kinds_in_camel_and_snake_case_agree() -> None:
    for camel, snake in [
        ("homePhone", "home_phone"),
        ("lastSeenAt", "last_seen_at"),
        ("GSMPhone", "gsm_phone"),
    ]:
        assert trait_kind(camel) is trait_kind(snake) is not Kind.PLAIN


@given(st.dictionaries(names, json_values | address_parts))
def test_never_raises_loses_nothing_and_is_idempotent(sent: JsonObject) -> None:
    cleaned = clean_traits(sent, "TR")
    assert set(cleaned) == {CANONICAL.get(name, name) for name in sent}
    for name, trait in cleaned.items():
        spellings = [k for k in sent if CANONICAL.get(k, k) == name]
        kept = trait.value if trait.original is None else trait.original
        assert any(sent[spelling] == kept for spelling in spellings)
    again = clean_traits({name: trait.value for name, trait in cleaned.items()}, "TR")
    for name, trait in again.items():
        assert trait == CleanedValue(cleaned[name].value)
