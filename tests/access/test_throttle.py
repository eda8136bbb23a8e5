"""How long somebody who guesses has to wait."""

from __future__ import annotations

import pytest

from tekil.access.throttle import (
    FIRST_WAIT_MS,
    FORGET_AFTER_MS,
    FREE_TRIES,
    LONGEST_WAIT_MS,
    MAX_REMEMBERED,
    TRIES_PER_NAME,
    LoginThrottle,
)
from tekil.errors import RateLimited
from tekil.kit.clock import FixedClock, Millis


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands still."""
    return FixedClock(Millis(1_000_000_000_000))


def wait_of(throttle: LoginThrottle, address: str, name: str) -> int:
    """The seconds to wait; 0 when the try was let through (and counted)."""
    try:
        throttle.begin(address, name)
    except RateLimited as error:
        seconds = error.attributes["retry_after_seconds"]
        return int(str(seconds))
    return 0


def test_waits_double_up_to_the_longest(clock: FixedClock) -> None:
    throttle = LoginThrottle(clock)
    waits = []
    for _ in range(FREE_TRIES):
        assert wait_of(throttle, "a", "admin") == 0
    for _ in range(9):
        waits.append(wait_of(throttle, "a", "admin"))
        clock.advance(waits[-1] * 1000 - 1)
        assert wait_of(throttle, "a", "admin") == 1
        clock.advance(1)
        assert wait_of(throttle, "a", "admin") == 0
    longest = LONGEST_WAIT_MS // 1000
    assert waits[0] == FIRST_WAIT_MS // 1000
    expected = [min(FIRST_WAIT_MS // 1000 * 2**n, longest) for n in range(9)]
    assert waits == expected
    assert waits[-1] == longest


def test_being_refused_does_not_prolong_the_wait(clock: FixedClock) -> None:
    throttle = LoginThrottle(clock)
    for _ in range(FREE_TRIES):
        throttle.begin("a", "admin")
    for _ in range(100):
        assert wait_of(throttle, "a", "admin") == FIRST_WAIT_MS // 1000


def test_the_message_says_how_long(clock: FixedClock) -> None:
    throttle = LoginThrottle(clock)
    for _ in range(FREE_TRIES):
        throttle.begin("a", "admin")
    with pytest.raises(RateLimited, match=f"try again in {FIRST_WAIT_MS // 1000} s"):
        throttle.begin("a", "admin")


def test_success_forgets(clock: FixedClock) -> None:
    throttle = LoginThrottle(clock)
    for _ in range(50):
        throttle.begin("a", "admin")
        throttle.succeeded("a", "admin")


def test_time_forgets(clock: FixedClock) -> None:
    throttle = LoginThrottle(clock)
    for _ in range(FREE_TRIES):
        throttle.begin("a", "admin")
    clock.advance(FORGET_AFTER_MS)
    for _ in range(FREE_TRIES):
        assert wait_of(throttle, "a", "admin") == 0


def test_an_address_is_counted_over_all_names(clock: FixedClock) -> None:
    throttle = LoginThrottle(clock)
    for number in range(FREE_TRIES):
        throttle.begin("a", f"user{number}")
    assert wait_of(throttle, "a", "another") > 0
    assert wait_of(throttle, "b", "another") == 0


def test_a_name_is_counted_over_all_addresses(clock: FixedClock) -> None:
    throttle = LoginThrottle(clock)
    for number in range(TRIES_PER_NAME):
        throttle.begin(f"address{number}", "admin")
    assert wait_of(throttle, "yet another", "admin") > 0
    assert wait_of(throttle, "yet another", "bob") == 0


def test_memory_is_bounded(clock: FixedClock) -> None:
    throttle = LoginThrottle(clock)
    for number in range(MAX_REMEMBERED):
        throttle.begin(f"address{number}", f"name{number}")
    assert len(throttle._tries) == MAX_REMEMBERED
