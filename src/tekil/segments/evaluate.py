"""Runs a program on the warehouse, for everybody or for chosen people; always as many queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from pyroaring import BitMap

from tekil.kit.clock import Millis
from tekil.segments import sql
from tekil.segments.binding import Statement
from tekil.segments.model import Consent, ConsentStatus, InList, RandomBucket, StaticLeaf
from tekil.segments.program import Op, Program
from tekil.segments.rules import (
    Ids,
    Instants,
    Rows,
    Subjects,
    Truth,
    event_defaults,
    in_bucket,
    judge,
    locate,
    over_accounts,
)
from tekil.segments.sql import Scope
from tekil.store.warehouse import Warehouse

NO_IDS: Ids = np.empty(0, dtype=np.uint64)


@dataclass(frozen=True, slots=True)
class Chosen:
    """People to judge: every identity of theirs with its profile, and the profiles themselves."""

    identities: Ids
    profiles: Ids
    """The profile of each identity, in the same order."""
    subjects: Ids
    """The profiles to judge, in rising order; also those that have no identity any more."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The truth of every step of a program for every subject."""

    program: Program
    subjects: Ids
    truths: list[Truth]
    due: Instants
    """Before this instant time alone changes nothing for the subject."""

    def members(self, name: str) -> BitMap:
        """Who is in a segment."""
        return self.where(self.program.roots[name])

    def where(self, step: int) -> BitMap:
        """For whom a step holds."""
        return bitmap(self.subjects[self.truths[step]])


class Evaluator:
    """Evaluates programs; ``lists`` gives the identities on an uploaded list."""

    def __init__(self, warehouse: Warehouse, lists: Mapping[str, BitMap] | None = None) -> None:
        self.warehouse = warehouse
        self.lists: Mapping[str, BitMap] = lists or {}

    def prepare(self) -> None:
        """Make what the statements need in the warehouse."""
        self.warehouse.migrate([sql.profile_of_ddl(self.warehouse.database)])

    def everybody(self, program: Program, now: Millis) -> Outcome:
        """Judge everybody."""
        self.warehouse.command(sql.RELOAD_PROFILE_OF)
        subjects = Subjects(self._ids(sql.EVERY_PROFILE))
        pairs = (NO_IDS, NO_IDS)
        if any(isinstance(leaf, InList) for leaf in program.statics):
            pairs = self._pairs(sql.EVERY_IDENTITY, {})
        return self._judge(program, subjects, Scope.EVERYBODY, {}, pairs, now)

    def chosen(self, program: Program, people: Chosen, now: Millis) -> Outcome:
        """Judge some people."""
        given = {"identities": people.identities.tolist(), "profiles": people.profiles.tolist()}
        pairs = (people.identities, people.profiles)
        subjects = Subjects(people.subjects)
        return self._judge(program, subjects, Scope.CHOSEN, given, pairs, now)

    def accounts(self, program: Program, now: Millis) -> Outcome:
        """Judge every account."""
        subjects = Subjects(self._ids(sql.EVERY_ACCOUNT))
        return self._judge(program, subjects, Scope.ACCOUNTS, {}, (NO_IDS, NO_IDS), now)

    def _judge(
        self,
        program: Program,
        subjects: Subjects,
        scope: Scope,
        given: Mapping[str, object],
        pairs: tuple[Ids, Ids],
        now: Millis,
    ) -> Outcome:
        if program.events:
            rows = self._rows(
                sql.events_statement(program.events, scope), program.events, given, now
            )
            subjects.events = subjects.take(rows, event_defaults(program))
        if program.traits:
            rows = self._rows(
                sql.traits_statement(program.traits, scope), program.traits, given, now
            )
            subjects.traits = subjects.take(rows, [False] * len(program.traits))
        subjects.statics = [self._static(leaf, subjects.ids, pairs) for leaf in program.statics]
        if program.account is not None:
            self._judge_accounts(program, program.account, subjects, scope, given, now)
        return Outcome(program, subjects.ids, judge(program, subjects), subjects.due)

    def _judge_accounts(
        self,
        program: Program,
        inner: Program,
        subjects: Subjects,
        scope: Scope,
        given: Mapping[str, object],
        now: Millis,
    ) -> None:
        owners, accounts = self._pairs(sql.accounts_of(scope), given)
        known = Subjects(np.unique(accounts))
        chosen = {"accounts": known.ids.tolist()}
        inner_scope = Scope.ACCOUNTS if scope is Scope.EVERYBODY else Scope.CHOSEN_ACCOUNTS
        outcome = self._judge(inner, known, inner_scope, chosen, (NO_IDS, NO_IDS), now)
        owner_places, inside = locate(subjects.ids, owners)
        account_places, _ = locate(known.ids, accounts[inside])
        np.minimum.at(subjects.due, owner_places, outcome.due[account_places])
        for step in program.steps:
            if step.op is Op.ACCOUNT:
                place = step.inputs[0]
                carried = over_accounts(
                    outcome.truths[place], owner_places, account_places, len(subjects.ids)
                )
                subjects.accounts[place, step.quantifier] = carried[step.quantifier]

    def _static(self, leaf: StaticLeaf, ids: Ids, pairs: tuple[Ids, Ids]) -> Truth:
        truth = np.zeros(len(ids), dtype=np.bool_)
        if isinstance(leaf, RandomBucket):
            return in_bucket(leaf, ids)
        if isinstance(leaf, Consent):
            # Until purposes are recorded nothing is known about anybody.
            truth[:] = leaf.status is ConsentStatus.UNKNOWN
            return truth
        listed = self.lists.get(leaf.name)
        if listed is not None:
            identities, profiles = pairs
            on_it = np.isin(identities, np.array(listed.to_array(), dtype=np.uint64))
            truth[locate(ids, profiles[on_it])[0]] = True
        return truth

    def _rows(
        self, statement: Statement, leaves: object, given: Mapping[str, object], now: Millis
    ) -> Rows:
        assert isinstance(leaves, list)
        words = sql.words(len(leaves))
        shape = [("subject", "<u8"), ("due", "<i8"), *((f"w{i}", "<u8") for i in range(words))]
        data = self.warehouse.query_binary(statement.sql, {**statement.at(now), **given})
        table = np.frombuffer(data, dtype=np.dtype(shape))
        return Rows(
            subjects=table["subject"].copy(),
            due=table["due"].copy(),
            words=tuple(table[f"w{i}"].copy() for i in range(words)),
        )

    def _ids(self, statement: str) -> Ids:
        return np.frombuffer(self.warehouse.query_binary(statement), dtype="<u8")

    def _pairs(self, statement: str, given: Mapping[str, object]) -> tuple[Ids, Ids]:
        data = self.warehouse.query_binary(statement, dict(given))
        table = np.frombuffer(data, dtype=np.dtype([("a", "<u8"), ("b", "<u8")]))
        return table["a"].copy(), table["b"].copy()


def bitmap(ids: Ids) -> BitMap:
    """A set of ids; every id must be below 2**32."""
    if len(ids) and int(ids.max()) >= 1 << 32:
        raise OverflowError(f"id {int(ids.max())} does not fit into a membership set")
    from array import array

    return BitMap(array("I", ids.astype(np.uint32).tobytes()))
