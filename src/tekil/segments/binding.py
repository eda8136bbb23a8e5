"""Bound values of a statement: equal ones share a name, and moments are set when it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

from tekil.kit.clock import Millis
from tekil.segments.model import Ago, Bound, DayStart, Fixed
from tekil.segments.windows import resolve

Value: TypeAlias = str | float | int | list[str] | list[float] | list[int]
Bindable: TypeAlias = Value | Bound
EARLIEST = -2_208_988_800_000
LATEST = 9_200_000_000_000
"""The moments between which the warehouse's clock type works: the years 1900 and 2261."""
MOMENT = "DateTime64(3, 'UTC')"


@dataclass(slots=True)
class Binder:
    """Hands out placeholders while a statement is built."""

    values: dict[str, Bindable] = field(default_factory=dict)
    _names: dict[tuple[str, str], str] = field(default_factory=dict)

    def bind(self, kind: str, value: Bindable) -> str:
        """The placeholder for a value, such as ``{v0:String}``."""
        key = (kind, repr(value))
        if key not in self._names:
            name = f"v{len(self._names)}"
            self._names[key] = name
            self.values[name] = value
        return f"{{{self._names[key]}:{kind}}}"

    def text(self, value: str) -> str:
        """The placeholder for a text."""
        return self.bind("String", value)

    def moment(self, bound: Bound) -> str:
        """The placeholder for a moment that depends on when the statement runs."""
        return self.bind(MOMENT, bound)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement with its bound values; the moments in it are still to be set."""

    sql: str
    values: dict[str, Bindable]

    def at(self, now: Millis) -> dict[str, object]:
        """The parameters for running it at this instant."""
        return {name: _at(value, now) for name, value in self.values.items()}


def _at(value: Bindable, now: Millis) -> object:
    if isinstance(value, Fixed | Ago | DayStart):
        clipped = min(max(resolve(value, now), EARLIEST), LATEST)
        seconds, millis = divmod(clipped, 1000)
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{millis:03d}"
    return value


def quoted(identifier: str) -> str:
    """A name as the warehouse takes it; the one thing that cannot be a bound value."""
    escaped = identifier.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"
