"""Who may work: one process at a time, decided by PostgreSQL; alone on a data directory, always.

The lease ends with the connection that took it, so a worker that dies frees it at once. It only
keeps two workers from doing the same work at the same time; that nothing is written twice is the
conditional move of the batch number, which the loser of a race cannot make.
"""

from __future__ import annotations

import sqlalchemy as sa

from tekil.store.state import SqlStore

PIPELINE = 7_463_002
"""Any number that nothing else in the database locks."""


class Lease:
    """A lock that is tried for, held while its connection lives, and given back."""

    def __init__(self, store: SqlStore, number: int = PIPELINE) -> None:
        self._store = store
        self._number = number
        self._connection: sa.Connection | None = None

    def acquire(self) -> bool:
        """Take the lease if it is free; says whether it is ours."""
        if self._store.is_sqlite or self.holds():
            return True
        connection = self._store.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if connection.scalar(sa.select(sa.func.pg_try_advisory_lock(self._number))):
            self._connection = connection
            return True
        connection.close()
        return False

    def holds(self) -> bool:
        """Whether the lease is still ours: its connection must answer."""
        if self._store.is_sqlite:
            return True
        if self._connection is None:
            return False
        try:
            self._connection.scalar(sa.select(1))
        except sa.exc.DBAPIError:
            self._connection.invalidate()
            self._connection = None
            return False
        return True

    def release(self) -> None:
        """Give the lease back."""
        if self._connection is not None:
            self._connection.invalidate()
            self._connection = None
