"""Reading a profile: from a reference to its identities, traits, accounts and counts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
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
    account_id: int = 0


class StoredTrait(msgspec.Struct, frozen=True, gc=False):
    """One value of one trait of one owner, of one strength; ``value`` is JSON."""

    name: str
    strong: bool
    version: int
    message_id: str
    value: str
    original: str | None
    event_time: Millis
    source_id: int

    @property
    def order(self) -> tuple[bool, int, str]:
        """Strong before weak, then by event time; the same in any order of arrival."""
        return (self.strong, self.version, self.message_id)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of identities, by identity id."""

    activity: Mapping[int, tuple[int, int]]
    """Last seen, and how many events."""
    traits: Mapping[int, Sequence[StoredTrait]]
    accounts: Mapping[int, Sequence[AccountView]]


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
        return self.read_many(connection, [profile_id])[0]

    def read_many(self, connection: sa.Connection, ids: Sequence[ProfileId]) -> list[Profile]:
        """Read profiles, in the order of their ids given, with few statements for all of them."""
        members: dict[int, list[Node]] = {int(profile_id): [] for profile_id in ids}
        for node in self._identity.nodes_by_profile(connection, ids) if ids else ():
            members[node.profile_id].append(node)
        everybody = [node for nodes in members.values() for node in nodes]
        known = self._facts(connection, everybody)
        return [self.assemble(ProfileId(i), nodes, known) for i, nodes in members.items() if nodes]

    def _facts(self, connection: sa.Connection, nodes: Collection[Node]) -> Facts:
        ids = [node.identity_id for node in nodes]
        return Facts(
            self._activity(connection, ids),
            self._traits(connection, ids),
            self.accounts_of(connection, ids),
        )

    def assemble(self, profile_id: ProfileId, nodes: list[Node], known: Facts) -> Profile:
        """Put a profile together from its identities and what is known of them."""
        shown = [node for node in nodes if node.attested] or nodes
        identities = [_identity_view(node, known.activity) for node in self._in_order(shown)]
        eldest = next((n for n in nodes if int(n.identity_id) == int(profile_id)), nodes[0])
        return Profile(
            profile_id=eldest.key,
            internal_id=profile_id,
            nodes=nodes,
            identities=identities,
            traits=best_traits(nodes, known.traits),
            accounts=united_accounts(nodes, known.accounts),
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

    def _traits(
        self, connection: sa.Connection, ids: Collection[int]
    ) -> dict[int, list[StoredTrait]]:
        found: dict[int, list[StoredTrait]] = {}
        query = sa.select(traits).where(in_list(connection, traits.c.identity_id, ids))
        for row in connection.execute(query):
            found.setdefault(row.identity_id, []).append(stored_trait(row))
        return found

    def accounts_of(
        self, connection: sa.Connection, ids: Collection[int]
    ) -> dict[int, list[AccountView]]:
        """The accounts that each identity was seen in."""
        query = (
            sa.select(
                account_members.c.identity_id,
                account_members.c.first_seen,
                accounts.c.account_id,
                accounts.c.group_id,
            )
            .join(accounts, account_members.c.account_id == accounts.c.account_id)
            .where(in_list(connection, account_members.c.identity_id, ids))
        )
        rows = connection.execute(query).all()
        told = account_trait_values(connection, {row.account_id for row in rows})
        found: dict[int, list[AccountView]] = {}
        for row in rows:
            view = AccountView(
                row.group_id, told.get(row.account_id, {}), Millis(row.first_seen), row.account_id
            )
            found.setdefault(row.identity_id, []).append(view)
        return found


def account_trait_values(
    connection: sa.Connection, ids: Collection[int]
) -> dict[int, dict[str, JsonValue]]:
    """Read the present traits of some accounts."""
    if not ids:
        return {}
    query = sa.select(account_traits).where(in_list(connection, account_traits.c.account_id, ids))
    told: dict[int, list[StoredTrait]] = {}
    for row in connection.execute(query):
        told.setdefault(row.account_id, []).append(stored_trait(row))
    return {account_id: trait_values(rows) for account_id, rows in told.items()}


def trait_values(told: Iterable[StoredTrait]) -> dict[str, JsonValue]:
    """What holds of all that was told of one owner; a removed trait is not there."""
    best: dict[str, StoredTrait] = {}
    for trait in told:
        held = best.get(trait.name)
        if held is None or trait.order > held.order:
            best[trait.name] = trait
    values = ((name, decode(trait.value)) for name, trait in sorted(best.items()))
    return {name: value for name, value in values if value is not None}


def best_traits(
    nodes: Iterable[Node], told: Mapping[int, Iterable[StoredTrait]]
) -> list[TraitView]:
    """The greatest value of each trait over a profile's identities, by name."""
    best: dict[str, tuple[StoredTrait, Node]] = {}
    for node in nodes:
        for trait in told.get(node.identity_id, ()):
            held = best.get(trait.name)
            if held is None or trait.order > held[0].order:
                best[trait.name] = (trait, node)
    views = [_trait_view(trait, node) for trait, node in best.values()]
    return sorted((v for v in views if v.value is not None), key=lambda v: v.name)


def united_accounts(
    nodes: Iterable[Node], found: Mapping[int, Iterable[AccountView]]
) -> list[AccountView]:
    """The accounts of a profile, each since the earliest time that one of it was seen there."""
    united: dict[str, AccountView] = {}
    for node in nodes:
        for view in found.get(node.identity_id, ()):
            held = united.get(view.group_id)
            if held is None or view.first_seen < held.first_seen:
                united[view.group_id] = view
    return [united[group_id] for group_id in sorted(united)]


def stored_trait(row: sa.Row[Any]) -> StoredTrait:
    """A row of ``traits`` or ``account_traits``."""
    return StoredTrait(
        row.name,
        bool(row.strong),
        row.version,
        row.message_id,
        row.value,
        row.original,
        Millis(row.event_time),
        row.source_id,
    )


def _identity_view(node: Node, active: Mapping[int, tuple[int, int]]) -> IdentityView:
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


def _trait_view(trait: StoredTrait, node: Node) -> TraitView:
    return TraitView(
        trait.name,
        decode(trait.value),
        decode(trait.original) if trait.original is not None else None,
        f"{node.namespace}:{node.value}",
        trait.strong,
        trait.event_time,
        trait.message_id,
        trait.source_id,
    )
