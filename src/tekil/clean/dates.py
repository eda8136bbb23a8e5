"""Dates and instants in traits: ISO 8601 in, whatever the notation was."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import lru_cache

from tekil.kit.clock import from_datetime, to_iso

_FIRST_YEAR, _LAST_YEAR = 1850, 2200
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}.{0,24})?", re.ASCII)
_NUMBERS = re.compile(
    r"(?P<one>\d{1,4})(?P<separator>[./-])(?P<two>\d{1,2})(?P=separator)(?P<three>\d{1,4})"
    r"(?P<time>[T ]\d{2}:\d{2}(?::\d{2})?)?",
    re.ASCII,
)
# 1973 to 2100: further on, a number is more likely a telephone.
_SECONDS = range(10**8, 4_102_444_800)
_MILLISECONDS = range(10**11, 4_102_444_800_000)
# Where 4/1/2026 is the first of April.
_MONTH_FIRST = frozenset({"US", "PH", "FM", "MH", "PW"})


def to_instant(value: object, region: str = "") -> str | None:
    """The instant as ISO 8601 in UTC with milliseconds; None when this is no date.

    A text without a zone is UTC. Whole numbers are seconds or milliseconds since 1970, whichever
    gives a year of our time.

    >>> to_instant("2026-05-01T12:00:00+03:00"), to_instant("2026-05-01")
    ('2026-05-01T09:00:00.000Z', '2026-05-01T00:00:00.000Z')
    >>> to_instant(1_700_000_000), to_instant(1_700_000_000_123), to_instant("soon")
    ('2023-11-14T22:13:20.000Z', '2023-11-14T22:13:20.123Z', None)
    """
    if isinstance(value, str):
        parsed = _parse(value, region)
        return None if parsed is None else to_iso(from_datetime(parsed))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        if value in _SECONDS:
            return to_iso(value * 1000)
        if value in _MILLISECONDS:
            return to_iso(value)
    return None


def to_date(value: object, region: str = "") -> str | None:
    """The calendar day as it was written, which for a birthday must not move with time zones.

    >>> to_date("1990-05-01T00:00:00+03:00"), to_date("01.05.1990"), to_date("5/1/1990", "US")
    ('1990-05-01', '1990-05-01', '1990-05-01')
    """
    if not isinstance(value, str):
        return None
    parsed = _parse(value, region)
    return None if parsed is None else parsed.date().isoformat()


def has_time(text: str) -> bool:
    """Whether a text that is a date says a time of day, too."""
    return ":" in text


@lru_cache(maxsize=16_384)
def _parse(text: str, region: str) -> datetime | None:
    bare = text.strip()
    if len(bare) > 40:
        return None
    try:
        if _ISO.fullmatch(bare):
            return _in_our_time(datetime.fromisoformat(bare))
        return _in_our_time(_from_numbers(bare, region))
    except (ValueError, OverflowError):
        return None


def _from_numbers(text: str, region: str) -> datetime | None:
    """Days like 01.05.1990, 1/5/1990 or 1990/5/1; the order is the region's when both fit."""
    match = _NUMBERS.fullmatch(text)
    if match is None:
        return None
    one, two, three = int(match["one"]), int(match["two"]), int(match["three"])
    if len(match["one"]) == 4 and len(match["three"]) <= 2:
        year, month, day = one, two, three
    elif len(match["one"]) <= 2 and len(match["three"]) == 4:
        month_first = match["separator"] != "." and (region in _MONTH_FIRST or two > 12)
        day, month, year = (two, one, three) if month_first and one <= 12 else (one, two, three)
    else:
        return None
    time = (match["time"] or "T00:00")[1:]
    return datetime.fromisoformat(f"{date(year, month, day).isoformat()}T{time}")


def _in_our_time(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware if _FIRST_YEAR <= aware.astimezone(UTC).year <= _LAST_YEAR else None
