"""The live identity graph: takes a batch's evidence and solves only what it touches.

One writer at a time. Everything between ``begin`` and ``finish`` belongs to one transaction; if
that fails, ``reset`` throws the memory away and the next batch reads from the store again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from tekil.identity.model import Claim, ClaimKey, Separation
from tekil.identity.nodes import GraphChanges, Node, Piece
from tekil.identity.piece import PieceLoader, settle
from tekil.identity.rules import Rulebook, standing
from tekil.identity.store import IdentityStore
from tekil.kit.clock import Millis
from tekil.kit.hashing import keyed_hash
from tekil.kit.ids import IdentityId, ProfileId

CACHED_NODES = 500_000
CACHED_CLAIMS = 500_000

NodeName = tuple[str, str]
"""Namespace and normalised value."""


class IdentityGraph:
    """Identities and claims, cached, with the people that follow from them kept up to date."""

    def __init__(
        self,
        store: IdentityStore,
        rules: Rulebook,
        key: bytes,
        next_id: int,
        *,
        cached_nodes: int = CACHED_NODES,
        cached_claims: int = CACHED_CLAIMS,
    ) -> None:
        self.rules = rules
        self._cached_nodes = cached_nodes
        self._cached_claims = cached_claims
        self._store = store
        self._key = key
        self._next_id = next_id
        self._nodes: dict[NodeName, Node] = {}
        self._by_id: dict[IdentityId, Node] = {}
        self._claims: dict[ClaimKey, Claim] = {}
        self._begin()

    @property
    def next_id(self) -> int:
        """The id that the next new identity gets; stored with each batch."""
        return self._next_id

    def reset(self, next_id: int, rules: Rulebook | None = None) -> None:
        """Forget everything in memory."""
        self.rules = rules or self.rules
        self._next_id = next_id
        self._nodes.clear()
        self._by_id.clear()
        self._claims.clear()
        self._begin()

    def resolve(
        self, connection: sa.Connection, names: Mapping[NodeName, Millis]
    ) -> dict[NodeName, Node]:
        """Find or make the identities of a batch; the time is the earliest that each is seen."""
        known = self._nodes
        found: dict[NodeName, Node] = {}
        missing: dict[str, NodeName] = {}
        for name in names:
            node = known.get(name)
            if node is None:
                missing[keyed_hash(self._key, name[0], name[1])] = name
            else:
                found[name] = node
        if missing:
            for node in self._store.nodes_by_key(connection, list(missing)):
                found[missing.pop(node.key)] = self._remember(node)
            for key, name in missing.items():
                found[name] = self._make(key, name, names[name])
        for name, at in names.items():
            node = found[name]
            if at < node.first_seen:
                node.first_seen = at
                if not node.new:
                    self._touch(node)
        return found

    def recall(self, connection: sa.Connection, ids: Iterable[IdentityId]) -> list[Node]:
        """The nodes of identities that are known to exist."""
        wanted = list(ids)
        missing = [i for i in wanted if i not in self._by_id]
        for node in self._store.nodes_by_id(connection, missing) if missing else ():
            self._remember(node)
        return [self._by_id[i] for i in wanted]

    def attest(self, node: Node, *, strong: bool) -> None:
        """Note that an identity was seen in a message, and whether its source is trusted."""
        if node.attested and (node.verified or not strong):
            return
        if not node.attested and not node.new:
            self._newly_attested.add(node.identity_id)
        node.attested = True
        node.verified = node.verified or strong
        if not node.new:
            self._touch(node)

    def claim(self, claim: Claim) -> None:
        """Take evidence; what is known already costs one look-up."""
        key = claim.key
        held = self._claims.get(key)
        if held is not None and standing(held, claim) == held:
            return
        waiting = self._candidates.get(key)
        self._candidates[key] = claim if waiting is None else standing(waiting, claim)

    def finish(
        self,
        connection: sa.Connection,
        separations: Iterable[Separation] = (),
        touch: Iterable[Node] = (),
    ) -> GraphChanges:
        """Settle the evidence, write what changed, and say whose profile is another now."""
        for node in touch:
            self._touch(node)
        fresh_claims = self._new_evidence(connection)
        for separation in separations:
            self._touch_ids(connection, (separation.a, separation.b))
        loader = PieceLoader(self._store, connection, self._by_id, self._remember)
        piece = loader.load(self._touched, fresh_claims, self._fresh)
        before = {i: n.profile_id for i, n in piece.members.items()}
        refusals = settle(piece, loader.separations(piece), self.rules)
        changes = self._changes(piece, before)
        self._write(connection, piece, fresh_claims, refusals)
        self._end()
        return changes

    def _begin(self) -> None:
        self._touched: dict[IdentityId, Node] = {}
        self._fresh: dict[IdentityId, Node] = {}
        self._candidates: dict[ClaimKey, Claim] = {}
        self._newly_attested: set[IdentityId] = set()

    def _end(self) -> None:
        for node in self._touched.values():
            node.changed = False
        for node in self._fresh.values():
            node.new = node.changed = False
        self._begin()
        while len(self._nodes) > self._cached_nodes:
            for name in list(self._nodes)[: self._cached_nodes // 4 + 1]:
                del self._by_id[self._nodes.pop(name).identity_id]
        while len(self._claims) > self._cached_claims:
            for key in list(self._claims)[: self._cached_claims // 4 + 1]:
                del self._claims[key]

    def _make(self, key: str, name: NodeName, first_seen: Millis) -> Node:
        node = Node(IdentityId(self._next_id), key, name[0], name[1], first_seen)
        self._next_id += 1
        self._remember(node)
        self._fresh[node.identity_id] = node
        return node

    def _remember(self, node: Node) -> Node:
        held = self._by_id.get(node.identity_id)
        if held is not None:
            return held
        self._nodes[node.namespace, node.value] = node
        self._by_id[node.identity_id] = node
        return node

    def _touch(self, node: Node) -> None:
        node.changed = True
        self._touched[node.identity_id] = node

    def _touch_ids(self, connection: sa.Connection, ids: Iterable[IdentityId]) -> None:
        for node in self.recall(connection, ids):
            self._touch(node)

    def _new_evidence(self, connection: sa.Connection) -> dict[ClaimKey, Claim]:
        """Part what is really new from what the store knows though the cache forgot it."""
        unsure = [
            key
            for key in self._candidates
            if key not in self._claims and key[0] not in self._fresh and key[1] not in self._fresh
        ]
        if unsure:
            pairs = {(key[0], key[1]) for key in unsure}
            for key, (claim, _) in self._store.claims_between(connection, pairs).items():
                self._claims[key] = claim
        fresh: dict[ClaimKey, Claim] = {}
        for key, claim in self._candidates.items():
            held = self._claims.get(key)
            stands = claim if held is None else standing(held, claim)
            if held is None or stands != held:
                fresh[key] = stands
        return fresh

    def _changes(self, piece: Piece, before: Mapping[IdentityId, ProfileId]) -> GraphChanges:
        """Compare the profiles of the piece with those before; only attested identities count."""
        moved: dict[IdentityId, ProfileId] = {}
        touched: set[ProfileId] = set()
        was: set[ProfileId] = set()
        now: set[ProfileId] = set()
        for identity_id, node in {**self._fresh, **piece.members}.items():
            profile_before = before.get(identity_id, node.profile_id)
            if node.attested:
                now.add(node.profile_id)
                if not node.new and identity_id not in self._newly_attested:
                    was.add(profile_before)
            if node.new or node.profile_id != profile_before:
                moved[identity_id] = node.profile_id
                touched |= {node.profile_id} if node.new else {node.profile_id, profile_before}
        return GraphChanges(moved, len(now) - len(was), len(self._fresh), frozenset(touched))

    def _write(
        self,
        connection: sa.Connection,
        piece: Piece,
        fresh_claims: dict[ClaimKey, Claim],
        refusals: dict[ClaimKey, str | None],
    ) -> None:
        nodes = dict(self._fresh)
        nodes.update(piece.members)
        nodes.update(self._touched)
        self._store.write_nodes(connection, nodes.values())
        for node in piece.members.values():
            node.changed = False
        self._store.write_claims(
            connection, [(claim, refusals.get(key)) for key, claim in fresh_claims.items()]
        )
        changed = {
            key: refused
            for key, refused in refusals.items()
            if key not in fresh_claims and piece.refused.get(key) != refused
        }
        self._store.write_refusals(connection, changed)
        self._claims.update(fresh_claims)
