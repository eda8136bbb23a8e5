"""What a definition is, once it has been read: a closed set of frozen node kinds.

A definition is a tree of ``All``, ``AnyOf`` and ``Not`` over leaves. A leaf is always positive:
``is_not`` reads as ``Not`` of ``is``, so a missing value makes every negative form true.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

import msgspec


class Node(msgspec.Struct, frozen=True, tag=True):
    """Anything that can stand in a definition; equal nodes mean the same and are computed once."""


# ---- time --------------------------------------------------------------------------------------


class Fixed(Node, frozen=True):
    """An instant."""

    at: int


class Ago(Node, frozen=True):
    """``ms`` before now; negative is ahead. The instant itself lies before the boundary."""

    ms: int


class DayStart(Node, frozen=True):
    """Midnight in ``zone``, ``days`` after the midnight that began today."""

    days: int
    zone: str


Bound: TypeAlias = Fixed | Ago | DayStart


class Window(Node, frozen=True):
    """A stretch of time ``[low, high)``; None is open."""

    low: Bound | None = None
    high: Bound | None = None


# ---- tests of one value --------------------------------------------------------------------------


class TextMode(StrEnum):
    """How a text is searched."""

    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"


class ListMode(StrEnum):
    """How many of the wanted values a list must hold."""

    ANY = "has_any"
    ALL = "has_all"


class OneOf(Node, frozen=True):
    """Equal to one of these, text with text, number with number, flag with flag."""

    texts: tuple[str, ...] = ()
    numbers: tuple[float, ...] = ()
    flags: tuple[bool, ...] = ()
    ignore_case: bool = False


class Range(Node, frozen=True):
    """A number between two limits; None is open."""

    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False

    def holds(self, value: float) -> bool:
        """Whether the number lies inside."""
        if self.low is not None and (value <= self.low if self.low_open else value < self.low):
            return False
        return self.high is None or (value < self.high if self.high_open else value <= self.high)


class TextHas(Node, frozen=True):
    """A text that contains, starts or ends with one of the needles."""

    mode: TextMode
    needles: tuple[str, ...]
    ignore_case: bool = False


class Matches(Node, frozen=True):
    """A text in which the RE2 pattern is found."""

    pattern: str


class Exists(Node, frozen=True):
    """Any value but null."""


class When(Node, frozen=True):
    """A text that is an ISO 8601 date or instant and lies in the window."""

    window: Window
    zone: str = "UTC"


class ListHas(Node, frozen=True):
    """A list that holds any or all of the values; a single value counts as a list of one."""

    mode: ListMode
    values: OneOf


Test: TypeAlias = OneOf | Range | TextHas | Matches | Exists | When | ListHas


# ---- which events --------------------------------------------------------------------------------


class Field(StrEnum):
    """A cleaned column that every event has; an empty one is missing."""

    CHANNEL = "channel"
    DEVICE = "device"
    OS = "os"
    BROWSER = "browser"
    COUNTRY = "country"
    CITY = "city"
    CURRENCY = "currency"
    UTM_SOURCE = "utm_source"
    UTM_MEDIUM = "utm_medium"
    UTM_CAMPAIGN = "utm_campaign"
    REFERRER_HOST = "referrer_host"


class PropertyTest(Node, frozen=True):
    """A test of one property, named by its dotted path."""

    path: str
    test: Test


class FieldTest(Node, frozen=True):
    """A test of one cleaned column."""

    field: Field
    test: Test


class WhereAll(Node, frozen=True):
    """All hold; none is true."""

    items: tuple[Where, ...]


class WhereAny(Node, frozen=True):
    """At least one holds."""

    items: tuple[Where, ...]


class WhereNot(Node, frozen=True):
    """It does not hold."""

    item: Where


Where: TypeAlias = PropertyTest | FieldTest | WhereAll | WhereAny | WhereNot


class EventKind(StrEnum):
    """Which calls of the tracking specification are meant."""

    TRACK = "track"
    PAGE = "page"
    SCREEN = "screen"
    IDENTIFY = "identify"
    GROUP = "group"
    ALIAS = "alias"
    ANY = "any"


class Events(Node, frozen=True):
    """Some events: by kind, name (none given: every name) and their own properties."""

    names: tuple[str, ...] = ()
    kind: EventKind = EventKind.TRACK
    where: Where = WhereAll(())


# ---- leaves --------------------------------------------------------------------------------------


class TraitTest(Node, frozen=True):
    """A trait's present value."""

    name: str
    test: Test


class EventCount(Node, frozen=True):
    """How many events there were in the window."""

    events: Events
    window: Window
    count: Range


class Sum(StrEnum):
    """An aggregate of a number over events; sum of none is 0, the others of none are missing."""

    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"


class EventNumber(Node, frozen=True):
    """An aggregate of a numeric property."""

    events: Events
    window: Window
    how: Sum
    path: str
    range: Range


class EventDistinct(Node, frozen=True):
    """How many different values a property had."""

    events: Events
    window: Window
    path: str
    count: Range


class Period(StrEnum):
    """A calendar unit; weeks begin on Monday."""

    DAYS = "days"
    WEEKS = "weeks"


class EventPeriods(Node, frozen=True):
    """On how many different days or weeks of a zone there were events."""

    events: Events
    window: Window
    period: Period
    zone: str
    count: Range


class Edge(StrEnum):
    """One end of a history."""

    FIRST = "first"
    LAST = "last"


class EdgeTime(Node, frozen=True):
    """When the first or last of the events in the window was."""

    events: Events
    window: Window
    edge: Edge
    when: Window


class EdgeValue(Node, frozen=True):
    """A property of the first or last of the events in the window."""

    events: Events
    window: Window
    edge: Edge
    path: str
    test: Test


class Sequence(Node, frozen=True):
    """Steps one strictly after the other, at most ``within`` ms from first to last."""

    steps: tuple[Events, ...]
    within: int | None = None
    same: str | None = None
    """A property that must have one and the same value at every step."""
    without: Events | None = None
    """Events that must not lie strictly between the first and the last step."""
    window: Window = Window()
    """All steps lie in it."""


class Computation(StrEnum):
    """How a computed trait is made of events."""

    COUNT = "count"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    FIRST = "first"
    LAST = "last"
    MOST_FREQUENT = "most_frequent"
    UNIQUE_LIST = "unique_list"
    DISTINCT = "distinct"
    DAYS_SINCE_FIRST = "days_since_first"
    DAYS_SINCE_LAST = "days_since_last"
    STREAK = "streak"


class Computed(Node, frozen=True):
    """A value computed from the events in a window.

    ``first``, ``last``: of a property. ``most_frequent``: ties go to the first in order.
    ``streak``: days of the zone in a row with an event, up to today or yesterday.
    """

    events: Events
    window: Window
    how: Computation
    path: str = ""
    zone: str = "UTC"


class ComputedTest(Node, frozen=True):
    """A test of a computed value."""

    computed: Computed
    test: Test

    @property
    def events(self) -> Events:
        """The events that it is computed from."""
        return self.computed.events

    @property
    def window(self) -> Window:
        """The window that they lie in."""
        return self.computed.window


class InSegment(Node, frozen=True):
    """Member of another segment."""

    name: str


class InList(Node, frozen=True):
    """On an uploaded list."""

    name: str


class ConsentStatus(StrEnum):
    """What the ledger says about a purpose."""

    GRANTED = "granted"
    DENIED = "denied"
    UNKNOWN = "unknown"


class Consent(Node, frozen=True):
    """The state of consent for a purpose."""

    purpose: str
    status: ConsentStatus


class RandomBucket(Node, frozen=True):
    """A stable share of everybody, in millionths."""

    millionths: int
    salt: str


class Quantifier(StrEnum):
    """How many of a person's accounts must fulfil a condition."""

    ANY = "any"
    ALL = "all"
    NONE = "none"


class OfAccounts(Node, frozen=True):
    """A condition over the accounts of a person; all means all of at least one."""

    quantifier: Quantifier
    condition: Condition


class All(Node, frozen=True):
    """All hold; an empty one is everybody."""

    items: tuple[Condition, ...]


class AnyOf(Node, frozen=True):
    """At least one holds; an empty one is nobody."""

    items: tuple[Condition, ...]


class Not(Node, frozen=True):
    """It does not hold."""

    item: Condition


EventLeaf: TypeAlias = (
    EventCount
    | EventNumber
    | EventDistinct
    | EventPeriods
    | EdgeTime
    | EdgeValue
    | Sequence
    | ComputedTest
)
StaticLeaf: TypeAlias = InList | Consent | RandomBucket
Leaf: TypeAlias = TraitTest | EventLeaf | StaticLeaf | OfAccounts
Condition: TypeAlias = Leaf | InSegment | All | AnyOf | Not
