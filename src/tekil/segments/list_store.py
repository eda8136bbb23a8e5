"""The only file that runs statements on uploaded lists."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from pyroaring import BitMap

from tekil.kit.clock import Millis
from tekil.segments.tables import lists
from tekil.store.state import SqlStore


class ListRow(msgspec.Struct, frozen=True):
    """An uploaded list without its members."""

    name: str
    description: str
    size: int
    updated_at: Millis
    updated_by: str


class ListStore:
    """Reads and writes lists of identities."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store

    def list_members(self) -> dict[str, BitMap]:
        """The identities on every list."""
        with self.store.read() as connection:
            rows = connection.execute(sa.select(lists.c.name, lists.c.identities)).all()
        return {row.name: BitMap.deserialize(row.identities) for row in rows}

    def lists(self) -> list[ListRow]:
        """Every list, by name."""
        with self.store.read() as connection:
            rows = connection.execute(sa.select(lists).order_by(lists.c.name)).all()
        return [
            ListRow(
                row.name,
                row.description,
                len(BitMap.deserialize(row.identities)),
                row.updated_at,
                row.updated_by,
            )
            for row in rows
        ]

    def write_list(
        self, name: str, description: str, members: BitMap, now: Millis, by: str
    ) -> None:
        """Create a list or replace it."""
        insert = self.store.insert(lists)
        changed = ("description", "identities", "updated_at", "updated_by")
        upsert = insert.on_conflict_do_update(
            index_elements=["name"], set_={key: insert.excluded[key] for key in changed}
        )
        row = {
            "name": name,
            "description": description,
            "identities": members.serialize(),
            "created_at": now,
            "updated_at": now,
            "updated_by": by,
        }
        with self.store.write() as connection:
            connection.execute(upsert, [row])

    def delete_list(self, name: str) -> bool:
        """Delete a list; False if there was none."""
        with self.store.write() as connection:
            return connection.execute(sa.delete(lists).where(lists.c.name == name)).rowcount > 0
