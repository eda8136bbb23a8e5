"""Dates and instants."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tekil.clean.dates import to_date, to_instant

texts = st.text(st.characters(exclude_categories=()), max_size=30)
date_like = st.text("0123456789-./:TZ+ ", max_size=26)
values = st.none() | st.booleans() | st.integers() | st.floats() | texts | date_like


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("2026-05-01T12:00:00Z", "2026-05-01T12:00:00.000Z"),
        ("2026-05-01T12:00:00.123456Z", "2026-05-01T12:00:00.123Z"),
        ("2026-05-01T12:00:00+03:00", "2026-05-01T09:00:00.000Z"),
        ("2026-05-01T01:00:00+0300", "2026-04-30T22:00:00.000Z"),
        ("2026-05-01 12:00:00", "2026-05-01T12:00:00.000Z"),
        ("2026-05-01T12:00", "2026-05-01T12:00:00.000Z"),
        ("2026-05-01", "2026-05-01T00:00:00.000Z"),
        ("01.05.2026", "2026-05-01T00:00:00.000Z"),
        ("01.05.2026 13:45", "2026-05-01T13:45:00.000Z"),
        ("1969-12-31T23:59:59.500Z", "1969-12-31T23:59:59.500Z"),
        (1_700_000_000, "2023-11-14T22:13:20.000Z"),
        (1_700_000_000.0, "2023-11-14T22:13:20.000Z"),
        (1_700_000_000_123, "2023-11-14T22:13:20.123Z"),
    ],
)
def test_instants(sent: object, stored: str) -> None:
    assert to_instant(sent) == stored


@pytest.mark.parametrize(
    ("sent", "region", "stored"),
    [
        ("1990-05-01", "TR", "1990-05-01"),
        (" 1990-05-01 ", "TR", "1990-05-01"),
        ("1990-05-01T00:00:00.000Z", "TR", "1990-05-01"),
        ("1990-05-01T00:00:00+03:00", "TR", "1990-05-01"),
        ("01.05.1990", "TR", "1990-05-01"),
        ("1.5.1990", "US", "1990-05-01"),
        ("01/05/1990", "TR", "1990-05-01"),
        ("05/01/1990", "US", "1990-05-01"),
        ("05/31/1990", "TR", "1990-05-31"),
        ("31/05/1990", "US", "1990-05-31"),
        ("01-05-1990", "TR", "1990-05-01"),
        ("1990/5/1", "TR", "1990-05-01"),
        ("29.02.2024", "TR", "2024-02-29"),
    ],
)
def test_days(sent: object, region: str, stored: str) -> None:
    assert to_date(sent, region) == stored


@pytest.mark.parametrize(
    "sent",
    [
        "", "soon", "2026", "2026-05", "20260501", "2026-13-01", "2026-02-30", "29.02.2023",
        "1.5.90", "32.01.2026", "13/13/2026", "2026-05-01T25:00:00", "2026-05-01T12:00:00+99:00",
        "0001-01-01", "2200-12-31T23:00:00-12:00", "9999-12-31T23:59:59-12:00", "2026-W01",
        "１９９０-05-01", "x" * 99, "\ud800",
        None, True, False, 0, 42, -1, 10**9 * 50, 5321234567, 905321234567 * 10,
        float("nan"), float("inf"), 1.5, [], {},
    ],
)  # fmt: skip
def test_not_a_date(sent: object) -> None:
    assert to_instant(sent) is None
    assert to_date(sent) is None


@given(values, st.sampled_from(["TR", "US", ""]))
def test_never_raises_and_is_idempotent(sent: object, region: str) -> None:
    instant, day = to_instant(sent, region), to_date(sent, region)
    assert instant is None or to_instant(instant, "TR") == instant
    assert day is None or to_date(day, "US") == day


@given(
    st.builds(
        lambda day, at: datetime.combine(
            day, at.replace(microsecond=at.microsecond // 1000 * 1000)
        ),
        st.dates(date(1850, 1, 2), date(2200, 1, 1)),
        st.times(),
    ),
    st.integers(-12 * 60, 14 * 60),
)
def test_any_zone_gives_the_same_instant(at: datetime, offset: int) -> None:
    moment = at.replace(tzinfo=timezone(timedelta(minutes=offset)))
    sent = moment.isoformat()
    utc = moment.astimezone(UTC)
    expected = f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"
    assert to_instant(sent) == expected.rjust(24, "0")
    assert to_date(sent) == at.date().isoformat()


@given(st.dates(date(1850, 1, 1), date(2200, 12, 31)))
def test_turkish_days(day: date) -> None:
    assert to_date(f"{day.day}.{day.month}.{day.year}") == day.isoformat()
    assert to_date(f"{day:%m/%d/%Y}", "US") == day.isoformat()
