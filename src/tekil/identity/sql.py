"""Statements on the identity graph; nothing here runs them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from tekil.identity.tables import claims, identities, identity_activity, separations
from tekil.kit.json import encode_text
from tekil.store.lists import in_list

QUARANTINED_PREFIX = '{"reason":"quarantined"%'
"""How the stored form of a refusal by quarantine begins; see ``piece.refusal_text``."""


def nodes_by_key_sql(connection: sa.Connection, keys: Collection[str]) -> sa.Select[Any]:
    """Identities by the hash of their namespace and value."""
    return sa.select(identities).where(in_list(connection, identities.c.key, keys))


def nodes_by_id_sql(connection: sa.Connection, ids: Collection[int]) -> sa.Select[Any]:
    """Identities by id."""
    return sa.select(identities).where(in_list(connection, identities.c.identity_id, ids))


def nodes_by_component_sql(connection: sa.Connection, labels: Collection[int]) -> sa.Select[Any]:
    """Every identity of some components."""
    return sa.select(identities).where(in_list(connection, identities.c.component, labels))


def nodes_by_profile_sql(connection: sa.Connection, profiles: Collection[int]) -> sa.Select[Any]:
    """Every identity of some profiles."""
    return sa.select(identities).where(in_list(connection, identities.c.profile_id, profiles))


def claims_touching_sql(connection: sa.Connection, ids: Collection[int]) -> sa.CompoundSelect[Any]:
    """Every claim with an end among these identities; one with both ends among them once."""
    return sa.union(
        sa.select(claims).where(in_list(connection, claims.c.a, ids)),
        sa.select(claims).where(in_list(connection, claims.c.b, ids)),
    )


def open_claims_touching_sql(
    connection: sa.Connection, ids: Collection[int]
) -> sa.CompoundSelect[Any]:
    """Claims with an end among these shared identities, without those that a verdict refuses."""
    is_open = sa.or_(claims.c.refused.is_(None), claims.c.refused.not_like(QUARANTINED_PREFIX))
    return sa.union(
        sa.select(claims).where(in_list(connection, claims.c.a, ids), is_open),
        sa.select(claims).where(in_list(connection, claims.c.b, ids), is_open),
    )


def strong_claims_touching_sql(
    connection: sa.Connection, ids: Collection[int]
) -> sa.CompoundSelect[Any]:
    """Every strong claim with an end among these identities."""
    return sa.union(
        sa.select(claims).where(in_list(connection, claims.c.a, ids), claims.c.strong),
        sa.select(claims).where(in_list(connection, claims.c.b, ids), claims.c.strong),
    )


def claims_between_sql(
    connection: sa.Connection, pairs: Collection[tuple[int, int]]
) -> sa.Select[Any]:
    """Every claim of some pairs (a, b): two bound values, whatever their number.

    Asking for every claim of the one end and leaving out the rest would read all the visitors of
    a kiosk whenever one of them comes back.
    """
    first: sa.ColumnElement[Any]
    second: sa.ColumnElement[Any]
    if connection.dialect.name == "sqlite":
        each = sa.func.json_each(encode_text(list(pairs))).table_valued("value")
        first = sa.func.json_extract(each.c.value, "$[0]")
        second = sa.func.json_extract(each.c.value, "$[1]")
    else:
        lists = [
            sa.bindparam(None, list(ends), type_=postgresql.ARRAY(sa.BigInteger), unique=True)
            for ends in zip(*pairs, strict=True)
        ]
        each = sa.func.unnest(*lists).table_valued("first", "second").render_derived()
        first, second = each.c.first, each.c.second
    return (
        sa.select(claims)
        .select_from(each)
        .join(claims, sa.and_(claims.c.a == first, claims.c.b == second))
    )


def separations_touching_sql(
    connection: sa.Connection, ids: Collection[int]
) -> sa.CompoundSelect[Any]:
    """Every separation with an end among these identities."""
    return sa.union(
        sa.select(separations).where(in_list(connection, separations.c.a, ids)),
        sa.select(separations).where(in_list(connection, separations.c.b, ids)),
    )


def update_node_sql() -> sa.Update:
    """Write what may change of an identity; parameters begin with ``new_``."""
    changing = ("first_seen", "verified", "attested", "quarantine", "component", "profile_id")
    return (
        sa.update(identities)
        .where(identities.c.identity_id == sa.bindparam("at_identity_id"))
        .values({name: sa.bindparam(f"new_{name}") for name in changing})
    )


def refuse_claim_sql() -> sa.Update:
    """Write whether a claim is refused, and why."""
    return (
        sa.update(claims)
        .where(
            claims.c.a == sa.bindparam("at_a"),
            claims.c.b == sa.bindparam("at_b"),
            claims.c.kind == sa.bindparam("at_kind"),
            claims.c.strong == sa.bindparam("at_strong"),
        )
        .values(refused=sa.bindparam("new_refused"))
    )


def activity_sql(ids_sql: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Counts and last times of some identities."""
    return sa.select(identity_activity).where(ids_sql)
