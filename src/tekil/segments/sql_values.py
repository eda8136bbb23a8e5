"""Tests of one value, as SQL: over a JSON property, a cleaned column, or a trait's JSON text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from tekil.segments.binding import Binder, quoted
from tekil.segments.model import (
    Exists,
    Field,
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
from tekil.segments.scalars import DOT_STOPS_AT_NEWLINE, ISO

REVENUE = "revenue"
"""The one property that has a column of its own, cleaned and exact."""
NO_TEXT = "CAST(NULL, 'Nullable(String)')"
NO_NUMBER = "CAST(NULL, 'Nullable(Float64)')"
NO_FLAG = "CAST(NULL, 'Nullable(Bool)')"
ISO_PATTERN = f"^{ISO.pattern}$"


@dataclass(frozen=True, slots=True)
class Operand:
    """A value as SQL, once for each type that it may have; each is NULL for the other types."""

    text: str
    number: str
    flag: str
    exists: str
    json: str
    """Its JSON text, '' when missing."""


def property_operand(path: str) -> Operand:
    """A property of an event."""
    if path == REVENUE:
        return Operand(
            text=NO_TEXT,
            number="toFloat64(revenue)",
            flag=NO_FLAG,
            exists="isNotNull(revenue)",
            json="ifNull(toString(revenue), '')",
        )
    at = property_column(path)
    return Operand(
        text=f"{at}.:String",
        number=f"coalesce({at}.:Float64, toFloat64({at}.:Int64))",
        flag=f"{at}.:Bool",
        exists=f"isNotNull({at})",
        json=f"ifNull(toJSONString({at}), '')",
    )


def property_column(path: str) -> str:
    """The column of a property inside the JSON column."""
    return "properties." + ".".join(quoted(part) for part in path.split("."))


def field_operand(field: Field) -> Operand:
    """A cleaned column of an event; empty is missing."""
    return Operand(
        text=f"nullIf({field.value}, '')",
        number=NO_NUMBER,
        flag=NO_FLAG,
        exists=f"({field.value} != '')",
        json=f"if({field.value} = '', '', toJSONString({field.value}))",
    )


def json_operand(json: str) -> Operand:
    """A JSON text, as traits are stored; '' and null are missing."""
    kind = f"JSONType({json})"
    return Operand(
        text=f"if({kind} = 'String', JSONExtractString({json}), NULL)",
        number=f"if({kind} IN ('Int64', 'UInt64', 'Double'), JSONExtractFloat({json}), NULL)",
        flag=f"if({kind} = 'Bool', JSONExtractBool({json}), NULL)",
        exists=f"({kind} != 'Null')",
        json=json,
    )


def test_sql(test: Test, operand: Operand, binder: Binder) -> str:
    """Whether the test holds; never NULL."""
    match test:
        case OneOf():
            return _one_of(test, operand, binder)
        case Range():
            return f"ifNull({range_sql(test, operand.number, binder)}, 0)"
        case TextHas():
            return f"ifNull({_text_has(test, operand.text, binder)}, 0)"
        case Matches(pattern=pattern):
            bound = binder.text(DOT_STOPS_AT_NEWLINE + pattern)
            return f"ifNull(match({operand.text}, {bound}), 0)"
        case Exists():
            return operand.exists
        case When(window=window, zone=zone):
            return (
                f"ifNull({window_sql(window, moment_sql(operand.text, zone, binder), binder)}, 0)"
            )
        case ListHas():
            return _list_has(test, operand, binder)
        case _:
            assert_never(test)


def _one_of(test: OneOf, operand: Operand, binder: Binder) -> str:
    parts: list[str] = []
    if test.texts:
        parts.append(_text_in(test, operand.text, binder))
    if test.numbers:
        parts.append(_is_in(operand.number, "Float64", list(test.numbers), binder))
    if test.flags:
        flags = [binder.bind("Bool", "true" if flag else "false") for flag in test.flags]
        parts.append(" OR ".join(f"{operand.flag} = {flag}" for flag in flags))
    joined = " OR ".join(f"ifNull({part}, 0)" for part in parts)
    return f"({joined})" if len(parts) > 1 else joined or "0"


def _text_in(test: OneOf, text: str, binder: Binder) -> str:
    if not test.ignore_case:
        return _is_in(text, "String", list(test.texts), binder)
    if len(test.texts) == 1:
        return f"{fold_sql(text)} = {fold_sql(binder.text(test.texts[0]))}"
    values = binder.bind("Array(String)", list(test.texts))
    return f"has(arrayMap(x -> {fold_sql('x')}, {values}), {fold_sql(text)})"


def _is_in(
    value: str, kind: str, wanted: list[str] | list[float] | list[int], binder: Binder
) -> str:
    if len(wanted) == 1:
        return f"{value} = {binder.bind(kind, wanted[0])}"
    return f"{value} IN {binder.bind(f'Array({kind})', wanted)}"


def range_sql(test: Range, value: str, binder: Binder, kind: str = "Float64") -> str:
    """Whether a number lies in a range."""
    parts: list[str] = []
    if test.low is not None and test.low == test.high:
        return f"{value} = {binder.bind(kind, test.low)}"
    if test.low is not None:
        parts.append(f"{value} {'>' if test.low_open else '>='} {binder.bind(kind, test.low)}")
    if test.high is not None:
        parts.append(f"{value} {'<' if test.high_open else '<='} {binder.bind(kind, test.high)}")
    return " AND ".join(parts) if len(parts) < 2 else f"({' AND '.join(parts)})"


def _text_has(test: TextHas, text: str, binder: Binder) -> str:
    found: list[str] = []
    for needle in test.needles:
        subject, bound = text, binder.text(needle)
        if test.ignore_case:
            subject, bound = fold_sql(text), fold_sql(bound)
        match test.mode:
            case TextMode.CONTAINS:
                found.append(f"position({subject}, {bound}) > 0")
            case TextMode.STARTS_WITH:
                found.append(f"startsWith({subject}, {bound})")
            case TextMode.ENDS_WITH:
                found.append(f"endsWith({subject}, {bound})")
    return " OR ".join(found) if len(found) == 1 else f"({' OR '.join(found)})"


def fold_sql(text: str) -> str:
    """The text without case, for Turkish too: I, İ, ı and i are one letter."""
    return f"lowerUTF8(translateUTF8({text}, 'İIı', 'iii'))"


def _list_has(test: ListHas, operand: Operand, binder: Binder) -> str:
    items = (
        f"if(JSONType({operand.json}) = 'Array', JSONExtractArrayRaw({operand.json}),"
        f" [{operand.json}])"
    )
    values = test.values
    if test.mode is ListMode.ANY:
        return f"arrayExists(x -> {_one_of(values, json_operand('x'), binder)}, {items})"
    singles = [OneOf(texts=(text,), ignore_case=values.ignore_case) for text in values.texts]
    singles += [OneOf(numbers=(number,)) for number in values.numbers]
    singles += [OneOf(flags=(flag,)) for flag in values.flags]
    found = (
        f"arrayExists(x -> {_one_of(single, json_operand('x'), binder)}, {items})"
        for single in singles
    )
    return f"({' AND '.join(found)})"


def moment_sql(text: str, zone: str, binder: Binder) -> str:
    """The instant of an ISO 8601 text, NULL for any other text."""
    pattern = binder.text(ISO_PATTERN)
    parsed = f"parseDateTime64BestEffortOrNull({text}, 3, {binder.text(zone)})"
    return f"if(match({text}, {pattern}), {parsed}, NULL)"


def window_sql(window: Window, moment: str, binder: Binder) -> str:
    """Whether a moment lies in a window."""
    parts: list[str] = []
    if window.low is not None:
        parts.append(f"{moment} >= {binder.moment(window.low)}")
    if window.high is not None:
        parts.append(f"{moment} < {binder.moment(window.high)}")
    return " AND ".join(parts) or "1"
