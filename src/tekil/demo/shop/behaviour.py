"""What one person does in a year: when they come, by which door, and what the post brings."""

from __future__ import annotations

from tekil.demo.shop.basket import Basket
from tekil.demo.shop.counters import home_store
from tekil.demo.shop.model import HOUR_MS, MINUTE_MS, Habit, Person, Reach
from tekil.demo.shop.visits import Online
from tekil.demo.shop.web import NEWSLETTER
from tekil.demo.shop.world import LAPSED_DAYS, ROUTINES, World
from tekil.kit.clock import DAY_MS


def live(world: World, person: Person) -> None:
    """Tell one person's year."""
    Life(world, person).tell()


class Life:
    """One person's year while it is told, from the first visit to the last."""

    def __init__(self, world: World, person: Person) -> None:
        self.world = world
        self.person = person
        self.random = world.rng.random
        self.routine = ROUTINES[person.habit]
        self.online = Online(world, person)
        self.has_card = False

    def tell(self) -> None:
        """Everything in order of time, then the mail and the calls that follow from it."""
        person = self.person
        moments = sorted(self._moments())
        last_visit = sum(not in_store for _, in_store in moments) - 1
        signs_up = 2 if person.guest_first else int(self.random() < 0.4)
        visits = 0
        for at, in_store in moments:
            if in_store:
                self._go_to_store(at)
                continue
            registers = person.reach is Reach.REGISTERED and visits == min(signs_up, last_visit)
            self.online.visit(at, sign_up=registers)
            visits += 1
        since = self.online.known_since
        if since is not None and person.subscriber:
            self._receive_mail(since)

    def _moments(self) -> list[tuple[int, bool]]:
        person, calendar = self.person, self.world.calendar
        last = calendar.days - 1
        first = 0
        if person.habit is Habit.LAPSED:
            last = max(0, last - LAPSED_DAYS)
        elif person.habit is not Habit.VIP:
            first = int(self.random() ** 1.5 * last * 0.9)
        seasonal = person.habit is Habit.SEASONAL
        moments: list[tuple[int, bool]] = []
        if person.browsers:
            moments += [
                (calendar.moment(person.market, first=first, last=last, seasonal=seasonal), False)
                for _ in range(self._between(self.routine.visits))
            ]
        if person.card or person.reach is Reach.STORE:
            moments += [
                (calendar.moment(person.market, first=first, last=last, seasonal=seasonal), True)
                for _ in range(max(1, self._between(self.routine.store)))
            ]
        return moments

    def _between(self, bounds: tuple[int, int]) -> int:
        return bounds[0] + int(self.random() * (bounds[1] - bounds[0] + 1))

    def _go_to_store(self, at: int) -> None:
        world, person = self.world, self.person
        if person.card and not self.has_card:
            self.has_card = True
            world.counters.hand_out_card(person, at - 5 * MINUTE_MS)
        basket = Basket(person.market)
        shelves = world.shelves(person.market)
        for _ in range(1 + int(self.random() * 3)):
            number = shelves.popular[int(self.random() * len(shelves.popular))]
            basket.add(shelves.listings[number], 1)
        if self.online.registered and self.random() < 0.12:
            self.online.use_kiosk(at - 20 * MINUTE_MS)
        if person.market.turkish and person.number % 4 == 0:
            world.counters.sell_offline(person, at, basket)
        else:
            world.counters.sell(person, at, basket, home_store(person.market, person.number))

    def _receive_mail(self, since: int) -> None:
        """Newsletters come in every month from the first contact; some bring a visit."""
        world, person = self.world, self.person
        first = world.calendar.day_of(since)
        for day in range(12, world.calendar.days, 30):
            if day <= first or self.random() < 0.45 or not person.subscriber:
                continue
            at = world.config.start + day * DAY_MS + 7 * HOUR_MS + int(self.random() * 2 * HOUR_MS)
            clicked = world.aftercare.mail_campaign(person, at, f"bulten-{day // 30 + 1:02d}")
            back = at + 24 * HOUR_MS
            if (
                clicked
                and person.habit is not Habit.LAPSED
                and back + 3 * HOUR_MS < world.config.now
            ):
                front = world.front(person.market)
                self.online.visit(back, sign_up=False, landing=front.landings[NEWSLETTER])
