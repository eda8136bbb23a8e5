"""One person online: on which browser or app they come, whether they sign in, what they buy."""

from __future__ import annotations

from tekil.demo.shop.app import AppVisit
from tekil.demo.shop.basket import COUPONS, Basket
from tekil.demo.shop.catalogue import Listing
from tekil.demo.shop.counters import known_as
from tekil.demo.shop.model import HOUR_MS, Browser, Habit, Person, Reach
from tekil.demo.shop.people import mistype
from tekil.demo.shop.web import NEWSLETTER, Landing, Storefront, WebVisit
from tekil.demo.shop.world import ROUTINES, World
from tekil.kit.clock import DAY_MS

SLIP = 0.012
"""Share of checkouts and newsletter forms in which the e-mail is mistyped."""

GIFT = 0.0015
"""Share of orders in which a friend's e-mail is given as one's own."""


class Online:
    """What the web shop and the app see of one person, and what they remember."""

    def __init__(self, world: World, person: Person) -> None:
        self.world = world
        self.person = person
        self.random = world.rng.random
        self.order_share = ROUTINES[person.habit].orders
        self.registered = False
        self.came_by_web = False
        self.ordered = 0
        self.known_since: int | None = None
        """When the shop first had an e-mail to write to."""

    def visit(self, at: int, *, sign_up: bool, landing: Landing | None = None) -> None:
        person = self.person
        install = person.install
        wants = self.random()
        orders = wants < self.order_share or (sign_up and person.guest_first)
        fills = orders or wants < 0.4 or person.habit is Habit.ABANDONER
        known = self.registered or (sign_up and not self.came_by_web)
        if known and install is not None and landing is None and self.random() < 0.5:
            self._use_app(at, sign_up=sign_up, fills=fills, orders=orders)
        else:
            self._browse(at, sign_up=sign_up, fills=fills, orders=orders, landing=landing)

    def _browse(
        self, at: int, *, sign_up: bool, fills: bool, orders: bool, landing: Landing | None
    ) -> None:
        world, person = self.world, self.person
        self.came_by_web = True
        front = world.front(person.market)
        browser = self._choose_browser()
        visit = WebVisit(world.writer, front, browser, at, landing or self._landing(front))
        world.truth.see("anonymous_id", visit.anonymous_id, person.number)
        if browser.signed_in is None and world.is_broken(at) and self.random() < 0.5:
            visit.signed_in_as("undefined")  # a bug of the site in one bad week
        looks = 1 + int(self.random() ** 1.2 * 3)
        listings = [visit.look(world.rng) for _ in range(looks)]
        if sign_up and not person.guest_first:
            self._sign_up(visit.at)
        if self.registered and not browser.forgetful and browser.signed_in != person.user_id:
            visit.sign_in(person.user_id or "", self._self_told())
        if self.random() < (0.25 if person.habit in (Habit.VIP, Habit.LOYAL) else 0.07):
            visit.wish(listings[0])
        if fills:
            self._fill(visit, listings)
            visit.look_at_basket()
        if orders:
            self._order_on_web(visit)
        elif fills and (person.habit is Habit.ABANDONER or self.random() < 0.3):
            order_id = world.counters.next_order_id()
            visit.check_out(visit.basket.order(order_id, "Lale Web", None, delivered=True)[0])
        elif not self.registered and self.random() < 0.04:
            self._subscribe(visit)
        if sign_up and person.guest_first:
            self._sign_up(visit.at)
            if not browser.forgetful:
                visit.sign_in(person.user_id or "", self._self_told())
        if browser.shared and self.random() < 0.5:
            browser.signed_in = None  # signs out, but the SDK is not reset: same anonymous id

    def _choose_browser(self) -> Browser:
        browsers = self.person.browsers
        if not self.registered:
            return browsers[0]
        browser = browsers[int(self.random() ** 1.4 * len(browsers))]
        if self.random() < 0.15 and browser.current < len(browser.anonymous_ids) - 1:
            browser.current += 1  # cookies cleared
            browser.signed_in = None
        return browser

    def _landing(self, front: Storefront) -> Landing:
        if self.random() < 0.45:
            return front.landings[int(self.random() * NEWSLETTER)]
        return front.direct[int(self.random() * len(front.direct))]

    def _fill(self, visit: WebVisit | AppVisit, listings: list[Listing]) -> None:
        for listing in listings:
            if not visit.basket.lines or self.random() < 0.5:
                visit.put_in(listing, 1 if self.random() < 0.85 else 2)

    def _order_on_web(self, visit: WebVisit) -> None:
        world, person, counters = self.world, self.person, self.world.counters
        order_id, coupon = counters.next_order_id(), self._coupon(visit.at)
        order, amounts = visit.basket.order(order_id, "Lale Web", coupon, delivered=True)
        email = person.email
        if self.registered:
            ids = known_as(person)
            if self.random() < GIFT:
                self._name_friend(visit)
        else:
            slip = mistype(world.rng, email, world.population.register) if self._slips() else None
            email = slip or email
            visit.identify({"email": email, "firstName": person.first, "lastName": person.last})
            ids = counters.guest_details(person, visit.at, email)
        visit.check_out(order)
        if coupon is not None:
            visit.use_coupon(order_id, coupon[0], amounts.discount)
        visit.pay("card" if self.random() < 0.8 else "transfer")
        counters.complete_order(person, visit.at, ids, order, amounts)
        world.aftercare.confirm_order(person, visit.at, email, bounced=email != person.email)
        self._after_order(visit.at, ids, visit.basket)

    def _use_app(self, at: int, *, sign_up: bool, fills: bool, orders: bool) -> None:
        world, person = self.world, self.person
        install = person.install
        assert install is not None
        fresh = not install.opened or install.shared
        late = self.random() < 0.06
        visit = AppVisit(
            world.writer, person.market, world.shelves(person.market), install, at,
            user_id=None if fresh or sign_up else person.user_id, late=late,
        )  # fmt: skip
        see, number = world.truth.see, person.number
        see("anonymous_id", install.anonymous_id, number)
        see("device_id", install.device_id, number)
        if install.advertising_id:
            see("advertising_id", install.advertising_id.lower(), number)
        if self.random() < 0.3:
            visit.track("Push Notification Tapped", '{"campaign_name":"app-davet"}')
        visit.screen("Home")
        listings = [visit.look(world.rng) for _ in range(1 + int(self.random() * 3))]
        if sign_up:
            self._sign_up(visit.at)
        if fresh or sign_up:
            visit.sign_in(person.user_id or "", self._self_told())
        if self.random() < 0.12:
            visit.wish(listings[0])
        if fills:
            self._fill(visit, listings)
            visit.look_at_basket()
        if orders:
            self._order_in_app(visit)
        visit.close()

    def _name_friend(self, visit: WebVisit) -> None:
        """Buy a gift, and write the friend's e-mail where one's own belongs."""
        people = self.world.population.people
        friend = people[int(self.random() * len(people))]
        if friend.reach is Reach.REGISTERED:
            visit.identify({"email": friend.email})

    def _order_in_app(self, visit: AppVisit) -> None:
        person, counters = self.person, self.world.counters
        order, amounts = visit.basket.order(
            counters.next_order_id(), "Lale App", self._coupon(visit.at), delivered=True
        )
        visit.check_out(order)
        visit.pay("card")
        counters.complete_order(person, visit.at, known_as(person), order, amounts)
        self._after_order(visit.at, known_as(person), visit.basket)

    # Around the visits

    def _sign_up(self, at: int) -> None:
        if not self.registered:
            self.world.counters.register_person(self.person, at + 500)
            self.registered = True
            self.known_since = self.known_since or at

    def _self_told(self) -> dict[str, object]:
        return {"email": self.person.email, "firstName": self.person.first}

    def _subscribe(self, visit: WebVisit) -> None:
        """Leave an e-mail in the newsletter form; only the browser ever saw a mistyped one."""
        world, person = self.world, self.person
        slip = (
            mistype(world.rng, person.email, world.population.register) if self._slips() else None
        )
        email = slip or person.email
        world.truth.see("email", email, person.number)
        visit.identify({"email": email})

    def _slips(self) -> bool:
        return self.random() < SLIP

    def _coupon(self, at: int) -> tuple[str, int] | None:
        season = self.world.calendar.season(at, self.person.market)
        if season and self.random() < 0.7:
            return COUPONS[season]
        return COUPONS["welcome"] if self.ordered == 0 and self.random() < 0.3 else None

    def _after_order(self, at: int, ids: str, basket: Basket) -> None:
        world, person = self.world, self.person
        self.ordered += 1
        self.known_since = self.known_since or at
        if self.registered and self.ordered == 5:
            world.counters.promote(person, at + HOUR_MS, "gold")
        if self.random() < 0.13:
            call = at + int((1 + 6 * self.random()) * DAY_MS)
            if call + HOUR_MS < world.config.now:
                world.aftercare.answer_call(person, call)
        if self.random() < 0.06:
            world.counters.review(basket.lines[0][0], at + int(9 * self.random() * DAY_MS), ids)
        if self.random() < 0.1:
            world.aftercare.ask_opinion(person, at + int((7 + 3 * self.random()) * DAY_MS))

    def use_kiosk(self, at: int) -> None:
        """Sign in on the tablet on the counter, look around, leave without a reset."""
        world, person = self.world, self.person
        kiosks = world.population.kiosks
        kiosk = kiosks[person.number % len(kiosks)]
        kiosk.signed_in = None
        front = world.front(person.market)
        visit = WebVisit(world.writer, front, kiosk, at, front.direct[0])
        world.truth.see("anonymous_id", visit.anonymous_id, person.number)
        visit.sign_in(person.user_id or "", self._self_told())
        visit.look(world.rng)
