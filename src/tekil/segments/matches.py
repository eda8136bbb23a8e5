"""Says by plain reading of one person's history whether a condition holds.

This is the meaning of a definition, written as directly as possible and slow. It shares nothing
with the compiler but the model, so that each can be tested against the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Sequence as List
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias
from zoneinfo import ZoneInfo

import re2

from tekil.kit.json import JsonValue, encode
from tekil.segments import model as m

_ISO = re2.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2})?(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})?)?"
)
Value: TypeAlias = "JsonValue | Decimal"
_OWN = ("Segment Entered", "Segment Exited")


@dataclass(frozen=True, slots=True)
class Happening:
    """An event as the judgement sees it."""

    at: int
    type: str
    name: str
    message_id: str
    properties: Mapping[str, JsonValue]
    fields: Mapping[str, str] = field(default_factory=dict)
    revenue: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that is known about a person or an account at an instant."""

    id: int
    events: List[Happening]
    traits: Mapping[str, JsonValue]
    lists: frozenset[str] = frozenset()
    accounts: List[Known] = ()
    in_bucket: Callable[[m.RandomBucket], bool] = lambda _leaf: False


def matches(
    condition: m.Condition,
    who: Known,
    now: int,
    segments: Mapping[str, m.Condition] | None = None,
) -> bool:
    """Whether the condition holds for somebody at an instant."""
    return _Judge(who, now, segments or {}).holds(condition)


@dataclass(frozen=True, slots=True)
class _Judge:
    who: Known
    now: int
    segments: Mapping[str, m.Condition]

    def holds(self, c: m.Condition) -> bool:
        if isinstance(c, m.All):
            return all(self.holds(item) for item in c.items)
        if isinstance(c, m.AnyOf):
            return any(self.holds(item) for item in c.items)
        if isinstance(c, m.Not):
            return not self.holds(c.item)
        if isinstance(c, m.InSegment):
            return self.holds(self.segments[c.name])
        if isinstance(c, m.TraitTest):
            return self.test(c.test, self.who.traits.get(c.name))
        if isinstance(c, m.InList):
            return c.name in self.who.lists
        if isinstance(c, m.Consent):
            return c.status is m.ConsentStatus.UNKNOWN
        if isinstance(c, m.RandomBucket):
            return self.who.in_bucket(c)
        if isinstance(c, m.OfAccounts):
            found = [_Judge(a, self.now, {}).holds(c.condition) for a in self.who.accounts]
            if c.quantifier is m.Quantifier.ANY:
                return any(found)
            return (
                bool(found) and all(found) if c.quantifier is m.Quantifier.ALL else not any(found)
            )
        if isinstance(c, m.Sequence):
            return self.sequence(c)
        if isinstance(c, m.ComputedTest):
            return self.test(c.test, self.computed(c.computed))
        return self.events(c)

    def events(
        self,
        c: m.EventCount
        | m.EventNumber
        | m.EventDistinct
        | m.EventPeriods
        | m.EdgeTime
        | m.EdgeValue,
    ) -> bool:
        found = self.picked(c.events, c.window)
        if isinstance(c, m.EventCount):
            return _inside(c.count, len(found))
        if isinstance(c, m.EventDistinct):
            values = (_lookup(e, c.path) for e in found)
            return _inside(c.count, len({_key(v) for v in values if v is not None}))
        if isinstance(c, m.EventPeriods):
            return _inside(c.count, len({_period(e.at, c) for e in found}))
        if isinstance(c, m.EventNumber):
            numbers = [n for e in found if (n := _number(_lookup(e, c.path))) is not None]
            value = _aggregate(c.how, numbers)
            return value is not None and _inside(c.range, value)
        if not found:
            return False
        ends = sorted(found, key=lambda e: (e.at, e.message_id))
        end = ends[0] if c.edge is m.Edge.FIRST else ends[-1]
        if isinstance(c, m.EdgeTime):
            return self.within(c.when, end.at)
        return self.test(c.test, _lookup(end, c.path))

    def picked(self, wanted: m.Events, window: m.Window) -> list[Happening]:
        return [e for e in self.who.events if self.is_one(wanted, e) and self.within(window, e.at)]

    def is_one(self, wanted: m.Events, event: Happening) -> bool:
        if wanted.kind is not m.EventKind.ANY and event.type != wanted.kind.value:
            return False
        named = event.name in wanted.names if wanted.names else event.name not in _OWN
        return named and self.where(wanted.where, event)

    def where(self, where: m.Where, event: Happening) -> bool:
        if isinstance(where, m.WhereAll):
            return all(self.where(item, event) for item in where.items)
        if isinstance(where, m.WhereAny):
            return any(self.where(item, event) for item in where.items)
        if isinstance(where, m.WhereNot):
            return not self.where(where.item, event)
        if isinstance(where, m.FieldTest):
            return self.test(where.test, event.fields.get(where.field.value) or None)
        return self.test(where.test, _lookup(event, where.path))

    def sequence(self, c: m.Sequence) -> bool:
        if c.same is None:
            return self.chain(c, None)
        keys = (_lookup(e, c.same) for e in self.who.events)
        return any(self.chain(c, key) for key in {_key(k) for k in keys if _key(k)})

    def chain(self, c: m.Sequence, key: str | None) -> bool:
        """Try every start, and from there the earliest way through the steps."""
        steps = [
            sorted(
                e.at
                for e in self.picked(step, c.window)
                if key is None or _key(_lookup(e, c.same or "")) == key
            )
            for step in c.steps
        ]
        between = [] if c.without is None else [e.at for e in self.picked(c.without, c.window)]
        for start in steps[0]:
            at: int | None = start
            for times in steps[1:]:
                at = next((t for t in times if at is not None and t > at), None)
            if at is None or (c.within is not None and at - start > c.within):
                continue
            if not any(start < t < at for t in between):
                return True
        return False

    def computed(self, c: m.Computed) -> Value:
        """The value of a computed trait; None when missing."""
        found = sorted(self.picked(c.events, c.window), key=lambda e: (e.at, e.message_id))
        how = c.how
        if how is m.Computation.COUNT:
            return len(found)
        if how is m.Computation.STREAK:
            return self.streak({self.day(e.at, c.zone) for e in found}, c.zone)
        if how in (m.Computation.DAYS_SINCE_FIRST, m.Computation.DAYS_SINCE_LAST):
            if not found:
                return None
            end = found[0] if how is m.Computation.DAYS_SINCE_FIRST else found[-1]
            return max(self.now - end.at, 0) // 86_400_000
        values = [_lookup(e, c.path) for e in found]
        if how is m.Computation.FIRST:
            return values[0] if values else None
        if how is m.Computation.LAST:
            return values[-1] if values else None
        return _summary(how, [value for value in values if value is not None])

    def day(self, at: int, zone: str) -> date:
        return datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).date()

    def streak(self, days: set[date], zone: str) -> int:
        day = self.day(self.now, zone)
        if day not in days:
            day -= timedelta(days=1)
        run = 0
        while day in days:
            run += 1
            day -= timedelta(days=1)
        return run

    # ---- time and values -------------------------------------------------------------------------

    def within(self, window: m.Window, at: int) -> bool:
        low, high = window.low, window.high
        return (low is None or at >= self.bound(low)) and (high is None or at < self.bound(high))

    def bound(self, bound: m.Bound) -> int:
        if isinstance(bound, m.Fixed):
            return bound.at
        if isinstance(bound, m.Ago):
            return self.now - bound.ms + 1
        zone = ZoneInfo(bound.zone)
        today = datetime.fromtimestamp(self.now / 1000, zone).date()
        day = today + timedelta(days=bound.days)
        return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * 1000

    def test(self, test: m.Test, value: Value) -> bool:
        if value is None:
            return False
        if isinstance(test, m.Exists):
            return True
        if isinstance(test, m.OneOf):
            return _equals(test, value)
        if isinstance(test, m.Range):
            number = _number(value)
            return number is not None and _inside(test, float(number))
        if isinstance(test, m.ListHas):
            return _list_has(test, value)
        if not isinstance(value, str):
            return False
        if isinstance(test, m.TextHas):
            return _text_has(test, value)
        if isinstance(test, m.Matches):
            return re2.search("(?-s)" + test.pattern, value) is not None
        at = _moment(value, test.zone)
        return at is not None and self.within(test.window, at)


def _inside(limits: m.Range, value: float | Fraction) -> bool:
    low, high = limits.low, limits.high
    if low is not None and (value < low or (limits.low_open and value == low)):
        return False
    return high is None or value < high or (not limits.high_open and value == high)


def _aggregate(how: m.Sum, numbers: list[float | Decimal]) -> float | Fraction | None:
    if how in (m.Sum.MIN, m.Sum.MAX):
        ends = [float(n) for n in numbers]
        return (min(ends) if how is m.Sum.MIN else max(ends)) if ends else None
    exact = [Fraction(round(n * 1_000_000), 1_000_000) for n in numbers]
    total = sum(exact, Fraction(0))
    if how is m.Sum.SUM:
        return total
    return total / len(exact) if exact else None


def _summary(how: m.Computation, values: list[Value]) -> Value:
    if how is m.Computation.DISTINCT:
        return len({_key(value) for value in values})
    by_text = {_json(value): value for value in values}
    if how is m.Computation.UNIQUE_LIST:
        listed = [_plain(by_text[text]) for text in sorted(by_text)][:100]
        return listed or None
    if how is m.Computation.MOST_FREQUENT:
        counts = Counter(_json(value) for value in values)
        ranked = sorted(by_text, key=lambda text: (-counts[text], text))
        return by_text[ranked[0]] if ranked else None
    numbers = [n for value in values if (n := _number(value)) is not None]
    found = _aggregate(m.Sum(how.value), numbers)
    return None if found is None else float(found)


def _plain(value: Value) -> JsonValue:
    return float(value) if isinstance(value, Decimal) else value


def _json(value: Value) -> bytes:
    if isinstance(value, float) and value.is_integer():
        return encode(int(value))
    return encode(_plain(value))


def _lookup(event: Happening, path: str) -> Value:
    if path == "revenue":
        return event.revenue
    value: JsonValue = dict(event.properties)
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return None if isinstance(value, dict) else value


def _number(value: Value) -> float | Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return value if isinstance(value, Decimal) else float(value)


def _key(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)


def _period(at: int, c: m.EventPeriods) -> object:
    day = datetime.fromtimestamp(at / 1000, ZoneInfo(c.zone)).date()
    return day if c.period is m.Period.DAYS else day - timedelta(days=day.weekday())


def _equals(test: m.OneOf, value: Value) -> bool:
    if isinstance(value, bool):
        return value in test.flags
    if isinstance(value, int | float | Decimal):
        return float(value) in test.numbers
    if not isinstance(value, str):
        return False
    if test.ignore_case:
        return _fold(value) in {_fold(text) for text in test.texts}
    return value in test.texts


def _list_has(test: m.ListHas, value: Value) -> bool:
    items: Iterable[Value] = value if isinstance(value, list) else [value]
    values, case = test.values, test.values.ignore_case
    singles = [m.OneOf(texts=(t,), ignore_case=case) for t in values.texts]
    singles += [m.OneOf(numbers=(n,)) for n in values.numbers]
    singles += [m.OneOf(flags=(f,)) for f in values.flags]
    found = [any(_equals(single, item) for item in items) for single in singles]
    return any(found) if test.mode is m.ListMode.ANY else all(found)


def _text_has(test: m.TextHas, value: str) -> bool:
    text = _fold(value) if test.ignore_case else value
    needles = [_fold(n) if test.ignore_case else n for n in test.needles]
    if test.mode is m.TextMode.CONTAINS:
        return any(needle in text for needle in needles)
    if test.mode is m.TextMode.STARTS_WITH:
        return any(text.startswith(needle) for needle in needles)
    return any(text.endswith(needle) for needle in needles)


def _fold(text: str) -> str:
    for letter in "İIı":
        text = text.replace(letter, "i")
    return text.lower()


def _moment(text: str, zone: str) -> int | None:
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    day, minutes, seconds, fraction, offset = found.groups()
    try:
        at = datetime.fromisoformat(f"{day}T{minutes or '00:00'}{seconds or ':00'}{offset or ''}")
    except ValueError:
        return None
    aware = at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))
    whole = (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    return whole * 1000 + int((fraction or "0").ljust(3, "0")[:3])
