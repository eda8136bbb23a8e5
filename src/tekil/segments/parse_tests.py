"""Reads what is asked of a value: {"is": "TR"}, {"gte": 18}, {"within": {"last": "7d"}}."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tekil.kit.json import JsonValue
from tekil.segments import scalars
from tekil.segments.faults import Faults, shown
from tekil.segments.model import (
    Ago,
    Bound,
    DayStart,
    Exists,
    Fixed,
    ListHas,
    ListMode,
    Matches,
    OneOf,
    Range,
    Test,
    TextHas,
    TextMode,
    When,
    Window,
)
from tekil.segments.windows import NOW

Object = dict[str, JsonValue]
NUMBER_KEYS = ("eq", "gt", "gte", "lt", "lte", "between")
MOMENT_KEYS = ("before", "after", "within")
TEST_KEYS = (
    "is", "is_not", "in", "not_in", "gt", "gte", "lt", "lte", "between",
    "contains", "not_contains", "starts_with", "ends_with", "matches", "exists",
    *MOMENT_KEYS, "has_any", "has_all",
)  # fmt: skip
OPTION_KEYS = ("ignore_case", "zone")
WINDOW_KEYS = ("last", "next", "between", "before", "after", "last_days", "next_days", "zone")
MAX_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class Asked:
    """One test, and whether its opposite is asked."""

    test: Test
    negated: bool = False


def read_tests(value: Object, path: str, faults: Faults) -> list[Asked]:
    """Every test that the object's keys ask; all of them must hold."""
    asked: list[Asked] = []
    ignore_case = (
        scalars.read_flag(value["ignore_case"], f"{path}.ignore_case", faults)
        if "ignore_case" in value
        else False
    )
    zone = read_zone(value, path, faults)
    for key in TEST_KEYS:
        if key in value and key not in NUMBER_KEYS:
            reader = _READERS[key]
            asked.append(reader(value[key], f"{path}.{key}", faults, ignore_case, zone))
    if any(key in value for key in NUMBER_KEYS):
        asked.append(_read_between_or_range(value, path, faults, zone))
    if not asked:
        faults.add(path, "Nothing is asked of the value: add one test.", None, TEST_KEYS)
    return asked


def read_zone(value: Object, path: str, faults: Faults) -> str:
    """The zone in which dates without an offset are read; UTC unless said."""
    return scalars.read_zone(value["zone"], f"{path}.zone", faults) if "zone" in value else "UTC"


def read_range(value: Object, path: str, faults: Faults, keys: tuple[str, ...]) -> Range:
    """The numeric limits that these keys of an object set."""
    low: tuple[float, bool] | None = None
    high: tuple[float, bool] | None = None
    for key in keys:
        if key not in value:
            continue
        at = f"{path}.{key}"
        if key == "between":
            pair = read_pair(value[key], at, faults)
            numbers = [scalars.read_number(v, f"{at}[{i}]", faults) for i, v in enumerate(pair)]
            low, high = (numbers[0], False), (numbers[1], False)
            continue
        number = scalars.read_number(value[key], at, faults)
        if key in ("gt", "gte", "eq"):
            low = (number, key == "gt")
        if key in ("lt", "lte", "eq"):
            high = (number, key == "lt")
    if low and high and (low[0] > high[0] or (low[0] == high[0] and (low[1] or high[1]))):
        faults.add(path, f"No number lies between {low[0]:g} and {high[0]:g} as written.")
    return Range(
        low=low[0] if low else None,
        high=high[0] if high else None,
        low_open=bool(low and low[1]),
        high_open=bool(high and high[1]),
    )


def read_pair(value: JsonValue, path: str, faults: Faults) -> list[JsonValue]:
    """A list of exactly two values."""
    if isinstance(value, list) and len(value) == 2:
        return value
    faults.add(path, f"{shown(value)} is not a list of two values.", value, ("[from, to]",))
    return [0, 1]


def read_window(value: JsonValue, path: str, faults: Faults) -> Window:
    """A stretch of time: {"last": "90d"}, {"between": ["2026-01-01", "2026-02-01"]}, …"""
    if not faults.is_object(value, path):
        return Window()
    faults.keys(value, WINDOW_KEYS, path)
    said = [key for key in WINDOW_KEYS if key in value and key != "zone"]
    if len(said) != 1 and set(said) != {"before", "after"}:
        faults.add(path, "A window needs exactly one of these keys.", None, WINDOW_KEYS[:-1])
        return Window()
    zone = read_zone(value, path, faults)
    low, high = _read_bounds(value, said[0], zone, path, faults)
    if len(said) == 2:
        low = scalars.read_moment(value["after"], zone, f"{path}.after", faults)
        high = scalars.read_moment(value["before"], zone, f"{path}.before", faults)
    _check_order(low, high, path, faults)
    return Window(low, high)


def _read_bounds(
    value: Object, key: str, zone: str, path: str, faults: Faults
) -> tuple[Bound | None, Bound | None]:
    at = f"{path}.{key}"
    match key:
        case "last":
            return Ago(scalars.read_duration(value[key], at, faults)), NOW
        case "next":
            return NOW, Ago(-scalars.read_duration(value[key], at, faults))
        case "last_days":
            days = scalars.read_whole(value[key], at, faults, 1, MAX_DAYS)
            return DayStart(1 - days, zone), DayStart(1, zone)
        case "next_days":
            days = scalars.read_whole(value[key], at, faults, 1, MAX_DAYS)
            return DayStart(1, zone), DayStart(1 + days, zone)
        case "before":
            return None, scalars.read_moment(value[key], zone, at, faults)
        case "after":
            return scalars.read_moment(value[key], zone, at, faults), None
        case _:
            first, second = read_pair(value[key], at, faults)
            return (
                scalars.read_moment(first, zone, f"{at}[0]", faults),
                scalars.read_moment(second, zone, f"{at}[1]", faults),
            )


def _check_order(low: Bound | None, high: Bound | None, path: str, faults: Faults) -> None:
    fixed = isinstance(low, Fixed) and isinstance(high, Fixed) and low.at >= high.at
    if fixed or (isinstance(low, Ago) and isinstance(high, Ago) and low.ms <= high.ms):
        faults.add(path, "The window ends before it begins: write the earlier moment first.")


# ---- one reader for each kind of test ------------------------------------------------------------

_Reader = Callable[[JsonValue, str, Faults, bool, str], Asked]


def read_values(value: JsonValue, path: str, faults: Faults, ignore_case: bool) -> OneOf:
    """Texts, numbers and flags that a value may be equal to."""
    texts: set[str] = set()
    numbers: set[float] = set()
    flags: set[bool] = set()
    items = scalars.read_list(value, path, faults) if isinstance(value, list) else [value]
    for item in items:
        if isinstance(item, bool):
            flags.add(item)
        elif isinstance(item, int | float):
            numbers.add(scalars.read_number(item, path, faults) + 0.0)
        elif isinstance(item, str):
            texts.add(scalars.read_text(item, path, faults))
        else:
            hint = ' Ask {"exists": false} for a missing value.' if item is None else ""
            faults.add(
                path, f"{shown(item)} cannot be compared.{hint}", item,
                ("a text", "a number", "true", "false"),
            )  # fmt: skip
    return OneOf(tuple(sorted(texts)), tuple(sorted(numbers)), tuple(sorted(flags)), ignore_case)


def _equal(negated: bool, listed: bool) -> _Reader:
    def read(value: JsonValue, path: str, faults: Faults, ignore_case: bool, _zone: str) -> Asked:
        if listed:
            value = scalars.read_list(value, path, faults) if not isinstance(value, list) else value
        elif isinstance(value, list):
            faults.add(path, "One value is expected here; use in or not_in for a list.", value)
        return Asked(read_values(value, path, faults, ignore_case), negated)

    return read


def _text(mode: TextMode, negated: bool = False) -> _Reader:
    def read(value: JsonValue, path: str, faults: Faults, ignore_case: bool, _zone: str) -> Asked:
        return Asked(TextHas(mode, scalars.read_texts(value, path, faults), ignore_case), negated)

    return read


def _list(mode: ListMode) -> _Reader:
    def read(value: JsonValue, path: str, faults: Faults, ignore_case: bool, _zone: str) -> Asked:
        items = scalars.read_list(value, path, faults) if not isinstance(value, list) else value
        return Asked(ListHas(mode, read_values(items, path, faults, ignore_case)))

    return read


def _matches(value: JsonValue, path: str, faults: Faults, _case: bool, _zone: str) -> Asked:
    return Asked(Matches(scalars.read_pattern(value, path, faults)))


def _exists(value: JsonValue, path: str, faults: Faults, _case: bool, _zone: str) -> Asked:
    return Asked(Exists(), negated=not scalars.read_flag(value, path, faults))


def _before(value: JsonValue, path: str, faults: Faults, _case: bool, zone: str) -> Asked:
    return Asked(When(Window(None, scalars.read_moment(value, zone, path, faults)), zone))


def _after(value: JsonValue, path: str, faults: Faults, _case: bool, zone: str) -> Asked:
    return Asked(When(Window(scalars.read_moment(value, zone, path, faults)), zone))


def _within(value: JsonValue, path: str, faults: Faults, _case: bool, zone: str) -> Asked:
    if isinstance(value, dict) and zone != "UTC" and "zone" not in value:
        value = {**value, "zone": zone}
    return Asked(When(read_window(value, path, faults), zone))


def _read_between_or_range(value: Object, path: str, faults: Faults, zone: str) -> Asked:
    pair = value.get("between")
    if isinstance(pair, list) and any(isinstance(item, str) for item in pair):
        low, high = (
            scalars.read_moment(item, zone, f"{path}.between[{i}]", faults)
            for i, item in enumerate(read_pair(pair, f"{path}.between", faults))
        )
        _check_order(low, high, f"{path}.between", faults)
        return Asked(When(Window(low, high), zone))
    return Asked(read_range(value, path, faults, NUMBER_KEYS))


_READERS: dict[str, _Reader] = {
    "is": _equal(negated=False, listed=False),
    "is_not": _equal(negated=True, listed=False),
    "in": _equal(negated=False, listed=True),
    "not_in": _equal(negated=True, listed=True),
    "contains": _text(TextMode.CONTAINS),
    "not_contains": _text(TextMode.CONTAINS, negated=True),
    "starts_with": _text(TextMode.STARTS_WITH),
    "ends_with": _text(TextMode.ENDS_WITH),
    "matches": _matches,
    "exists": _exists,
    "before": _before,
    "after": _after,
    "within": _within,
    "has_any": _list(ListMode.ANY),
    "has_all": _list(ListMode.ALL),
}
