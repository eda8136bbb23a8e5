"""The tables of identities, claims, separations and rules."""

from __future__ import annotations

import sqlalchemy as sa

from tekil.store.schema import BigId, state_metadata

identities = sa.Table(
    "identities",
    state_metadata,
    sa.Column("identity_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("key", sa.String(32), nullable=False, unique=True),
    sa.Column("namespace", sa.String, nullable=False),
    sa.Column("value", sa.String, nullable=False),
    sa.Column("first_seen", sa.BigInteger, nullable=False),
    sa.Column("verified", sa.Boolean, nullable=False),
    sa.Column("attested", sa.Boolean, nullable=False),
    sa.Column("quarantine", sa.String, nullable=True),
    sa.Column("component", sa.BigInteger, nullable=False, index=True),
    sa.Column("profile_id", sa.BigInteger, nullable=False, index=True),
)
"""``key`` is the keyed hash of (namespace, value) in hexadecimal, and also the public profile id.

``component`` is the least identity_id among all identities that claims connect, refused claims
included but not those of quarantined identities: what must be solved together. ``profile_id``
is the result of solving. ``quarantine`` is the verdict on a shared identity, as JSON.
"""

claims = sa.Table(
    "claims",
    state_metadata,
    sa.Column("a", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("b", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("strong", sa.Boolean, primary_key=True),
    sa.Column("event_time", sa.BigInteger, nullable=False),
    sa.Column("message_id", sa.String, nullable=False),
    sa.Column("source_id", sa.Integer, nullable=False),
    sa.Column("refused", sa.String, nullable=True),
    sa.Index("claims_by_b", "b"),
)

separations = sa.Table(
    "separations",
    state_metadata,
    sa.Column("a", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("b", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("created_by", sa.String, nullable=False),
    sa.Column("note", sa.String, nullable=False),
    sa.Index("separations_by_b", "b"),
)

decisions = sa.Table(
    "decisions",
    state_metadata,
    sa.Column("decision_id", BigId, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("a", sa.BigInteger, nullable=False, index=True),
    sa.Column("b", sa.BigInteger, nullable=False, index=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("note", sa.String, nullable=False),
)
"""Every join and separation by hand, ever: ``claims`` and ``separations`` hold the last ones."""

identity_activity = sa.Table(
    "identity_activity",
    state_metadata,
    sa.Column("identity_id", BigId, primary_key=True, autoincrement=False),
    sa.Column("last_seen", sa.BigInteger, nullable=False),
    sa.Column("event_count", sa.BigInteger, nullable=False),
)

identity_rules = sa.Table(
    "identity_rules",
    state_metadata,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("rules", sa.String, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("created_by", sa.String, nullable=False),
)
