"""Accounts: the organisations that group calls speak of."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from tekil.clean.names import search_fold
from tekil.errors import InputError, NotFound
from tekil.identity.tables import identities
from tekil.kit.clock import Millis
from tekil.kit.json import JsonValue
from tekil.kit.paging import Page, decode_cursor, encode_cursor
from tekil.profiles.read import account_trait_values
from tekil.profiles.tables import account_members, accounts
from tekil.store.lists import in_list
from tekil.store.state import SqlStore

STEP = 1000
"""Accounts that are looked at together when one is searched by name."""


class Account(msgspec.Struct, frozen=True):
    """One organisation."""

    account_id: int
    group_id: str
    traits: dict[str, JsonValue]
    first_seen: Millis
    last_seen: Millis
    member_count: int


class AccountReader:
    """Looks accounts up."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    def account(self, group_id: str) -> Account:
        """Read one account. Raises NotFound."""
        with self._store.read() as connection:
            query = sa.select(accounts).where(accounts.c.group_id == group_id)
            found = self._read(connection, connection.execute(query))
        if not found:
            raise NotFound(f'No account "{group_id}" was ever seen in a group call.')
        return found[0]

    def find(self, query: str, *, cursor: str | None, limit: int) -> Page[Account]:
        """List accounts, the newest first: those in whose id or name every word stands."""
        before = _position(cursor)
        wanted = search_fold(query).split()
        found: list[Account] = []
        with self._store.read() as connection:
            while len(found) <= limit:
                page = sa.select(accounts).order_by(accounts.c.account_id.desc()).limit(STEP)
                if before is not None:
                    page = page.where(accounts.c.account_id < before)
                rows = self._read(connection, connection.execute(page), count=False)
                if not rows:
                    break
                before = rows[-1].account_id
                found += [row for row in rows if _matches(row, wanted)]
            shown = found[:limit]
            counts = _member_counts(connection, [each.account_id for each in shown])
        people = [
            msgspec.structs.replace(each, member_count=counts.get(each.account_id, 0))
            for each in shown
        ]
        return Page(people, encode_cursor(shown[-1].account_id) if len(found) > limit else None)

    def _read(
        self, connection: sa.Connection, rows: Iterable[sa.Row[tuple[object, ...]]], *,
        count: bool = True,
    ) -> list[Account]:  # fmt: skip
        found = [row._mapping for row in rows]
        ids = [int(str(row["account_id"])) for row in found]
        told = account_trait_values(connection, ids)
        counts = _member_counts(connection, ids) if count else {}
        return [
            Account(
                account_id,
                str(row["group_id"]),
                told.get(account_id, {}),
                Millis(int(str(row["first_seen"]))),
                Millis(int(str(row["last_seen"]))),
                counts.get(account_id, 0),
            )
            for account_id, row in zip(ids, found, strict=True)
        ]


def _member_counts(connection: sa.Connection, ids: list[int]) -> dict[int, int]:
    if not ids:
        return {}
    people = sa.func.count(identities.c.profile_id.distinct())
    query = (
        sa.select(account_members.c.account_id, people.label("people"))
        .join(identities, identities.c.identity_id == account_members.c.identity_id)
        .where(in_list(connection, account_members.c.account_id, ids))
        .group_by(account_members.c.account_id)
    )
    return {row.account_id: row.people for row in connection.execute(query)}


def _matches(account: Account, wanted: list[str]) -> bool:
    if not wanted:
        return True
    text = search_fold(f"{account.group_id} {account.traits.get('name', '')}")
    return all(word in text for word in wanted)


def _position(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    try:
        (position,) = decode_cursor(cursor)
        return int(str(position))
    except ValueError as error:
        raise InputError(f"{error}; leave it out to begin at the newest.") from error
