"""What people decide about the graph, carried out by its one writer like a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from tekil.errors import Conflict, InputError
from tekil.identity.census import Census
from tekil.identity.definition import rules_to_json
from tekil.identity.diff import RulesDiff
from tekil.identity.model import Claim, ClaimKind, IdentityRules, Separation, Strength
from tekil.identity.neighbourhood import BY_HAND, Surveyor
from tekil.identity.nodes import GraphChanges, Node
from tekil.identity.rules import Rulebook
from tekil.identity.service import Decision, ProfileShot, changed_normalisers
from tekil.identity.store import IdentityStore
from tekil.kit.clock import Clock, Millis
from tekil.kit.ids import IdentityId, MessageId, ProfileId
from tekil.kit.json import encode_text
from tekil.pipeline.batch import BatchResult, BatchWorker
from tekil.pipeline.loop import PipelineLoop

FindNode = Callable[[sa.Connection, str], Node]

SEPARATE = "separate"


@dataclass(frozen=True, slots=True)
class ByHand:
    """Joins, separates and changes rules."""

    loop: PipelineLoop
    identity: IdentityStore
    clock: Clock
    find: FindNode
    adopt: Callable[[Rulebook], None]
    """Makes new rules known to everybody who reads them."""
    rules: Callable[[], Rulebook]
    """The rules in force."""

    def join(self, a: str, b: str, *, by: str, note: str) -> Decision:
        """Make two identities one person. Raises Conflict where a separation forbids it."""
        return self._decide(a, b, ClaimKind.JOIN.value, by=by, note=note)

    def separate(self, a: str, b: str, *, by: str, note: str) -> Decision:
        """Make two identities two people, and keep them so."""
        return self._decide(a, b, SEPARATE, by=by, note=note)

    def change_rules(self, rules: IdentityRules, *, by: str, dry_run: bool) -> RulesDiff:
        """Solve everybody anew. Raises InputError where stored values would not fit."""
        book = Rulebook(rules)
        if dry_run:
            with self.identity.store.read() as connection:
                self._refuse_normalisers(connection, book)
                return Census(self.identity, connection, book).take(write=False).diff
        done: list[RulesDiff] = []

        def act(connection: sa.Connection) -> GraphChanges:
            self._refuse_normalisers(connection, book)
            outcome = Census(self.identity, connection, book).take(write=True)
            definition = encode_text(rules_to_json(rules))
            self.identity.write_rules(connection, definition, self.clock.now(), by)
            done.append(outcome.diff)
            return outcome.changes()

        def command(worker: BatchWorker) -> Iterable[BatchResult]:
            results = worker.decide(act)
            self.adopt(book)
            return results

        self.loop.run(command)
        return done[-1]

    def _refuse_normalisers(self, connection: sa.Connection, book: Rulebook) -> None:
        """Values that are stored were normalised; another form would find none of them again."""
        namespaces = self.identity.namespaces(connection)
        changed = changed_normalisers(self.rules(), book, namespaces)
        if changed:
            raise InputError(
                f"The normaliser of {', '.join(changed)} cannot be changed: values are stored in "
                "its form already. Keep it, or give the new form a namespace of its own.",
                namespaces=changed,
            )

    def _decide(self, a: str, b: str, kind: str, *, by: str, note: str) -> Decision:
        done: list[Decision] = []

        def command(worker: BatchWorker) -> Iterable[BatchResult]:
            def act(connection: sa.Connection) -> GraphChanges:
                one, other = (self.find(connection, ref).identity_id for ref in (a, b))
                if one == other:
                    raise InputError(f'"{a}" and "{b}" are the same identity; name two.')
                changes, decision = self._carry_out(
                    connection, worker, (one, other), kind, (by, note)
                )
                done.append(decision)
                return changes

            return worker.decide(act)

        self.loop.run(command)
        return done[-1]

    def _carry_out(
        self,
        connection: sa.Connection,
        worker: BatchWorker,
        pair: tuple[IdentityId, IdentityId],
        kind: str,
        told: tuple[str, str],
    ) -> tuple[GraphChanges, Decision]:
        one, other = worker.graph.recall(connection, pair)
        low, high = sorted(pair)
        last = self.identity.last_decision(connection, low, high)
        # Of two decisions on a pair the later holds, so no two may have the same time.
        at = Millis(max(self.clock.now(), last + 1 if last is not None else 0))
        apart = Separation(low, high, at)
        asked = {one.profile_id, other.profile_id}
        self.identity.write_decision(connection, kind, apart, *told)
        if kind == ClaimKind.JOIN.value:
            worker.graph.claim(
                Claim(low, high, ClaimKind.JOIN, Strength.STRONG, at, MessageId(""), BY_HAND)
            )
            changes = worker.graph.finish(connection)
            self._insist(connection, one, other)
        else:
            self.identity.write_separation(connection, apart, *told)
            changes = worker.graph.finish(connection, [apart])
        # Others may have moved as well: what a separation frees, another claim may join.
        asked |= {one.profile_id, other.profile_id} | changes.touched
        with self.identity.store.read() as committed:
            before = self._shots(committed, asked)
        return changes, Decision(bool(changes.profile_of), before, self._shots(connection, asked))

    def _insist(self, connection: sa.Connection, one: Node, other: Node) -> None:
        """Raise Conflict if the join had no effect; then nothing of it is kept."""
        if one.profile_id == other.profile_id:
            return
        around = Surveyor(self.identity, connection, self.rules()).survey(
            (one.identity_id, other.identity_id)
        )
        solution = around.solve(self.rules())
        reasons = [
            refusal.separation
            for refusal in solution.refused.values()
            if refusal.claim.kind is ClaimKind.JOIN
            and {refusal.claim.a, refusal.claim.b} == {one.identity_id, other.identity_id}
        ]
        between = ""
        if reasons and reasons[0] is not None:
            names = [
                f"{node.namespace}:{node.value}"
                for end in (reasons[0].a, reasons[0].b)
                if (node := around.nodes.get(end)) is not None
            ]
            between = f" {' and '.join(names)} were separated by hand: join these two first."
        raise Conflict(
            f"{one.namespace}:{one.value} and {other.namespace}:{other.value} cannot become one "
            f"person.{between}"
        )

    def _shots(
        self, connection: sa.Connection, profiles: Iterable[ProfileId]
    ) -> tuple[ProfileShot, ...]:
        members: dict[ProfileId, list[Node]] = {}
        for node in self.identity.nodes_by_profile(connection, sorted(set(profiles))):
            members.setdefault(node.profile_id, []).append(node)
        return tuple(ProfileShot.of(profile, nodes) for profile, nodes in sorted(members.items()))
