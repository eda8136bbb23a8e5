"""The tables of traits, accounts and the search index."""

from __future__ import annotations

import sqlalchemy as sa

from tekil.store.schema import BigId, state_metadata


def _trait_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("strong", sa.Boolean, primary_key=True),
        sa.Column("value", sa.String, nullable=False),
        sa.Column("original", sa.String, nullable=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("event_time", sa.BigInteger, nullable=False),
        sa.Column("message_id", sa.String, nullable=False),
        sa.Column("source_id", sa.Integer, nullable=False),
    ]


traits = sa.Table(
    "traits",
    state_metadata,
    sa.Column("identity_id", sa.BigInteger, primary_key=True, autoincrement=False),
    *_trait_columns(),
)
"""``value`` and ``original`` are JSON; the greatest (version, message_id) is kept."""

accounts = sa.Table(
    "accounts",
    state_metadata,
    sa.Column("account_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("group_id", sa.String, nullable=False, unique=True),
    sa.Column("first_seen", sa.BigInteger, nullable=False),
    sa.Column("last_seen", sa.BigInteger, nullable=False),
)

account_traits = sa.Table(
    "account_traits",
    state_metadata,
    sa.Column("account_id", sa.BigInteger, primary_key=True, autoincrement=False),
    *_trait_columns(),
)

account_members = sa.Table(
    "account_members",
    state_metadata,
    sa.Column("identity_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("account_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("first_seen", sa.BigInteger, nullable=False),
    sa.Index("account_members_by_account", "account_id", "identity_id"),
)

ByteOrdered = sa.String().with_variant(sa.String(collation="C"), "postgresql")
"""Compared byte by byte whatever the database's language: beginnings are found by the index."""

search_terms = sa.Table(
    "search_terms",
    state_metadata,
    sa.Column("term", ByteOrdered, primary_key=True),
    sa.Column("identity_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
"""Folded words of names and of identities that people look up, each with its identity."""
