"""A session in the shop's app, message by message, as the Kotlin and Swift SDKs send it."""

from __future__ import annotations

from random import Random

from tekil.demo.shop.basket import Basket
from tekil.demo.shop.catalogue import Catalogue, Listing
from tekil.demo.shop.emit import Writer
from tekil.demo.shop.model import Channel, Install, Market
from tekil.kit.json import encode_text


class AppVisit:
    """One session; a late one was lived without a network and leaves the phone afterwards."""

    def __init__(
        self,
        writer: Writer,
        market: Market,
        shelves: Catalogue,
        install: Install,
        at: int,
        *,
        user_id: str | None,
        late: bool,
    ) -> None:
        self.writer = writer
        self.shelves = shelves
        self.install = install
        self.at = at
        self.basket = Basket(market)
        self._late = late
        self._serial = writer.serial()
        self._count = 0
        self._ids = ""
        self.signed_in_as(user_id)
        if not install.opened:
            install.opened = True
            self.track("Application Installed", '{"version":"5.0.1","build":"501"}')
        self.track("Application Opened", '{"from_background":false,"version":"5.0.1"}')

    def signed_in_as(self, user_id: str | None) -> None:
        """From now on the messages carry this user id."""
        user = f'"userId":"{user_id}",' if user_id else ""
        self._ids = f'{user}"anonymousId":"{self.install.anonymous_id}"'

    def track(self, event: str, properties: str) -> None:
        """Something happened in the app."""
        self._send(f'"type":"track","event":"{event}","properties":{properties}')

    def screen(self, name: str) -> None:
        """A screen was opened."""
        self._send(f'"type":"screen","name":"{name}","properties":{{}}')

    def sign_in(self, user_id: str, traits: dict[str, object]) -> None:
        """Somebody signs in."""
        self.signed_in_as(user_id)
        self._send(f'"type":"identify","traits":{encode_text(traits)}')
        self.track("Signed In", '{"method":"password"}')

    def look(self, rng: Random) -> Listing:
        """Open a product."""
        popular = self.shelves.popular
        listing = self.shelves.listings[popular[int(rng.random() * len(popular))]]
        self.track("Product Viewed", listing.viewed)
        return listing

    def put_in(self, listing: Listing, quantity: int) -> None:
        """Add to the basket."""
        self.basket.add(listing, quantity)
        properties = f'{{{listing.fragment},"quantity":{quantity},"cart_id":"{self._serial}"}}'
        self.track("Product Added", properties)

    def wish(self, listing: Listing) -> None:
        """Add to the wishlist."""
        properties = (
            f'{{"wishlist_id":"w-{self._serial[:8]}","wishlist_name":"Lale",{listing.fragment}}}'
        )
        self.track("Product Added to Wishlist", properties)

    def look_at_basket(self) -> None:
        """Open the basket."""
        properties = f'{{"cart_id":"{self._serial}","products":{self.basket.brief}}}'
        self.track("Cart Viewed", properties)

    def check_out(self, properties: str) -> None:
        """Start paying."""
        self.track("Checkout Started", properties)

    def pay(self, method: str) -> None:
        """Enter the card."""
        properties = f'{{"checkout_id":"{self._serial}","step":2,"payment_method":"{method}"}}'
        self.track("Payment Info Entered", properties)

    def close(self) -> None:
        """Put the phone away."""
        self.track("Application Backgrounded", "{}")

    def _send(self, rest: str) -> None:
        writer, at = self.writer, self.at
        self._count = count = self._count + 1
        self.at = at + 3_000 + int(writer.rng.random() * 45_000)
        writer.put(
            Channel.APP,
            at,
            f'{{{self._ids},{rest},"context":{{{self.install.context}}},'
            f'"messageId":"app-{self._serial}{count:03x}","timestamp":"{writer.iso(at)}",'
            '"integrations":{}}',
            late=self._late,
        )
