"""Every stored definition, read: what segments and computed traits mean together."""

from __future__ import annotations

from dataclasses import dataclass

from tekil.segments.model import Computed, Condition
from tekil.segments.parse import Definition, parse, parse_computed
from tekil.segments.store import SegmentRow, SegmentStore


@dataclass(frozen=True, slots=True)
class Catalog:
    """All definitions by name."""

    rows: dict[str, SegmentRow]
    segments: dict[str, Definition]
    computed: dict[str, Computed]

    @property
    def conditions(self) -> dict[str, Condition]:
        """What each segment means."""
        return {name: definition.condition for name, definition in self.segments.items()}


def read_catalog(store: SegmentStore) -> Catalog:
    """Read every definition that is stored."""
    computed = {row.name: parse_computed(row.definition) for row in store.computed_traits()}
    rows = {row.name: row for row in store.segments()}
    return Catalog(
        rows, {name: parse(row.definition, computed) for name, row in rows.items()}, computed
    )
