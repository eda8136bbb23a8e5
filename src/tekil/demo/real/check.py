"""Do the figures in Tekil equal the figures in the files? To the cent, with nothing in between.

The expected figures are summed by Arrow straight from the columns; nothing of ``generate`` is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

import numpy as np
import pyarrow as pa

from tekil.demo.real.dataset import cents
from tekil.errors import TekilError

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Figures:
    """What is compared."""

    orders: int
    revenue_by_household: Mapping[str, Decimal]
    revenue_by_month: Mapping[int, Decimal]
    """By year and month, such as 201701."""

    @property
    def households(self) -> int:
        """Households that bought something."""
        return len(self.revenue_by_household)


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure that is not the same."""

    figure: str
    expected: object
    found: object


class FiguresSource(Protocol):
    """Says what a running Tekil holds."""

    def figures(self) -> Figures:
        """The figures over all ``Order Completed`` of the source."""


class FiguresDifferError(TekilError):
    """The figures differ."""

    code = "check_failed"


def expected_figures(transactions: pa.Table) -> Figures:
    """The figures straight from the files."""
    month = (
        transactions.column("transaction_timestamp").to_numpy().astype("datetime64[M]").astype(int)
    )
    table = pa.table(
        {
            "household": transactions.column("household_id"),
            "month": pa.array((month // 12 + 1970) * 100 + month % 12 + 1),
            "cents": pa.array(cents(transactions, "sales_value")),
        }
    )
    return Figures(
        orders=len(np.unique(transactions.column("basket_id").to_numpy())),
        revenue_by_household={f"household-{k}": v for k, v in _sums(table, "household")},
        revenue_by_month=dict(_sums(table, "month")),
    )


def figures_of_rows(
    rows: Iterable[Sequence[object]], names: Callable[[Sequence[int]], Mapping[int, str]]
) -> Figures:
    """The figures of rows (identity, month, orders, revenue); ``names`` gives the user ids."""
    found = [(int(str(i)), int(str(m)), int(str(n)), Decimal(str(r))) for i, m, n, r in rows]
    ids = names(sorted({row[0] for row in found}))
    by_household: dict[str, Decimal] = {}
    by_month: dict[int, Decimal] = {}
    for identity, month, _orders, revenue in found:
        name = ids.get(identity, f"identity {identity}")
        by_household[name] = by_household.get(name, Decimal(0)) + revenue
        by_month[month] = by_month.get(month, Decimal(0)) + revenue
    return Figures(sum(row[2] for row in found), by_household, by_month)


def compare(expected: Figures, found: Figures) -> list[Difference]:
    """Every figure that differs; empty when all are equal to the cent."""
    differences = [
        Difference(name, getattr(expected, name), getattr(found, name))
        for name in ("households", "orders")
        if getattr(expected, name) != getattr(found, name)
    ]
    differences += _differing(
        "revenue of", expected.revenue_by_household, found.revenue_by_household
    )
    differences += _differing("revenue in", expected.revenue_by_month, found.revenue_by_month)
    return differences


def check(expected: Figures, source: FiguresSource) -> str:
    """One line that says that all is equal. Raises FiguresDifferError with what is not."""
    differences = compare(expected, source.figures())
    if differences:
        shown = "; ".join(
            f"{d.figure}: {d.found} instead of {d.expected}" for d in differences[:SHOWN]
        )
        more = f"; and {len(differences) - SHOWN} more" if len(differences) > SHOWN else ""
        raise FiguresDifferError(f"{len(differences)} figures differ. {shown}{more}.")
    total = sum(expected.revenue_by_month.values(), Decimal(0))
    return (
        f"Equal to the cent: {expected.households:,} households, {expected.orders:,} orders, "
        f"${total:,.2f} in all, for every household and in each of "
        f"{len(expected.revenue_by_month)} months."
    )


def _sums(table: pa.Table, key: str) -> list[tuple[int, Decimal]]:
    summed = table.group_by(key).aggregate([("cents", "sum")])
    keys, totals = summed.column(key).to_pylist(), summed.column("cents_sum").to_pylist()
    return [(k, Decimal(t).scaleb(-2)) for k, t in zip(keys, totals, strict=True)]


def _differing(
    what: str,
    expected: Mapping[str, Decimal] | Mapping[int, Decimal],
    found: Mapping[str, Decimal] | Mapping[int, Decimal],
) -> list[Difference]:
    said: dict[object, Decimal] = dict(expected.items())
    held: dict[object, Decimal] = dict(found.items())
    return [
        Difference(f"{what} {key}", said.get(key), held.get(key))
        for key in sorted({*said, *held}, key=str)
        if said.get(key) != held.get(key)
    ]
