"""What the rules of identity make of the shop: the figures that ``tekil demo --check`` demands."""

from __future__ import annotations

import random

import pytest

from tekil.demo.check import LEAST_PRECISION, LEAST_RECALL, Stored, check_shop, pairwise
from tekil.demo.shop.model import Channel, ShopConfig
from tekil.identity.model import RefusalReason
from tekil.kit.ids import IdentityId
from tests.demo.conftest import NOW, Told, tell
from tests.demo.graph import Evidence


@pytest.fixture(scope="module")
def town() -> Told:
    """Large enough for families, kiosks and mistakes of every kind."""
    return tell(ShopConfig(now=NOW, people=1_500, seed=11))


def gather(told: Told, *, shuffled: int | None = None) -> Evidence:
    evidence = Evidence()
    batches = list(told.batches)
    if shuffled is not None:
        random.Random(shuffled).shuffle(batches)
    for batch in batches:
        evidence.add_batch(batch)
    evidence.add_offline(told.shop.offline)
    return evidence


def test_a_right_graph_finds_the_people(town: Told) -> None:
    truth = town.shop.truth
    everything = Stored(
        truth.messages + truth.offline_orders, truth.duplicates, truth.orders, truth.revenue
    )
    report = check_shop(truth, gather(town).found(), everything)
    assert report.ok, report.lines
    assert report.score.precision >= LEAST_PRECISION
    assert LEAST_RECALL <= report.score.recall < 1


def test_the_order_of_arrival_does_not_matter(town: Told) -> None:
    groups = []
    for seed in (None, 1):
        profiles: dict[int, set[tuple[str, str]]] = {}
        for namespace, value, profile in gather(town, shuffled=seed).found():
            profiles.setdefault(profile, set()).add((namespace, value))
        groups.append({frozenset(members) for members in profiles.values()})
    assert groups[0] == groups[1]


def test_every_rule_has_work_to_do(town: Told) -> None:
    solution = gather(town).solve()
    reasons = {refusal.reason for refusal in solution.refused.values()}
    assert RefusalReason.QUARANTINED in reasons
    assert RefusalReason.LIMIT in reasons
    assert solution.quarantined


def test_without_the_rules_people_would_be_mixed_up(town: Told) -> None:
    """A graph that believes every claim must fail, or the check would be worth nothing."""
    evidence = gather(town)
    parent = {number: number for number in evidence.ids.values()}

    def root(number: IdentityId) -> IdentityId:
        while parent[number] != number:
            number = parent[number]
        return number

    for claim in evidence.claims.values():
        parent[root(claim.a)] = root(claim.b)
    naive = {ref: root(number) for ref, number in evidence.ids.items()}
    assert pairwise(town.shop.truth.identities(), naive).precision < 0.95


def test_the_channels_are_needed_to_find_everybody(town: Told) -> None:
    evidence = Evidence()
    for batch in town.batches:
        if batch.channel is not Channel.BACKEND:
            evidence.add_batch(batch)
    found = {(space, value): profile for space, value, profile in evidence.found()}
    assert pairwise(town.shop.truth.identities(), found).recall < 0.9
