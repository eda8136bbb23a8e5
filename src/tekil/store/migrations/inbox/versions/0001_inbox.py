"""The inbox: accepted requests, rejects, progress of file imports."""

import sqlalchemy as sa
from alembic import op

from tekil.store.schema import BigId

revision = "0001_inbox"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "inbox",
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
    op.create_table(
        "rejects",
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
    )
    op.create_index("rejects_by_reason", "rejects", ["reason", "reject_id"])
    op.create_table(
        "imports",
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


def downgrade() -> None:
    op.drop_table("imports")
    op.drop_table("rejects")
    op.drop_table("inbox")
