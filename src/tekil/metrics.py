"""Figures for Prometheus, read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tekil.events.api import Stats


class StatsCollector(Collector):
    """Turns the figures of ``/api/v1/stats`` into metrics."""

    def __init__(self, read: Callable[[], Stats]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        stats = self._read()
        counts: tuple[tuple[str, float, str], ...] = (
            ("events", stats.events, "Events in the history."),
            ("duplicates", stats.duplicates, "Messages dropped because they were seen before."),
        )
        for name, value, text in counts:
            yield CounterMetricFamily(f"tekil_{name}", text, value=value)
        gauges: tuple[tuple[str, float, str], ...] = (
            ("profiles", stats.profiles, "People."),
            ("identities", stats.identities, "Identities."),
            ("rejects", stats.rejects, "Messages that could not be used and were not replayed."),
            ("inbox_lag_messages", stats.inbox_lag.messages, "Accepted, not yet queryable."),
            ("inbox_lag_seconds", stats.inbox_lag.seconds, "Age of the oldest of them."),
        )
        for name, value, text in gauges:
            yield GaugeMetricFamily(f"tekil_{name}", text, value=value)
