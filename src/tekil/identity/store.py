"""The only file that runs statements on the identity graph."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from tekil.identity import sql
from tekil.identity.model import Claim, ClaimKey, ClaimKind, Quarantine, Separation, Strength
from tekil.identity.nodes import Node
from tekil.identity.tables import (
    claims,
    decisions,
    identities,
    identity_activity,
    identity_rules,
    separations,
)
from tekil.kit.clock import Millis
from tekil.kit.ids import IdentityId, MessageId, SourceId
from tekil.kit.json import encode_text
from tekil.store.many import execute_many
from tekil.store.state import SqlStore


class IdentityStore:
    """Reads and writes identities and claims inside a transaction that the caller holds."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store

    def nodes_by_key(self, connection: sa.Connection, keys: Collection[str]) -> list[Node]:
        """Read identities by key."""
        return _nodes(connection.execute(sql.nodes_by_key_sql(connection, keys)))

    def nodes_by_id(self, connection: sa.Connection, ids: Collection[int]) -> list[Node]:
        """Read identities by id."""
        return _nodes(connection.execute(sql.nodes_by_id_sql(connection, ids)))

    def nodes_by_component(self, connection: sa.Connection, labels: Collection[int]) -> list[Node]:
        """Read every identity of some components."""
        return _nodes(connection.execute(sql.nodes_by_component_sql(connection, labels)))

    def nodes_by_profile(self, connection: sa.Connection, profiles: Collection[int]) -> list[Node]:
        """Read every identity of some profiles."""
        return _nodes(connection.execute(sql.nodes_by_profile_sql(connection, profiles)))

    def claims_touching(
        self, connection: sa.Connection, ids: Collection[int], until: int | None = None
    ) -> dict[ClaimKey, tuple[Claim, str | None]]:
        """Read claims with an end among these identities, each with why it is refused, if so."""
        return _claims(connection.execute(sql.claims_touching_sql(connection, ids, until)))

    def open_claims_touching(
        self, connection: sa.Connection, ids: Collection[int]
    ) -> dict[ClaimKey, tuple[Claim, str | None]]:
        """Read the claims of shared identities that no verdict shuts out."""
        return _claims(connection.execute(sql.open_claims_touching_sql(connection, ids)))

    def strong_claims_touching(
        self, connection: sa.Connection, ids: Collection[int]
    ) -> dict[ClaimKey, tuple[Claim, str | None]]:
        """Read every strong claim with an end among these identities, refused or not."""
        return _claims(connection.execute(sql.strong_claims_touching_sql(connection, ids)))

    def claims_between(
        self, connection: sa.Connection, pairs: Collection[tuple[int, int]]
    ) -> dict[ClaimKey, tuple[Claim, str | None]]:
        """Read the claims of some pairs of identities, the lower id first."""
        return _claims(connection.execute(sql.claims_between_sql(connection, pairs)))

    def separations_touching(
        self, connection: sa.Connection, ids: Collection[int]
    ) -> list[Separation]:
        """Read separations with an end among these identities."""
        rows = connection.execute(sql.separations_touching_sql(connection, ids))
        return [Separation(IdentityId(r.a), IdentityId(r.b), Millis(r.created_at)) for r in rows]

    def all_separations(self, connection: sa.Connection) -> list[Separation]:
        """Read every separation; they are made by hand, so there are few."""
        rows = connection.execute(sa.select(separations))
        return [Separation(IdentityId(r.a), IdentityId(r.b), Millis(r.created_at)) for r in rows]

    def write_nodes(self, connection: sa.Connection, nodes: Iterable[Node]) -> None:
        """Insert new identities and update changed ones."""
        changed = [n for n in nodes if n.changed]
        fresh = [_node_row(n) for n in changed if n.new]
        known = [_node_update(n) for n in changed if not n.new]
        if fresh:
            execute_many(connection, sa.insert(identities), fresh)
        if known:
            execute_many(connection, sql.update_node_sql(), known)

    def write_claims(
        self, connection: sa.Connection, rows: Collection[tuple[Claim, str | None]]
    ) -> None:
        """Insert claims, or replace the evidence of known ones."""
        if not rows:
            return
        insert = self.store.insert(claims)
        upsert = insert.on_conflict_do_update(
            index_elements=["a", "b", "kind", "strong"],
            set_={
                name: insert.excluded[name]
                for name in ("event_time", "message_id", "source_id", "refused")
            },
        )
        execute_many(connection, upsert, [_claim_row(claim, refused) for claim, refused in rows])

    def write_refusals(
        self, connection: sa.Connection, refusals: Mapping[ClaimKey, str | None]
    ) -> None:
        """Note which claims are refused now, and which no longer."""
        rows = [
            {
                "at_a": a,
                "at_b": b,
                "at_kind": kind.value,
                "at_strong": strength is Strength.STRONG,
                "new_refused": refused,
            }
            for (a, b, kind, strength), refused in refusals.items()
        ]
        if rows:
            execute_many(connection, sql.refuse_claim_sql(), rows)

    def write_separation(
        self, connection: sa.Connection, separation: Separation, by: str, note: str
    ) -> None:
        """Add a separation, or say it again with a later time."""
        low, high = sorted((separation.a, separation.b))
        row = {"created_at": separation.event_time, "created_by": by, "note": note}
        insert = self.store.insert(separations).on_conflict_do_update(
            index_elements=["a", "b"], set_=row
        )
        connection.execute(insert, [{"a": low, "b": high} | row])

    def write_decision(
        self, connection: sa.Connection, kind: str, separation: Separation, by: str, note: str
    ) -> None:
        """Note a join or a separation by hand; the note is never changed later."""
        low, high = sorted((separation.a, separation.b))
        row = {
            "kind": kind, "a": low, "b": high, "at": separation.event_time, "by": by, "note": note,
        }  # fmt: skip
        connection.execute(sa.insert(decisions), [row])

    def decisions_touching(
        self, connection: sa.Connection, ids: Collection[int], until: Millis
    ) -> list[sa.Row[Any]]:
        """Read decisions by hand on some identities until a time, oldest first."""
        return list(connection.execute(sql.decisions_touching_sql(connection, ids, until)))

    def last_decision(self, connection: sa.Connection, a: int, b: int) -> Millis | None:
        """When something was last decided by hand on two identities."""
        low, high = sorted((a, b))
        at = connection.scalar(sql.last_decision_sql(low, high))
        return Millis(at) if at is not None else None

    def claims_of(
        self,
        connection: sa.Connection,
        ids: Collection[int],
        after: tuple[int, int, int, str, bool] | None,
        limit: int,
    ) -> list[tuple[Claim, str | None]]:
        """Read a page of the claims of some identities, oldest first."""
        rows = connection.execute(sql.claims_of_sql(connection, ids, after).limit(limit))
        return list(_claims(rows).values())

    def neighbour_counts(
        self,
        connection: sa.Connection,
        *,
        above: int,
        ids: Collection[int] | None = None,
        until: int | None = None,
        without: Collection[int] = (),
    ) -> list[tuple[IdentityId, str, bool, int]]:
        """Count the neighbours of identities by namespace; see ``neighbour_counts_sql``."""
        query = sql.neighbour_counts_sql(
            connection, above=above, ids=ids, until=until, without=without
        )
        return [
            (IdentityId(row.here), row.namespace, bool(row.strong), row._mapping["count"])
            for row in connection.execute(query)
        ]

    def greatest_id(self, connection: sa.Connection) -> int:
        """The highest id of an identity; 0 when there is none."""
        return int(connection.scalar(sa.select(sa.func.max(identities.c.identity_id))) or 0)

    def everybody(self, connection: sa.Connection) -> Iterator[tuple[int, str, str, int]]:
        """Stream every identity: id, namespace, value, profile."""
        for row in connection.execute(sql.every_identity_sql()):
            yield row.identity_id, row.namespace, row.value, row.profile_id

    def every_claim(self, connection: sa.Connection) -> Iterator[tuple[int, int, str, bool]]:
        """Stream every claim: its ends, its kind, whether it is strong."""
        for row in connection.execute(sql.every_claim_sql()):
            yield row.a, row.b, row.kind, bool(row.strong)

    def shared(self, connection: sa.Connection, after: int, limit: int) -> list[Node]:
        """Read a page of quarantined identities."""
        return _nodes(connection.execute(sql.shared_sql(after, limit)))

    def rules(self, connection: sa.Connection) -> sa.Row[Any] | None:
        """Read the newest rules; None while those of the start are in force."""
        return connection.execute(sql.rules_in_force_sql()).one_or_none()

    def write_rules(self, connection: sa.Connection, rules: str, at: Millis, by: str) -> int:
        """Add rules; the answer is their version."""
        row = {"rules": rules, "created_at": at, "created_by": by}
        added = sa.insert(identity_rules).values(row).returning(identity_rules.c.version)
        return int(connection.execute(added).scalar_one())

    def namespaces(self, connection: sa.Connection) -> list[str]:
        """Every namespace of which there is an identity."""
        query = sa.select(identities.c.namespace).distinct().order_by(identities.c.namespace)
        return list(connection.scalars(query))

    def write_activity(
        self, connection: sa.Connection, seen: Mapping[IdentityId, tuple[int, int]]
    ) -> None:
        """Add (last_seen, events) per identity to what is known."""
        if not seen:
            return
        insert = self.store.insert(identity_activity)
        greatest = sa.func.max if self.store.is_sqlite else sa.func.greatest
        table = identity_activity.c
        upsert = insert.on_conflict_do_update(
            index_elements=["identity_id"],
            set_={
                "last_seen": greatest(table.last_seen, insert.excluded.last_seen),
                "event_count": table.event_count + insert.excluded.event_count,
            },
        )
        rows = [
            {"identity_id": i, "last_seen": last, "event_count": count}
            for i, (last, count) in seen.items()
        ]
        execute_many(connection, upsert, rows)


def _nodes(rows: Iterable[sa.Row[Any]]) -> list[Node]:
    return [
        Node(
            IdentityId(row.identity_id),
            row.key,
            row.namespace,
            row.value,
            Millis(row.first_seen),
            verified=bool(row.verified),
            attested=bool(row.attested),
            quarantine=(
                msgspec.json.decode(row.quarantine, type=Quarantine) if row.quarantine else None
            ),
            component=row.component,
            profile_id=row.profile_id,
            new=False,
        )
        for row in rows
    ]


def _claims(rows: Iterable[Any]) -> dict[ClaimKey, tuple[Claim, str | None]]:
    found: dict[ClaimKey, tuple[Claim, str | None]] = {}
    for a, b, kind, strong, event_time, message_id, source_id, refused in rows:
        claim = Claim(
            a,
            b,
            ClaimKind(kind),
            Strength.STRONG if strong else Strength.WEAK,
            Millis(event_time),
            MessageId(message_id),
            SourceId(source_id),
        )
        found[claim.key] = (claim, refused)
    return found


def _node_row(node: Node) -> dict[str, object]:
    return {
        "identity_id": node.identity_id,
        "key": node.key,
        "namespace": node.namespace,
        "value": node.value,
        "first_seen": node.first_seen,
        "verified": node.verified,
        "attested": node.attested,
        "quarantine": encode_text(node.quarantine) if node.quarantine else None,
        "component": node.component,
        "profile_id": node.profile_id,
    }


def _node_update(node: Node) -> dict[str, object]:
    return {
        "at_identity_id": node.identity_id,
        "new_first_seen": node.first_seen,
        "new_verified": node.verified,
        "new_attested": node.attested,
        "new_quarantine": encode_text(node.quarantine) if node.quarantine else None,
        "new_component": node.component,
        "new_profile_id": node.profile_id,
    }


def _claim_row(claim: Claim, refused: str | None) -> dict[str, object]:
    a, b, kind, strength = claim.key
    return {
        "a": a,
        "b": b,
        "kind": kind.value,
        "strong": strength is Strength.STRONG,
        "event_time": claim.event_time,
        "message_id": claim.message_id,
        "source_id": claim.source_id,
        "refused": refused,
    }
