"""Traits, activity and accounts are a fold over the messages, whatever their order."""

from __future__ import annotations

import itertools
import json
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.contract.backends import SqlBackend
from tests.faults.reference import Expected, Ref, expect
from tests.identity_live.shop import MINUTE, NOON, Shop, open_shop

from tekil.identity.tables import claims, identities, identity_activity
from tekil.kit.clock import to_iso
from tekil.profiles.tables import account_members, account_traits, accounts, traits
from tekil.store.state import SqlStore

Sent = tuple[str, dict[str, Any]]


def history(dice: random.Random, count: int) -> list[Sent]:
    """Messages of every type over few people, all at different times."""
    minutes = dice.sample(range(500), count)
    sent: list[Sent] = []
    for number, minute in enumerate(minutes):
        kind = dice.choice(["identify", "identify", "group", "track", "page", "alias"])
        message: dict[str, Any] = {
            "type": kind,
            "messageId": f"m{number}",
            "timestamp": to_iso(NOON + minute * MINUTE),
            "anonymousId": f"a{dice.randint(0, 9)}",
        }
        if kind == "alias" or dice.random() < 0.5:
            message["userId"] = f"u{dice.randint(0, 7)}"
        if kind == "alias":
            message["previousId"] = f"u{dice.randint(8, 11)}"
        if kind == "track":
            message["event"] = dice.choice(["Seen", "Bought"])
        if kind in ("identify", "group"):
            told = {"plan": dice.choice(["a", "b", None]), "n": dice.randint(0, 9)}
            if kind == "identify" and dice.random() < 0.4:
                told["email"] = f"e{dice.randint(0, 5)}@example.com"
            message["traits"] = dict(dice.sample(sorted(told.items()), dice.randint(1, len(told))))
        if kind == "group":
            message["groupId"] = f"g{dice.randint(0, 3)}"
        sent.append((dice.choice(["server", "browser"]), message))
    return sent


def feed(shop: Shop, sent: list[Sent], dice: random.Random) -> None:
    """Send everything in batches, one source after the other as they come."""
    for source, run in itertools.groupby(sent, key=lambda each: each[0]):
        batch = [message for _, message in run]
        answer = shop.api.post("/v1/batch", json={"batch": batch}, auth=(shop.keys[source], ""))
        assert answer.json() == {"success": True}
        if dice.random() < 0.2:
            shop.settle()
    shop.settle()


def stored(store: SqlStore) -> Expected:
    """What the state holds, in the shape in which it is expected."""
    found = Expected()
    with store.read() as connection:

        def rows(table: sa.Table) -> list[Any]:
            return list(connection.execute(sa.select(table)))

        ref: dict[int, Ref] = {r.identity_id: (r.namespace, r.value) for r in rows(identities)}
        people: dict[Ref, set[Ref]] = defaultdict(set)
        for row in rows(identities):
            people[ref[row.profile_id]].add(ref[row.identity_id])
            seen = (row.first_seen, bool(row.verified), bool(row.attested))
            found.identities[ref[row.identity_id]] = seen
        found.people = {eldest: frozenset(refs) for eldest, refs in people.items()}
        for row in rows(identity_activity):
            found.activity[ref[row.identity_id]] = (row.last_seen, row.event_count)
        for row in rows(claims):
            name = (frozenset((ref[row.a], ref[row.b])), row.kind, bool(row.strong))
            found.claims[name] = (row.event_time, row.message_id)
            if row.refused is not None:
                found.refused.add(name)
        for row in rows(traits):
            told = (row.event_time, json.loads(row.value))
            found.traits[ref[row.identity_id], row.name, bool(row.strong)] = told
        groups = {row.account_id: row.group_id for row in rows(accounts)}
        for row in rows(account_traits):
            told = (row.event_time, json.loads(row.value))
            found.accounts[groups[row.account_id], row.name, bool(row.strong)] = told
        for row in rows(account_members):
            member = (ref[row.identity_id], groups[row.account_id])
            found.members[member] = row.first_seen
    return found


@pytest.mark.parametrize("seed", range(2))
def test_the_state_is_the_fold_of_the_messages_in_any_order(
    sql_backend: SqlBackend, tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    sent = history(dice, 200)
    expected = expect(sent)
    dice.shuffle(sent)
    with open_shop(tmp_path / "data", sql_backend.url("state")) as shop:
        feed(shop, sent, dice)
        found = stored(shop.runtime.state)
        for name in ("identities", "claims", "people", "refused", "activity", "traits",
                     "accounts", "members"):  # fmt: skip
            assert getattr(found, name) == getattr(expected, name), (seed, name)
        check_profiles(shop, expected)


def check_profiles(shop: Shop, expected: Expected) -> None:
    """What the API says of a person is the fold over the person's identities."""
    for members in expected.people.values():
        seen = sorted(ref for ref in members if expected.identities[ref][2])
        if not seen:
            continue
        profile = shop.get(f"/profiles/{':'.join(seen[0])}")
        best: dict[str, tuple[bool, int, Any]] = {}
        for (ref, name, strong), (at, value) in expected.traits.items():
            if ref in members:
                best[name] = max(best.get(name, (False, -1, None)), (strong, at, value),
                                 key=lambda each: each[:2])  # fmt: skip
        assert profile["traits"] == {n: v for n, (_, _, v) in best.items() if v is not None}
        assert profile["event_count"] == sum(expected.activity[ref][1] for ref in seen)
        assert profile["last_seen"] == to_iso(max(expected.activity[ref][0] for ref in seen))
        joined = {group for ref, group in expected.members if ref in members}
        assert {each["group_id"] for each in profile["accounts"]} == joined
