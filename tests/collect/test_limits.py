"""How fast a source may send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tekil.collect.limits import RateLimiter
from tekil.collect.model import Source, SourceKind, SourceSettings
from tekil.errors import RateLimited
from tekil.kit.clock import FixedClock, Millis
from tekil.kit.ids import SourceId


def source(rate: int | None, number: int = 1) -> Source:
    settings = SourceSettings(events_per_second=rate)
    return Source(SourceId(number), f"s{number}", SourceKind.HTTP, "wk", True, settings)


def test_no_rate_no_limit() -> None:
    limiter = RateLimiter(FixedClock(Millis(0)))
    for _ in range(1000):
        limiter.take(source(None), 10_000)


def test_a_second_says_how_long_to_wait_in_whole_seconds() -> None:
    clock = FixedClock(Millis(0))
    limiter = RateLimiter(clock)
    limiter.take(source(10), 45)  # overdraws
    with pytest.raises(RateLimited) as raised:
        limiter.take(source(10), 1)
    wait = raised.value.attributes["retry_after_seconds"]
    assert wait == 4
    assert isinstance(wait, int)
    clock.advance(wait * 1000)
    limiter.take(source(10), 1)


def test_sources_do_not_share_a_bucket() -> None:
    limiter = RateLimiter(FixedClock(Millis(0)))
    limiter.take(source(1, 1), 5)
    limiter.take(source(1, 2), 5)
    with pytest.raises(RateLimited):
        limiter.take(source(1, 1), 1)


def test_a_clock_that_jumps_back_locks_nobody_out() -> None:
    clock = FixedClock(Millis(10_000_000))
    limiter = RateLimiter(clock)
    limiter.take(source(10), 1)
    clock.at = Millis(0)
    limiter.take(source(10), 1)
    clock.advance(1000)
    limiter.take(source(10), 1)


@given(
    st.integers(1, 50),
    st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 40)), max_size=60),
)
def test_over_time_never_more_than_the_rate_one_burst_and_one_batch(
    rate: int, sends: list[tuple[int, int]]
) -> None:
    clock = FixedClock(Millis(0))
    limiter = RateLimiter(clock)
    taken = 0
    for pause, events in sends:
        clock.advance(pause)
        try:
            limiter.take(source(rate), events)
            taken += events
        except RateLimited as error:
            wait = error.attributes["retry_after_seconds"]
            assert isinstance(wait, int)
            assert wait >= 1
    assert taken <= rate + rate * clock.at / 1000 + 40
