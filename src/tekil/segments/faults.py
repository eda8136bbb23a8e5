"""Collects every fault of a definition, so that a person sees them all at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeGuard

from tekil.errors import InvalidDefinition, did_you_mean
from tekil.kit.json import JsonValue, encode_text

MAX_DEPTH = 16
MAX_NODES = 500
MAX_FAULTS = 50
SHOWN = 80
"""How much of a wrong value a message repeats."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where, which value, and what would be right."""

    path: str
    message: str
    value: JsonValue = None
    allowed: tuple[str, ...] = ()

    def as_json(self) -> dict[str, JsonValue]:
        """The fault as the API shows it."""
        return {
            "path": self.path,
            "message": self.message,
            "value": self.value,
            "allowed": list(self.allowed),
        }


def shown(value: JsonValue) -> str:
    """A value as a message repeats it, cut if it is long."""
    text = encode_text(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


@dataclass(slots=True)
class Faults:
    """What was found wrong so far, and how large the definition is."""

    found: list[Fault] = field(default_factory=list)
    nodes: int = 0

    def add(
        self, path: str, message: str, value: JsonValue = None, allowed: Iterable[str] = ()
    ) -> None:
        """Note one fault."""
        if len(self.found) < MAX_FAULTS:
            self.found.append(Fault(path.lstrip(".") or "$", message, value, tuple(allowed)))

    def enter(self, path: str, depth: int) -> bool:
        """Count a node; False (and a fault) where the definition gets too deep or too large."""
        self.nodes += 1
        if depth > MAX_DEPTH:
            self.add(path, f"Conditions are nested more than {MAX_DEPTH} deep: make it flatter.")
            return False
        if self.nodes == MAX_NODES + 1:
            self.add(
                path, f"There are more than {MAX_NODES} conditions: split it into named segments."
            )
        return self.nodes <= MAX_NODES

    def is_object(self, value: JsonValue, path: str) -> TypeGuard[dict[str, JsonValue]]:
        """Whether the value is an object, noting a fault otherwise."""
        if isinstance(value, dict):
            return True
        self.add(path, f"{shown(value)} is not an object.", value, ("an object",))
        return False

    def keys(self, value: dict[str, JsonValue], allowed: Iterable[str], path: str) -> None:
        """Note every key that is not allowed."""
        known = tuple(allowed)
        for key in value:
            if key not in known:
                self.unknown(key, known, f"{path}.{key}" if path else key, "key")

    def unknown(self, word: str, allowed: tuple[str, ...], path: str, what: str) -> None:
        """Note a word that is not one of the allowed ones."""
        listed = ", ".join(allowed)
        near = did_you_mean(word, allowed)
        self.add(
            path, f'"{word[:SHOWN]}" is not a known {what}: use {listed}.{near}', word, allowed
        )

    def raise_if_any(self) -> None:
        """Raises InvalidDefinition that holds every fault."""
        if not self.found:
            return
        first = self.found[0]
        more = f" (and {len(self.found) - 1} more)" if len(self.found) > 1 else ""
        raise InvalidDefinition(
            f"{first.path}: {first.message}{more}", errors=[fault.as_json() for fault in self.found]
        )
