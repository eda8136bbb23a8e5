"""Statements on the identity graph; nothing here runs them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from tekil.identity.model import ClaimKind
from tekil.identity.tables import (
    claims,
    decisions,
    identities,
    identity_activity,
    identity_rules,
    separations,
)
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


def claims_touching_sql(
    connection: sa.Connection, ids: Collection[int], until: int | None = None
) -> sa.CompoundSelect[Any]:
    """Every claim with an end among these identities; one with both ends among them once."""
    known = sa.true() if until is None else claims.c.event_time <= until
    return sa.union(
        sa.select(claims).where(in_list(connection, claims.c.a, ids), known),
        sa.select(claims).where(in_list(connection, claims.c.b, ids), known),
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


def neighbour_counts_sql(
    connection: sa.Connection,
    *,
    above: int,
    ids: Collection[int] | None = None,
    until: int | None = None,
    without: Collection[int] = (),
) -> sa.Select[Any]:
    """To how many identities of each namespace claims not made by hand join an identity.

    Rows of (identity_id, namespace, strong, count), only where the count is over ``above``.
    ``without`` leaves neighbours out that name nobody.
    """
    ways = []
    for here, there in ((claims.c.a, claims.c.b), (claims.c.b, claims.c.a)):
        way = sa.select(here.label("here"), there.label("there"), claims.c.strong).where(
            claims.c.kind != ClaimKind.JOIN.value, here != there
        )
        if ids is not None:
            way = way.where(in_list(connection, here, ids))
        if until is not None:
            way = way.where(claims.c.event_time <= until)
        if without:
            way = way.where(sa.not_(in_list(connection, there, without)))
        ways.append(way)
    ends = sa.union_all(*ways).subquery("ends")
    count = sa.func.count(ends.c.there.distinct())
    return (
        sa.select(ends.c.here, identities.c.namespace, ends.c.strong, count.label("count"))
        .join(identities, identities.c.identity_id == ends.c.there)
        .group_by(ends.c.here, identities.c.namespace, ends.c.strong)
        .having(count > above)
    )


def claims_of_sql(
    connection: sa.Connection, ids: Collection[int], after: tuple[int, int, int, str, bool] | None
) -> sa.Select[Any]:
    """Claims with an end among these identities, by time; from behind ``after`` on."""
    order = (claims.c.event_time, claims.c.a, claims.c.b, claims.c.kind, claims.c.strong)
    query = sa.select(claims).where(
        sa.or_(in_list(connection, claims.c.a, ids), in_list(connection, claims.c.b, ids))
    )
    if after is not None:
        bound = [sa.literal(value, column.type) for value, column in zip(after, order, strict=True)]
        query = query.where(sa.tuple_(*order) > sa.tuple_(*bound))
    return query.order_by(*order)


def decisions_touching_sql(
    connection: sa.Connection, ids: Collection[int], until: int
) -> sa.Select[Any]:
    """Decisions by hand on some identities until a time, oldest first."""
    touches = sa.or_(
        in_list(connection, decisions.c.a, ids), in_list(connection, decisions.c.b, ids)
    )
    return (
        sa.select(decisions)
        .where(touches, decisions.c.at <= until)
        .order_by(decisions.c.at, decisions.c.decision_id)
    )


def last_decision_sql(a: int, b: int) -> sa.Select[Any]:
    """When something was last decided by hand on a pair, the lower id first."""
    return sa.select(sa.func.max(decisions.c.at)).where(decisions.c.a == a, decisions.c.b == b)


def shared_sql(after: int, limit: int) -> sa.Select[Any]:
    """Quarantined identities in the order of their ids."""
    return (
        sa.select(identities)
        .where(identities.c.quarantine.is_not(None), identities.c.identity_id > after)
        .order_by(identities.c.identity_id)
        .limit(limit)
    )


def rules_in_force_sql() -> sa.Select[Any]:
    """The newest rules."""
    return sa.select(identity_rules).order_by(identity_rules.c.version.desc()).limit(1)


STREAMED = {"yield_per": 20_000}
"""Read through a cursor, so that memory does not grow with the table."""


def every_identity_sql() -> sa.Select[Any]:
    """Every identity with its present profile."""
    columns = identities.c
    return sa.select(
        columns.identity_id, columns.namespace, columns.value, columns.profile_id
    ).execution_options(**STREAMED)


def every_claim_sql() -> sa.Select[Any]:
    """Every claim, as far as it connects."""
    columns = claims.c
    return sa.select(columns.a, columns.b, columns.kind, columns.strong).execution_options(
        **STREAMED
    )
