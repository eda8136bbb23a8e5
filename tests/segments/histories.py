"""Small invented populations: written to the warehouse, and told to the plain judgement."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
from pyroaring import BitMap

from tekil.kit.clock import Millis, to_iso
from tekil.kit.json import JsonValue, encode
from tekil.segments.evaluate import Chosen
from tekil.segments.matches import Happening, Known
from tekil.segments.model import RandomBucket
from tekil.segments.rules import in_bucket
from tekil.store.warehouse import Warehouse

TABLES = (
    "events", "identity_profiles", "identity_traits", "identity_accounts", "account_traits",
)  # fmt: skip


@dataclass(frozen=True)
class Event:
    """One event of one identity."""

    identity: int
    at: int
    type: str = "track"
    name: str = ""
    properties: Mapping[str, JsonValue] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    revenue: Decimal | None = None
    account: int = 0


@dataclass(frozen=True)
class Trait:
    """One value of a trait, of an identity or of an account."""

    owner: int
    name: str
    value: JsonValue
    strong: bool = False
    version: int = 0


@dataclass
class World:
    """Events, traits and who is who."""

    events: list[Event] = field(default_factory=list)
    traits: list[Trait] = field(default_factory=list)
    profile_of: dict[int, int] = field(default_factory=dict)
    accounts_of: list[tuple[int, int]] = field(default_factory=list)
    account_traits: list[Trait] = field(default_factory=list)
    lists: dict[str, set[int]] = field(default_factory=dict)

    @property
    def profiles(self) -> list[int]:
        """Everybody, in rising order."""
        return sorted(set(self.profile_of.values()))

    def bitmaps(self) -> dict[str, BitMap]:
        """The uploaded lists as the evaluator takes them."""
        return {name: BitMap(ids) for name, ids in self.lists.items()}

    def known(self, profile: int) -> Known:
        """Everything about one person, as the plain judgement takes it."""
        mine = {i for i, p in self.profile_of.items() if p == profile}
        accounts = sorted({a for i, a in self.accounts_of if i in mine})
        return Known(
            id=profile,
            events=[self._told(n, e) for n, e in enumerate(self.events) if e.identity in mine],
            traits=_newest(t for t in self.traits if t.owner in mine),
            lists=frozenset(name for name, ids in self.lists.items() if ids & mine),
            accounts=[self._account(account) for account in accounts],
            in_bucket=lambda leaf: _in_bucket(leaf, profile),
        )

    def chosen(self, profiles: Iterable[int]) -> Chosen:
        """Some people with all their identities."""
        wanted = sorted(profiles)
        pairs = [(i, p) for i, p in self.profile_of.items() if p in set(wanted)]
        return Chosen(
            identities=np.array([i for i, _ in pairs], dtype=np.uint64),
            profiles=np.array([p for _, p in pairs], dtype=np.uint64),
            subjects=np.array(wanted, dtype=np.uint64),
        )

    def _account(self, account: int) -> Known:
        return Known(
            id=account,
            events=[self._told(n, e) for n, e in enumerate(self.events) if e.account == account],
            traits=_newest(t for t in self.account_traits if t.owner == account),
            in_bucket=lambda leaf: _in_bucket(leaf, account),
        )

    def _told(self, number: int, event: Event) -> Happening:
        return Happening(
            at=event.at,
            type=event.type,
            name=event.name,
            message_id=message_id(number),
            properties=event.properties,
            fields=event.fields,
            revenue=event.revenue,
        )


def message_id(number: int) -> str:
    """The id of an event by its place in the world."""
    return f"m{number:05}"


def _newest(traits: Iterable[Trait]) -> dict[str, JsonValue]:
    ranked = sorted(traits, key=lambda t: (t.strong, t.version, encode(t.value)))
    return {t.name: t.value for t in ranked}


def _in_bucket(leaf: RandomBucket, who: int) -> bool:
    return bool(in_bucket(leaf, np.array([who], dtype=np.uint64))[0])


def write_world(warehouse: Warehouse, world: World, now: Millis, seed: int = 0) -> None:
    """Replace what the warehouse holds by a world, in an order of arrival that the seed gives."""
    for table in TABLES:
        warehouse.command(f"TRUNCATE TABLE {table}")
    rows = [_event_row(n, event, now) for n, event in enumerate(world.events)]
    random.Random(seed).shuffle(rows)
    half = len(rows) // 2
    _insert(warehouse, "events", rows[:half])
    _insert(warehouse, "events", rows[half:])
    _insert(warehouse, "identity_traits", [_trait_row("identity_id", t, now) for t in world.traits])
    _insert(
        warehouse,
        "account_traits",
        [_trait_row("account_id", t, now) for t in world.account_traits],
    )
    _insert(
        warehouse,
        "identity_accounts",
        [{"identity_id": i, "account_id": a, "timestamp": to_iso(now)}
         for i, a in world.accounts_of],
    )  # fmt: skip
    write_mapping(warehouse, world.profile_of, version=1)


def write_mapping(warehouse: Warehouse, profile_of: Mapping[int, int], version: int) -> None:
    """Say anew which identity belongs to which profile."""
    rows: list[dict[str, object]] = [
        {"identity_id": i, "profile_id": p, "version": version} for i, p in profile_of.items()
    ]
    _insert(warehouse, "identity_profiles", rows)


def _insert(warehouse: Warehouse, table: str, rows: list[dict[str, object]]) -> None:
    if rows:
        warehouse.insert_json(table, b"\n".join(encode(row) for row in rows))


def _event_row(number: int, event: Event, now: Millis) -> dict[str, object]:
    return {
        "identity_id": event.identity,
        "timestamp": to_iso(event.at),
        "received_at": to_iso(now),
        "type": event.type,
        "event": event.name,
        "message_id": message_id(number),
        "seq": number,
        "item": 0,
        "source_id": 1,
        "strong": 1,
        "account_id": event.account,
        "revenue": None if event.revenue is None else str(event.revenue),
        "properties": dict(event.properties),
        "context": {},
        **event.fields,
    }


def _trait_row(key: str, trait: Trait, now: Millis) -> dict[str, object]:
    return {
        key: trait.owner,
        "name": trait.name,
        "strong": int(trait.strong),
        "value": encode(trait.value).decode(),
        "timestamp": to_iso(now),
        "message_id": "m",
        "version": trait.version,
    }
