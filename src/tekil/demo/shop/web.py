"""A visit to the web shop, message by message, as analytics.js sends it."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tekil.demo.shop.basket import Basket
from tekil.demo.shop.catalogue import SITE, Catalogue, Listing, money, page
from tekil.demo.shop.emit import Writer
from tekil.demo.shop.model import Browser, Channel, Market
from tekil.kit.json import encode_text

_CAMPAIGNS = (
    ("google", "cpc", "marka", "https://www.google.com/"),
    ("google", "cpc", "sezon-indirimi", "https://www.google.com/"),
    ("instagram", "social", "yeni-koleksiyon", "https://l.instagram.com/"),
    ("facebook", "social", "geri-kazanim", "https://l.facebook.com/"),
    ("affiliate", "referral", "gelinlik-listesi", "https://blog.kupon.example/"),
)
_REFERRERS = ("", "", "https://www.google.com/", "https://www.bing.com/", "https://duckduckgo.com/")
NEWSLETTER = len(_CAMPAIGNS)
"""The place of the newsletter among the landings."""
_QUERIES = {
    True: ("hediye", "elbise", "bakır cezve", "ayakkabı", "İpek", "kışlık mont", "lokum"),
    False: ("gift", "dress", "coffee pot", "boots", "silk", "winter coat", "headphones"),
}


@dataclass(frozen=True, slots=True)
class Landing:
    """How a visit begins: the first page and the campaign that all its messages carry."""

    page: str
    campaign: str


@dataclass(frozen=True, slots=True)
class Storefront:
    """All that the visits to one market's web shop have in common."""

    market: Market
    shelves: Catalogue
    landings: tuple[Landing, ...]
    """One per campaign, then the newsletter."""
    direct: tuple[Landing, ...]
    cart: str
    checkout: str
    account: str
    searches: tuple[tuple[str, str], ...]
    """Products Searched properties and page."""


def storefront(market: Market, shelves: Catalogue) -> Storefront:
    """Prepare the pages of one market."""
    title = "Lale | Güzel şeyler" if market.turkish else "Lale | Lovely things"
    campaigns = [*_CAMPAIGNS, ("newsletter", "email", "bulten", "")]
    return Storefront(
        market,
        shelves,
        tuple(_landing(market, title, one) for one in campaigns),
        tuple(Landing(page(market, "", title, referrer), "") for referrer in _REFERRERS),
        page(market, "cart", "Sepet | Lale" if market.turkish else "Basket | Lale", SITE),
        page(market, "checkout", "Ödeme | Lale" if market.turkish else "Checkout | Lale", SITE),
        page(market, "account", "Hesabım | Lale" if market.turkish else "Account | Lale", SITE),
        tuple(
            (f'{{"query":{encode_text(query)}}}', page(market, "search", query, SITE, "?q=1"))
            for query in _QUERIES[market.turkish]
        ),
    )


def _landing(market: Market, title: str, one: tuple[str, str, str, str]) -> Landing:
    source, medium, name, by = one
    search = f"?utm_source={source}&utm_medium={medium}&utm_campaign={name}"
    campaign = f',"campaign":{{"name":"{name}","source":"{source}","medium":"{medium}"}}'
    return Landing(page(market, "", title, by, search), campaign)


class WebVisit:
    """One visit: knows the time, the browser, who is signed in, and what lies in the basket."""

    def __init__(
        self, writer: Writer, front: Storefront, browser: Browser, at: int, landing: Landing
    ) -> None:
        self.writer = writer
        self.front = front
        self.browser = browser
        self.at = at
        self.basket = Basket(front.market)
        self.anonymous_id = browser.anonymous_ids[browser.current]
        self._context = browser.context + landing.campaign
        self._serial = writer.serial()
        self._count = 0
        self._ids = ""
        self.signed_in_as(browser.signed_in)
        self.page_view("Home", landing.page)

    def signed_in_as(self, user_id: str | None) -> None:
        """From now on the messages carry this user id."""
        user = f'"{user_id}"' if user_id else "null"
        self._ids = f'"userId":{user},"anonymousId":"{self.anonymous_id}"'

    def track(self, event: str, properties: str, on: str) -> None:
        """Something happened on a page."""
        self._send(f'"type":"track","event":"{event}","properties":{properties}', on)

    def page_view(self, name: str, on: str) -> None:
        """A page was opened."""
        self._send(f'"type":"page","name":"{name}","properties":{on}', on)

    def identify(self, traits: dict[str, object]) -> None:
        """The browser says who it is in front of it."""
        self._send(f'"type":"identify","traits":{encode_text(traits)}', self.front.account)

    def sign_in(self, user_id: str, traits: dict[str, object]) -> None:
        """Somebody signs in; the browser remembers."""
        self.browser.signed_in = user_id
        self.signed_in_as(user_id)
        self.identify(traits)
        self.track("Signed In", '{"method":"password"}', self.front.account)

    def look(self, rng: Random) -> Listing:
        """Open a product by way of a search, a category or straight."""
        random, shelves = rng.random, self.front.shelves
        how = random()
        number = shelves.popular[int(random() * len(shelves.popular))]
        if how < 0.12:
            properties, on = self.front.searches[int(random() * len(self.front.searches))]
            self.track("Products Searched", properties, on)
        elif how < 0.34:
            name, properties, on = shelves.categories[int(random() * len(shelves.categories))]
            self.track("Product List Viewed", properties, on)
            mates = shelves.by_category[name]
            number = mates[int(random() * len(mates))]
        listing = shelves.listings[number]
        self.track("Product Viewed", listing.viewed, listing.page)
        return listing

    def put_in(self, listing: Listing, quantity: int) -> None:
        """Add to the basket."""
        self.basket.add(listing, quantity)
        properties = f'{{{listing.fragment},"quantity":{quantity},"cart_id":"{self._serial}"}}'
        self.track("Product Added", properties, listing.page)

    def wish(self, listing: Listing) -> None:
        """Add to the wishlist."""
        properties = (
            f'{{"wishlist_id":"w-{self._serial[:8]}","wishlist_name":"Lale",{listing.fragment}}}'
        )
        self.track("Product Added to Wishlist", properties, listing.page)

    def look_at_basket(self) -> None:
        """Open the basket."""
        properties = f'{{"cart_id":"{self._serial}","products":{self.basket.brief}}}'
        self.track("Cart Viewed", properties, self.front.cart)

    def check_out(self, properties: str) -> None:
        """Start paying."""
        self.track("Checkout Started", properties, self.front.checkout)

    def use_coupon(self, order_id: str, code: str, cents: int) -> None:
        """Type a coupon's code."""
        properties = (
            f'{{"order_id":"{order_id}","cart_id":"{self._serial}","coupon_id":"{code}",'
            f'"coupon_name":"{code}","discount":{money(cents)}}}'
        )
        self.track("Coupon Applied", properties, self.front.checkout)

    def pay(self, method: str) -> None:
        """Enter the card."""
        properties = f'{{"checkout_id":"{self._serial}","step":2,"payment_method":"{method}"}}'
        self.track("Payment Info Entered", properties, self.front.checkout)

    def _send(self, rest: str, on: str) -> None:
        writer, at = self.writer, self.at
        self._count = count = self._count + 1
        self.at = at + 4_000 + int(writer.rng.random() * 70_000)
        writer.put(
            Channel.WEB,
            at,
            f'{{"timestamp":"{writer.iso(at)}","integrations":{{}},{rest},'
            f'"context":{{"page":{on},{self._context}}},'
            f'"messageId":"ajs-next-{at}-{self._serial}{count:03x}",{self._ids}}}',
        )
