"""Reads conditions over events: which ones, in which window, and what is measured of them."""

from __future__ import annotations

from tekil.kit.json import JsonValue
from tekil.segments import scalars
from tekil.segments.faults import Faults, shown
from tekil.segments.model import All as AllOf
from tekil.segments.model import (
    AnyOf,
    Computation,
    Computed,
    Condition,
    Edge,
    EdgeTime,
    EdgeValue,
    EventCount,
    EventDistinct,
    EventKind,
    EventNumber,
    EventPeriods,
    Events,
    Field,
    FieldTest,
    Not,
    Period,
    PropertyTest,
    Range,
    Sequence,
    Sum,
    When,
    Where,
    WhereAll,
    WhereAny,
    WhereNot,
    Window,
)
from tekil.segments.parse_tests import (
    NUMBER_KEYS,
    OPTION_KEYS,
    TEST_KEYS,
    Asked,
    read_range,
    read_tests,
    read_window,
    read_zone,
)

Object = dict[str, JsonValue]
FILTER_KEYS = ("event", "type", "where")
MEASURE_KEYS = (
    "count", "sum", "avg", "min", "max", "distinct", "days", "weeks", "first", "last",
)  # fmt: skip
EVENT_KEYS = (*FILTER_KEYS, "within", *MEASURE_KEYS, *NUMBER_KEYS, "zone")
SEQUENCE_KEYS = ("sequence", "within", "same", "without", "during")
WHERE_KEYS = ("property", "field", "all", "any", "not")
OWN_EVENTS = ("Segment Entered", "Segment Exited")
MAX_STEPS = 10
AT_LEAST_ONE = Range(low=1)


def read_event(value: Object, path: str, depth: int, faults: Faults) -> Condition:
    """A condition over the events of one person."""
    faults.keys(value, EVENT_KEYS, path)
    events = read_events(value, path, depth, faults)
    window = (
        read_window(value["within"], _at(path, "within"), faults) if "within" in value else Window()
    )
    said = [key for key in MEASURE_KEYS if key in value]
    if len(said) > 1:
        faults.add(path, f"Only one of {', '.join(said)} can be measured in one condition.")
    measure = said[0] if said else "count"
    if measure not in (*Sum, "distinct"):
        for key in NUMBER_KEYS:
            if key in value:
                hint = f'write {{"{measure}": {{"{key}": …}}}}'
                faults.add(_at(path, key), f'"{key}" belongs inside the measure: {hint}.')
    return _read_measure(measure, value, (events, window), path, faults)


def _read_measure(
    measure: str, value: Object, of: tuple[Events, Window], path: str, faults: Faults
) -> Condition:
    events, window = of
    at = _at(path, measure)
    match measure:
        case "count":
            inner = value.get("count", {"gte": 1})
            return count_condition(events, window, _read_inner_range(inner, at, faults))
        case "sum" | "avg" | "min" | "max":
            prop = scalars.read_path(value[measure], at, faults)
            limits = _read_own_range(value, path, faults)
            return EventNumber(events, window, Sum(measure), prop, limits)
        case "distinct":
            prop = scalars.read_path(value[measure], at, faults)
            return EventDistinct(events, window, prop, _read_own_range(value, path, faults))
        case "days" | "weeks":
            limits = _read_inner_range(value[measure], at, faults)
            zone = read_zone(value, path, faults)
            return EventPeriods(events, window, Period(measure), zone, limits)
        case _:
            return _read_edge(Edge(measure), value[measure], of, at, faults)


def count_condition(events: Events, window: Window, count: Range) -> Condition:
    """A count; "none at all" is the opposite of "at least one", which is cheaper to follow."""
    if count.holds(0) and not count.holds(1) and (count.low is None or count.low == 0):
        return Not(EventCount(events, window, AT_LEAST_ONE))
    if not count.holds(0) and count.holds(1) and count.high is None:
        return EventCount(events, window, AT_LEAST_ONE)
    return EventCount(events, window, count)


def _read_edge(
    edge: Edge, value: JsonValue, of: tuple[Events, Window], path: str, faults: Faults
) -> Condition:
    if not faults.is_object(value, path):
        return AnyOf(())
    if "property" in value:
        faults.keys(value, ("property", *TEST_KEYS, *OPTION_KEYS), path)
        prop = scalars.read_path(value["property"], _at(path, "property"), faults)
        leaves: list[Condition] = [
            negate(EdgeValue(*of, edge, prop, asked.test), asked)
            for asked in read_tests(value, path, faults)
        ]
        return leaves[0] if len(leaves) == 1 else AllOf(tuple(leaves))
    keys = ("within", "before", "after", "zone")
    faults.keys(value, (*keys, "property"), path)
    times: list[Condition] = [
        EdgeTime(*of, edge, asked.test.window)
        for asked in read_tests({k: v for k, v in value.items() if k in keys}, path, faults)
        if isinstance(asked.test, When)
    ]
    return times[0] if len(times) == 1 else AllOf(tuple(times))


def negate(leaf: Condition, asked: Asked) -> Condition:
    """The leaf, or its opposite if that was asked."""
    return Not(leaf) if asked.negated else leaf


def _read_inner_range(value: JsonValue, path: str, faults: Faults) -> Range:
    if not faults.is_object(value, path):
        return AT_LEAST_ONE
    faults.keys(value, NUMBER_KEYS, path)
    return _read_own_range(value, path, faults)


def _read_own_range(value: Object, path: str, faults: Faults) -> Range:
    if not any(key in value for key in NUMBER_KEYS):
        faults.add(path, "The measure is compared with nothing: add a limit.", None, NUMBER_KEYS)
        return AT_LEAST_ONE
    return read_range(value, path, faults, NUMBER_KEYS)


# ---- computed traits -----------------------------------------------------------------------------

OF_PROPERTY = (
    "sum", "avg", "min", "max", "first", "last", "most_frequent", "unique_list", "distinct",
)  # fmt: skip
COMPUTED_KEYS = (*FILTER_KEYS, "within", "count", *OF_PROPERTY, "days_since", "streak", "zone")


def read_computed(value: Object, path: str, faults: Faults) -> Computed:
    """The definition of a computed trait: some events and one thing made of them."""
    faults.keys(value, COMPUTED_KEYS, path)
    events = read_events(value, path, 1, faults)
    window = (
        read_window(value["within"], _at(path, "within"), faults) if "within" in value else Window()
    )
    kinds = ("count", *OF_PROPERTY, "days_since", "streak")
    said = [key for key in kinds if key in value]
    if len(said) != 1:
        faults.add(path, "A computed trait needs exactly one of these keys.", None, kinds)
        return Computed(events, window, Computation.COUNT)
    return _read_computation(said[0], value, (events, window), path, faults)


def _read_computation(
    key: str, value: Object, of: tuple[Events, Window], path: str, faults: Faults
) -> Computed:
    at = _at(path, key)
    if key in OF_PROPERTY:
        return Computed(*of, Computation(key), scalars.read_path(value[key], at, faults))
    said = value[key]
    allowed = {"count": (True,), "days_since": ("first", "last"), "streak": ("days",)}[key]
    if said not in allowed:
        words = tuple(str(word).lower() for word in allowed)
        faults.add(at, f"{shown(said)} is not {' or '.join(words)}.", said, words)
        return Computed(*of, Computation.COUNT)
    if key == "count":
        return Computed(*of, Computation.COUNT)
    if key == "streak":
        return Computed(*of, Computation.STREAK, zone=read_zone(value, path, faults))
    return Computed(*of, Computation(f"days_since_{said}"))


# ---- which events --------------------------------------------------------------------------------


def read_events(value: Object, path: str, depth: int, faults: Faults) -> Events:
    """The filter part of an event condition."""
    names = _read_event_names(value.get("event"), _at(path, "event"), faults)
    kind = EventKind.TRACK
    if "type" in value:
        said = value["type"]
        if isinstance(said, str) and said in tuple(EventKind):
            kind = EventKind(said)
        else:
            faults.unknown(str(said), tuple(EventKind), _at(path, "type"), "type of event")
    where: Where = WhereAll(())
    if "where" in value:
        where = _read_where_list(value["where"], _at(path, "where"), depth + 1, faults)
    return Events(names, kind, where)


def _read_event_names(value: JsonValue, path: str, faults: Faults) -> tuple[str, ...]:
    if value == "*":
        return ()
    items = scalars.read_list(value, path, faults) if isinstance(value, list) else [value]
    names = {scalars.read_name(item, path, faults) for item in items}
    for name in sorted(names.intersection(OWN_EVENTS)):
        faults.add(
            path,
            f'"{name}" comes from segments themselves and cannot decide a segment: '
            'write {"segment": …} instead.',
            name,
        )
    return tuple(sorted(names))


def _read_where_list(value: JsonValue, path: str, depth: int, faults: Faults) -> Where:
    if isinstance(value, dict):
        return _read_where(value, path, depth, faults)
    items = scalars.read_list(value, path, faults)
    read = tuple(_read_where(v, f"{path}[{i}]", depth, faults) for i, v in enumerate(items))
    return read[0] if len(read) == 1 else WhereAll(read)


def _read_where(value: JsonValue, path: str, depth: int, faults: Faults) -> Where:
    if not faults.enter(path, depth) or not faults.is_object(value, path):
        return WhereAll(())
    said = [key for key in WHERE_KEYS if key in value]
    if len(said) != 1:
        faults.keys(value, (*WHERE_KEYS, *TEST_KEYS, *OPTION_KEYS), path)
        faults.add(path, "A condition on an event needs exactly one of these keys.", None,
                   WHERE_KEYS)  # fmt: skip
        return WhereAll(())
    key = said[0]
    at = _at(path, key)
    if key in ("all", "any"):
        faults.keys(value, (key,), path)
        items = tuple(
            _read_where(item, f"{at}[{i}]", depth + 1, faults)
            for i, item in enumerate(scalars.read_list(value[key], at, faults))
        )
        return WhereAll(items) if key == "all" else WhereAny(items)
    if key == "not":
        faults.keys(value, (key,), path)
        return WhereNot(_read_where(value[key], at, depth + 1, faults))
    return _read_where_test(key, value, path, faults)


def _read_where_test(key: str, value: Object, path: str, faults: Faults) -> Where:
    faults.keys(value, (key, *TEST_KEYS, *OPTION_KEYS), path)
    at = _at(path, key)
    field: Field | None = None
    prop = ""
    if key == "field":
        said = value[key]
        if isinstance(said, str) and said in tuple(Field):
            field = Field(said)
        else:
            faults.unknown(str(said), tuple(Field), at, "field")
    else:
        prop = scalars.read_path(value[key], at, faults)
    tests: list[Where] = []
    for asked in read_tests(value, path, faults):
        one: Where = (
            FieldTest(field, asked.test) if field is not None else PropertyTest(prop, asked.test)
        )
        tests.append(WhereNot(one) if asked.negated else one)
    return tests[0] if len(tests) == 1 else WhereAll(tuple(tests))


# ---- sequences -----------------------------------------------------------------------------------


def read_sequence(value: Object, path: str, depth: int, faults: Faults) -> Condition:
    """Steps one after the other."""
    faults.keys(value, SEQUENCE_KEYS, path)
    at = _at(path, "sequence")
    steps = tuple(
        _read_step(item, f"{at}[{i}]", depth + 1, faults)
        for i, item in enumerate(scalars.read_list(value["sequence"], at, faults))
    )
    if not 2 <= len(steps) <= MAX_STEPS:
        faults.add(at, f"A sequence has 2 to {MAX_STEPS} steps, not {len(steps)}.")
    within = value.get("within")
    if isinstance(within, dict):
        faults.add(
            _at(path, "within"),
            'In a sequence "within" is the time from the first step to the last, such as "7d"; '
            'a window of time for all steps is "during".',
            within,
        )
        within = None
    return Sequence(
        steps=steps,
        within=scalars.read_duration(within, _at(path, "within"), faults) if within else None,
        same=scalars.read_path(value["same"], _at(path, "same"), faults)
        if "same" in value
        else None,
        without=_read_step(value["without"], _at(path, "without"), depth + 1, faults)
        if "without" in value
        else None,
        window=read_window(value["during"], _at(path, "during"), faults)
        if "during" in value
        else Window(),
    )


def _read_step(value: JsonValue, path: str, depth: int, faults: Faults) -> Events:
    if not faults.enter(path, depth) or not faults.is_object(value, path):
        return Events()
    faults.keys(value, FILTER_KEYS, path)
    if "event" not in value:
        faults.add(path, f"{shown(value)} names no event.", None, ("event",))
        return Events()
    return read_events(value, path, depth, faults)


def _at(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
