"""Latencies of one run, kept whole so that a percentile is exact."""

from __future__ import annotations

import math
from array import array


class Latencies:
    """Seconds in, percentiles in milliseconds out."""

    def __init__(self) -> None:
        self._seconds = array("d")

    def __len__(self) -> int:
        return len(self._seconds)

    def add(self, seconds: float) -> None:
        """Note one latency."""
        self._seconds.append(seconds)

    def percentile(self, percent: float) -> float:
        """The smallest noted latency that ``percent`` of all do not exceed, in milliseconds.

        >>> latencies = Latencies()
        >>> for number in range(1, 101):
        ...     latencies.add(number / 1000)
        >>> latencies.percentile(99)
        99.0
        """
        if not self._seconds:
            return math.nan
        ordered = sorted(self._seconds)
        rank = max(1, math.ceil(len(ordered) * percent / 100))
        return round(ordered[rank - 1] * 1000, 3)

    def summary(self) -> dict[str, float]:
        """The percentiles that the loads report."""
        return {
            "count": len(self),
            "p50": self.percentile(50),
            "p90": self.percentile(90),
            "p99": self.percentile(99),
            "p999": self.percentile(99.9),
            "max": self.percentile(100),
        }
