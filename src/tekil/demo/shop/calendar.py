"""When people shop: weekdays, evenings, Black Friday, the weeks before the two Bayrams."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random

from tekil.demo.shop.model import HOUR_MS, MARKETS, Market, ShopConfig
from tekil.kit.clock import DAY_MS

# First days of Ramazan Bayramı and Kurban Bayramı; the shop's people buy in the weeks before.
BAYRAMS = (
    date(2024, 4, 10), date(2024, 6, 16), date(2025, 3, 30), date(2025, 6, 6), date(2026, 3, 20),
    date(2026, 5, 27), date(2027, 3, 10), date(2027, 5, 16), date(2028, 2, 27), date(2028, 5, 5),
    date(2029, 2, 15), date(2029, 4, 24), date(2030, 2, 5), date(2030, 4, 13),
)  # fmt: skip
_QUANTILES = 8192
_HOURS = (
    1, 1, 0, 0, 0, 1, 2, 4, 6, 8, 9, 10, 12, 12, 10, 9, 9, 10, 12, 15, 18, 19, 13, 6,
)  # fmt: skip
"""How busy each hour of the local day is."""


def black_friday(year: int) -> date:
    """The day after the fourth Thursday of November.

    >>> black_friday(2025)
    datetime.date(2025, 11, 28)
    """
    first = date(year, 11, 1)
    return first + timedelta(days=(3 - first.weekday()) % 7 + 22)


def season(day: date, market: Market) -> str | None:
    """Name the season that a day belongs to, if people shop more on it."""
    friday = black_friday(day.year)
    if friday - timedelta(days=5) <= day <= friday + timedelta(days=3):
        return "black-friday"
    if market.turkish:
        near = any(feast - timedelta(days=15) <= day < feast for feast in BAYRAMS)
        return "bayram" if near else None
    return "christmas" if day.month == 12 and day.day <= 22 else None


class Calendar:
    """Draws moments of the shop's year."""

    def __init__(self, config: ShopConfig, rng: Random) -> None:
        self._random = rng.random
        self._start = config.start
        self._end = config.now - 3 * HOUR_MS
        first = datetime.fromtimestamp(config.start / 1000, UTC).date()
        self._dates = [first + timedelta(days=n) for n in range(config.days)]
        self._hours = _table([float(weight) for weight in _HOURS], 1024)
        self._all: dict[str, list[int]] = {}
        self._seasonal: dict[str, list[int]] = {}
        for market in MARKETS:
            weights = [self._weight(day, n, market) for n, day in enumerate(self._dates)]
            seasonal = [
                w if season(d, market) else 0.0 for w, d in zip(weights, self._dates, strict=True)
            ]
            self._all[market.code] = _table(weights, _QUANTILES)
            self._seasonal[market.code] = _table(seasonal if any(seasonal) else weights, _QUANTILES)

    @property
    def days(self) -> int:
        """How many days the year has."""
        return len(self._dates)

    def moment(
        self, market: Market, *, first: int = 0, last: int | None = None, seasonal: bool = False
    ) -> int:
        """Draw an instant on a day within [first, last], shops' hours, never after now."""
        last = self.days - 1 if last is None else last
        table = (self._seasonal if seasonal else self._all)[market.code]
        for _ in range(6):
            day = table[int(self._random() * _QUANTILES)]
            if first <= day <= last:
                break
        else:
            day = first + int(self._random() * (last - first + 1))
        return self._at(market, day)

    def day_of(self, at: int) -> int:
        """Which day of the year an instant lies on, counted from 0."""
        return (at - self._start) // DAY_MS

    def season(self, at: int, market: Market) -> str | None:
        """The season at an instant."""
        return season(self._dates[min(self.day_of(at), self.days - 1)], market)

    def _at(self, market: Market, day: int) -> int:
        hour = (self._hours[int(self._random() * 1024)] - market.utc_offset) % 24
        at = self._start + day * DAY_MS + hour * HOUR_MS + int(self._random() * HOUR_MS)
        if at < self._end:
            return at
        return self._end - int(self._random() * 20 * HOUR_MS)

    def _weight(self, day: date, number: int, market: Market) -> float:
        weight = 1.0 + 0.35 * number / self.days
        weight *= 1.25 if day.weekday() >= 5 else 1.0
        return (
            weight
            * {None: 1.0, "black-friday": 3.2, "bayram": 1.8, "christmas": 1.9}[season(day, market)]
        )


def _table(weights: list[float], size: int) -> list[int]:
    """Lay weights out as equal slots, so that drawing a slot evenly draws by weight."""
    total = sum(weights)
    slots: list[int] = []
    reached = 0.0
    for place, weight in enumerate(weights):
        reached += weight
        slots += [place] * (round(reached / total * size) - len(slots))
    return slots
