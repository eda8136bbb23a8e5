"""The register of sources: looked up by write key on every request, so kept in memory."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from typing import Any

import msgspec
import sqlalchemy as sa

from tekil.collect.model import Source, SourceKind, SourceSettings
from tekil.collect.tables import sources
from tekil.errors import Conflict, InvalidDefinition, NotFound, did_you_mean
from tekil.kit.clock import Clock
from tekil.kit.ids import SourceId, new_secret
from tekil.kit.json import encode_text
from tekil.store.state import SqlStore

NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
REFRESH_MS = 2_000
"""How long another process's change may stay unseen."""


class SourceRegister:
    """All sources, by write key, name and id."""

    def __init__(self, store: SqlStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._by_key: dict[str, Source] = {}
        self._by_id: dict[SourceId, Source] = {}
        self._read_at = -REFRESH_MS

    def by_write_key(self, write_key: str) -> Source | None:
        """Find the source that a write key belongs to."""
        self._refresh_if_old()
        return self._by_key.get(write_key)

    def by_id(self, source_id: SourceId) -> Source | None:
        """Find a source by its id."""
        self._refresh_if_old()
        found = self._by_id.get(source_id)
        if found is None:  # made by another process a moment ago: its messages must not be lost
            self._refresh()
            found = self._by_id.get(source_id)
        return found

    def by_name(self, name: str) -> Source:
        """Find a source by name. Raises NotFound with the nearest name."""
        for source in self.all():
            if source.name == name:
                return source
        names = [s.name for s in self.all()]
        raise NotFound(
            f'There is no source "{name}".{did_you_mean(name, names)} '
            f"`tekil source add {name}` makes one."
        )

    def all(self) -> list[Source]:
        """Every source, by name."""
        self._refresh_if_old()
        return sorted(self._by_id.values(), key=lambda s: s.name)

    def add(self, name: str, kind: SourceKind, settings: SourceSettings | None = None) -> Source:
        """Make a source with a new write key. Raises InvalidDefinition or Conflict."""
        if not NAME_PATTERN.fullmatch(name):
            raise InvalidDefinition(
                f'"{name}" is not a source name: use up to 64 of a-z, 0-9, "_", "." and "-", '
                "beginning with a letter or digit."
            )
        settings = settings or SourceSettings()
        row = {
            "name": name,
            "kind": kind.value,
            "write_key": new_secret("wk"),
            "enabled": True,
            "settings": encode_text(settings),
            "created_at": self._clock.now(),
        }
        try:
            with self._store.write() as connection:
                connection.execute(sa.insert(sources), [row])
        except sa.exc.IntegrityError as error:
            raise Conflict(f'There is a source "{name}" already; pick another name.') from error
        self._refresh()
        return self.by_name(name)

    def change(
        self, name: str, *, enabled: bool | None = None, settings: SourceSettings | None = None
    ) -> Source:
        """Switch a source on or off, or change its settings."""
        source = self.by_name(name)
        changed = replace(
            source,
            enabled=source.enabled if enabled is None else enabled,
            settings=settings or source.settings,
        )
        with self._store.write() as connection:
            connection.execute(
                sa.update(sources)
                .where(sources.c.source_id == source.source_id)
                .values(enabled=changed.enabled, settings=encode_text(changed.settings))
            )
        self._refresh()
        return changed

    def rotate_key(self, name: str) -> Source:
        """Give a source a new write key; the old one stops working."""
        source = self.by_name(name)
        with self._store.write() as connection:
            connection.execute(
                sa.update(sources)
                .where(sources.c.source_id == source.source_id)
                .values(write_key=new_secret("wk"))
            )
        self._refresh()
        return self.by_name(name)

    def _refresh_if_old(self) -> None:
        if self._clock.now() - self._read_at >= REFRESH_MS:
            self._refresh()

    def _refresh(self) -> None:
        with self._lock, self._store.read() as connection:
            found = [_source(row) for row in connection.execute(sa.select(sources))]
            self._by_key = {s.write_key: s for s in found}
            self._by_id = {s.source_id: s for s in found}
            self._read_at = self._clock.now()


def _source(row: sa.Row[Any]) -> Source:
    return Source(
        SourceId(row.source_id),
        row.name,
        SourceKind(row.kind),
        row.write_key,
        bool(row.enabled),
        msgspec.json.decode(row.settings, type=SourceSettings),
    )
