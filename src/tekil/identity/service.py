"""What people ask of the identity graph: who is claimed to be who, why, and by which rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import msgspec
import sqlalchemy as sa

from tekil.errors import InputError
from tekil.identity.diff import RulesDiff
from tekil.identity.explain import Explanation, explain
from tekil.identity.model import (
    Claim,
    ClaimKey,
    IdentityRules,
    Refusal,
    RefusalReason,
    Solution,
)
from tekil.identity.neighbourhood import Neighbourhood, Surveyor
from tekil.identity.nodes import Node
from tekil.identity.piece import refusal_text
from tekil.identity.rules import Rulebook
from tekil.identity.store import IdentityStore
from tekil.kit.clock import Millis
from tekil.kit.ids import IdentityId, ProfileId
from tekil.kit.paging import Page, decode_cursor, encode_cursor

FindNode = Callable[[sa.Connection, str], Node]
MAX_SHOWN = 100
"""Identities of one profile that an answer lists; it says how many there are."""


class Refused(msgspec.Struct, frozen=True):
    """Why a claim is not believed, as it is stored with the claim."""

    reason: RefusalReason
    identity_id: IdentityId | None = None
    namespace: str | None = None
    limit: int | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class ClaimView:
    """One claim with both its identities."""

    a: Node
    b: Node
    claim: Claim
    refused: Refused | None
    at_fault: Node | None
    """The shared or blocked identity, where that is the reason."""
    decided_by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class ProfileShot:
    """A profile as an answer shows it: who it is and who belongs to it."""

    key: str
    identities: tuple[str, ...]
    count: int

    @classmethod
    def of(cls, profile_id: ProfileId, nodes: Iterable[Node]) -> ProfileShot:
        """Show a profile by its nodes."""
        known = list(nodes)
        eldest = next((n for n in known if n.identity_id == IdentityId(profile_id)), known[0])
        names = sorted(f"{n.namespace}:{n.value}" for n in known if n.attested)
        return cls(eldest.key, tuple(names[:MAX_SHOWN]), len(names))


@dataclass(frozen=True, slots=True)
class Decision:
    """What a join or a separation did."""

    changed: bool
    before: tuple[ProfileShot, ...]
    after: tuple[ProfileShot, ...]


@dataclass(frozen=True, slots=True)
class Why:
    """An explanation with everything that it speaks of."""

    a: Node
    b: Node
    explanation: Explanation
    nodes: dict[IdentityId, Node]
    through: tuple[Refusal, ...]
    """Claims that would connect the two by way of a shared identity, had they been believed."""


class Hands(Protocol):
    """Carries out what people decide."""

    def join(self, a: str, b: str, *, by: str, note: str) -> Decision:
        """Make two identities one person."""

    def separate(self, a: str, b: str, *, by: str, note: str) -> Decision:
        """Make two identities two people."""

    def change_rules(self, rules: IdentityRules, *, by: str, dry_run: bool) -> RulesDiff:
        """Put rules in force, for the past too; or only say what would change."""


class IdentityService:
    """Reads the graph for people."""

    def __init__(self, store: IdentityStore, find: FindNode, rules: Callable[[], Rulebook]) -> None:
        self._store = store
        self._find = find
        self._rules = rules

    def claims(self, ref: str, *, cursor: str | None, limit: int) -> Page[ClaimView]:
        """Read a page of the claims on a profile, oldest first."""
        after = _claim_position(cursor)
        with self._store.store.read() as connection:
            profile = self._find(connection, ref).profile_id
            members = self._store.nodes_by_profile(connection, [profile])
            ids = [node.identity_id for node in members]
            found = self._store.claims_of(connection, ids, after, limit + 1)
            shown = found[:limit]
            views = self._views(connection, members, shown)
        if len(found) <= limit:
            return Page(views)
        last = shown[-1][0]
        return Page(views, encode_cursor(last.event_time, *last.key[:3], last.strength == "strong"))

    def explain(self, a: str, b: str) -> Why:
        """Say why two identities are one person, or why they are not."""
        with self._store.store.read() as connection:
            one, other = self._find(connection, a), self._find(connection, b)
            ends = (one.identity_id, other.identity_id)
            around = Surveyor(self._store, connection, self._rules()).survey(ends)
        solution = around.solve(self._rules())
        answer = explain(
            *ends,
            identities=around.identities(),
            claims=around.claims.values(),
            separations=around.separations,
            solution=solution,
            rules=self._rules(),
        )
        through = () if answer.one_person else _through(ends, around, solution)
        return Why(one, other, answer, around.nodes, through)

    def shared(self, *, cursor: str | None, limit: int) -> Page[Node]:
        """Read a page of the quarantined identities."""
        after = _id_position(cursor)
        with self._store.store.read() as connection:
            found = self._store.shared(connection, after, limit + 1)
        if len(found) <= limit:
            return Page(found)
        return Page(found[:limit], encode_cursor(found[limit - 1].identity_id))

    def rules(self) -> tuple[IdentityRules, int, Millis | None, str]:
        """The rules in force: with their version, when and by whom they were set."""
        with self._store.store.read() as connection:
            row = self._store.rules(connection)
        rules = self._rules().rules
        if row is None:
            return rules, 0, None, ""
        return rules, row.version, Millis(row.created_at), row.created_by

    def names(self, diff: RulesDiff) -> tuple[dict[IdentityId, str], dict[ProfileId, str]]:
        """The names of the identities and the public ids of the profiles that a diff shows."""
        profiles = {p for m in diff.merges for p in (*m.before, m.after)}
        profiles |= {p for s in diff.splits for p in (s.before, *s.after)}
        shown = {IdentityId(p) for p in profiles}
        shown |= {*diff.newly_quarantined, *diff.newly_released}
        with self._store.store.read() as connection:
            nodes = self._store.nodes_by_id(connection, shown) if shown else []
        by_id = {node.identity_id: node for node in nodes}
        names = {i: f"{n.namespace}:{n.value}" for i, n in by_id.items()}
        return names, {p: by_id[IdentityId(p)].key for p in profiles}

    def _views(
        self,
        connection: sa.Connection,
        members: list[Node],
        found: list[tuple[Claim, str | None]],
    ) -> list[ClaimView]:
        nodes = {node.identity_id: node for node in members}
        ends = {end for claim, _ in found for end in (claim.a, claim.b)} - nodes.keys()
        for node in self._store.nodes_by_id(connection, ends) if ends else ():
            nodes[node.identity_id] = node
        told = self._told_by(connection, found)
        return [view_of(claim, refused, nodes, told) for claim, refused in found]

    def _told_by(
        self, connection: sa.Connection, found: list[tuple[Claim, str | None]]
    ) -> dict[ClaimKey, tuple[str, str]]:
        """Who joined by hand, and what they noted."""
        joins = {(c.a, c.b, c.event_time): c.key for c, _ in found if c.kind == "join"}
        if not joins:
            return {}
        ids = {end for a, b, _ in joins for end in (a, b)}
        rows = self._store.decisions_touching(connection, ids, Millis(2**62))
        return {
            joins[row.a, row.b, row.at]: (row.by, row.note)
            for row in rows
            if row.kind == "join" and (row.a, row.b, row.at) in joins
        }


def view_of(
    claim: Claim,
    refused: str | None,
    nodes: dict[IdentityId, Node],
    told: dict[ClaimKey, tuple[str, str]],
) -> ClaimView:
    """Put a claim together with what it speaks of."""
    why = msgspec.json.decode(refused, type=Refused) if refused else None
    at_fault = nodes.get(why.identity_id) if why and why.identity_id else None
    by, note = told.get(claim.key, ("", ""))
    return ClaimView(nodes[claim.a], nodes[claim.b], claim, why, at_fault, by, note)


def refused_view(refusal: Refusal, nodes: dict[IdentityId, Node]) -> ClaimView:
    """A refusal in the form of a stored claim."""
    return view_of(refusal.claim, refusal_text(refusal), nodes, {})


def changed_normalisers(old: Rulebook, new: Rulebook, namespaces: Iterable[str]) -> list[str]:
    """The namespaces in use whose values would be normalised otherwise."""
    return sorted(n for n in namespaces if old.of(n).normaliser is not new.of(n).normaliser)


def _through(
    ends: tuple[IdentityId, IdentityId], around: Neighbourhood, solution: Solution
) -> tuple[Refusal, ...]:
    """Pairs of refused claims that meet in one shared identity."""
    one, other = (solution.profile_of[end] for end in ends)
    sides: dict[IdentityId, dict[ProfileId, Refusal]] = {}
    for refusal in solution.refused.values():
        for here, there in (
            (refusal.claim.a, refusal.claim.b),
            (refusal.claim.b, refusal.claim.a),
        ):
            profile = solution.profile_of[there]
            if around.verdicts.get(here) is not None and profile in (one, other):
                sides.setdefault(here, {}).setdefault(profile, refusal)
    met = [found for found in sides.values() if len(found) == 2]
    return tuple(found[profile] for found in met for profile in (one, other))


def _claim_position(cursor: str | None) -> tuple[int, int, int, str, bool] | None:
    if cursor is None:
        return None
    try:
        at, a, b, kind, strong = decode_cursor(cursor)
        return int(str(at)), int(str(a)), int(str(b)), str(kind), bool(strong)
    except ValueError as error:
        raise InputError(f"{error}; leave it out to begin at the oldest.") from error


def _id_position(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        (position,) = decode_cursor(cursor)
        return int(str(position))
    except ValueError as error:
        raise InputError(f"{error}; leave it out to begin at the start.") from error
