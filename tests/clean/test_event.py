"""The money in an event."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tekil.clean.event import event_money
from tekil.kit.json import JsonObject

values = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.just([])
)
keys = st.sampled_from(["revenue", "total", "value", "currency", "other"])


@pytest.mark.parametrize(
    ("event", "properties", "revenue", "currency"),
    [
        ("Order Completed", {"revenue": 19.99, "currency": "try"}, "19.99", "TRY"),
        ("Order Completed", {"revenue": "19.99", "total": 25}, "19.99", None),
        ("Order Completed", {"total": 25, "value": 30}, "25", None),
        ("Order Completed", {"value": 30}, "30", None),
        ("Completed Order", {"total": 25}, "25", None),
        ("order_completed", {"total": 25}, "25", None),
        ("Order Updated", {"total": 25}, "25", None),
        ("Order Completed", {"revenue": 0, "total": 25}, "0", None),
        ("Order Completed", {"revenue": "n/a", "total": 25}, "25", None),
        ("Order Completed", {"revenue": "1.234,56 TL"}, "1234.56", "TRY"),
        ("Order Completed", {"revenue": "$5", "currency": "CAD"}, "5", "CAD"),
        ("Order Completed", {"revenue": "$5", "currency": "?"}, "5", "USD"),
        ("Order Completed", {"revenue": 0.1 + 0.2}, "0.3", None),
        ("Order Refunded", {"revenue": -5}, "-5", None),
        ("Subscription Renewed", {"revenue": 9}, "9", None),
        ("Order Refunded", {"total": 25, "currency": "EUR"}, None, "EUR"),
        ("Cart Viewed", {"value": 25}, None, None),
        ("Product Added", {"price": 5, "currency": "USD"}, None, "USD"),
        ("Order Completed", {}, None, None),
        ("Order Completed", {"revenue": None, "total": None}, None, None),
        ("Order Completed", {"revenue": True}, None, None),
        ("Order Completed", {"revenue": 10**20, "total": 5}, "5", None),
    ],
)
def test_event_money(
    event: str, properties: JsonObject, revenue: str | None, currency: str | None
) -> None:
    expected = None if revenue is None else Decimal(revenue)
    assert event_money(event, properties) == (expected, currency)


@given(st.sampled_from(["Order Completed", "Cart Viewed"]), st.dictionaries(keys, values))
def test_never_raises_and_fits_the_column(event: str, properties: JsonObject) -> None:
    revenue, _ = event_money(event, properties)
    if revenue is not None:
        assert abs(revenue) <= 10**14
        assert revenue == revenue.quantize(Decimal("0.0001"))
