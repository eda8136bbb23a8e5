"""What the lines of one order say together: of the order, its revenue and its products."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from tekil.collect.files.cells import Object, RowError, plain_number, prefixed
from tekil.collect.files.model import Row, Value


def merged(unit: Sequence[Row], lines: Sequence[Object]) -> Object:
    """What the lines of an order say of the order: the first value of each field."""
    head: Object = {}
    for row, cells in zip(unit, lines, strict=True):
        for target, value in cells.items():
            first = head.setdefault(target, value)
            if target in ("revenue", "total", "user_id") and first != value:
                raise RowError(
                    row.line,
                    f"{target} is {value} here and {first} on line {unit[0].line} of the same "
                    "order; map the column to line_total if it speaks of the line",
                )
    return head


def revenue_of(head: Object, lines: Iterable[Object]) -> Value:
    """What the order earned: as said, else the exact sum of its lines; None if nothing tells."""
    if "revenue" in head:
        return head["revenue"]
    if "line_total" in head:
        return _sum(_exact(cells["line_total"]) for cells in lines if "line_total" in cells)
    if "products.price" in head and "total" not in head:
        return _sum(
            _exact(cells["products.price"]) * _exact(cells.get("products.quantity", 1))
            for cells in lines
            if "products.price" in cells
        )
    return None


def _sum(amounts: Iterable[Decimal]) -> Value:
    return plain_number(sum(amounts, Decimal(0)))


def _exact(value: Value) -> Decimal:
    """By its shortest text: 19.99 means 19.99, not the binary fraction next to it."""
    return value if isinstance(value, Decimal) else Decimal(str(value))


def products_of(unit: Sequence[Row], lines: Sequence[Object]) -> list[Value]:
    """The products of an order, line by line."""
    products: list[Value] = []
    for row, cells in zip(unit, lines, strict=True):
        whole = cells.get("products")
        if isinstance(whole, list):
            products.extend(whole)
        elif whole is not None:
            raise RowError(row.line, f"products should be a list, not {str(whole)[:64]}")
        product = prefixed(cells, "products.")
        if "line_total" in cells:
            product["line_total"] = cells["line_total"]
        if product:
            products.append(product)
    return products
