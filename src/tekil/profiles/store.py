"""The only file that runs statements on traits, accounts and the search index."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from tekil.kit.clock import Millis
from tekil.kit.ids import AccountId
from tekil.profiles.model import TraitWrite
from tekil.profiles.tables import (
    account_members,
    account_traits,
    accounts,
    search_terms,
    traits,
)
from tekil.store.lists import in_list
from tekil.store.many import execute_many
from tekil.store.state import SqlStore


class ProfileStore:
    """Writes what a batch tells about people and accounts; reads it back for profiles."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store

    def write_traits(self, connection: sa.Connection, rows: Collection[TraitWrite]) -> None:
        """Keep the newest value of each trait of each identity."""
        self._write_traits(connection, traits, "identity_id", rows)

    def write_account_traits(self, connection: sa.Connection, rows: Collection[TraitWrite]) -> None:
        """Keep the newest value of each trait of each account."""
        self._write_traits(connection, account_traits, "account_id", rows)

    def account_ids(
        self, connection: sa.Connection, seen: Mapping[str, tuple[Millis, Millis]], next_id: int
    ) -> dict[str, AccountId]:
        """Find or make accounts by group id; the times are when each was first and last seen."""
        query = sa.select(accounts.c.group_id, accounts.c.account_id)
        known = {
            group_id: AccountId(account_id)
            for group_id, account_id in connection.execute(
                query.where(in_list(connection, accounts.c.group_id, list(seen)))
            )
        }
        for group_id in seen:
            if group_id not in known:
                known[group_id] = AccountId(next_id)
                next_id += 1
        insert = self.store.insert(accounts)
        least = sa.func.min if self.store.is_sqlite else sa.func.least
        greatest = sa.func.max if self.store.is_sqlite else sa.func.greatest
        upsert = insert.on_conflict_do_update(
            index_elements=["account_id"],
            set_={
                "first_seen": least(accounts.c.first_seen, insert.excluded.first_seen),
                "last_seen": greatest(accounts.c.last_seen, insert.excluded.last_seen),
            },
        )
        rows = [
            {
                "account_id": known[group_id],
                "group_id": group_id,
                "first_seen": first,
                "last_seen": last,
            }
            for group_id, (first, last) in seen.items()
        ]
        execute_many(connection, upsert, rows)
        return known

    def write_members(
        self, connection: sa.Connection, members: Mapping[tuple[int, int], Millis]
    ) -> None:
        """Note that identities were seen in accounts."""
        if not members:
            return
        insert = self.store.insert(account_members)
        least = sa.func.min if self.store.is_sqlite else sa.func.least
        upsert = insert.on_conflict_do_update(
            index_elements=["identity_id", "account_id"],
            set_={"first_seen": least(account_members.c.first_seen, insert.excluded.first_seen)},
        )
        rows = [
            {"identity_id": identity, "account_id": account, "first_seen": at}
            for (identity, account), at in members.items()
        ]
        execute_many(connection, upsert, rows)

    def write_terms(self, connection: sa.Connection, terms: Iterable[tuple[str, int]]) -> None:
        """Add words by which identities are found."""
        rows = [{"term": term, "identity_id": identity} for term, identity in terms]
        if rows:
            insert = self.store.insert(search_terms).on_conflict_do_nothing()
            execute_many(connection, insert, rows)

    def traits_of(self, connection: sa.Connection, ids: Collection[int]) -> list[sa.Row[Any]]:
        """Read every trait of some identities."""
        query = sa.select(traits).where(in_list(connection, traits.c.identity_id, ids))
        return list(connection.execute(query))

    def _write_traits(
        self,
        connection: sa.Connection,
        table: sa.Table,
        owner: str,
        rows: Collection[TraitWrite],
    ) -> None:
        if not rows:
            return
        insert = self.store.insert(table)
        kept = ("value", "original", "version", "event_time", "message_id", "source_id")
        newer = sa.tuple_(insert.excluded.version, insert.excluded.message_id) > sa.tuple_(
            table.c.version, table.c.message_id
        )
        upsert = insert.on_conflict_do_update(
            index_elements=[owner, "name", "strong"],
            set_={name: insert.excluded[name] for name in kept},
            where=newer,
        )
        execute_many(connection, upsert, [_trait_row(owner, row) for row in rows])


def _trait_row(owner: str, row: TraitWrite) -> dict[str, object]:
    return {
        owner: row.owner_id,
        "name": row.name,
        "strong": row.strong,
        "value": row.value,
        "original": row.original,
        "version": row.version,
        "event_time": row.event_time,
        "message_id": row.message_id,
        "source_id": row.source_id,
    }
