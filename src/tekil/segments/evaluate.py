"""Runs a program on the warehouse, for everybody or for chosen people; always as many queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

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
from tekil.segments.sql import Ask, Scope
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


@dataclass(frozen=True, slots=True)
class _Of:
    """Whom a statement is about, and when."""

    ask: Ask
    now: Millis
    given: Mapping[str, object]
    pairs: tuple[Ids, Ids] = (NO_IDS, NO_IDS)
    """Each identity with its profile, where a list is asked for."""


class Evaluator:
    """Evaluates programs; ``lists`` gives the identities on an uploaded list."""

    def __init__(self, warehouse: Warehouse, lists: Mapping[str, BitMap] | None = None) -> None:
        self.warehouse = warehouse
        self.lists: Mapping[str, BitMap] = lists or {}

    def prepare(self) -> None:
        """Make what the statements need in the warehouse."""
        self.warehouse.migrate([sql.profile_of_ddl(self.warehouse.database)])

    def everybody(self, program: Program, now: Millis, *, due: bool = True) -> Outcome:
        """Judge everybody; ``due`` only matters to whoever follows them from then on."""
        self.warehouse.command(sql.RELOAD_PROFILE_OF)
        subjects = Subjects(self._ids(sql.EVERY_PROFILE))
        pairs = (NO_IDS, NO_IDS)
        if any(isinstance(leaf, InList) for leaf in program.statics):
            pairs = self._pairs(sql.EVERY_IDENTITY, {})
        return self._judge(program, subjects, _Of(Ask(Scope.EVERYBODY, due), now, {}, pairs))

    def chosen(self, program: Program, people: Chosen, now: Millis) -> Outcome:
        """Judge some people."""
        given = {"identities": people.identities.tolist(), "profiles": people.profiles.tolist()}
        pairs = (people.identities, people.profiles)
        subjects = Subjects(people.subjects)
        outcome = self._judge(program, subjects, _Of(Ask(Scope.CHOSEN), now, given, pairs))
        # Whoever became part of somebody else is nobody: not even a negative condition holds.
        here = np.isin(people.subjects, people.profiles)
        if here.all():
            return outcome
        return replace(outcome, truths=[truth & here for truth in outcome.truths])

    def accounts(self, program: Program, now: Millis) -> Outcome:
        """Judge every account."""
        subjects = Subjects(self._ids(sql.EVERY_ACCOUNT))
        return self._judge(program, subjects, _Of(Ask(Scope.ACCOUNTS), now, {}))

    def _judge(self, program: Program, subjects: Subjects, of: _Of) -> Outcome:
        if program.events:
            parts = sql.split(program.events, of.ask.scope)
            statement = sql.events_statement(program.events, parts, of.ask)
            rows = self._rows(statement, parts, of)
            subjects.events = subjects.take(rows, parts, event_defaults(program))
        if program.traits:
            parts = [list(range(len(program.traits)))]
            rows = self._rows(sql.traits_statement(program.traits, of.ask), parts, of)
            subjects.traits = subjects.take(rows, parts, [False] * len(program.traits))
        subjects.statics = [self._static(leaf, subjects.ids, of.pairs) for leaf in program.statics]
        if program.account is not None:
            self._judge_accounts(program, program.account, subjects, of)
        return Outcome(program, subjects.ids, judge(program, subjects), subjects.due)

    def _judge_accounts(
        self,
        program: Program,
        inner: Program,
        subjects: Subjects,
        of: _Of,
    ) -> None:
        scope = of.ask.scope
        owners, accounts = self._pairs(sql.accounts_of(scope), of.given)
        known = Subjects(np.unique(accounts))
        chosen = {"accounts": known.ids.tolist()}
        inner_scope = Scope.ACCOUNTS if scope is Scope.EVERYBODY else Scope.CHOSEN_ACCOUNTS
        ask = replace(of.ask, scope=inner_scope)
        outcome = self._judge(inner, known, _Of(ask, of.now, chosen))
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

    def _rows(self, statement: Statement, parts: list[list[int]], of: _Of) -> list[Rows]:
        """The rows of each part."""
        wide = max(sql.words(len(part)) for part in parts)
        names = [f"holds_{i}" for i in range(wide)]
        shape = [("part", "<u2"), ("subject", "<u8"), ("due", "<i8"), *((n, "<u8") for n in names)]
        data = self.warehouse.query_binary(statement.sql, {**statement.at(of.now), **of.given})
        table = np.frombuffer(data, dtype=np.dtype(shape))
        found: list[Rows] = []
        for number in range(len(parts)):
            mine = table[table["part"] == number] if len(parts) > 1 else table
            holds = tuple(np.ascontiguousarray(mine[name]) for name in names)
            found.append(Rows(mine["subject"].copy(), mine["due"].copy(), holds))
        return found

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
