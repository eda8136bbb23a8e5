"""Solving a piece of the graph: load whole components, cut at shared identities, solve, relabel.

A shared identity (a kiosk, an info@ mailbox) may have claims with thousands of people. All of
them are refused, so none can change who is one person: the graph is cut there, and a new visitor
of the kiosk costs no more than anybody else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import sqlalchemy as sa

from tekil.identity.model import (
    Claim,
    ClaimKey,
    ClaimKind,
    Quarantine,
    Refusal,
    RefusalReason,
    Separation,
    Strength,
)
from tekil.identity.nodes import Node, Piece
from tekil.identity.rules import Rulebook, quarantine_of
from tekil.identity.solver import components, solve
from tekil.identity.store import IdentityStore
from tekil.kit.ids import IdentityId
from tekil.kit.json import encode_text


class PieceLoader:
    """Loads the components that a batch touches, from memory where possible."""

    def __init__(
        self,
        store: IdentityStore,
        connection: sa.Connection,
        by_id: Mapping[IdentityId, Node],
        remember: Callable[[Node], Node],
    ) -> None:
        self._store = store
        self._connection = connection
        self._by_id = by_id
        self._remember = remember

    def load(
        self,
        touched: Mapping[IdentityId, Node],
        fresh_claims: Mapping[ClaimKey, Claim],
        fresh: Mapping[IdentityId, Node],
    ) -> Piece:
        """Gather every member and claim of the components that new evidence touches."""
        piece = Piece()
        roots = dict(touched)
        for claim in fresh_claims.values():
            for end in (claim.a, claim.b):
                # Refused by a verdict that stands: the shared identity itself learns nothing.
                if not shuts_out(self._by_id[end].quarantine, claim):
                    roots[end] = self._by_id[end]
        for identity_id, node in roots.items():
            if identity_id in fresh:
                piece.members[identity_id] = node
        labels = {n.component for i, n in roots.items() if i not in fresh}
        if labels:
            for node in self._store.nodes_by_component(self._connection, labels):
                held = self._remember(node)
                piece.members[held.identity_id] = held
            self._load_claims(piece, fresh)
        for key, claim in fresh_claims.items():
            piece.claims[key] = claim
        self._load_outside(piece)
        return piece

    def separations(self, piece: Piece) -> list[Separation]:
        """Read what must stay apart inside a piece."""
        old = [i for i, node in piece.members.items() if not node.new]
        return self._store.separations_touching(self._connection, old) if old else []

    def _load_claims(self, piece: Piece, fresh: Mapping[IdentityId, Node]) -> None:
        old = [i for i in piece.members if i not in fresh]
        open_ids = [i for i in old if piece.members[i].quarantine is None]
        loaded = self._store.claims_touching(self._connection, open_ids)
        shared = [i for i in old if piece.members[i].quarantine is not None]
        if shared:
            loaded.update(self._store.open_claims_touching(self._connection, shared))
        doubtful = [i for i in shared if _is_weak(piece.members[i].quarantine)]
        if doubtful:
            # Also those that the other end's verdict refuses: they count against this one.
            loaded.update(self._store.strong_claims_touching(self._connection, doubtful))
        for key, (claim, refused) in loaded.items():
            piece.claims[key] = claim
            piece.refused[key] = refused

    def _load_outside(self, piece: Piece) -> None:
        ends = {end for claim in piece.claims.values() for end in (claim.a, claim.b)}
        missing = [end for end in ends if end not in piece.members]
        unknown = [end for end in missing if end not in self._by_id]
        for node in self._store.nodes_by_id(self._connection, unknown) if unknown else ():
            self._remember(node)
        for end in missing:
            piece.outside[end] = self._by_id[end]


def settle(
    piece: Piece, separations: Iterable[Separation], rules: Rulebook
) -> dict[ClaimKey, str | None]:
    """Solve a piece and move its members; returns what each claim is refused for, if anything."""
    if not piece.claims and not piece.members:
        return {}
    everybody = {**piece.members, **piece.outside}
    verdicts = _verdicts(piece, rules)
    solution = solve(
        [node.frozen() for node in everybody.values()],
        piece.claims.values(),
        separations,
        rules,
        verdicts,
    )
    for identity_id, node in piece.members.items():
        profile = solution.profile_of[identity_id]
        verdict = solution.quarantined.get(identity_id)
        if profile != node.profile_id or verdict != node.quarantine:
            node.profile_id, node.quarantine = profile, verdict
            node.changed = True
    _relabel(piece, solution.refused)
    return {
        key: refusal_text(solution.refused[key]) if key in solution.refused else None
        for key in piece.claims
    }


def refusal_text(refusal: Refusal) -> str:
    """The stored form: the reason and the detail that belongs to it."""
    detail = {
        "reason": refusal.reason.value,
        "identity_id": refusal.identity_id,
        "namespace": refusal.namespace,
        "limit": refusal.limit,
        "count": refusal.count,
    }
    return encode_text({k: v for k, v in detail.items() if v is not None})


def shuts_out(verdict: Quarantine | None, claim: Claim) -> bool:
    """Whether the verdict on one of its ends refuses a claim whatever else is known."""
    return (
        verdict is not None
        and claim.kind is not ClaimKind.JOIN
        and (verdict.strength is Strength.STRONG or claim.strength is Strength.WEAK)
    )


def _verdicts(piece: Piece, rules: Rulebook) -> dict[IdentityId, Quarantine | None]:
    """Verdicts that stand; one on weak evidence is looked at again when strong evidence comes."""
    everybody = {**piece.members, **piece.outside}
    known: dict[IdentityId, Quarantine | None] = {}
    for identity_id, node in everybody.items():
        if node.quarantine is None:
            if identity_id in piece.outside:
                known[identity_id] = None
            continue
        known[identity_id] = node.quarantine
        if _is_weak(node.quarantine) and identity_id in piece.members:
            others = [
                everybody[claim.b if claim.a == identity_id else claim.a].frozen()
                for claim in piece.claims.values()
                if identity_id in (claim.a, claim.b)
                and claim.strength is Strength.STRONG
                and claim.kind is not ClaimKind.JOIN
            ]
            neighbours = [
                (other, Strength.STRONG)
                for other in others
                if not rules.is_blocked(other.namespace, other.value)
            ]
            now = quarantine_of(node.frozen(), neighbours, rules)
            if now is not None and now.strength is Strength.STRONG:
                known[identity_id] = now
    return known


def _is_weak(verdict: Quarantine | None) -> bool:
    return verdict is not None and verdict.strength is Strength.WEAK


def _relabel(piece: Piece, refused: Mapping[ClaimKey, Refusal]) -> None:
    """Label each connected part with its least id; claims refused beforehand do not connect."""
    cutting = (RefusalReason.BLOCKED, RefusalReason.QUARANTINED)
    live = [
        claim
        for key, claim in piece.claims.items()
        if not (key in refused and refused[key].reason in cutting)
        and claim.a in piece.members
        and claim.b in piece.members
    ]
    known = {i: node.frozen() for i, node in piece.members.items()}
    for members, _ in components(known, live):
        label = min(members)
        for member in members:
            node = piece.members[member]
            if node.component != label:
                node.component = label
                node.changed = True
