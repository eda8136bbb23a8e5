"""A seeded shop whose traffic the loads send: the same seed gives the same bytes.

People browse on one to three devices; three in five of them sign up at some point, which is an
``identify`` with a user id, an e-mail address and often a phone number; later devices log in.
Servers add events about signed-up people. Message ids are as random as real ones, so nothing
downstream compresses or de-duplicates better than it would in life.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from bench.bodies import write_bodies

BATCH = 100
SPAN_MS = 90 * 86_400_000
END_MS = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp() * 1000)
MASK = (1 << 128) - 1
SPREAD = 0x9E3779B97F4A7C15F39CC0605CEDC835

NAMES = ("Ayşe", "Fatma", "Işıl", "İnci", "Çağla", "Mehmet", "Ali", "Ömer", "John", "Emma")
SURNAMES = ("Yılmaz", "Kaya", "Demir", "Şahin", "Öztürk", "Smith", "Brown", "Taylor")
CITIES = ("İstanbul", "Ankara", "İzmir", "Bursa", "Antalya", "London", "Berlin")
CATEGORIES = ("shoes", "coats", "books", "garden", "kitchen", "toys", "phones", "audio")
PLANS = ("free", "plus", "pro")
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; SM-S928B) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:144.0) Gecko/20100101 Firefox/144.0",
)
REFERRERS = ("", "", "https://www.google.com/", "https://www.instagram.com/", "https://t.co/x1")
CAMPAIGNS = (
    "",
    "",
    "",
    ',"campaign":{"name":"autumn","source":"newsletter","medium":"email"}',
    ',"campaign":{"name":"brand","source":"google","medium":"cpc","term":"ayakkabı"}',
)
SERVER_EVENTS = ("Email Delivered", "Email Opened", "Order Shipped", "Support Ticket Opened")
SERVER_CONTEXT = '{"library":{"name":"analytics-python","version":"2.4.0"}}'


@dataclass(frozen=True, slots=True)
class Shape:
    """How much traffic, of how many people; ``first`` continues an earlier shape's stream."""

    events: int
    people: int
    seed: int = 1
    first: int = 0
    end_ms: int = END_MS
    span_ms: int = SPAN_MS


class Shop:
    """Makes the messages of one shape in order, remembering who has signed up."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.signed_up: list[int] = []
        self._random = random.Random(f"{shape.seed}/{shape.first}")
        self._logins = bytearray(shape.people)
        """Per person: bit 0 signed up, bits 1 to 3 logged in on that device."""
        self._pages = [_page(number) for number in range(400)]
        self._agents = [_agent(number) for number in range(64)]
        self._minute = (-1, "")

    def messages(self) -> Iterator[str]:
        """Every message of the shape as JSON text."""
        shape, draw = self.shape, self._random.random
        step = shape.span_ms / shape.events
        start = shape.end_ms - shape.span_ms
        for number in range(shape.events):
            at = int(start + number * step)
            late = draw()
            if late < 0.02:
                at -= int(late * 50 * 86_400_000)
            # Squaring makes some people much busier than others, as people are.
            person = int(shape.people * draw() ** 2)
            yield self._message(number + shape.first, person, self._iso(at, int(late * 1000)))

    def _message(self, number: int, person: int, at: str) -> str:
        draw = self._random.random
        device = int(draw() * (1 + person % 3))
        head = f'"messageId":"{_uuid(number, self.shape.seed)}","timestamp":"{at}"'
        anonymous = _uuid(person * 3 + device, self.shape.seed + 7_000)
        logins, kind = self._logins[person], draw()
        if self._logs_in(person, logins, device, kind):
            self._logins[person] = logins | 1 | (2 << device)
            return self._identify(head, person, anonymous)
        if logins & (2 << device):
            head = f'{head},"anonymousId":"{anonymous}","userId":"u{person}"'
        else:
            head = f'{head},"anonymousId":"{anonymous}"'
        if kind > 0.85 and logins & 1:
            return self._from_server(number, person, at, kind)
        page = self._pages[int(draw() * 400)]
        context = page + self._agent(person, device)
        if kind < 0.45:
            name = CATEGORIES[int(kind * 17)]
            return f'{{"type":"page",{head},"name":"{name}","properties":{{}},"context":{context}}}'
        return self._track(head, kind, context)

    def _logs_in(self, person: int, logins: int, device: int, kind: float) -> bool:
        if person % 5 > 2 or logins & (2 << device):
            return False
        if logins & 1:
            return kind < 0.3
        if kind < 0.2:
            self.signed_up.append(person)
            return True
        return False

    def _identify(self, head: str, person: int, anonymous: str) -> str:
        name, surname = NAMES[person % 10], SURNAMES[person % 8]
        phone = f',"phone":"+90532{person:07d}"' if person % 2 else ""
        return (
            f'{{"type":"identify",{head},"anonymousId":"{anonymous}","userId":"u{person}",'
            f'"traits":{{"email":"User.{person}@Example.com"{phone},"firstName":"{name}",'
            f'"lastName":"{surname}","city":"{CITIES[person % 7]}","plan":"{PLANS[person % 3]}",'
            f'"age":{18 + person % 60},"createdAt":"2026-03-{1 + person % 28:02d}T10:00:00Z"}},'
            f'"context":{self._pages[person % 400]}{self._agent(person, 0)}}}'
        )

    def _agent(self, person: int, device: int) -> str:
        # Everybody has an address of their own, as in life: nothing may lean on seeing few.
        address = f"{85 + (person >> 16)}.{person >> 8 & 255}.{person & 255}.{device + 1}"
        return f'"ip":"{address}",{self._agents[(person * 3 + device) % 64]}'

    def _from_server(self, number: int, person: int, at: str, kind: float) -> str:
        message = _uuid(number, self.shape.seed)
        if kind > 0.997:
            return (
                f'{{"type":"group","messageId":"{message}","timestamp":"{at}",'
                f'"userId":"u{person}","groupId":"company-{person % 500}","traits":'
                f'{{"name":"Company {person % 500}","employees":{person % 500 * 3}}},'
                f'"context":{SERVER_CONTEXT}}}'
            )
        return (
            f'{{"type":"track","messageId":"{message}","timestamp":"{at}","userId":"u{person}",'
            f'"event":"{SERVER_EVENTS[person % 4]}","properties":{{"campaign_id":"c{person % 30}",'
            f'"template":"t{person % 12}","attempt":1}},"context":{SERVER_CONTEXT}}}'
        )

    def _track(self, head: str, kind: float, context: str) -> str:
        product = _product(int(self._random.random() * 5000))
        if kind < 0.70:
            event, properties = "Product Viewed", f'{product},"position":3'
        elif kind < 0.80:
            event, properties = "Products Searched", '"query":"kırmızı çanta","results":24'
        elif kind < 0.92:
            event, properties = "Product Added", f'{product},"cart_id":"cart-{int(kind * 1e9)}"'
        elif kind < 0.96:
            event, properties = "Checkout Started", f'"value":{int(kind * 1e5) / 100},"step":1'
        else:
            revenue = int(self._random.random() * 90_000) / 100
            event = "Order Completed"
            properties = (
                f'"order_id":"o-{int(kind * 1e12)}","revenue":{revenue},"currency":"TRY",'
                f'"products":[{{{product}}},{{{_product(int(revenue * 5))}}}]'
            )
        return (
            f'{{"type":"track",{head},"event":"{event}","properties":{{{properties}}},'
            f'"context":{context}}}'
        )

    def _iso(self, at: int, millis: int) -> str:
        minute, rest = divmod(at, 60_000)
        if minute != self._minute[0]:
            text = f"{datetime.fromtimestamp(minute * 60, UTC):%Y-%m-%dT%H:%M:}"
            self._minute = (minute, text)
        return f"{self._minute[1]}{rest // 1000:02d}.{millis:03d}Z"


def batches(messages: Iterable[str], size: int = BATCH) -> Iterator[bytes]:
    """Ready bodies for /v1/batch."""
    source = iter(messages)
    while chunk := list(islice(source, size)):
        yield f'{{"batch":[{",".join(chunk)}]}}'.encode()


def singles(messages: Iterable[str]) -> Iterator[bytes]:
    """Ready bodies for /v1/track and its like, one message each."""
    return (message.encode() for message in messages)


def _uuid(number: int, seed: int) -> str:
    # Two rounds of a multiplicative hash: distinct, and incompressible like a random UUID.
    value = (number + (seed << 64) + 1) * SPREAD & MASK
    text = f"{(value ^ (value >> 67)) * SPREAD & MASK:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _product(number: int) -> str:
    return (
        f'"product_id":"p{number}","sku":"SKU-{number:05d}",'
        f'"category":"{CATEGORIES[number % 8]}","name":"Product {number}",'
        f'"price":{(number % 900) + 0.99},"quantity":{1 + number % 3}'
    )


def _page(number: int) -> str:
    path = f"/{CATEGORIES[number % 8]}/{number}"
    return (
        f'{{"page":{{"path":"{path}","referrer":"{REFERRERS[number % 5]}","search":"",'
        f'"title":"Page {number}","url":"https://shop.example{path}"}}{CAMPAIGNS[number % 5]},'
    )


def _agent(number: int) -> str:
    locale = "tr-TR" if number % 3 else "en-GB"
    return (
        f'"userAgent":"{AGENTS[number % 4]}","locale":"{locale}","timezone":"Europe/Istanbul",'
        f'"library":{{"name":"analytics.js","version":"next-1.84.3"}}}}'
    )


def main() -> None:
    """Write one file of bodies: ``python -m bench.make_data FILE --events N --people P``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=BATCH, help="1 writes single messages")
    options = parser.parse_args()
    shop = Shop(Shape(options.events, options.people, options.seed))
    messages = shop.messages()
    bodies = singles(messages) if options.batch == 1 else batches(messages, options.batch)
    count, size = write_bodies(options.file, bodies)
    print(f"{count} bodies, {size / 1e6:.1f} MB, {len(shop.signed_up)} people signed up")


if __name__ == "__main__":
    main()
