"""The inbox's tables: accepted requests, rejects, and how far each file import has come."""

from __future__ import annotations

import sqlalchemy as sa

from tekil.store.schema import BigId, inbox_metadata

inbox = sa.Table(
    "inbox",
    inbox_metadata,
    sa.Column("seq", BigId, primary_key=True, autoincrement=True),
    sa.Column("source_id", sa.Integer, nullable=False),
    sa.Column("received_at", sa.BigInteger, nullable=False),
    sa.Column("type", sa.String, nullable=False),
    sa.Column("ip", sa.String, nullable=False),
    sa.Column("user_agent", sa.String, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)

rejects = sa.Table(
    "rejects",
    inbox_metadata,
    sa.Column("reject_id", BigId, primary_key=True, autoincrement=True),
    sa.Column("source_id", sa.Integer, nullable=False),
    sa.Column("received_at", sa.BigInteger, nullable=False),
    sa.Column("stage", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("detail", sa.String, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("item", sa.BigInteger, nullable=False),
    sa.Column("origin", sa.String, nullable=True, unique=True),
    sa.Column("replayed_at", sa.BigInteger, nullable=True),
    sa.Index("rejects_by_reason", "reason", "reject_id"),
)
"""``origin`` is set for rejects made after the inbox, so that work done twice adds them once."""

imports = sa.Table(
    "imports",
    inbox_metadata,
    sa.Column("file_hash", sa.String, primary_key=True),
    sa.Column("source_id", sa.Integer, primary_key=True),
    sa.Column("file_name", sa.String, nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("rejected", sa.BigInteger, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("started_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
)
