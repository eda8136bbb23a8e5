"""Reads a definition (JSON or YAML) into the model, or says everything that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import yaml

from tekil.errors import MalformedRequest, TooLarge, did_you_mean
from tekil.kit.json import JsonValue, decode
from tekil.segments import scalars
from tekil.segments.faults import Faults, shown
from tekil.segments.model import (
    All,
    AnyOf,
    Computation,
    Computed,
    ComputedTest,
    Condition,
    Consent,
    ConsentStatus,
    Events,
    InList,
    InSegment,
    Not,
    OfAccounts,
    Quantifier,
    RandomBucket,
    TraitTest,
    Window,
)
from tekil.segments.parse_events import negate, read_computed, read_event, read_sequence
from tekil.segments.parse_tests import OPTION_KEYS, TEST_KEYS, read_tests

MAX_BYTES = 256 * 1024
KINDS = (
    "all", "any", "not", "trait", "computed", "event", "sequence", "segment", "list", "consent",
    "random", "account",
)  # fmt: skip
Object = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Branch:
    """A place in the written definition and what it means."""

    path: str
    kind: str
    condition: Condition


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition that was read: its meaning, and each branch of its tree as it was written."""

    condition: Condition
    branches: tuple[Branch, ...]


def parse_text(text: str | bytes, *, yaml_allowed: bool = True) -> JsonValue:
    """Decode JSON, or YAML that means what JSON means. Raises MalformedRequest, TooLarge."""
    data = text.encode() if isinstance(text, str) else text
    if len(data) > MAX_BYTES:
        raise TooLarge(f"A definition has at most {MAX_BYTES} bytes; this one has {len(data)}.")
    try:
        return decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        if not yaml_allowed:
            raise MalformedRequest(f"The definition is not JSON: {error}") from error
    try:
        value: JsonValue = yaml.load(data, Loader=_PlainLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise MalformedRequest(f"The definition is neither JSON nor YAML: {error}") from error
    return value


def parse(value: JsonValue, computed: Mapping[str, Computed] | None = None) -> Definition:
    """Read a definition, which may name computed traits.

    Raises InvalidDefinition that holds every fault.
    """
    reader = _Reader(Faults(), [], computed or {})
    condition = reader.read(value, "", 1)
    reader.faults.raise_if_any()
    return Definition(condition, tuple(reader.branches))


@dataclass(slots=True)
class _Reader:
    faults: Faults
    branches: list[Branch]
    computed: Mapping[str, Computed]
    in_account: bool = False

    def read(self, value: JsonValue, path: str, depth: int) -> Condition:
        nobody = AnyOf(())
        if not self.faults.enter(path, depth) or not self.faults.is_object(value, path):
            return nobody
        said = [kind for kind in KINDS if kind in value]
        if len(said) != 1:
            self._wrong_kind(value, said, path)
            return nobody
        place = len(self.branches)
        condition = self._read_kind(said[0], value, path, depth)
        if not self.in_account:
            self.branches.insert(place, Branch(path or "$", said[0], condition))
        return condition

    def _wrong_kind(self, value: Object, said: list[str], path: str) -> None:
        if said:
            self.faults.add(
                path,
                f"One condition has one kind, but this one says {', '.join(said)}: "
                'put them side by side in {"all": […]}.',
                None,
                KINDS,
            )
        elif value:
            self.faults.unknown(next(iter(value)), KINDS, path, "kind of condition")
        else:
            self.faults.add(path, "A condition is empty: say its kind.", None, KINDS)

    def _read_kind(self, kind: str, value: Object, path: str, depth: int) -> Condition:
        at = f"{path}.{kind}" if path else kind
        if self.in_account and kind in ("segment", "list", "consent", "account"):
            self.faults.add(at, f'"{kind}" is a condition on people, not on an account.')
            return AnyOf(())
        match kind:
            case "all" | "any":
                self.faults.keys(value, (kind,), path)
                items = value[kind]
                if not isinstance(items, list):
                    self.faults.add(at, f"{shown(items)} is not a list of conditions.", items)
                    items = []
                read = tuple(self.read(v, f"{at}[{i}]", depth + 1) for i, v in enumerate(items))
                return All(read) if kind == "all" else AnyOf(read)
            case "not":
                self.faults.keys(value, (kind,), path)
                return Not(self.read(value[kind], at, depth + 1))
            case "event":
                return read_event(value, path, depth, self.faults)
            case "sequence":
                return read_sequence(value, path, depth, self.faults)
            case "trait":
                return self._read_trait(value, path, at)
            case "computed":
                return self._read_computed(value, path, at)
            case "account":
                return self._read_account(value, path, at, depth)
            case _:
                return self._read_static(kind, value, path, at)

    def _read_trait(self, value: Object, path: str, at: str) -> Condition:
        self.faults.keys(value, ("trait", *TEST_KEYS, *OPTION_KEYS), path)
        name = scalars.read_name(value["trait"], at, self.faults)
        leaves = tuple(
            negate(TraitTest(name, asked.test), asked)
            for asked in read_tests(value, path, self.faults)
        )
        return leaves[0] if len(leaves) == 1 else All(leaves)

    def _read_computed(self, value: Object, path: str, at: str) -> Condition:
        self.faults.keys(value, ("computed", *TEST_KEYS, *OPTION_KEYS), path)
        name = scalars.read_name(value["computed"], at, self.faults)
        tests = read_tests(value, path, self.faults)
        if name not in self.computed:
            if name:
                hint = did_you_mean(name, self.computed)
                self.faults.add(at, f'There is no computed trait "{name}".{hint}', name)
            return AnyOf(())
        found = self.computed[name]
        leaves = tuple(negate(ComputedTest(found, asked.test), asked) for asked in tests)
        return leaves[0] if len(leaves) == 1 else All(leaves)

    def _read_account(self, value: Object, path: str, at: str, depth: int) -> Condition:
        self.faults.keys(value, ("account", "match"), path)
        said = value.get("match", "any")
        quantifier = Quantifier.ANY
        if isinstance(said, str) and said in tuple(Quantifier):
            quantifier = Quantifier(said)
        else:
            self.faults.unknown(str(said), tuple(Quantifier), f"{path}.match", "quantifier")
        self.in_account = True
        condition = self.read(value["account"], at, depth + 1)
        self.in_account = False
        return OfAccounts(quantifier, condition)

    def _read_static(self, kind: str, value: Object, path: str, at: str) -> Condition:
        match kind:
            case "segment" | "list":
                self.faults.keys(value, (kind,), path)
                name = scalars.read_name(value[kind], at, self.faults)
                return InSegment(name) if kind == "segment" else InList(name)
            case "consent":
                self.faults.keys(value, ("consent", "is"), path)
                purpose = scalars.read_name(value["consent"], at, self.faults)
                status = value.get("is", "granted")
                if isinstance(status, str) and status in tuple(ConsentStatus):
                    return Consent(purpose, ConsentStatus(status))
                where = f"{path}.is" if path else "is"
                self.faults.unknown(str(status), tuple(ConsentStatus), where, "consent status")
                return AnyOf(())
            case _:
                self.faults.keys(value, (kind,), path)
                return self._read_random(value[kind], at)

    def _read_random(self, value: JsonValue, at: str) -> Condition:
        if not self.faults.is_object(value, at):
            return AnyOf(())
        self.faults.keys(value, ("percent", "salt"), at)
        percent = scalars.read_number(value.get("percent"), f"{at}.percent", self.faults)
        if not 0 <= percent <= 100:
            self.faults.add(f"{at}.percent", f"{percent:g} is not a share from 0 to 100.", percent)
        salt = scalars.read_text(value.get("salt", ""), f"{at}.salt", self.faults)
        return RandomBucket(round(percent * 10_000), salt)


def parse_computed(value: JsonValue) -> Computed:
    """Read the definition of a computed trait. Raises InvalidDefinition."""
    faults = Faults()
    computed = Computed(Events(), Window(), Computation.COUNT)
    if faults.is_object(value, ""):
        computed = read_computed(value, "", faults)
    faults.raise_if_any()
    return computed


class _PlainLoader(yaml.SafeLoader):
    """YAML whose plain words stay texts: NO is Norway, and a date is read where one is expected."""


def _plain_resolvers() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    resolvers: dict[str, list[tuple[str, Any]]] = {
        first: [(tag, pattern) for tag, pattern in found
                if tag not in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool")]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }  # fmt: skip
    for first in "tf":
        resolvers.setdefault(first, []).append(
            ("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"))
        )
    return resolvers


_PlainLoader.yaml_implicit_resolvers = _plain_resolvers()
