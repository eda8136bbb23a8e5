"""What happens to people in real life, each scenario by its name, in every order of arrival."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.identity.house import Call, House, people_of, person

from tekil.identity.explain import explain
from tekil.identity.model import RefusalReason
from tekil.identity.namespaces import DEFAULT_RULES
from tekil.identity.rules import Rulebook


def test_late_identify_brings_the_anonymous_past_along() -> None:
    assert people_of(
        Call(1, "page", anon="a"),
        Call(2, "track", anon="a"),
        Call(9, "identify", user="42", anon="a", traits={"email": "Ada@Example.com"}),
    ) == {person("anonymous_id:a", "user_id:42", "email:ada@example.com")}


def test_a_server_event_before_the_browser_identify_makes_no_second_person() -> None:
    assert people_of(
        Call(1, "page", anon="a"),
        Call(2, "track", user="42", server=True),
        Call(3, "identify", user="42", anon="a"),
    ) == {person("anonymous_id:a", "user_id:42")}


def test_a_server_that_also_sees_the_anonymous_id_does_not_stand_in_the_way() -> None:
    """A verified browser is no verified person: the browser's identify still joins the two."""
    assert people_of(
        Call(1, "page", anon="a", server=True),
        Call(2, "track", user="42", server=True),
        Call(3, "identify", user="42", anon="a"),
    ) == {person("anonymous_id:a", "user_id:42")}


def test_two_browsers_of_one_person() -> None:
    assert people_of(
        Call(1, "identify", user="42", anon="phone"),
        Call(2, "identify", user="42", anon="laptop"),
    ) == {person("user_id:42", "anonymous_id:phone", "anonymous_id:laptop")}


def test_numeric_ids_are_the_same_as_their_text() -> None:
    house = House()
    assert house.identifiers.value("user_id", 42) == "42"
    assert house.identifiers.value("user_id", 42.0) == "42"
    assert house.identifiers.value("user_id", True) is None
    assert people_of(
        Call(1, "track", user="42", server=True),
        Call(2, "identify", user=" 42 ", anon="a"),
    ) == {person("user_id:42", "anonymous_id:a")}


def test_user_ids_that_differ_in_case_are_two_people() -> None:
    assert len(people_of(Call(1, user="abC"), Call(2, user="abc"))) == 2


def test_a_shared_device_goes_to_its_first_user_and_glues_nobody() -> None:
    assert people_of(
        Call(1, "identify", user="ada", anon="family", traits={"email": "ada@example.com"}),
        Call(2, "identify", user="bob", anon="family", traits={"email": "bob@example.com"}),
        Call(3, "track", user="bob", anon="family"),
    ) == {
        person("user_id:ada", "email:ada@example.com", "anonymous_id:family"),
        person("user_id:bob", "email:bob@example.com"),
    }


def test_logout_without_reset_keeps_the_next_user_apart() -> None:
    house = House()
    for call in (
        Call(1, "identify", user="ada", anon="a"),
        Call(2, "track", anon="a"),
        Call(3, "identify", user="bob", anon="a"),
        Call(4, "track", user="bob", anon="a"),
    ):
        house.take(call)
    assert house.people() == {person("user_id:ada", "anonymous_id:a"), person("user_id:bob")}
    (refusal,) = house.solution().refused.values()
    assert (refusal.reason, refusal.namespace) == (RefusalReason.LIMIT, "user_id")


def test_a_kiosk_is_shared_and_belongs_to_nobody() -> None:
    users = [f"u{n}" for n in range(6)]
    calls = [Call(n, "identify", user=user, anon="kiosk") for n, user in enumerate(users)]
    assert people_of(*calls) == {
        person("anonymous_id:kiosk"),
        *(person(f"user_id:{user}") for user in users),
    }


def test_an_info_mailbox_glues_no_customers() -> None:
    calls = [
        Call(n, "identify", user=f"u{n}", traits={"email": "info@example.com"}, server=True)
        for n in range(6)
    ]
    assert people_of(*calls) == {
        person("email:info@example.com"),
        *(person(f"user_id:u{n}") for n in range(6)),
    }


def test_people_who_share_a_mailbox_with_one_other_stay_two() -> None:
    assert people_of(
        Call(1, "identify", user="ada", traits={"email": "home@example.com"}, server=True),
        Call(2, "identify", user="bob", traits={"email": "home@example.com"}, server=True),
    ) == {person("user_id:ada", "email:home@example.com"), person("user_id:bob")}


@pytest.mark.parametrize(
    "placeholder",
    ["null", "NULL", '"undefined"', "'None'", " anonymous ", "0", "-1", "[object Object]", "n/a",
     "00000000-0000-0000-0000-000000000000", "---", "anonymousId", "", "   ", "NaN", "true"],
)  # fmt: skip
def test_placeholders_name_nobody(placeholder: str) -> None:
    assert people_of(
        Call(1, "identify", user=placeholder, anon="a", traits={"email": "ada@example.com"}),
        Call(2, "identify", user=placeholder, anon="b", traits={"email": "bob@example.com"}),
        Call(3, "track", user="ada", anon=placeholder),
        Call(4, "track", user="bob", anon=placeholder),
    ) == {
        person("email:ada@example.com", "anonymous_id:a"),
        person("email:bob@example.com", "anonymous_id:b"),
        person("user_id:ada"),
        person("user_id:bob"),
    }


def test_a_placeholder_blocked_only_now_lets_go_of_everybody() -> None:
    """Rules apply to the past: the stored identity stays and stands alone."""
    house = House()
    house.take(Call(1, "identify", user="ada", anon="test-browser"))
    house.take(Call(2, "track", anon="test-browser"))
    assert len(house.people()) == 1
    spaces = dict(DEFAULT_RULES.namespaces)
    spaces["anonymous_id"] = replace(spaces["anonymous_id"], blocked_patterns=("^test-",))
    house.rules = Rulebook(replace(DEFAULT_RULES, namespaces=spaces))
    assert house.people() == {person("user_id:ada"), person("anonymous_id:test-browser")}


# -- aliases ------------------------------------------------------------------------------------


def test_a_server_alias_renames_a_user_with_both_histories() -> None:
    assert people_of(
        Call(1, "track", user="old", anon="a", server=True),
        Call(2, "alias", user="new", previous="old", server=True),
        Call(3, "track", user="new", anon="b", server=True),
    ) == {person("user_id:old", "user_id:new", "anonymous_id:a", "anonymous_id:b")}


def test_a_chain_of_aliases_is_one_person() -> None:
    assert people_of(
        *(Call(n, "track", user=f"u{n}", server=True) for n in range(4)),
        *(Call(10 + n, "alias", user=f"u{n + 1}", previous=f"u{n}", server=True) for n in range(3)),
    ) == {person("user_id:u0", "user_id:u1", "user_id:u2", "user_id:u3")}


def test_an_alias_of_an_anonymous_id() -> None:
    for server in (True, False):
        assert people_of(
            Call(1, "track", anon="a"),
            Call(2, "alias", user="42", previous="a", server=server),
        ) == {person("user_id:42", "anonymous_id:a")}


def test_a_browser_cannot_rename_a_user() -> None:
    assert people_of(
        Call(1, "track", user="victim", server=True),
        Call(2, "alias", user="thief", previous="victim", anon="x"),
    ) == {person("user_id:victim"), person("user_id:thief", "anonymous_id:x")}


def test_self_alias_does_nothing() -> None:
    for server in (True, False):
        house = House()
        house.take(Call(1, "alias", user="u1", previous=" u1", server=server))
        assert house.people() == {person("user_id:u1")}
        assert not house.claims
        assert len(house.identities) == 1


def test_everybody_at_a_kiosk_calling_alias_stays_himself() -> None:
    """The former id was never a user id, so it is no rename: the first user keeps it."""
    for server in (True, False):
        assert people_of(
            Call(1, "track", anon="kiosk"),
            Call(2, "alias", user="ada", previous="kiosk", server=server),
            Call(3, "alias", user="bob", previous="kiosk", server=server),
        ) == {person("user_id:ada", "anonymous_id:kiosk"), person("user_id:bob")}


def test_an_alias_to_a_placeholder_does_nothing() -> None:
    house = House()
    house.take(Call(1, "alias", user="ada", previous="null", server=True))
    house.take(Call(2, "alias", user="undefined", previous="ada", anon="a", server=True))
    assert house.people() == {person("user_id:ada"), person("anonymous_id:a")}
    assert not house.claims


# -- strong and weak ----------------------------------------------------------------------------


def test_a_browser_cannot_join_two_customers_whom_servers_know() -> None:
    assert people_of(
        Call(1, "identify", user="ada", server=True),
        Call(2, "identify", traits={"email": "bob@example.com"}, server=True),
        Call(3, "identify", user="ada", anon="x", traits={"email": "bob@example.com"}),
    ) == {person("user_id:ada", "anonymous_id:x"), person("email:bob@example.com")}


def test_one_server_message_that_names_both_is_enough() -> None:
    ada = {"email": "ada@example.com"}
    assert people_of(
        Call(1, "identify", user="ada", anon="x", traits=ada),
        Call(2, "identify", user="ada", server=True),
        Call(3, "identify", traits=ada, server=True),
        Call(4, "identify", user="ada", traits=ada, server=True),
    ) == {person("user_id:ada", "email:ada@example.com", "anonymous_id:x")}


def test_a_site_with_browsers_only_knows_its_people_too() -> None:
    assert people_of(
        Call(1, "identify", anon="a", traits={"email": "ada@example.com"}),
        Call(2, "identify", user="42", anon="a"),
        Call(3, "identify", user="42", anon="b", traits={"phone": "0532 123 45 67"}),
    ) == {
        person(
            "user_id:42",
            "email:ada@example.com",
            "phone:+905321234567",
            "anonymous_id:a",
            "anonymous_id:b",
        )
    }


def test_what_a_browser_remembers_in_its_context_is_no_evidence() -> None:
    assert people_of(
        Call(1, "track", user="bob", anon="a", context={"traits": {"email": "ada@example.com"}}),
        Call(2, "group", user="bob", traits={"email": "firm@example.com"}),
    ) == {person("user_id:bob", "anonymous_id:a")}


def test_devices_and_external_ids_join_too() -> None:
    device = {"device": {"id": "d1", "advertisingId": "AD-1"}}
    external = {"externalIds": [{"id": "c7", "type": "Loyalty", "collection": "users"}]}
    assert people_of(
        Call(1, "screen", anon="a", context=device),
        Call(2, "identify", user="42", context={**device, **external}),
    ) == {
        person("user_id:42", "loyalty:c7", "device_id:d1", "advertising_id:ad-1", "anonymous_id:a")
    }


def test_zero_advertising_ids_name_nobody() -> None:
    zero = {"device": {"advertisingId": "00000000-0000-0000-0000-000000000000"}}
    assert len(people_of(Call(1, anon="a", context=zero), Call(2, anon="b", context=zero))) == 2


# -- by hand ------------------------------------------------------------------------------------


def test_join_then_separate_is_as_before_and_so_is_separate_then_join() -> None:
    house = House()
    house.take(Call(1, "track", user="1", anon="a"))
    house.take(Call(2, "track", user="2", anon="b"))
    one, two = ("user_id", "1"), ("user_id", "2")
    before = house.people()
    house.join(one, two, 10)
    assert house.people() == {person("user_id:1", "user_id:2", "anonymous_id:a", "anonymous_id:b")}
    house.separate(one, two, 11)
    assert house.people() == before
    house.join(one, two, 12)
    assert len(house.people()) == 1


def test_separate_takes_a_wrong_e_mail_off_and_explains_itself() -> None:
    house = House()
    house.take(Call(1, "identify", user="1", traits={"email": "typo@example.com"}, server=True))
    house.take(Call(2, "track", user="1", anon="a"))
    user, mail = ("user_id", "1"), ("email", "typo@example.com")
    house.separate(user, mail, 3)
    assert house.people() == {
        person("user_id:1", "anonymous_id:a"),
        person("email:typo@example.com"),
    }
    why = explain(
        house.identities[user].identity_id,
        house.identities[mail].identity_id,
        identities=house.identities.values(),
        claims=house.claims.values(),
        separations=house.separations,
        solution=house.solution(),
        rules=house.rules,
    )
    assert not why.one_person
    assert [r.reason for r in why.refused] == [RefusalReason.SEPARATED]
    assert why.separations == tuple(house.separations)


def test_moving_a_browser_from_one_person_to_the_other() -> None:
    house = House()
    house.take(Call(1, "identify", user="wrong", anon="a"))
    house.take(Call(2, "identify", user="right", anon="a"))
    house.separate(("user_id", "wrong"), ("anonymous_id", "a"), 3)
    assert house.people() == {person("user_id:wrong"), person("user_id:right", "anonymous_id:a")}
