"""The state tables of the event history: the learned schema, de-duplication, the outbox."""

from __future__ import annotations

import sqlalchemy as sa

from tekil.store.schema import BigId, state_metadata

event_schema = sa.Table(
    "event_schema",
    state_metadata,
    sa.Column("source_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("type", sa.String, primary_key=True),
    sa.Column("event", sa.String, primary_key=True),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("first_seen", sa.BigInteger, nullable=False),
    sa.Column("last_seen", sa.BigInteger, nullable=False),
)

property_schema = sa.Table(
    "property_schema",
    state_metadata,
    sa.Column("source_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("type", sa.String, primary_key=True),
    sa.Column("event", sa.String, primary_key=True),
    sa.Column("property", sa.String, primary_key=True),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("types", sa.String, nullable=False),
    sa.Column("examples", sa.String, nullable=False),
)

message_hashes = sa.Table(
    "message_hashes",
    state_metadata,
    sa.Column("batch", BigId, primary_key=True, autoincrement=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("hashes", sa.LargeBinary, nullable=False),
)
"""16 bytes for each message of a micro-batch; read into memory when the pipeline starts."""

outbox = sa.Table(
    "outbox",
    state_metadata,
    sa.Column("batch", BigId, primary_key=True, autoincrement=False),
    sa.Column("first_seq", sa.BigInteger, nullable=False),
    sa.Column("last_seq", sa.BigInteger, nullable=False),
    sa.Column("table", sa.String, primary_key=True),
    sa.Column("lines", sa.LargeBinary, nullable=False),
)
"""What a micro-batch has to insert into the warehouse; kept until it is known to be there."""

progress = sa.Table(
    "progress",
    state_metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)
"""Counters and cursors that move in the same transaction as what they speak of."""

installation = sa.Table(
    "installation",
    state_metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.LargeBinary, nullable=False),
)
