"""Reading a profile: from a reference to its identities, traits, accounts and counts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from tekil.errors import InputError, NotFound, did_you_mean
from tekil.identity.identifiers import Identifiers
from tekil.identity.nodes import Node
from tekil.identity.rules import Rulebook
from tekil.identity.store import IdentityStore
from tekil.identity.tables import identity_activity
from tekil.kit.clock import Millis
from tekil.kit.hashing import keyed_hash
from tekil.kit.ids import ProfileId
from tekil.kit.json import JsonValue, decode
from tekil.profiles.tables import account_members, account_traits, accounts, traits
from tekil.store.lists import in_list
from tekil.store.state import SqlStore

PROFILE_ID = "profile_id"


class IdentityView(msgspec.Struct, frozen=True):
    """One identity of a profile."""

    namespace: str
    value: str
    first_seen: Millis
    last_seen: Millis
    event_count: int
    verified: bool
    shared: bool


class TraitView(msgspec.Struct, frozen=True):
    """A trait's value and where it came from."""

    name: str
    value: JsonValue
    original: JsonValue
    identity: str
    strong: bool
    event_time: Millis
    message_id: str
    source_id: int


class AccountView(msgspec.Struct, frozen=True):
    """An account that a profile belongs to."""

    group_id: str
    traits: dict[str, JsonValue]
    first_seen: Millis


@dataclass(frozen=True, slots=True)
class Profile:
    """One person, as known now."""

    profile_id: str
    internal_id: ProfileId
    nodes: list[Node]
    identities: list[IdentityView]
    traits: list[TraitView]
    accounts: list[AccountView]
    first_seen: Millis
    last_seen: Millis
    event_count: int


class ProfileReader:
    """Looks people up."""

    def __init__(
        self,
        store: SqlStore,
        identity: IdentityStore,
        key: bytes,
        rules: Rulebook,
        identifiers: Identifiers,
    ) -> None:
        self._store = store
        self._identity = identity
        self._key = key
        self.rules = rules
        self.identifiers = identifiers

    def adopt_rules(self, rules: Rulebook, identifiers: Identifiers) -> None:
        """Read by other identity rules from now on."""
        self.rules, self.identifiers = rules, identifiers

    def find_node(self, connection: sa.Connection, ref: str, region: str = "TR") -> Node:
        """Find the identity that ``namespace:value`` or ``profile_id:…`` names.

        Raises InputError for what is no reference and NotFound for one never seen.
        """
        namespace, separator, raw = ref.partition(":")
        if not separator or not raw:
            raise InputError(
                f'"{ref}" is not a profile reference: write namespace:value, '
                "as in email:ada@example.com or user_id:42."
            )
        if namespace == PROFILE_ID:
            key = raw.lower()
        else:
            value = self.identifiers.value(namespace, raw, region)
            if value is None:
                raise NotFound(f'"{raw}" names nobody: it is no valid {namespace}.')
            key = keyed_hash(self._key, namespace, value)
        found = self._identity.nodes_by_key(connection, [key])
        if not found:
            known = [*self.rules.rules.namespaces, PROFILE_ID]
            hint = "" if namespace in known else did_you_mean(namespace, known)
            raise NotFound(f'Nobody with {namespace} "{raw}" was ever seen.{hint}')
        return found[0]

    def profile(self, ref: str) -> Profile:
        """Read the profile that a reference belongs to. Raises InputError, NotFound."""
        with self._store.read() as connection:
            node = self.find_node(connection, ref)
            return self.read(connection, node.profile_id)

    def read(self, connection: sa.Connection, profile_id: ProfileId) -> Profile:
        """Read a profile by its integer id."""
        nodes = self._identity.nodes_by_profile(connection, [profile_id])
        return self.assemble(connection, profile_id, nodes)

    def assemble(
        self, connection: sa.Connection, profile_id: ProfileId, nodes: list[Node]
    ) -> Profile:
        """Put a profile together from its identities."""
        ids = [node.identity_id for node in nodes]
        active = self._activity(connection, ids)
        shown = [node for node in nodes if node.attested] or nodes
        identities = [_identity_view(node, active) for node in self._in_order(shown)]
        eldest = next((n for n in nodes if int(n.identity_id) == int(profile_id)), nodes[0])
        return Profile(
            profile_id=eldest.key,
            internal_id=profile_id,
            nodes=nodes,
            identities=identities,
            traits=self._traits(connection, nodes),
            accounts=self._accounts(connection, ids),
            first_seen=min(view.first_seen for view in identities),
            last_seen=max(view.last_seen for view in identities),
            event_count=sum(view.event_count for view in identities),
        )

    def _in_order(self, nodes: Iterable[Node]) -> list[Node]:
        return sorted(
            nodes, key=lambda n: (self.rules.rank(n.namespace), n.namespace, n.first_seen)
        )

    def _activity(
        self, connection: sa.Connection, ids: Collection[int]
    ) -> dict[int, tuple[int, int]]:
        table = identity_activity.c
        query = sa.select(identity_activity).where(in_list(connection, table.identity_id, ids))
        return {
            row.identity_id: (row.last_seen, row.event_count) for row in connection.execute(query)
        }

    def _traits(self, connection: sa.Connection, nodes: Iterable[Node]) -> list[TraitView]:
        by_id = {node.identity_id: node for node in nodes}
        query = sa.select(traits).where(in_list(connection, traits.c.identity_id, list(by_id)))
        best: dict[str, sa.Row[Any]] = {}
        for row in connection.execute(query):
            held = best.get(row.name)
            if held is None or _order(row) > _order(held):
                best[row.name] = row
        views = [_trait_view(row, by_id[row.identity_id]) for row in best.values()]
        return sorted((v for v in views if v.value is not None), key=lambda v: v.name)

    def _accounts(self, connection: sa.Connection, ids: Collection[int]) -> list[AccountView]:
        query = (
            sa.select(
                accounts.c.account_id,
                accounts.c.group_id,
                sa.func.min(account_members.c.first_seen).label("first_seen"),
            )
            .join(account_members, account_members.c.account_id == accounts.c.account_id)
            .where(in_list(connection, account_members.c.identity_id, ids))
            .group_by(accounts.c.account_id, accounts.c.group_id)
            .order_by(accounts.c.group_id)
        )
        rows = connection.execute(query).all()
        told = account_trait_values(connection, [row.account_id for row in rows])
        return [
            AccountView(row.group_id, told.get(row.account_id, {}), Millis(row.first_seen))
            for row in rows
        ]


def account_trait_values(
    connection: sa.Connection, ids: Collection[int]
) -> dict[int, dict[str, JsonValue]]:
    """Read the present traits of some accounts."""
    if not ids:
        return {}
    query = sa.select(account_traits).where(in_list(connection, account_traits.c.account_id, ids))
    best: dict[tuple[int, str], sa.Row[Any]] = {}
    for row in connection.execute(query):
        key = (row.account_id, row.name)
        if key not in best or _order(row) > _order(best[key]):
            best[key] = row
    found: dict[int, dict[str, JsonValue]] = {}
    for (account_id, name), row in sorted(best.items()):
        value = decode(row.value)
        if value is not None:
            found.setdefault(account_id, {})[name] = value
    return found


def _order(row: sa.Row[Any]) -> tuple[bool, int, str]:
    """Strong before weak, then by event time; the same in any order of arrival."""
    return (bool(row.strong), row.version, row.message_id)


def _identity_view(node: Node, active: dict[int, tuple[int, int]]) -> IdentityView:
    last_seen, count = active.get(node.identity_id, (node.first_seen, 0))
    return IdentityView(
        node.namespace,
        node.value,
        node.first_seen,
        Millis(last_seen),
        count,
        node.verified,
        node.quarantine is not None,
    )


def _trait_view(row: sa.Row[Any], node: Node) -> TraitView:
    return TraitView(
        row.name,
        decode(row.value),
        decode(row.original) if row.original is not None else None,
        f"{node.namespace}:{node.value}",
        bool(row.strong),
        Millis(row.event_time),
        row.message_id,
        row.source_id,
    )
