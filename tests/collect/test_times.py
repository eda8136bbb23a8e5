"""When something happened: reading times, and setting the client's clock right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tekil.collect.times import EARLIEST, FUTURE_SLACK_MS, event_time, read_time
from tekil.kit.clock import Millis

NOW = Millis(1_795_341_600_000)
instants = st.integers(min_value=EARLIEST, max_value=4_000_000_000_000).map(Millis)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-22T10:00:00Z", NOW),
        ("2026-11-22T10:00:00.000Z", NOW),
        ("2026-11-22T10:00:00.000000+00:00", NOW),
        ("2026-11-22T10:00:00.000999999Z", NOW + 1),
        ("2026-11-22T13:00:00+03:00", NOW),
        ("2026-11-22T10:00:00", NOW),
        ("2026-11-22 10:00:00", NOW),
        (" 2026-11-22t10:00:00z ", NOW),
        ("2026-11-22", NOW - 36_000_000),
        ("20261122", NOW - 36_000_000),
        (1_795_341_600, NOW),
        (1_795_341_600_000, NOW),
        (1_795_341_600.5, NOW + 500),
        ("1795341600", NOW),
        ("1795341600000", NOW),
        ("1795341600.25", NOW + 250),
        ("1710121212345", 1_710_121_212_345),
        (0, 0),
        ("1970-01-01T00:00:00Z", 0),
        (-1, -1000),
        ("1900-01-01T00:00:00Z", EARLIEST),
    ],
)
def test_times_that_can_be_read(value: str | float, expected: int) -> None:
    assert read_time(value) == expected


@pytest.mark.parametrize("value", [None, ""])
def test_absent(value: str | None) -> None:
    assert read_time(value) is None


@pytest.mark.parametrize(
    "value",
    ["yesterday", "2026-13-01", "12:00", "1899-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00",
     "²²²²²²²²²²", "--1795341600", "NaN", True, False, -10**13, " "],
)  # fmt: skip
def test_times_that_cannot_be_read(value: str | float) -> None:
    with pytest.raises((ValueError, OverflowError)) as raised:
        read_time(value)
    assert str(raised.value)


@given(
    st.datetimes(
        min_value=datetime(1900, 1, 2), max_value=datetime(2200, 1, 1),  # noqa: DTZ001
        timezones=st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m))),
    )
)  # fmt: skip
def test_every_iso_time_is_read_to_the_millisecond(moment: datetime) -> None:
    read = read_time(moment.isoformat())
    assert read is not None
    exact = (moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1)
    assert abs(read - exact) <= 0.501


@given(st.integers(min_value=100_000_000_000, max_value=9_999_999_999_999))
def test_milliseconds_are_the_same_as_text_and_as_number(count: int) -> None:
    assert read_time(str(count)) == read_time(count) == count


@given(st.none() | instants, st.none() | instants, instants)
def test_never_in_the_future_and_never_before_the_history(
    original: Millis | None, sent: Millis | None, received: Millis
) -> None:
    at = event_time(original, sent, received)
    assert EARLIEST <= at <= received + FUTURE_SLACK_MS


@given(instants, instants, instants)
def test_the_formula(original: Millis, sent: Millis, received: Millis) -> None:
    right = received - (sent - original)
    expected = received if right > received + FUTURE_SLACK_MS else max(right, EARLIEST)
    assert event_time(original, sent, received) == expected


@given(instants, st.integers(0, 10**9), st.integers(-(10**12), 10**12))
def test_a_wrong_clock_does_not_matter(received: Millis, waited: int, wrong: int) -> None:
    """What was measured by one wrong clock, twice, is right in between."""
    sent = Millis(received + wrong)
    expected = max(EARLIEST, received - waited)
    assert event_time(Millis(sent - waited), sent, received) == expected


@given(instants, instants)
def test_without_sent_at_the_client_is_believed_about_the_past(
    original: Millis, received: Millis
) -> None:
    at = event_time(original, None, received)
    assert at == (original if original <= received + FUTURE_SLACK_MS else received)


@given(instants)
def test_without_a_time_it_happened_when_it_came(received: Millis) -> None:
    assert event_time(None, Millis(5), received) == received
