"""A warehouse with the tables that segments read."""

from __future__ import annotations

import pytest

from tekil.events import ddl
from tekil.segments.evaluate import Evaluator
from tekil.store.warehouse import Warehouse


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--update-golden`` writes the golden files anew instead of comparing with them."""
    parser.addoption("--update-golden", action="store_true", default=False)


@pytest.fixture
def history(embedded_warehouse: Warehouse) -> Warehouse:
    """An empty history."""
    embedded_warehouse.migrate(ddl.STATEMENTS)
    Evaluator(embedded_warehouse).prepare()
    return embedded_warehouse
