"""The table of sources."""

from __future__ import annotations

import sqlalchemy as sa

from tekil.store.schema import state_metadata

sources = sa.Table(
    "sources",
    state_metadata,
    sa.Column("source_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("name", sa.String, nullable=False, unique=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("write_key", sa.String, nullable=False, unique=True),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("settings", sa.String, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)
