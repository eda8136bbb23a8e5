from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from tekil.clean.email import normalise_email
from tekil.clean.phone import normalise_phone
from tekil.demo.shop.aftercare import spell_email
from tekil.demo.shop.counters import spell_phone
from tekil.demo.shop.model import MARKETS, Market, Reach
from tekil.demo.shop.people import Register, mistype, new_email, new_phone, populate


def test_emails_are_different_and_already_normal() -> None:
    people = populate(Random(5), 3_000).people
    emails = [person.email for person in people]
    assert len(set(emails)) == len(emails)
    assert all(normalise_email(email) == email for email in emails)
    assert all(email.endswith(".example") for email in emails)


def test_numbers_are_valid_and_already_normal() -> None:
    people = populate(Random(6), 3_000).people
    phones = [person.phone for person in people if person.phone]
    assert all(normalise_phone(phone, "TR") == phone for phone in phones)
    shared = [phone for phone, count in Counter(phones).items() if count > 1]
    assert len(shared) < 0.01 * len(phones)


def test_every_spelling_is_the_same_person() -> None:
    rng = Random(7)
    people = populate(rng, 500).people
    for person in people:
        assert normalise_email(spell_email(rng, person.email)) == person.email
        if person.phone:
            assert normalise_phone(spell_phone(rng, person.phone), "TR") == person.phone


@pytest.mark.parametrize("market", MARKETS, ids=lambda market: market.code)
def test_numbers_run_out_without_repeating(market: Market) -> None:
    rng, register = Random(8), Register()
    found = [new_phone(rng, market, register) for _ in range(30_000)]
    given = [phone for phone in found if phone]
    assert len(set(given)) == len(given) > 4_000


def test_a_mistyped_address_is_nobody_elses() -> None:
    rng, register = Random(9), Register()
    emails = [new_email(rng, MARKETS[0], "Ali", "Kaya", register) for _ in range(400)]
    typos = [typo for email in emails if (typo := mistype(rng, email, register))]
    assert len(typos) > 200
    assert len({*emails, *typos}) == len(emails) + len(typos)
    assert all(normalise_email(typo) == typo for typo in typos)


def test_families_share_a_computer_and_strangers_do_not() -> None:
    people = populate(Random(10), 6_000).people
    users: dict[int, list[int]] = {}
    for person in people:
        for browser in person.browsers:
            users.setdefault(id(browser), []).append(person.number)
    shared = [numbers for numbers in users.values() if len(numbers) > 1]
    assert 40 < len(shared) < 400
    assert all(len(numbers) <= 4 for numbers in shared)
    for person in people:
        for browser in person.browsers:
            assert browser.shared == (len(users[id(browser)]) > 1)


def test_everybody_can_be_met_in_the_way_that_is_theirs() -> None:
    for person in populate(Random(11), 2_000).people:
        assert (person.user_id is not None) == (person.reach is Reach.REGISTERED)
        assert bool(person.browsers) == (person.reach is not Reach.STORE)
        if person.reach is Reach.STORE:
            assert person.card is not None
        if person.install is not None:
            assert person.user_id is not None
