"""What must be stored after some messages, worked out in plain Python.

It shares no code with the program; who is one person comes from the second solver of the
identity tests. It reads the messages in any order, each once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import networkx as nx
from tests.identity.reference import Reference

from tekil.identity.model import Claim, ClaimKind, Identity, Strength
from tekil.identity.namespaces import DEFAULT_RULES
from tekil.kit.clock import Millis
from tekil.kit.ids import IdentityId, MessageId, SourceId

Ref = tuple[str, str]
ClaimName = tuple[frozenset[Ref], str, bool]
STRONG_SOURCES = {"server"}


@dataclass
class Expected:
    """Everything that is compared with what the program stored."""

    events: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    """By message id: type, event name, time, identity, source, strong, properties."""
    identities: dict[Ref, tuple[int, bool, bool]] = field(default_factory=dict)
    """First seen, verified, attested."""
    activity: dict[Ref, tuple[int, int]] = field(default_factory=dict)
    """Last seen in any message, and how many events are stored against it."""
    claims: dict[ClaimName, tuple[int, str]] = field(default_factory=dict)
    """The time and message of the earliest evidence."""
    traits: dict[tuple[Ref, str, bool], tuple[int, Any]] = field(default_factory=dict)
    accounts: dict[tuple[str, str, bool], tuple[int, Any]] = field(default_factory=dict)
    """Traits by group id, name, strong."""
    members: dict[tuple[Ref, str], int] = field(default_factory=dict)
    schema: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """Messages by source, type and event name."""
    people: dict[Ref, frozenset[Ref]] = field(default_factory=dict)
    refused: set[ClaimName] = field(default_factory=set)


def expect(sent: Iterable[tuple[str, dict[str, Any]]]) -> Expected:
    """Work out what is to be stored."""
    expected = Expected()
    for source, message in sent:
        _add(expected, source, message)
    _solve(expected)
    return expected


def _add(expected: Expected, source: str, message: dict[str, Any]) -> None:
    strong, kind = source in STRONG_SOURCES, message["type"]
    at = round(datetime.fromisoformat(message["timestamp"]).timestamp() * 1000)
    traits = message.get("traits", {})
    told = traits if kind == "identify" else {}
    named = (
        ("user_id", message.get("userId")),
        ("email", told.get("email")),
        ("phone", told.get("phone")),
        ("anonymous_id", message.get("anonymousId")),
    )
    found = [(namespace, value) for namespace, value in named if value]
    first = found[0]
    for ref in found:
        _see(expected, ref, at, strong, attested=True)
    for other in found[1:]:
        _claim(expected, first, other, "message", strong, at, message["messageId"])
    if kind == "alias":
        for namespace in ("user_id", "anonymous_id") if strong else ("anonymous_id",):
            former = (namespace, message["previousId"])
            _see(expected, former, at, strong=False, attested=False)
            _claim(expected, first, former, "alias", strong, at, message["messageId"])
    name = message.get("event") or message.get("name") or ""
    properties = traits if kind in {"identify", "group"} else message.get("properties", {})
    expected.events[message["messageId"]] = (kind, name, at, first, source, strong, properties)
    for ref in found:
        last, count = expected.activity.get(ref, (0, 0))
        expected.activity[ref] = (max(last, at), count + (ref == first))
    key = (source, kind, name)
    expected.schema[key] = expected.schema.get(key, 0) + 1
    for trait, value in told.items():
        _keep_newest(expected.traits, (first, trait, strong), at, value)
    if kind == "group":
        group = message["groupId"]
        earliest = expected.members.get((first, group), at)
        expected.members[first, group] = min(earliest, at)
        for trait, value in traits.items():
            _keep_newest(expected.accounts, (group, trait, strong), at, value)


def _see(expected: Expected, ref: Ref, at: int, strong: bool, *, attested: bool) -> None:
    first_seen, was_verified, was_attested = expected.identities.get(ref, (at, False, False))
    expected.identities[ref] = (
        min(first_seen, at),
        was_verified or (strong and attested),
        was_attested or attested,
    )


def _claim(
    expected: Expected, a: Ref, b: Ref, kind: str, strong: bool, at: int, message_id: str
) -> None:
    if a == b:
        return
    name = (frozenset((a, b)), kind, strong)
    expected.claims[name] = min(expected.claims.get(name, (at, message_id)), (at, message_id))


def _keep_newest(into: dict[Any, tuple[int, Any]], key: object, at: int, value: object) -> None:
    if key not in into or into[key][0] < at:
        into[key] = (at, value)


def _solve(expected: Expected) -> None:
    numbers = {ref: IdentityId(number) for number, ref in enumerate(expected.identities, 1)}
    graph: nx.Graph[Ref] = nx.Graph()
    graph.add_nodes_from(expected.identities)
    inside: dict[Ref, list[ClaimName]] = defaultdict(list)
    for name in expected.claims:
        graph.add_edge(*name[0])
        inside[min(name[0])].append(name)
    for component in nx.connected_components(graph):
        identities = [
            Identity(numbers[ref], *ref, Millis(seen), verified, attested)
            for ref in component
            for seen, verified, attested in [expected.identities[ref]]
        ]
        claims = [
            _as_claim(name, expected.claims[name], numbers)
            for ref in component
            for name in inside.get(ref, ())
        ]
        answer = Reference(identities, claims, [], DEFAULT_RULES).answer()
        expected.people.update(answer.people)
        expected.refused |= {
            (ends, kind, strength == "strong") for ends, kind, strength, _ in answer.refused
        }


def _as_claim(name: ClaimName, earliest: tuple[int, str], numbers: dict[Ref, IdentityId]) -> Claim:
    a, b = (numbers[ref] for ref in sorted(name[0]))
    strength = Strength.STRONG if name[2] else Strength.WEAK
    at, message_id = earliest
    return Claim(a, b, ClaimKind(name[1]), strength, Millis(at), MessageId(message_id), SourceId(0))
