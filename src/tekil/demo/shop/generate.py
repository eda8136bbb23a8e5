"""The shop's year as a stream of request bodies; nothing is kept but the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from tekil.demo.shop.aftercare import Aftercare
from tekil.demo.shop.behaviour import live
from tekil.demo.shop.calendar import Calendar
from tekil.demo.shop.catalogue import catalogue
from tekil.demo.shop.counters import Counters
from tekil.demo.shop.emit import Writer
from tekil.demo.shop.model import MARKETS, Batch, OfflineOrder, ShopConfig
from tekil.demo.shop.people import populate
from tekil.demo.shop.truth import Truth
from tekil.demo.shop.web import storefront
from tekil.demo.shop.world import World

LOT = 400
"""How many people's years are told together, mixed by time, before they are sent."""


@dataclass(slots=True)
class Shop:
    """One telling of the year. Draw ``batches`` to the end; then the rest is complete."""

    config: ShopConfig
    truth: Truth = field(default_factory=Truth)
    offline: list[OfflineOrder] = field(default_factory=list)
    """The franchise stores' orders, which go in as a file."""

    def batches(self) -> Iterator[Batch]:
        """Tell the year. May be drawn once."""
        rng = Random(self.config.seed)
        population = populate(rng, self.config.people)
        writer = Writer(self.config, rng, self.truth)
        counters = Counters(self.config, writer, rng, self.truth, self.offline)
        aftercare = Aftercare(self.config, writer, rng, self.truth, population.register)
        calendar = Calendar(self.config, rng)
        fronts = {market.code: storefront(market, catalogue(market)) for market in MARKETS}
        world = World(
            config=self.config,
            rng=rng,
            calendar=calendar,
            writer=writer,
            counters=counters,
            aftercare=aftercare,
            truth=self.truth,
            population=population,
            fronts=fronts,
        )
        for first in range(0, len(population.people), LOT):
            for person in population.people[first : first + LOT]:
                live(world, person)
            yield from writer.flush()
        yield from writer.close()
