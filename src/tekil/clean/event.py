"""The money in an event: what it earned and in which currency."""

from __future__ import annotations

from decimal import Decimal

from tekil.clean.currency import normalise_currency
from tekil.clean.money import read_money, to_cents
from tekil.kit.json import JsonObject

_FALLBACKS = ("total", "value")
_ORDER_EVENTS = frozenset({"order completed", "completed order", "order updated", "updated order"})


def event_money(event: str, properties: JsonObject) -> tuple[Decimal | None, str | None]:
    """Revenue and currency of an event; both None for the many that have neither.

    Revenue is ``revenue``. Only an order that was completed or updated earns its ``total``, else
    its ``value``, when ``revenue`` does not say: a refund's total or a cart's value is no revenue.
    The sign stays as sent. The currency is ``currency``, else the one that the amount's text
    names; None means that the event does not say.

    >>> event_money("Order Completed", {"total": "1.234,50 TL", "products": []})
    (Decimal('1234.5000'), 'TRY')
    >>> event_money("Product Viewed", {"value": 20})
    (None, None)
    """
    revenue = properties.get("revenue")
    named = properties.get("currency")
    if (
        revenue is None
        and named is None
        and "total" not in properties
        and "value" not in properties
    ):
        return None, None
    money = read_money(revenue)
    if money is None and _is_order(event):
        money = next(filter(None, (read_money(properties.get(key)) for key in _FALLBACKS)), None)
    currency = normalise_currency(named)
    if money is None:
        return None, currency
    return to_cents(money.amount), currency or money.currency


def _is_order(event: str) -> bool:
    return event.lower().replace("_", " ") in _ORDER_EVENTS
