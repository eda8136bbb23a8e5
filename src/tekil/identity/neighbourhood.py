"""Everything that bears on who somebody is: the evidence around identities, now or at a time.

It follows claims from identity to identity as far as they could be believed, and one step further
to see what was refused. It stops at shared identities, so that it stays small.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import sqlalchemy as sa

from tekil.identity.model import (
    Claim,
    ClaimKey,
    ClaimKind,
    Identity,
    Quarantine,
    Separation,
    Solution,
    Strength,
)
from tekil.identity.nodes import Node
from tekil.identity.piece import shuts_out
from tekil.identity.rules import Rulebook
from tekil.identity.solver import solve
from tekil.identity.store import IdentityStore
from tekil.identity.verdicts import least_shared_after, verdict_of_counts
from tekil.kit.clock import Millis
from tekil.kit.ids import IdentityId, MessageId, SourceId

BY_HAND = SourceId(0)
"""The source of a decision by hand."""


@dataclass(slots=True)
class Neighbourhood:
    """The evidence around some identities."""

    nodes: dict[IdentityId, Node] = field(default_factory=dict)
    claims: dict[ClaimKey, Claim] = field(default_factory=dict)
    separations: list[Separation] = field(default_factory=list)
    verdicts: dict[IdentityId, Quarantine | None] = field(default_factory=dict)

    def identities(self) -> list[Identity]:
        """The identities in the form that the solver takes."""
        return [node.frozen() for node in self.nodes.values()]

    def solve(self, rules: Rulebook) -> Solution:
        """Find the people of the neighbourhood."""
        return solve(
            self.identities(), self.claims.values(), self.separations, rules, self.verdicts
        )


class Surveyor:
    """Loads neighbourhoods."""

    def __init__(
        self,
        store: IdentityStore,
        connection: sa.Connection,
        rules: Rulebook,
        until: Millis | None = None,
    ) -> None:
        self._store = store
        self._connection = connection
        self._rules = rules
        self._until = until

    def survey(self, start: Iterable[IdentityId]) -> Neighbourhood:
        """Load what bears on some identities, as far as it was known by event time ``until``."""
        found = Neighbourhood()
        frontier = self._nodes(found, set(start))
        followed: set[IdentityId] = set()
        while frontier:
            claims = self._claims(found, frontier)
            found.claims.update(claims)
            followed |= frontier
            beside = {end for claim in claims.values() for end in (claim.a, claim.b)}
            self._nodes(found, beside - found.nodes.keys())
            reachable = {
                end
                for claim in claims.values()
                if not self._refused_beforehand(found, claim)
                for end in (claim.a, claim.b)
            }
            frontier = reachable - followed
        for claim in list(found.claims.values()):
            # An end that was not seen yet at the time: only a decision by hand can be that early.
            if claim.a not in found.nodes or claim.b not in found.nodes:
                del found.claims[claim.key]
        found.separations = self._separations(found.nodes)
        return found

    def _nodes(self, found: Neighbourhood, ids: set[IdentityId]) -> set[IdentityId]:
        """Add nodes with the verdicts on them; those not seen yet at the time do not exist."""
        nodes = self._store.nodes_by_id(self._connection, ids) if ids else []
        fresh = {
            node.identity_id: node
            for node in nodes
            if self._until is None or node.first_seen <= self._until
        }
        found.nodes.update(fresh)
        found.verdicts.update(self._verdicts(fresh))
        return set(fresh)

    def _verdicts(self, nodes: dict[IdentityId, Node]) -> dict[IdentityId, Quarantine | None]:
        if self._until is None:
            return {i: node.quarantine for i, node in nodes.items()}
        found: dict[IdentityId, Quarantine | None] = dict.fromkeys(nodes)
        least = least_shared_after(self._rules)
        if least is None or not nodes:
            return found
        counts: dict[IdentityId, list[tuple[str, bool, int]]] = {}
        for identity_id, namespace, strong, count in self._store.neighbour_counts(
            self._connection, above=least, ids=nodes, until=self._until
        ):
            counts.setdefault(identity_id, []).append((namespace, strong, count))
        for identity_id, of_namespaces in counts.items():
            namespace = nodes[identity_id].namespace
            found[identity_id] = verdict_of_counts(namespace, of_namespaces, self._rules)
        return found

    def _claims(self, found: Neighbourhood, frontier: set[IdentityId]) -> dict[ClaimKey, Claim]:
        shared = {i: v for i in frontier if (v := found.verdicts[i]) is not None}
        loaded = self._store.claims_touching(
            self._connection, frontier - shared.keys(), self._until
        )
        if shared:
            kept = self._store.strong_claims_touching(self._connection, shared)
            loaded.update({k: v for k, v in kept.items() if self._is_open(v[0], shared)})
        claims = {key: claim for key, (claim, _) in loaded.items()}
        if self._until is None:
            return claims
        claims = {
            k: c
            for k, c in claims.items()
            if c.event_time <= self._until and c.kind is not ClaimKind.JOIN
        }
        return claims | {claim.key: claim for claim in self._joins(frontier)}

    def _is_open(self, claim: Claim, shared: dict[IdentityId, Quarantine]) -> bool:
        return not any(shuts_out(shared.get(end), claim) for end in (claim.a, claim.b))

    def _refused_beforehand(self, found: Neighbourhood, claim: Claim) -> bool:
        for end in (claim.a, claim.b):
            node = found.nodes.get(end)
            if node is None or shuts_out(found.verdicts.get(end), claim):
                return True
            if self._rules.is_blocked(node.namespace, node.value):
                return True
        return False

    def _joins(self, ids: Collection[IdentityId]) -> list[Claim]:
        """What had been joined by hand until then."""
        until = self._until if self._until is not None else Millis(2**62)
        rows = self._store.decisions_touching(self._connection, ids, until)
        return [
            Claim(
                row.a, row.b, ClaimKind.JOIN, Strength.STRONG, Millis(row.at),
                MessageId(f"decision-{row.decision_id}"), BY_HAND,
            )
            for row in rows
            if row.kind == ClaimKind.JOIN.value
        ]  # fmt: skip

    def _separations(self, ids: Collection[IdentityId]) -> list[Separation]:
        if self._until is None:
            return self._store.separations_touching(self._connection, ids)
        rows = self._store.decisions_touching(self._connection, ids, self._until)
        last = {
            (row.a, row.b): Separation(row.a, row.b, Millis(row.at))
            for row in rows
            if row.kind != ClaimKind.JOIN.value
        }
        return list(last.values())
