"""A person as known of what had happened until a past time.

Event time counts, not arrival: a message that came late belongs to the time that it speaks of. Of
the past are the identities seen until then, the claims made until then and what follows from them
under the *present* rules, decisions by hand until then, accounts, event counts and traits. What an
identity's source proved (``verified``) is as known now.

Traits: where a trait's newest value is from before the time, it is that one, exactly; for others
the identify events until then are folded again. Event properties hold no nulls, so a trait that
had been removed and was set again after the time shows the value before its removal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import sqlalchemy as sa

from tekil.errors import NotFound
from tekil.identity.model import Quarantine
from tekil.identity.neighbourhood import Neighbourhood, Surveyor
from tekil.identity.nodes import Node
from tekil.identity.store import IdentityStore
from tekil.kit.clock import Millis, to_iso
from tekil.kit.ids import IdentityId
from tekil.kit.json import JsonValue, decode_object, encode_text
from tekil.profiles.model import trait_version
from tekil.profiles.read import (
    AccountView,
    Facts,
    Profile,
    ProfileReader,
    StoredTrait,
    stored_trait,
    trait_values,
)
from tekil.profiles.tables import account_traits, traits
from tekil.store.lists import in_list
from tekil.store.state import SqlStore
from tekil.store.warehouse import Warehouse

COUNTS_SQL = """
SELECT identity_id, count() FROM events
WHERE identity_id IN {ids:Array(UInt64)}
    AND timestamp <= fromUnixTimestamp64Milli({until:Int64}, 'UTC')
GROUP BY identity_id
"""
LAST_SEEN_SQL = """
SELECT arrayJoin(identities) AS seen, max(toUnixTimestamp64Milli(timestamp)) FROM events
WHERE identity_id IN {ids:Array(UInt64)}
    AND timestamp <= fromUnixTimestamp64Milli({until:Int64}, 'UTC')
GROUP BY seen
"""
IDENTIFIES_SQL = """
SELECT identity_id AS owner, strong, toUnixTimestamp64Milli(timestamp) AS at, message_id,
    source_id, properties
FROM events
WHERE type = 'identify' AND identity_id IN {ids:Array(UInt64)}
    AND timestamp <= fromUnixTimestamp64Milli({until:Int64}, 'UTC')
"""
GROUPS_SQL = """
SELECT account_id AS owner, strong, toUnixTimestamp64Milli(timestamp) AS at, message_id,
    source_id, properties
FROM events
WHERE type = 'group' AND account_id IN {ids:Array(UInt64)}
    AND timestamp <= fromUnixTimestamp64Milli({until:Int64}, 'UTC')
"""


class PastReader:
    """Looks people up as of a past time."""

    def __init__(
        self,
        store: SqlStore,
        identity: IdentityStore,
        reader: ProfileReader,
        warehouse: Warehouse,
    ) -> None:
        self._store = store
        self._identity = identity
        self._reader = reader
        self._warehouse = warehouse

    def profile(self, ref: str, as_of: Millis) -> Profile:
        """Read the profile that a reference belonged to. Raises InputError, NotFound."""
        rules = self._reader.rules
        with self._store.read() as connection:
            node = self._reader.find_node(connection, ref)
            if node.first_seen > as_of:
                raise NotFound(
                    f'"{ref}" was first seen {to_iso(node.first_seen)}, after {to_iso(as_of)}.'
                )
            around = Surveyor(self._identity, connection, rules, as_of).survey([node.identity_id])
            solution = around.solve(rules)
            profile_id = solution.profile_of[node.identity_id]
            nodes = [
                _as_then(each, solution.quarantined.get(each.identity_id))
                for each in around.nodes.values()
                if solution.profile_of[each.identity_id] == profile_id
            ]
            known = self._facts(connection, around, nodes, as_of)
        return self._reader.assemble(profile_id, nodes, known)

    def _facts(
        self,
        connection: sa.Connection,
        around: Neighbourhood,
        nodes: Sequence[Node],
        as_of: Millis,
    ) -> Facts:
        ids = [int(node.identity_id) for node in nodes]
        # Events that name a member beside a higher-ranked identity are stored against that one.
        last = self._by_id(LAST_SEEN_SQL, [*map(int, around.nodes)], as_of)
        counts = self._by_id(COUNTS_SQL, ids, as_of)
        return Facts(
            {i: (last[i], counts.get(i, 0)) for i in ids if i in last},
            self._traits(connection, ids, as_of),
            self._accounts(connection, ids, as_of),
        )

    def _by_id(self, sql: str, ids: Sequence[int], as_of: Millis) -> dict[int, int]:
        rows = self._warehouse.query(sql, {"ids": list(ids), "until": as_of})
        return {int(row[0]): int(row[1]) for row in rows}

    def _traits(
        self, connection: sa.Connection, ids: Sequence[int], as_of: Millis
    ) -> dict[int, list[StoredTrait]]:
        query = sa.select(traits).where(in_list(connection, traits.c.identity_id, ids))
        rows = [(row.identity_id, row) for row in connection.execute(query)]
        return self._until(rows, IDENTIFIES_SQL, as_of)

    def _accounts(
        self, connection: sa.Connection, ids: Sequence[int], as_of: Millis
    ) -> dict[int, list[AccountView]]:
        found = self._reader.accounts_of(connection, ids)
        kept = {i: [v for v in views if v.first_seen <= as_of] for i, views in found.items()}
        owners = {view.account_id for views in kept.values() for view in views}
        if not owners:
            return {}
        query = sa.select(account_traits).where(
            in_list(connection, account_traits.c.account_id, owners)
        )
        rows = [(row.account_id, row) for row in connection.execute(query)]
        told = self._until(rows, GROUPS_SQL, as_of)
        return {
            i: [
                msgspec.structs.replace(view, traits=trait_values(told.get(view.account_id, ())))
                for view in views
            ]
            for i, views in kept.items()
        }

    def _until(
        self, rows: Iterable[tuple[int, sa.Row[tuple[object, ...]]]], sql: str, as_of: Millis
    ) -> dict[int, list[StoredTrait]]:
        """The newest value until then of each trait of each owner and strength."""
        found: dict[int, list[StoredTrait]] = {}
        later: set[tuple[int, str, bool]] = set()
        for owner, row in rows:
            trait = stored_trait(row)
            if trait.event_time <= as_of:
                found.setdefault(owner, []).append(trait)
            else:
                later.add((owner, trait.name, trait.strong))
        for (owner, _, _), trait in self._fold(sql, later, as_of).items():
            found.setdefault(owner, []).append(trait)
        return found

    def _fold(
        self, sql: str, wanted: set[tuple[int, str, bool]], as_of: Millis
    ) -> dict[tuple[int, str, bool], StoredTrait]:
        best: dict[tuple[int, str, bool], StoredTrait] = {}
        if not wanted:
            return best
        ids = sorted({owner for owner, _, _ in wanted})
        for line in self._warehouse.query_json(sql, {"ids": ids, "until": as_of}):
            row = decode_object(line)
            told = row["properties"]
            for name, value in (told if isinstance(told, dict) else {}).items():
                key = (_int(row["owner"]), name, bool(row["strong"]))
                if key in wanted:
                    trait = _told(name, value, row)
                    if key not in best or trait.order > best[key].order:
                        best[key] = trait
        return best


def _told(name: str, value: JsonValue, row: Mapping[str, JsonValue]) -> StoredTrait:
    at, message_id = Millis(_int(row["at"])), str(row["message_id"])
    return StoredTrait(
        name,
        bool(row["strong"]),
        trait_version(at, message_id),
        message_id,
        encode_text(value),
        None,
        at,
        _int(row["source_id"]),
    )


def _as_then(node: Node, verdict: Quarantine | None) -> Node:
    return Node(
        IdentityId(node.identity_id),
        node.key,
        node.namespace,
        node.value,
        node.first_seen,
        verified=node.verified,
        attested=node.attested,
        quarantine=verdict,
        new=False,
    )


def _int(value: JsonValue) -> int:
    return int(value) if isinstance(value, (int, str)) else 0
