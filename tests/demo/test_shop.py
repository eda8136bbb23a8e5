"""The messages of a small shop, read as a server would read them."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from tekil.collect.model import SourceKind
from tekil.collect.validate import read_item
from tekil.demo.shop.calendar import season
from tekil.demo.shop.generate import Shop
from tekil.demo.shop.model import (
    SOURCE_KINDS,
    TURKEY,
    Channel,
    ShopConfig,
)
from tekil.inbox.model import Reject
from tekil.kit.clock import DAY_MS, Millis, from_iso
from tekil.kit.json import JsonObject, encode
from tests.demo.conftest import CONFIG, NOW, Told, tell

SPEC = {
    "Products Searched", "Product List Viewed", "Product Viewed", "Product Added", "Cart Viewed",
    "Checkout Started", "Payment Info Entered", "Order Completed", "Order Refunded",
    "Coupon Applied", "Product Added to Wishlist", "Product Reviewed", "Signed Up", "Signed In",
    "Application Installed", "Application Opened", "Application Backgrounded",
    "Push Notification Tapped", "Email Delivered", "Email Opened", "Email Link Clicked",
    "Email Bounced", "Unsubscribed",
}  # fmt: skip
OWN = {
    "Support Call Ended", "Support Ticket Opened", "Support Ticket Solved", "Survey Answered",
    "Loyalty Card Issued",
}  # fmt: skip


def digest(config: ShopConfig) -> str:
    found = hashlib.sha256()
    for batch in Shop(config).batches():
        found.update(batch.channel.encode() + batch.body)
    return found.hexdigest()


def test_equal_settings_give_equal_bytes() -> None:
    small = replace(CONFIG, people=120)
    assert digest(small) == digest(small)
    assert digest(small) != digest(replace(small, seed=8))
    assert digest(small) != digest(replace(small, now=Millis(small.now + DAY_MS)))


def test_every_message_is_taken_by_the_front_door(told: Told) -> None:
    for _, message in told.messages:
        taken = read_item(encode(message), 0, "", 32 * 1024)
        assert not isinstance(taken, Reject), taken.detail


def test_every_message_says_who_it_is_of(told: Told) -> None:
    for channel, message in told.messages:
        context = message["context"]
        assert isinstance(context, dict)
        ids = [message.get("userId"), message.get("anonymousId"), context.get("externalIds")]
        assert any(ids), message
        if SOURCE_KINDS[channel] is SourceKind.HTTP:
            assert "anonymousId" not in message
        else:
            assert message.get("anonymousId")


def test_events_have_the_names_of_the_specification(told: Told) -> None:
    found = {str(m["event"]) for _, m in told.messages if m["type"] == "track"}
    assert found == SPEC | OWN


def test_bodies_are_of_modest_size_and_counted_right(told: Told) -> None:
    for batch in told.batches:
        assert 0 < batch.count <= CONFIG.batch
        assert len(batch.body) < 1_000_000
    assert sum(batch.count for batch in told.batches) == len(told.messages)


def test_messages_sent_twice_are_the_duplicates(told: Told) -> None:
    truth = told.shop.truth
    assert len(told.different) == truth.messages
    assert len(told.messages) == truth.messages + truth.duplicates
    assert 0 < truth.duplicates < 0.04 * truth.messages
    bodies: dict[str, bytes] = {}
    for _, message in told.messages:
        body = encode(message)
        assert bodies.setdefault(str(message["messageId"]), body) == body


def test_the_year_ends_now_and_looks_alive(told: Told) -> None:
    times = [from_iso(str(m["timestamp"])) for _, m in told.messages]
    assert min(times) >= CONFIG.start
    assert max(times) <= NOW
    assert max(times) > NOW - DAY_MS
    assert CONFIG.days * DAY_MS >= NOW - min(times) > 350 * DAY_MS


def test_requests_do_not_come_in_the_order_of_time(told: Told) -> None:
    times = [from_iso(str(m["timestamp"])) for _, m in told.messages]
    assert sum(a > b for a, b in pairwise(times)) > 20


def test_volumes_are_those_of_a_shop(told: Told) -> None:
    per_person = told.shop.truth.messages / CONFIG.people
    assert 26 < per_person < 36
    share = Counter(channel for channel, _ in told.messages)
    total = sum(share.values())
    least = {
        Channel.WEB: 0.5, Channel.APP: 0.06, Channel.BACKEND: 0.07, Channel.EMAIL: 0.05,
        Channel.STORE: 0.02, Channel.CALLS: 0.003,
    }  # fmt: skip
    for channel, smallest in least.items():
        assert share[channel] / total > smallest, channel
    assert told.shop.truth.offline_orders == len(told.shop.offline) > CONFIG.people * 0.06


def test_revenue_and_orders_are_those_of_the_messages(told: Told) -> None:
    revenue: Counter[str] = Counter()
    orders = 0
    for _, message in told.different.values():
        if message.get("event") == "Order Completed":
            properties = message["properties"]
            assert isinstance(properties, dict)
            orders += 1
            revenue[str(properties["currency"])] += round(100 * float(str(properties["revenue"])))
            _adds_up(properties)
    for order in told.shop.offline:
        orders += 1
        revenue[order.currency] += sum(line.cents * line.quantity for line in order.lines)
    assert orders == told.shop.truth.orders
    assert revenue == told.shop.truth.revenue
    assert set(revenue) == {"TRY", "GBP", "USD"}


def _adds_up(order: JsonObject) -> None:
    cents = {
        name: round(100 * float(str(order[name])))
        for name in ("subtotal", "discount", "revenue", "shipping", "tax", "total")
    }
    assert cents["revenue"] == cents["subtotal"] - cents["discount"]
    assert cents["total"] == cents["revenue"] + cents["shipping"] + cents["tax"]
    products = order["products"]
    assert isinstance(products, list)
    lines = 0
    for product in products:
        assert isinstance(product, dict)
        lines += round(100 * float(str(product["price"]))) * int(str(product["quantity"]))
    assert cents["subtotal"] == lines


def test_people_shop_by_season(told: Told) -> None:
    busy = Counter[str]()
    days = Counter[str]()
    for n in range(CONFIG.days):
        day = datetime.fromtimestamp((CONFIG.start + n * DAY_MS) / 1000, UTC).date()
        days[season(day, TURKEY) or "usual"] += 1
    for _, message in told.different.values():
        if message.get("event") == "Order Completed":
            at = datetime.fromtimestamp(from_iso(str(message["timestamp"])) / 1000, UTC).date()
            busy[season(at, TURKEY) or "usual"] += 1
    for name in ("black-friday", "bayram"):
        assert busy[name] / days[name] > 1.3 * busy["usual"] / days["usual"], name


def test_both_alphabets_and_three_currencies_are_there(told: Told) -> None:
    text = b"".join(batch.body for batch in told.batches).decode()
    for piece in ("Şahin", "Smith", "İstanbul", "London", "Türk Kahvesi", "Turkish Coffee"):
        assert piece in text, piece
    for piece in ('"TRY"', '"GBP"', '"USD"', "utm_campaign", "iPhone", "Firefox"):
        assert piece in text, piece


def test_habits_can_be_found_again(told: Told) -> None:
    owners = told.shop.truth.owners
    last: dict[int, int] = {}
    did: dict[int, Counter[str]] = {}
    for _, message in told.different.values():
        person = owners.get(("user_id", str(message.get("userId"))))
        if person is not None:
            at = from_iso(str(message["timestamp"]))
            last[person] = max(last.get(person, at), at)
            did.setdefault(person, Counter())[str(message.get("event"))] += 1
    people = len(last)
    lapsed = sum(NOW - at > 180 * DAY_MS for at in last.values())
    vips = sum(events["Order Completed"] >= 6 for events in did.values())
    abandoned = sum(
        events["Checkout Started"] > 0 and not events["Order Completed"] for events in did.values()
    )
    wishing = sum(events["Product Added to Wishlist"] > 0 for events in did.values())
    for group in (lapsed, abandoned, wishing):
        assert 0.05 * people < group < 0.5 * people
    assert 0.01 * people < vips < 0.15 * people


def test_surveys_and_mailings_have_something_to_say(told: Told) -> None:
    events = Counter(str(m.get("event")) for _, m in told.different.values())
    assert events["Email Delivered"] > 2 * events["Email Opened"]
    assert events["Email Opened"] > 2 * events["Email Link Clicked"]
    scores = [
        int(str(message["properties"]["score"]))
        for _, message in told.different.values()
        if message.get("event") == "Survey Answered" and isinstance(message["properties"], dict)
    ]
    assert len(set(scores)) > 6
    assert all(0 <= score <= 10 for score in scores)


def test_nobody_is_called_undefined_for_long(told: Told) -> None:
    undefined = [m for _, m in told.messages if m.get("userId") == "undefined"]
    assert undefined
    times = [from_iso(str(m["timestamp"])) for m in undefined]
    assert max(times) - min(times) <= 8 * DAY_MS
    assert ("user_id", "undefined") not in told.shop.truth.owners


@pytest.mark.parametrize("people", [1, 2, 25])
def test_a_tiny_shop_works_too(people: int) -> None:
    told = tell(replace(CONFIG, people=people))
    assert told.shop.truth.messages == len(told.different) > 0
    assert told.shop.truth.people() <= people


def test_a_short_year_works_too() -> None:
    told = tell(replace(CONFIG, people=40, days=30))
    times = [from_iso(str(m["timestamp"])) for _, m in told.messages]
    assert min(times) >= NOW - 31 * DAY_MS
    assert max(times) <= NOW
