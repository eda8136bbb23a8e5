"""Segments, computed traits and uploaded lists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003_segments"
down_revision = "0002_access"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "segments",
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
    op.create_table(
        "segment_snapshots",
        sa.Column("segment_id", BigId, primary_key=True, autoincrement=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("change_id", sa.BigInteger, nullable=False),
        sa.Column("members", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "segment_changes",
        sa.Column("change_id", BigId, primary_key=True, autoincrement=False),
        sa.Column("segment_id", sa.BigInteger, nullable=False),
        sa.Column("profile_id", sa.BigInteger, nullable=False),
        sa.Column("entered", sa.Boolean, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("cause", sa.String, nullable=False),
    )
    op.create_index("segment_changes_by_segment", "segment_changes", ["segment_id", "change_id"])
    op.create_index("segment_changes_by_profile", "segment_changes", ["profile_id", "segment_id"])
    op.create_table(
        "segment_sizes",
        sa.Column("segment_id", BigId, primary_key=True, autoincrement=False),
        sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("size", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "computed_traits",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("description", sa.String, nullable=False),
        sa.Column("definition", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("updated_by", sa.String, nullable=False),
    )
    op.create_table(
        "lists",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("description", sa.String, nullable=False),
        sa.Column("identities", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("updated_by", sa.String, nullable=False),
    )
