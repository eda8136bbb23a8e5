"""A basket on its way to an order: lines, discount, tax and the JSON that events carry."""

from __future__ import annotations

from dataclasses import dataclass

from tekil.demo.shop.catalogue import Listing, money
from tekil.demo.shop.model import Market

_TAX_PERCENT = {"TR": 20, "GB": 20, "US": 8}
_SHIPPING = {"TRY": (7990, 150_000), "GBP": (399, 4000), "USD": (599, 5000)}
"""What sending costs, and from which subtotal it is free; in cents."""
COUPONS: dict[str, tuple[str, int]] = {
    "black-friday": ("EFSANE20", 20),
    "bayram": ("BAYRAM15", 15),
    "christmas": ("TULIP15", 15),
    "welcome": ("MERHABA10", 10),
}


@dataclass(frozen=True, slots=True)
class Sums:
    """The amounts of one order, in cents."""

    subtotal: int
    discount: int
    revenue: int
    shipping: int
    tax: int
    total: int


def sums(market: Market, subtotal: int, percent: int, *, delivered: bool) -> Sums:
    """Work out an order; revenue is what the goods brought in, without shipping and tax."""
    discount = subtotal * percent // 100
    revenue = subtotal - discount
    fee, free_from = _SHIPPING[market.currency]
    shipping = fee if delivered and revenue < free_from else 0
    tax = revenue * _TAX_PERCENT[market.code] // 100
    return Sums(subtotal, discount, revenue, shipping, tax, revenue + shipping + tax)


class Basket:
    """What somebody has put aside during one visit."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.lines: list[tuple[Listing, int]] = []

    def add(self, listing: Listing, quantity: int = 1) -> None:
        """Put something in."""
        self.lines.append((listing, quantity))

    @property
    def subtotal(self) -> int:
        """Cents of all lines."""
        return sum(listing.cents * quantity for listing, quantity in self.lines)

    @property
    def products(self) -> str:
        """The products array of an event."""
        return (
            "["
            + ",".join(f'{{{one.fragment},"quantity":{number}}}' for one, number in self.lines)
            + "]"
        )

    @property
    def brief(self) -> str:
        """The products array where only the basket was opened: what is needed to name them."""
        return (
            "["
            + ",".join(
                f'{{"product_id":"{one.product_id}","price":{money(one.cents)},"quantity":{number}}}'
                for one, number in self.lines
            )
            + "]"
        )

    def order(
        self, order_id: str, affiliation: str, coupon: tuple[str, int] | None, *, delivered: bool
    ) -> tuple[str, Sums]:
        """The properties of Checkout Started and Order Completed, and the sums in them."""
        amounts = sums(self.market, self.subtotal, coupon[1] if coupon else 0, delivered=delivered)
        code = f'"coupon":"{coupon[0]}",' if coupon else ""
        text = (
            f'{{"order_id":"{order_id}","affiliation":"{affiliation}",'
            f'"subtotal":{money(amounts.subtotal)},"discount":{money(amounts.discount)},'
            f'"revenue":{money(amounts.revenue)},"shipping":{money(amounts.shipping)},'
            f'"tax":{money(amounts.tax)},"total":{money(amounts.total)},{code}'
            f'"currency":"{self.market.currency}","products":{self.products}}}'
        )
        return text, amounts
