"""Finding people by what somebody types: an identity, a name, the beginning of either."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from tekil.clean.names import search_fold
from tekil.errors import InputError, NotFound
from tekil.identity.store import IdentityStore
from tekil.identity.tables import identities
from tekil.kit.hashing import keyed_hash
from tekil.kit.ids import ProfileId
from tekil.kit.paging import Page, decode_cursor, encode_cursor
from tekil.profiles.read import Profile, ProfileReader
from tekil.profiles.tables import account_members, search_terms
from tekil.store.state import SqlStore

MAX_WORDS = 8
MAX_WORD_CHARS = 64
MARKS = "@.,;:/()[]{}\"'"
"""Where a stored text is cut into words; see ``pipeline.people.terms``."""
_LAST = "\U0010ffff"


class ProfileSearch:
    """Lists and searches profiles, the newest first."""

    def __init__(
        self, store: SqlStore, identity: IdentityStore, reader: ProfileReader, key: bytes
    ) -> None:
        self._store = store
        self._identity = identity
        self._reader = reader
        self._key = key

    def find(self, query: str, *, cursor: str | None, limit: int) -> Page[Profile]:
        """Find people: who has exactly this identity first, then every word's matches.

        A query is a reference (``email:ada@example.com``), an identity's bare value, or words,
        each the beginning of a word of a name or of an identity; all of them must match. Without
        a query everybody is listed.
        """
        before = _position(cursor)
        wanted = words(query)
        if query.strip() and not wanted:
            return Page([])
        with self._store.read() as connection:
            exact = self._exact(connection, query)[:limit] if wanted else []
            first = exact if before is None else []
            statement = profiles_sql(wanted, before=before, without=exact)
            rows = [row[0] for row in connection.execute(statement.limit(limit + 1 - len(first)))]
            ids = [*first, *(ProfileId(row) for row in rows)]
            shown = ids[:limit]
            people = self._reader.read_many(connection, shown)
        if len(ids) <= limit:
            return Page(people)
        last = shown[-1] if shown[-1] not in first else None
        return Page(people, encode_cursor(last))

    def members(self, account_id: int, *, cursor: str | None, limit: int) -> Page[Profile]:
        """List the people of an account, the newest first."""
        before = _position(cursor)
        statement = members_sql(account_id, before=before)
        with self._store.read() as connection:
            rows = connection.execute(statement.limit(limit + 1))
            ids = [ProfileId(row[0]) for row in rows]
            people = self._reader.read_many(connection, ids[:limit])
        return Page(people, encode_cursor(ids[limit - 1]) if len(ids) > limit else None)

    def _exact(self, connection: sa.Connection, query: str) -> list[ProfileId]:
        """The profiles of which the query is an identity, in any namespace; a reference first."""
        found: list[ProfileId] = []
        with suppress(InputError, NotFound):
            found.append(self._reader.find_node(connection, query.strip()).profile_id)
        value_in = self._reader.identifiers.value
        values = ((n, value_in(n, query)) for n in self._reader.rules.rules.namespaces)
        keys = [keyed_hash(self._key, n, value) for n, value in values if value is not None]
        nodes = self._identity.nodes_by_key(connection, keys)
        found += sorted(node.profile_id for node in nodes if node.attested)
        return list(dict.fromkeys(found))


def words(query: str) -> list[str]:
    """The words of a query in the form in which names are stored for search.

    >>> words("  Işıl YILMAZ ")
    ['isil', 'yilmaz']
    """
    found = search_fold(query.replace("\x00", "")).split()
    return [word[:MAX_WORD_CHARS] for word in dict.fromkeys(found)][:MAX_WORDS]


def pieces(word: str) -> list[str]:
    """The parts of a word that has marks inside, as stored words were cut.

    The beginning of an e-mail is not taken apart: everybody at example.com has "example".

    >>> pieces("o'brien"), pieces("ada")
    (['o', 'brien'], ['ada'])
    """
    for mark in MARKS:
        word = word.replace(mark, " ")
    return word.split()


def profiles_sql(
    wanted: Sequence[str], *, before: int | None, without: Sequence[int]
) -> sa.Select[Any]:
    """Profiles of which every word matches, the newest first; without words, everybody."""
    profile = identities.c.profile_id
    query = sa.select(profile).where(identities.c.attested).group_by(profile)
    for word in wanted:
        matches = _starting_with(word)
        parts = pieces(word)
        if "@" not in word and parts and parts != [word]:
            split = sa.and_(*(profile.in_(_starting_with(part)) for part in parts))
            query = query.where(sa.or_(profile.in_(matches), split))
        else:
            query = query.where(profile.in_(matches))
    if before is not None:
        query = query.where(profile < before)
    if without:
        query = query.where(profile.not_in(without))
    return query.order_by(profile.desc())


def _starting_with(word: str) -> sa.Select[Any]:
    term = search_terms.c.term
    owner = identities.alias()
    return (
        sa.select(owner.c.profile_id)
        .join(search_terms, search_terms.c.identity_id == owner.c.identity_id)
        .where(term >= word, term < word + _LAST)
    )


def members_sql(account_id: int, *, before: int | None) -> sa.Select[Any]:
    """Profiles with an identity that was seen in an account, the newest first."""
    profile = identities.c.profile_id
    query = (
        sa.select(profile)
        .join(account_members, account_members.c.identity_id == identities.c.identity_id)
        .where(account_members.c.account_id == account_id)
        .group_by(profile)
        .order_by(profile.desc())
    )
    return query if before is None else query.where(profile < before)


def _position(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    try:
        (position,) = decode_cursor(cursor)
        return 2**62 if position is None else int(str(position))
    except ValueError as error:
        raise InputError(f"{error}; leave it out to begin at the start.") from error
