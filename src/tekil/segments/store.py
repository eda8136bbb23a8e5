"""The only file that runs statements on the state tables of segments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa
from pyroaring import BitMap

from tekil.errors import NotFound, did_you_mean
from tekil.identity.tables import identities
from tekil.kit.clock import Millis
from tekil.kit.json import JsonValue, decode, encode_text
from tekil.profiles.tables import account_members
from tekil.segments.list_store import ListStore
from tekil.segments.tables import (
    computed_traits,
    lists,
    segment_changes,
    segment_sizes,
    segment_snapshots,
    segments,
)
from tekil.store.lists import in_list

HOUR_MS = 3_600_000


class SegmentRow(msgspec.Struct, frozen=True):
    """A segment as it is stored."""

    segment_id: int
    name: str
    description: str
    definition: JsonValue
    version: int
    created_at: Millis
    updated_at: Millis
    updated_by: str


class NamedRow(msgspec.Struct, frozen=True):
    """A computed trait as it is stored."""

    name: str
    description: str
    definition: JsonValue
    version: int
    created_at: Millis
    updated_at: Millis
    updated_by: str


class Change(msgspec.Struct, frozen=True):
    """Somebody entered or left a segment."""

    change_id: int
    segment_id: int
    profile_id: int
    entered: bool
    at: Millis
    cause: str


class Draft(msgspec.Struct, frozen=True):
    """A definition to be stored."""

    name: str
    description: str
    definition: JsonValue


class Rewrite(msgspec.Struct, frozen=True):
    """Definitions to be written and deleted together."""

    segments: tuple[Draft, ...] = ()
    computed_traits: tuple[Draft, ...] = ()
    without_segments: tuple[str, ...] = ()
    without_computed_traits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Who was in a segment after a change."""

    version: int
    change_id: int
    members: BitMap


class SegmentStore(ListStore):
    """Reads and writes the state of segments, and of the lists that they ask about."""

    def segments(self) -> list[SegmentRow]:
        """Every segment, by name."""
        with self.store.read() as connection:
            rows = connection.execute(sa.select(segments).order_by(segments.c.name)).all()
        return [_segment(row) for row in rows]

    def segment(self, name: str) -> SegmentRow:
        """One segment. Raises NotFound."""
        found = {row.name: row for row in self.segments()}
        if name not in found:
            raise NotFound(f'There is no segment "{name}".{did_you_mean(name, found)}')
        return found[name]

    def write_segment(
        self, name: str, description: str, definition: JsonValue, now: Millis, by: str
    ) -> SegmentRow:
        """Create a segment or change it; an equal definition keeps its version."""
        with self.store.write() as connection:
            _put_segment(connection, Draft(name, description, definition), now, by)
            row = connection.execute(sa.select(segments).where(segments.c.name == name)).one()
        return _segment(row)

    def delete_segment(self, segment_id: int) -> None:
        """Delete a segment with its membership; its changes stay as history."""
        with self.store.write() as connection:
            _drop_segment(connection, segment_id)

    def rewrite(self, changed: Rewrite, now: Millis, by: str) -> None:
        """Write and delete many definitions, all or nothing."""
        with self.store.write() as connection:
            for draft in changed.computed_traits:
                self._put_computed_trait(connection, draft, now, by)
            for draft in changed.segments:
                _put_segment(connection, draft, now, by)
            names = segments.c.name.in_(changed.without_segments)
            for (segment_id,) in connection.execute(
                sa.select(segments.c.segment_id).where(names)
            ).all():
                _drop_segment(connection, segment_id)
            gone = computed_traits.c.name.in_(changed.without_computed_traits)
            connection.execute(sa.delete(computed_traits).where(gone))

    def stamp(self) -> tuple[tuple[int, int], ...]:
        """What is different after any change of a definition or list."""
        tables = (segments, computed_traits, lists)
        with self.store.read() as connection:
            return tuple(
                connection.execute(
                    sa.select(
                        sa.func.count(), sa.func.coalesce(sa.func.max(table.c.updated_at), 0)
                    ).select_from(table)
                )
                .one()
                ._tuple()
                for table in tables
            )

    def is_followed(self) -> bool:
        """Whether every segment has been judged as it is defined now."""
        both = segments.c.segment_id == segment_snapshots.c.segment_id
        current = sa.and_(both, segments.c.version == segment_snapshots.c.version)
        query = (
            sa.select(segments.c.segment_id)
            .outerjoin(segment_snapshots, current)
            .where(segment_snapshots.c.segment_id.is_(None))
            .limit(1)
        )
        with self.store.read() as connection:
            return connection.execute(query).first() is None

    def segments_of(self, profile_id: int) -> list[str]:
        """The segments that somebody is in by what is stored, by name."""
        table = segment_changes.c
        latest: dict[int, tuple[int, bool]] = {}
        with self.store.read() as connection:
            query = (
                sa.select(table.segment_id, table.change_id, table.entered)
                .where(table.profile_id == profile_id)
                .order_by(table.change_id)
            )
            for row in connection.execute(query):
                latest[row.segment_id] = (row.change_id, row.entered)
        found: list[str] = []
        snapshots = self.snapshots()
        for segment in self.segments():
            snapshot, last = snapshots.get(segment.segment_id), latest.get(segment.segment_id)
            if snapshot is None:
                continue
            is_in = profile_id in snapshot.members
            if last is not None and last[0] > snapshot.change_id:
                is_in = last[1]
            if is_in:
                found.append(segment.name)
        return found

    def snapshots(self) -> dict[int, Snapshot]:
        """The last snapshot of each segment."""
        with self.store.read() as connection:
            rows = connection.execute(sa.select(segment_snapshots)).all()
        return {
            row.segment_id: Snapshot(row.version, row.change_id, BitMap.deserialize(row.members))
            for row in rows
        }

    def last_change_id(self) -> int:
        """The number of the last change; 0 before the first."""
        with self.store.read() as connection:
            return connection.scalar(sa.select(sa.func.max(segment_changes.c.change_id))) or 0

    def changes_after(self, segment_id: int, change_id: int) -> list[Change]:
        """The changes of a segment after a snapshot, in order."""
        table = segment_changes.c
        query = (
            sa.select(segment_changes)
            .where(table.segment_id == segment_id, table.change_id > change_id)
            .order_by(table.change_id)
        )
        with self.store.read() as connection:
            return [_change(row) for row in connection.execute(query)]

    def save_snapshot(
        self,
        connection: sa.Connection,
        segment_id: int,
        snapshot: Snapshot,
        now: Millis,
    ) -> None:
        """Replace a segment's snapshot."""
        members = snapshot.members.copy()
        members.run_optimize()
        insert = self.store.insert(segment_snapshots)
        upsert = insert.on_conflict_do_update(
            index_elements=["segment_id"],
            set_={
                name: insert.excluded[name] for name in ("version", "change_id", "members", "at")
            },
        )
        row = {
            "segment_id": segment_id,
            "version": snapshot.version,
            "change_id": snapshot.change_id,
            "members": members.serialize(),
            "at": now,
        }
        connection.execute(upsert, [row])

    def save_changes(self, connection: sa.Connection, changes: Iterable[Change]) -> None:
        """Add entries and exits."""
        rows = [msgspec.structs.asdict(change) for change in changes]
        if rows:
            connection.execute(sa.insert(segment_changes), rows)

    def save_sizes(self, connection: sa.Connection, sizes: Mapping[int, int], now: Millis) -> None:
        """Note how large segments are now; the last word of each hour is kept."""
        if not sizes:
            return
        insert = self.store.insert(segment_sizes)
        upsert = insert.on_conflict_do_update(
            index_elements=["segment_id", "hour"], set_={"size": insert.excluded["size"]}
        )
        hour = now - now % HOUR_MS
        connection.execute(
            upsert, [{"segment_id": s, "hour": hour, "size": n} for s, n in sizes.items()]
        )

    def changes(self, segment_id: int, before: int | None, limit: int) -> list[Change]:
        """The latest changes of a segment, newest first, before a change."""
        table = segment_changes.c
        query = sa.select(segment_changes).where(table.segment_id == segment_id)
        if before is not None:
            query = query.where(table.change_id < before)
        query = query.order_by(table.change_id.desc()).limit(limit)
        with self.store.read() as connection:
            return [_change(row) for row in connection.execute(query)]

    def last_change(self, segment_id: int, profile_id: int) -> Change | None:
        """When somebody last entered or left."""
        table = segment_changes.c
        query = (
            sa.select(segment_changes)
            .where(table.segment_id == segment_id, table.profile_id == profile_id)
            .order_by(table.change_id.desc())
            .limit(1)
        )
        with self.store.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else _change(row)

    def sizes(self, segment_id: int, since: int) -> list[tuple[int, int]]:
        """A segment's size over time: (hour, size), in order."""
        table = segment_sizes.c
        query = (
            sa.select(table.hour, table.size)
            .where(table.segment_id == segment_id, table.hour >= since)
            .order_by(table.hour)
        )
        with self.store.read() as connection:
            return [(row.hour, row.size) for row in connection.execute(query)]

    def identities_of(self, profiles: Collection[int]) -> list[tuple[int, int]]:
        """Every identity of some profiles, with its profile."""
        table = identities.c
        with self.store.read() as connection:
            query = sa.select(table.identity_id, table.profile_id).where(
                in_list(connection, table.profile_id, profiles)
            )
            return [(row.identity_id, row.profile_id) for row in connection.execute(query)]

    def companions(self, profiles: Collection[int]) -> set[int]:
        """Everybody who shares an account with one of these people."""
        mine, theirs = account_members.alias(), account_members.alias()
        person, other = identities.alias(), identities.alias()
        with self.store.read() as connection:
            query = (
                sa.select(other.c.profile_id)
                .distinct()
                .select_from(person)
                .join(mine, mine.c.identity_id == person.c.identity_id)
                .join(theirs, theirs.c.account_id == mine.c.account_id)
                .join(other, other.c.identity_id == theirs.c.identity_id)
                .where(in_list(connection, person.c.profile_id, profiles))
            )
            return {row.profile_id for row in connection.execute(query)}

    def public_ids(self, profiles: Collection[int]) -> dict[int, str]:
        """The public id of each profile."""
        table = identities.c
        with self.store.read() as connection:
            query = sa.select(table.identity_id, table.key).where(
                in_list(connection, table.identity_id, profiles)
            )
            return {row.identity_id: row.key for row in connection.execute(query)}

    def profiles_of(self, ids: Collection[int]) -> dict[int, int]:
        """The profile of each identity."""
        table = identities.c
        with self.store.read() as connection:
            query = sa.select(table.identity_id, table.profile_id).where(
                in_list(connection, table.identity_id, ids)
            )
            return {row.identity_id: row.profile_id for row in connection.execute(query)}

    def computed_traits(self) -> list[NamedRow]:
        """Every computed trait, by name."""
        query = sa.select(computed_traits).order_by(computed_traits.c.name)
        with self.store.read() as connection:
            return [_named(row) for row in connection.execute(query)]

    def write_computed_trait(
        self, name: str, description: str, definition: JsonValue, now: Millis, by: str
    ) -> None:
        """Create a computed trait or change it."""
        with self.store.write() as connection:
            self._put_computed_trait(connection, Draft(name, description, definition), now, by)

    def _put_computed_trait(
        self, connection: sa.Connection, draft: Draft, now: Millis, by: str
    ) -> None:
        insert = self.store.insert(computed_traits)
        changed = ("description", "definition", "updated_at", "updated_by")
        upsert = insert.on_conflict_do_update(
            index_elements=["name"],
            set_={key: insert.excluded[key] for key in changed}
            | {"version": computed_traits.c.version + 1},
        )
        row = {
            "name": draft.name,
            "description": draft.description,
            "definition": encode_text(draft.definition),
            "version": 1,
            "created_at": now,
            "updated_at": now,
            "updated_by": by,
        }
        connection.execute(upsert, [row])

    def delete_computed_trait(self, name: str) -> bool:
        """Delete a computed trait; False if there was none."""
        table = computed_traits
        with self.store.write() as connection:
            return connection.execute(sa.delete(table).where(table.c.name == name)).rowcount > 0


def _put_segment(connection: sa.Connection, draft: Draft, now: Millis, by: str) -> None:
    own = segments.c.name == draft.name
    found = connection.execute(sa.select(segments).where(own)).first()
    text = encode_text(draft.definition)
    values: dict[str, object] = {
        "description": draft.description,
        "definition": text,
        "updated_at": now,
        "updated_by": by,
    }
    if found is None:
        values |= {"name": draft.name, "version": 1, "created_at": now}
        connection.execute(sa.insert(segments), [values])
    else:
        values["version"] = found.version + (found.definition != text)
        connection.execute(sa.update(segments).where(own).values(values))


def _drop_segment(connection: sa.Connection, segment_id: int) -> None:
    for table in (segments, segment_snapshots, segment_sizes):
        connection.execute(sa.delete(table).where(table.c.segment_id == segment_id))


def _segment(row: sa.Row[tuple[object, ...]]) -> SegmentRow:
    values = dict(row._mapping)
    return SegmentRow(**{**values, "definition": decode(values["definition"])})


def _named(row: sa.Row[tuple[object, ...]]) -> NamedRow:
    values = dict(row._mapping)
    return NamedRow(**{**values, "definition": decode(values["definition"])})


def _change(row: sa.Row[tuple[object, ...]]) -> Change:
    return Change(**row._mapping)
