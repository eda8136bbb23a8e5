"""Reads the small parts of a definition: names, texts, numbers, zones, durations, moments."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import re2

from tekil.errors import did_you_mean
from tekil.kit.durations import parse_duration
from tekil.kit.json import JsonValue
from tekil.segments.faults import Faults, shown
from tekil.segments.model import Ago, Bound, Fixed

MAX_NAME = 200
MAX_TEXT = 1_000
MAX_VALUES = 1_000
MAX_PATTERN = 500
MAX_NUMBER = 1e15
DATE = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
TIME = r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)?"
ISO = re.compile(f"{DATE}([T ]{TIME})?")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_name(value: JsonValue, path: str, faults: Faults) -> str:
    """A name that is not empty."""
    if isinstance(value, str) and 0 < len(value) <= MAX_NAME and "\x00" not in value:
        return value
    what = f"a text of 1 to {MAX_NAME} characters"
    faults.add(path, f"{shown(value)} is not a name: write {what}.", value, (what,))
    return ""


def read_path(value: JsonValue, path: str, faults: Faults) -> str:
    """The dotted path of a property."""
    name = read_name(value, path, faults)
    if name and not all(name.split(".")):
        faults.add(path, f'"{name}" has an empty part between its dots.', value)
    return name


def read_text(value: JsonValue, path: str, faults: Faults) -> str:
    """A text, which may be empty."""
    if isinstance(value, str) and len(value) <= MAX_TEXT and "\x00" not in value:
        return value
    what = f"a text of at most {MAX_TEXT} characters"
    faults.add(path, f"{shown(value)} is not a text: write {what}.", value, (what,))
    return ""


def read_number(value: JsonValue, path: str, faults: Faults) -> float:
    """A number that is not too large to be compared exactly."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and math.isfinite(value) and abs(value) <= MAX_NUMBER:  # type: ignore[arg-type]
        return float(value)  # type: ignore[arg-type]
    hint = " Dates are compared by before, after and within." if _is_iso(value) else ""
    allowed = (f"a number between -{MAX_NUMBER:.0e} and {MAX_NUMBER:.0e}",)
    faults.add(path, f"{shown(value)} is not a number.{hint}", value, allowed)
    return 0.0


def read_whole(value: JsonValue, path: str, faults: Faults, low: int, high: int) -> int:
    """A whole number within limits."""
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return value
    what = f"a whole number from {low} to {high}"
    faults.add(path, f"{shown(value)} is not {what}.", value, (what,))
    return low


def read_flag(value: JsonValue, path: str, faults: Faults) -> bool:
    """True or false."""
    if isinstance(value, bool):
        return value
    faults.add(path, f"{shown(value)} is neither true nor false.", value, ("true", "false"))
    return False


def read_list(value: JsonValue, path: str, faults: Faults) -> list[JsonValue]:
    """A list with at least one and not too many items."""
    if isinstance(value, list) and 0 < len(value) <= MAX_VALUES:
        return value
    what = f"a list of 1 to {MAX_VALUES} values"
    faults.add(path, f"{shown(value)} is not {what}.", value, (what,))
    return []


def read_texts(value: JsonValue, path: str, faults: Faults) -> tuple[str, ...]:
    """One text, or a list of them, sorted."""
    items = read_list(value, path, faults) if isinstance(value, list) else [value]
    texts = {
        read_text(item, f"{path}[{i}]" if len(items) > 1 else path, faults)
        for i, item in enumerate(items)
    }
    return tuple(sorted(texts))


def read_zone(value: JsonValue, path: str, faults: Faults) -> str:
    """A time zone of the IANA database."""
    if isinstance(value, str) and value in _zones():
        return value
    near = tuple(sorted(_zones()))
    if isinstance(value, str):
        hint = did_you_mean(value, near)
        faults.add(
            path, f'"{value[:80]}" is not a time zone, as "Europe/Istanbul" is.{hint}', value
        )
    else:
        faults.add(path, f"{shown(value)} is not the name of a time zone.", value)
    return "UTC"


def read_duration(value: JsonValue, path: str, faults: Faults) -> int:
    """Milliseconds of a duration such as 90d."""
    if isinstance(value, str):
        try:
            duration = parse_duration(value)
        except ValueError:
            duration = 0
        if duration:
            return duration
    what = "a whole number above 0 and one of s, m, h, d, w, as in 90d"
    faults.add(path, f"{shown(value)} is not a duration: write {what}.", value, (what,))
    return 1


def read_moment(value: JsonValue, zone: str, path: str, faults: Faults) -> Bound:
    """A date or instant, or a duration that means so long ago."""
    if isinstance(value, str):
        if _is_iso(value):
            try:
                return Fixed(iso_millis(value, zone))
            except ValueError as error:
                faults.add(path, f'"{value}" is not a date: {error}.', value)
                return Fixed(0)
        try:
            return Ago(parse_duration(value))
        except ValueError:
            pass
    what = "an ISO 8601 date or instant, or a duration such as 30d that means so long ago"
    faults.add(path, f"{shown(value)} is not a moment: write {what}.", value, (what,))
    return Fixed(0)


def read_pattern(value: JsonValue, path: str, faults: Faults) -> str:
    """A regular expression that RE2 takes; it never runs longer than the text is."""
    text = read_text(value, path, faults)
    if len(text) > MAX_PATTERN:
        faults.add(path, f"A pattern has at most {MAX_PATTERN} characters.", value)
        return ""
    try:
        compile_pattern(text)
    except re2.error as error:
        faults.add(
            path,
            f"{shown(text)} is not an RE2 pattern: {_reason(error)}. "
            "Look-around and back-references do not exist there.",
            value,
        )
        return ""
    return text


def compile_pattern(text: str) -> re2._Regexp:
    """Compile with the meaning that the warehouse gives it. Raises re2.error."""
    options = re2.Options()
    options.log_errors = False
    return re2.compile(DOT_STOPS_AT_NEWLINE + text, options)


DOT_STOPS_AT_NEWLINE = "(?-s)"
"""Said in front of every pattern, because the two RE2s differ in their default."""


def iso_millis(text: str, zone: str) -> int:
    """The instant of an ISO text; without an offset it is read in the zone. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))
    return (aware - EPOCH) // timedelta(milliseconds=1)


def _is_iso(value: JsonValue) -> bool:
    return isinstance(value, str) and ISO.fullmatch(value) is not None


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else error
    return reason.decode() if isinstance(reason, bytes) else str(reason)


@cache
def _zones() -> frozenset[str]:
    return frozenset(z for z in available_timezones() if "/" in z or z == "UTC")
