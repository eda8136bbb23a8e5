"""A kiosk with thousands of visitors costs no more than anybody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from tests.identity.worlds import TIGHT
from tests.identity_live.stream import Live, Told, message

from tekil.identity.graph import IdentityGraph
from tekil.identity.namespaces import DEFAULT_RULES
from tekil.identity.rules import Rulebook
from tekil.identity.store import IdentityStore
from tekil.store.state import SqlStore

BATCH = 50


class CountingStore(IdentityStore):
    """Counts the statements that it runs and the rows that they bring."""

    def __init__(self, store: SqlStore) -> None:
        super().__init__(store)
        self.statements = 0
        self.rows = 0

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if not name.startswith(("nodes_", "claims_", "open_", "strong_", "separations_")):
            return found
        return self._counted(found)

    def _counted(self, read: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*values: Any) -> Any:
            rows = read(*values)
            self.statements += 1
            self.rows += len(rows)
            return rows

        return counted


def visits(first: int, count: int, *, again: bool) -> list[Told]:
    """Visitors who log in at the kiosk, each with an e-mail; some of them come back."""
    told = []
    for n in range(first, first + count):
        who = n // 2 if again and n % 3 == 0 else n
        refs = [("user_id", f"u{who}"), ("email", f"e{who}"), ("anonymous_id", "kiosk")]
        told.append(message(n, refs, n, strong=n % 5 == 0, former=None))
    return told


@pytest.mark.parametrize("cached", [0, 1000])
def test_the_cost_of_a_batch_does_not_grow_with_the_visitors(
    state_store: SqlStore, cached: int
) -> None:
    live = Live(state_store, DEFAULT_RULES)
    counting = CountingStore(state_store)
    live.identity = counting
    live.graph = IdentityGraph(
        counting, Rulebook(DEFAULT_RULES), b"key", 1, cached_nodes=cached, cached_claims=cached
    )
    costs = []
    for batch in range(40):
        counting.statements = counting.rows = 0
        live.batch(visits(batch * BATCH, BATCH, again=True))
        costs.append((counting.statements, counting.rows))
    assert max(statements for statements, _ in costs) <= 12
    settled = [rows for _, rows in costs[5:]]
    assert max(settled) <= BATCH * 8, "only what the visitors of the batch bring"
    with state_store.read() as connection:
        assert counting.shared(connection, 0, 10)[0].value == "kiosk"


def test_a_shared_mailbox_of_strong_sources_is_not_loaded_either(state_store: SqlStore) -> None:
    live = Live(state_store, TIGHT, cached=0)
    counting = CountingStore(state_store)
    live.graph = IdentityGraph(
        counting, Rulebook(TIGHT), b"key", 1, cached_nodes=0, cached_claims=0
    )
    for batch in range(20):
        counting.statements = counting.rows = 0
        live.batch(
            [
                message(n, [("user_id", f"u{n}"), ("email", "info")], n, strong=True, former=None)
                for n in range(batch * BATCH, (batch + 1) * BATCH)
            ]
        )
    assert counting.rows <= BATCH * 4
    with state_store.read() as connection:
        people = connection.scalar(sa.text("SELECT count(DISTINCT profile_id) FROM identities"))
    assert people == 20 * BATCH + 1
