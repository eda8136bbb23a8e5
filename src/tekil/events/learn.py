"""What the event history is made of, learned as it passes: names, properties, types, examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tekil.kit.clock import Millis
from tekil.kit.ids import SourceId
from tekil.kit.json import JsonObject, JsonValue

LATEST = Millis(2**62)
EARLIEST = Millis(-(2**62))
MAX_EXAMPLES = 5
MAX_EXAMPLE_CHARS = 80
MAX_NAME_CHARS = 128
"""Longer property names are not listed: with an event's name they would not fit an index."""

NUL = "\x00"
MAX_PROPERTIES = 300
"""Properties of one event that are listed; more means that keys are being made up."""

MAX_EVENTS = 2_000
"""Event names of one source that are listed; anybody with a public key can make up names."""

OTHER = "(other)"
"""Stands for the events behind the limit; they are counted together."""

EventKey = tuple[SourceId, str, str]
"""Source, message type and event name."""


@dataclass(slots=True)
class PropertyFacts:
    """What is known of one property of one event."""

    count: int = 0
    types: set[str] = field(default_factory=set)
    examples: list[JsonValue] = field(default_factory=list)


@dataclass(slots=True)
class EventFacts:
    """What a batch tells about one event of one source."""

    count: int = 0
    first_seen: Millis = LATEST
    last_seen: Millis = EARLIEST
    shapes: dict[tuple[str, ...], int] = field(default_factory=dict)
    samples: dict[tuple[str, ...], JsonObject] = field(default_factory=dict)

    def see(self, at: Millis, properties: JsonObject) -> None:
        """Count one event; of each shape (set of keys) one sample per batch is looked into."""
        self.count += 1
        self.first_seen = min(self.first_seen, at)
        self.last_seen = max(self.last_seen, at)
        shape = tuple(properties)
        seen = self.shapes.get(shape)
        if seen is None:
            self.shapes[shape] = 1
            self.samples[shape] = properties
        else:
            self.shapes[shape] = seen + 1

    def properties(self) -> dict[str, PropertyFacts]:
        """Properties with exact counts, and the types and examples of the samples."""
        found: dict[str, PropertyFacts] = {}
        for shape, count in self.shapes.items():
            sample = self.samples[shape]
            for name in shape:
                facts = found.get(name)
                if facts is None:
                    if len(found) >= MAX_PROPERTIES or len(name) > MAX_NAME_CHARS or NUL in name:
                        continue
                    facts = found[name] = PropertyFacts()
                facts.count += count
                add_example(facts, sample[name])
        return found


def add_example(facts: PropertyFacts, value: JsonValue) -> None:
    """Note the type of a value and keep it as an example while there are few."""
    facts.types.add(type_name(value))
    if value is None or isinstance(value, (dict, list)):
        return
    example = value[:MAX_EXAMPLE_CHARS] if isinstance(value, str) else value
    if example not in facts.examples and len(facts.examples) < MAX_EXAMPLES:
        facts.examples.append(example)


def type_name(value: JsonValue) -> str:
    """Name a JSON value's type as the schema shows it.

    >>> [type_name(v) for v in (True, 1, 1.5, "a", [], {}, None)]
    ['boolean', 'integer', 'number', 'text', 'list', 'object', 'null']
    """
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "text"
        case list():
            return "list"
        case dict():
            return "object"


def bounded(
    events: Mapping[EventKey, EventFacts], known: Mapping[SourceId, set[tuple[str, str]]]
) -> dict[EventKey, EventFacts]:
    """Count events whose name is new to a source that has enough names under one word.

    ``known`` holds the (type, name) pairs that each source has already.
    """
    room = {source: MAX_EVENTS - len(names) for source, names in known.items()}
    kept: dict[EventKey, EventFacts] = {}
    for key, facts in events.items():
        source, type_, event = key
        if (type_, event) in known.get(source, ()) or room.setdefault(source, MAX_EVENTS) > 0:
            if (type_, event) not in known.get(source, ()):
                room[source] -= 1
            kept[key] = facts
            continue
        other = kept.setdefault((source, type_, OTHER), EventFacts())
        other.count += facts.count
        other.first_seen = min(other.first_seen, facts.first_seen)
        other.last_seen = max(other.last_seen, facts.last_seen)
    return kept


class Learner:
    """Gathers what a micro-batch tells."""

    def __init__(self) -> None:
        self.events: dict[EventKey, EventFacts] = {}

    def see(self, key: EventKey, at: Millis, properties: JsonObject) -> None:
        """Take one event."""
        facts = self.events.get(key)
        if facts is None:
            facts = self.events[key] = EventFacts()
        facts.see(at, properties)
