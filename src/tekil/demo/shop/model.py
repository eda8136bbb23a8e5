"""What the sample shop is made of: its settings, its sources, its markets, its people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from tekil.collect.model import SourceKind
from tekil.kit.clock import DAY_MS, Millis

HOUR_MS = 3_600_000
MINUTE_MS = 60_000
SECOND_MS = 1_000
HOME = "lale.example"
"""The shop's host name: a reserved one, so no link in the sample data leads anywhere."""


class Channel(StrEnum):
    """Where a customer meets the shop; each is a source of its own."""

    WEB = "lale-web"
    APP = "lale-app"
    BACKEND = "lale-backend"
    STORE = "lale-pos"
    CALLS = "lale-call-centre"
    EMAIL = "lale-email"


SOURCE_KINDS: dict[Channel, SourceKind] = {
    Channel.WEB: SourceKind.WEB,
    Channel.APP: SourceKind.MOBILE,
    Channel.BACKEND: SourceKind.HTTP,
    Channel.STORE: SourceKind.HTTP,
    Channel.CALLS: SourceKind.HTTP,
    Channel.EMAIL: SourceKind.HTTP,
}

OFFLINE_SOURCE = "lale-offline"
"""The source under which the franchise stores' order file is imported."""


@dataclass(frozen=True, slots=True)
class ShopConfig:
    """How large the shop is and which year it lives; equal settings give equal bytes."""

    now: Millis
    """The instant at which the year ends; nothing happens after it."""
    people: int = 20_000
    seed: int = 1
    days: int = 365
    batch: int = 400
    """How many messages one request carries at most."""

    @property
    def start(self) -> Millis:
        """Midnight (UTC) of the first day."""
        return Millis(self.now // DAY_MS * DAY_MS - (self.days - 1) * DAY_MS)

    @property
    def span(self) -> int:
        """Milliseconds from the start until now."""
        return self.now - self.start


@dataclass(frozen=True, slots=True)
class Market:
    """One country that the shop sells in."""

    code: str
    currency: str
    locale: str
    path: str
    timezone: str
    utc_offset: int
    """Hours; the demo ignores summer time."""
    turkish: bool


TURKEY = Market("TR", "TRY", "tr-TR", "tr", "Europe/Istanbul", 3, True)
BRITAIN = Market("GB", "GBP", "en-GB", "en-gb", "Europe/London", 0, False)
AMERICA = Market("US", "USD", "en-US", "en-us", "America/New_York", -5, False)
MARKETS = (TURKEY, BRITAIN, AMERICA)


class Reach(StrEnum):
    """How the shop comes to know somebody."""

    REGISTERED = "registered"
    GUEST = "guest"
    STORE = "store"
    ANONYMOUS = "anonymous"


class Habit(StrEnum):
    """How somebody shops; what segments are expected to find again."""

    VIP = "vip"
    LOYAL = "loyal"
    OCCASIONAL = "occasional"
    SEASONAL = "seasonal"
    LAPSED = "lapsed"
    ABANDONER = "abandoner"
    BROWSER = "browser"


@dataclass(slots=True, eq=False)
class Browser:
    """A web browser on one machine; its anonymous id is replaced from time to time."""

    anonymous_ids: list[str]
    context: str
    """The unchanging part of the messages' context, as JSON without braces."""
    forgetful: bool = False
    """Its owner never signs in on it: what happens on it stays nobody's."""
    shared: bool = False
    current: int = 0
    """Which of its anonymous ids is in use."""
    signed_in: str | None = None
    """The user id that the browser remembers."""


@dataclass(slots=True, eq=False)
class Install:
    """The shop's app on one phone or tablet."""

    anonymous_id: str
    context: str
    device_id: str
    advertising_id: str | None
    shared: bool = False
    opened: bool = False


@dataclass(slots=True, eq=False)
class Person:
    """One true person: what a right identity graph must find."""

    number: int
    market: Market
    reach: Reach
    habit: Habit
    first: str
    last: str
    female: bool
    birthday: str
    city: str
    district: str
    email: str
    phone: str | None
    """In E.164."""
    user_id: str | None
    card: str | None
    """The loyalty card's number."""
    card_linked: bool
    """Whether the card is told to the web shop at registration."""
    subscriber: bool
    opens: float
    """How likely a newsletter is opened."""
    browsers: list[Browser]
    install: Install | None
    guest_first: bool = False
    """Buys as a guest before registering."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One request body, ready to be posted, and how many messages it holds."""

    channel: Channel
    body: bytes
    count: int


@dataclass(frozen=True, slots=True)
class OfflineLine:
    """One product of an order in the franchise stores' file."""

    product_id: str
    name: str
    quantity: int
    cents: int
    """Of one piece."""


@dataclass(frozen=True, slots=True)
class OfflineOrder:
    """One order in the franchise stores' file."""

    order_id: str
    at: Millis
    card: str
    phone: str
    store: str
    city: str
    currency: str
    lines: tuple[OfflineLine, ...]


def pairs(counts: Iterable[int]) -> int:
    """How many pairs lie inside groups of these sizes.

    >>> pairs([1, 2, 3])
    4
    """
    return sum(count * (count - 1) // 2 for count in counts)
