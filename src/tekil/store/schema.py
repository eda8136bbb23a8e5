"""The shared table registries; each room declares its own tables on them in its ``tables.py``.

Two registries, because on SQLite the inbox lives in a file of its own: accepting a request must
not wait for the pipeline's transaction. On PostgreSQL both live in one database.
"""

from __future__ import annotations

import sqlalchemy as sa

state_metadata = sa.MetaData()
inbox_metadata = sa.MetaData()

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""A 64-bit id; SQLite only autoincrements a column spelled INTEGER."""
