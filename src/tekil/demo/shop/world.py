"""What one person's year needs besides the person, and how habits shape it."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tekil.demo.shop.aftercare import Aftercare
from tekil.demo.shop.calendar import Calendar
from tekil.demo.shop.catalogue import Catalogue
from tekil.demo.shop.counters import Counters
from tekil.demo.shop.emit import Writer
from tekil.demo.shop.model import Habit, Market, ShopConfig
from tekil.demo.shop.people import Population
from tekil.demo.shop.truth import Truth
from tekil.demo.shop.web import Storefront


@dataclass(frozen=True, slots=True)
class Routine:
    """How often a habit brings somebody: fewest and most visits, share of orders, and in store."""

    visits: tuple[int, int]
    orders: float
    store: tuple[int, int]


ROUTINES: dict[Habit, Routine] = {
    Habit.VIP: Routine((9, 18), 0.62, (3, 8)),
    Habit.LOYAL: Routine((4, 8), 0.45, (2, 5)),
    Habit.OCCASIONAL: Routine((1, 4), 0.36, (1, 3)),
    Habit.SEASONAL: Routine((2, 4), 0.6, (1, 2)),
    Habit.LAPSED: Routine((2, 5), 0.45, (1, 4)),
    Habit.ABANDONER: Routine((2, 5), 0.05, (0, 1)),
    Habit.BROWSER: Routine((1, 2), 0.0, (0, 1)),
}
LAPSED_DAYS = 190
"""A lapsed customer has not been seen for at least so many days."""


@dataclass(frozen=True, slots=True)
class World:
    """Everything that one person's year needs besides the person."""

    config: ShopConfig
    rng: Random
    calendar: Calendar
    writer: Writer
    counters: Counters
    aftercare: Aftercare
    truth: Truth
    population: Population
    fronts: dict[str, Storefront]

    def is_broken(self, at: int) -> bool:
        """Whether the site is in its bad week, when it says that people are "undefined"."""
        return 0 <= self.calendar.day_of(at) - self.config.days // 3 < 7

    def front(self, market: Market) -> Storefront:
        """The web shop of a market."""
        return self.fronts[market.code]

    def shelves(self, market: Market) -> Catalogue:
        """What a market's shops sell."""
        return self.fronts[market.code].shelves
