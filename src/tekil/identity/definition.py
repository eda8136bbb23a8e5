"""Identity rules as JSON, as operators read and write them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import re2

from tekil.errors import InvalidDefinition, did_you_mean
from tekil.identity.identifiers import external_namespace
from tekil.identity.model import IdentityRules, Namespace, Normaliser
from tekil.identity.namespaces import EXTERNAL_IDS
from tekil.identity.rules import one_pattern
from tekil.kit.json import JsonObject, JsonValue

_ROOTS: Final = ("userId", "anonymousId", "traits", "properties", "context")
_RULES_KEYS: Final = ("namespaces", "default", "weak_joins_verified")
_NAMESPACE_KEYS: Final = (
    "rank",
    "limit",
    "normaliser",
    "blocked",
    "blocked_patterns",
    "shared_after",
    "personal",
    "from",
)
_MAX_NAMESPACES: Final = 100
_MAX_ENTRIES: Final = 1000
_MAX_TEXT: Final = 512
_MAX_NUMBER: Final = 1_000_000


def rules_to_json(rules: IdentityRules) -> JsonObject:
    """The definition of rules; ``rules_from_json`` gives equal rules back."""
    return {
        "namespaces": {
            name: _namespace_to_json(space)
            for name, space in sorted(
                rules.namespaces.items(), key=lambda item: (item[1].rank, item[0])
            )
        },
        "default": _namespace_to_json(rules.default),
        "weak_joins_verified": rules.weak_joins_verified,
    }


def rules_from_json(definition: JsonValue) -> IdentityRules:
    """Read a definition. Raises InvalidDefinition with every fault and where it is.

    What a namespace leaves out has the value that ``Namespace`` gives it; what the definition
    of ``default`` leaves out likewise.
    """
    reader = _Reader()
    top = reader.object("", definition, _RULES_KEYS)
    spaces: dict[str, Namespace] = {}
    given = reader.object("namespaces", top.get("namespaces", {}), None)
    if len(given) > _MAX_NAMESPACES:
        reader.fault("namespaces", f"has {len(given)} entries; {_MAX_NAMESPACES} are allowed")
    for name, value in given.items():
        path = f"namespaces.{name}"
        if external_namespace(name) != name:
            reader.fault(
                path, f'"{name}" is no name: 1 to 64 of a-z, 0-9, _ . -, a letter or digit first'
            )
        spaces[name] = _namespace(reader, path, value)
    default = _namespace(reader, "default", top.get("default", {"rank": 10}))
    weak = reader.boolean("weak_joins_verified", top.get("weak_joins_verified", False))
    reader.finish()
    return IdentityRules(spaces, default, weak)


def _namespace_to_json(space: Namespace) -> JsonObject:
    return {
        "rank": space.rank,
        "limit": space.limit,
        "normaliser": str(space.normaliser),
        "blocked": list(space.blocked),
        "blocked_patterns": list(space.blocked_patterns),
        "shared_after": space.shared_after,
        "personal": space.personal,
        "from": list(space.from_),
    }


def _namespace(reader: _Reader, path: str, value: JsonValue) -> Namespace:
    given = reader.object(path, value, _NAMESPACE_KEYS)
    if "rank" not in given:
        reader.fault(f"{path}.rank", "is missing: a whole number, 1 is the highest")
    patterns = reader.texts(
        f"{path}.blocked_patterns", given.get("blocked_patterns", []), _pattern_fault
    )
    wrong = _pattern_fault(one_pattern(patterns))
    if wrong is not None:
        reader.fault(f"{path}.blocked_patterns", f"the patterns do not go together: {wrong}")
    plain = Namespace(rank=1)
    return Namespace(
        rank=reader.number(f"{path}.rank", given.get("rank", 1)) or 1,
        limit=reader.number(f"{path}.limit", given.get("limit"), none=True),
        normaliser=reader.choice(f"{path}.normaliser", given.get("normaliser", "trim")),
        blocked=reader.texts(f"{path}.blocked", given.get("blocked", [])),
        blocked_patterns=patterns,
        shared_after=reader.number(f"{path}.shared_after", given.get("shared_after"), none=True),
        personal=reader.boolean(f"{path}.personal", given.get("personal", True)),
        from_=reader.texts(f"{path}.from", given.get("from", list(plain.from_)), _path_fault),
    )


def _pattern_fault(pattern: str) -> str | None:
    try:
        re2.compile(pattern, _quiet())
    except re2.error as error:
        return f'"{pattern}" is no RE2 pattern: {_reason(error)}'
    return None


def _quiet() -> Any:
    options = re2.Options()
    options.log_errors = False
    return options


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    return reason.decode() if isinstance(reason, bytes) else str(reason)


def _path_fault(path: str) -> str | None:
    """Why values cannot be taken from this place of a message; None when they can."""
    root, _, rest = path.partition(".")
    if root not in _ROOTS:
        return f'"{path}" is no place in a message: start with {", ".join(_ROOTS)}.' + (
            did_you_mean(root, _ROOTS)
        )
    if root in ("userId", "anonymousId"):
        return f'"{path}": {root} is a single value; write "{root}"' if rest else None
    if not rest or any(part == "" for part in rest.split(".")):
        return f'"{path}" names no field; write for example "{root}.email"'
    if path == "context.traits" or path.startswith("context.traits."):
        return f'"{path}" repeats what a browser remembers and is no evidence; use traits'
    if path.startswith(EXTERNAL_IDS + "."):
        return f'"{path}": the type of an external id is its namespace; write "{EXTERNAL_IDS}"'
    return None


class _Reader:
    """Reads values of known types and collects everything that is wrong."""

    def __init__(self) -> None:
        self._faults: list[JsonObject] = []

    def fault(self, path: str, message: str) -> None:
        self._faults.append({"path": path, "message": message})

    def finish(self) -> None:
        if self._faults:
            first = self._faults[0]
            more = len(self._faults) - 1
            tail = f" (and {more} more)" if more else ""
            raise InvalidDefinition(
                f"{first['path'] or 'the definition'}: {first['message']}{tail}",
                path=first["path"],
                errors=self._faults,
            )

    def object(self, path: str, value: JsonValue, keys: Iterable[str] | None) -> JsonObject:
        if not isinstance(value, dict):
            self.fault(path, f"{_shown(value)} is no object")
            return {}
        if keys is not None:
            allowed = tuple(keys)
            for key in value:
                if key not in allowed:
                    where = f"{path}.{key}" if path else key
                    self.fault(
                        where,
                        f'"{key}" is unknown; allowed are {", ".join(allowed)}.'
                        + did_you_mean(key, allowed),
                    )
        return value

    def number(self, path: str, value: JsonValue, *, none: bool = False) -> int | None:
        if value is None and none:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MAX_NUMBER:
            self.fault(
                path,
                f"{_shown(value)} is not allowed: a whole number from 1 to {_MAX_NUMBER}"
                + (", or null for no bound" if none else ""),
            )
            return None
        return value

    def boolean(self, path: str, value: JsonValue) -> bool:
        if not isinstance(value, bool):
            self.fault(path, f"{_shown(value)} is not allowed: true or false")
            return False
        return value

    def choice(self, path: str, value: JsonValue) -> Normaliser:
        allowed = tuple(str(each) for each in Normaliser)
        if not isinstance(value, str) or value not in allowed:
            near = did_you_mean(value, allowed) if isinstance(value, str) else ""
            self.fault(path, f"{_shown(value)} is unknown; allowed are {', '.join(allowed)}.{near}")
            return Normaliser.TRIM
        return Normaliser(value)

    def texts(
        self, path: str, value: JsonValue, check: Callable[[str], str | None] | None = None
    ) -> tuple[str, ...]:
        if not isinstance(value, list) or len(value) > _MAX_ENTRIES:
            self.fault(
                path, f"{_shown(value)} is not allowed: a list of up to {_MAX_ENTRIES} texts"
            )
            return ()
        kept: list[str] = []
        for place, each in enumerate(value):
            if not isinstance(each, str) or len(each) > _MAX_TEXT:
                self.fault(
                    f"{path}[{place}]",
                    f"{_shown(each)} is not allowed: a text of up to {_MAX_TEXT} characters",
                )
                continue
            wrong = check(each) if check else None
            if wrong is not None:
                self.fault(f"{path}[{place}]", wrong)
            else:
                kept.append(each)
        return tuple(kept)


def _shown(value: JsonValue) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"
