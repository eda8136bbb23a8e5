"""What the shop's servers, tills, agents and mailings say about somebody: the strong sources."""

from __future__ import annotations

from random import Random

from tekil.demo.shop import names
from tekil.demo.shop.basket import Basket, Sums
from tekil.demo.shop.catalogue import Listing, departments, money
from tekil.demo.shop.emit import SERVER, Writer, external
from tekil.demo.shop.model import (
    MARKETS,
    Channel,
    Market,
    OfflineLine,
    OfflineOrder,
    Person,
    ShopConfig,
)
from tekil.demo.shop.truth import Truth
from tekil.kit.clock import DAY_MS, Millis
from tekil.kit.json import encode_text

_EMPLOYERS = tuple(f"firma-{n:02d}" for n in range(1, 31))


class Counters:
    """Speaks for the sources that know their customers: each method is one thing that they do."""

    def __init__(
        self,
        config: ShopConfig,
        writer: Writer,
        rng: Random,
        truth: Truth,
        offline: list[OfflineOrder],
    ) -> None:
        self.config = config
        self.writer = writer
        self.rng = rng
        self.truth = truth
        self.offline = offline
        self.departments = {market.code: departments(market) for market in MARKETS}
        self._orders = 0
        self._guest_ids: dict[str, str] = {}

    # The web shop's backend

    def register_person(self, person: Person, at: int) -> None:
        """Somebody opens an account: everything that the form asked for, under one user id."""
        user_id = person.user_id or ""
        card = person.card if person.card_linked else None
        traits = _portrait(person) | {
            "email": person.email,
            "createdAt": self.writer.iso(at),
            "newsletter": person.subscriber,
            "language": person.market.locale[:2],
            "interests": self._interests(person),
        }
        if person.phone:
            traits["phone"] = spell_phone(self.rng, person.phone)
        ids = f'"userId":"{user_id}",{external(loyalty_card=card) if card else SERVER}'
        self.truth.meet(
            person.number,
            user_id=user_id,
            email=person.email,
            phone=person.phone,
            loyalty_card=card,
        )
        self.writer.identify(Channel.BACKEND, at, ids, traits)
        method = '{"method":"email"}'
        self.writer.track(Channel.BACKEND, at + 200, known_as(person), "Signed Up", method)
        if self.rng.random() < 0.02:
            self._employ(person, at + 1_000)

    def _interests(self, person: Person) -> list[str]:
        shelves = self.departments[person.market.code]
        return sorted({shelves[int(self.rng.random() * len(shelves))] for _ in range(3)})

    def guest_details(self, person: Person, at: int, email: str) -> str:
        """Somebody orders without an account; answers the ids of the order's events."""
        self.truth.meet(person.number, email=email, phone=person.phone)
        ids = self._guest_ids.get(email)
        if ids is None:
            ids = self._guest_ids[email] = external(email=email)
        traits = _portrait(person) | {"email": email}
        del traits["birthday"]
        if person.phone:
            traits["phone"] = spell_phone(self.rng, person.phone)
        self.writer.identify(Channel.BACKEND, at, ids, traits)
        return ids

    def next_order_id(self) -> str:
        """Number the orders."""
        self._orders += 1
        return f"LL{700_000 + self._orders}"

    def complete_order(self, person: Person, at: int, ids: str, order: str, amounts: Sums) -> None:
        """The payment went through; later it may come back."""
        self.writer.track(Channel.BACKEND, at, ids, "Order Completed", order)
        self.truth.order(person.market.currency, amounts.revenue)
        chance = self.rng.random()
        back = at + int((2 + 12 * self.rng.random()) * DAY_MS)
        if chance < 0.045 and back < self.config.now:
            order_id = order[13 : order.index('"', 13)]
            properties = (
                f'{{"order_id":"{order_id}","total":{money(amounts.total)},'
                f'"currency":"{person.market.currency}"}}'
            )
            self.writer.track(Channel.BACKEND, back, ids, "Order Refunded", properties)

    def review(self, listing: Listing, at: int, ids: str) -> None:
        """Somebody writes what they think of a product."""
        if at < self.config.now:
            rating = min(5, 1 + int(5.6 * self.rng.random() ** 0.5))
            properties = (
                f'{{"product_id":"{listing.product_id}","review_id":"{self.writer.serial()}",'
                f'"rating":{rating}}}'
            )
            self.writer.track(Channel.BACKEND, at, ids, "Product Reviewed", properties)

    def promote(self, person: Person, at: int, tier: str) -> None:
        """The loyalty programme lifts somebody."""
        points = 1_000 + int(self.rng.random() * 4_000)
        traits: dict[str, object] = {"loyalty_tier": tier, "loyalty_points": points}
        self.writer.identify(Channel.BACKEND, at, known_as(person), traits)

    def _employ(self, person: Person, at: int) -> None:
        number = int(self.rng.random() * len(_EMPLOYERS))
        company = _EMPLOYERS[number]
        traits = {"name": company.title(), "industry": "retail", "employees": 10 + number * 7}
        rest = f'{known_as(person)},"groupId":"{company}","traits":{encode_text(traits)}'
        self.writer.call(Channel.BACKEND, at, "group", rest)

    # The stores' tills

    def hand_out_card(self, person: Person, at: int) -> None:
        """A cashier fills in the card's form, in capitals and without Turkish letters."""
        traits: dict[str, object] = {
            "firstName": person.first.translate(names.ASCII).upper(),
            "lastName": person.last.translate(names.ASCII).upper(),
            "address": {"country": person.market.code, "city": person.city},
        }
        phone = person.phone if self.rng.random() < 0.85 else None
        if phone:
            traits["phone"] = spell_phone(self.rng, phone)
        ids = external(loyalty_card=person.card)
        self.truth.meet(person.number, loyalty_card=person.card, phone=phone)
        self.writer.identify(Channel.STORE, at, ids, traits)
        self.writer.track(Channel.STORE, at + 900, ids, "Loyalty Card Issued", '{"tier":"basic"}')

    def sell(self, person: Person, at: int, basket: Basket, store: str) -> None:
        """Somebody buys in a store and shows the card, or says the phone number, or both."""
        said = person.phone if not person.card or self.rng.random() < 0.25 else None
        if not person.card and not said:
            return
        order, amounts = basket.order(self.next_order_id(), store, None, delivered=False)
        ids = external(loyalty_card=person.card, phone=said)
        self.truth.meet(person.number, loyalty_card=person.card, phone=said)
        self.writer.track(Channel.STORE, at, ids, "Order Completed", order)
        self.truth.order(person.market.currency, amounts.revenue)

    def sell_offline(self, person: Person, at: int, basket: Basket) -> None:
        """A franchise store without a network writes a line in its file."""
        card = person.card or ""
        phone = person.phone if person.phone and (not card or self.rng.random() < 0.3) else None
        if not card and not phone:
            return
        self.truth.meet(person.number, loyalty_card=card, phone=phone)
        self.offline.append(
            OfflineOrder(
                order_id=self.next_order_id(),
                at=Millis(at),
                card=card,
                phone=spell_phone(self.rng, phone or ""),
                store=names.FRANCHISES[person.number % len(names.FRANCHISES)],
                city=person.city,
                currency=person.market.currency,
                lines=tuple(
                    OfflineLine(one.product_id, one.name, number, one.cents)
                    for one, number in basket.lines
                ),
            )
        )
        self.truth.offline_orders += 1
        self.truth.order(person.market.currency, basket.subtotal)


def known_as(person: Person) -> str:
    """The ids by which a server-side source names somebody with an account."""
    return f'"userId":"{person.user_id}",{SERVER}'


def _portrait(person: Person) -> dict[str, object]:
    return {
        "firstName": person.first,
        "lastName": person.last,
        "gender": "female" if person.female else "male",
        "birthday": person.birthday,
        "country": person.market.code,
        "city": person.city,
        "address": {
            "country": person.market.code,
            "city": person.city,
            "state": person.district,
        },
    }


def spell_phone(rng: Random, phone: str) -> str:
    """Write a number as people do; all spellings mean the same number."""
    how = rng.random()
    if phone.startswith("+90"):
        rest = phone[3:]
        if how < 0.35:
            return f"0{rest[:3]} {rest[3:6]} {rest[6:8]} {rest[8:]}"
        if how < 0.5:
            return f"0({rest[:3]}) {rest[3:6]}-{rest[6:]}"
        if how < 0.65:
            return f"+90 {rest[:3]} {rest[3:6]} {rest[6:]}"
    elif phone and how < 0.3:
        return f"{phone[:3]} {phone[3:6]} {phone[6:]}"
    return phone


def home_store(market: Market, number: int) -> str:
    """The store that somebody goes to."""
    stores = names.STORES[market.code]
    return stores[number % len(stores)]
