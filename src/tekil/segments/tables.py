"""The state tables: definitions, memberships, changes, sizes, lists, computed traits."""

from __future__ import annotations

import sqlalchemy as sa

from tekil.store.schema import BigId, state_metadata

segments = sa.Table(
    "segments",
    state_metadata,
    sa.Column("segment_id", BigId, primary_key=True, autoincrement=True),
    sa.Column("name", sa.String, nullable=False, unique=True),
    sa.Column("description", sa.String, nullable=False),
    sa.Column("definition", sa.String, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.Column("updated_by", sa.String, nullable=False),
    sqlite_autoincrement=True,
)
"""``definition`` is JSON as it was written; ``version`` counts its changes."""

segment_snapshots = sa.Table(
    "segment_snapshots",
    state_metadata,
    sa.Column("segment_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("change_id", sa.BigInteger, nullable=False),
    sa.Column("members", sa.LargeBinary, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
)
"""Who was in a segment after a change: a serialised roaring bitmap of profile ids."""

segment_changes = sa.Table(
    "segment_changes",
    state_metadata,
    sa.Column("change_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("segment_id", sa.BigInteger, nullable=False),
    sa.Column("profile_id", sa.BigInteger, nullable=False),
    sa.Column("entered", sa.Boolean, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("cause", sa.String, nullable=False),
    sa.Index("segment_changes_by_segment", "segment_id", "change_id"),
    sa.Index("segment_changes_by_profile", "profile_id", "segment_id"),
)
"""Every entry and exit of a living segment; with a snapshot before it gives the membership."""

segment_sizes = sa.Table(
    "segment_sizes",
    state_metadata,
    sa.Column("segment_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("size", sa.BigInteger, nullable=False),
)
"""How many members a segment had at the end of an hour in which that changed."""

computed_traits = sa.Table(
    "computed_traits",
    state_metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("description", sa.String, nullable=False),
    sa.Column("definition", sa.String, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.Column("updated_by", sa.String, nullable=False),
)

lists = sa.Table(
    "lists",
    state_metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("description", sa.String, nullable=False),
    sa.Column("identities", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.Column("updated_by", sa.String, nullable=False),
)
"""Uploaded lists: a serialised roaring bitmap of identity ids, so that merges carry them along."""
