"""One cell: from what the file holds to what the message says, or why that cannot be."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, tzinfo
from datetime import time as time_of_day
from decimal import Decimal
from typing import cast

import msgspec

from tekil.collect.files import fields
from tekil.collect.files.model import Column, Row, Value, ValueType
from tekil.collect.files.values import (
    ISO,
    MISSING,
    MISSING_TYPED,
    UNIX,
    UNIX_MS,
    parse_boolean,
    parse_date,
    parse_number,
)
from tekil.kit.clock import from_datetime, to_iso
from tekil.kit.json import decode

Reading = Callable[[Value], Value]
"""Reads a cell; None is no value. Raises ValueError for one that does not fit."""

Object = dict[str, Value]
"""The cells of a row by the fields that they go to; an object of a message."""

_WHOLE = ("traits", "properties", "products")


class RowError(ValueError):
    """Why a row cannot become a message, with the line that is to blame."""

    def __init__(self, line: int, detail: str) -> None:
        super().__init__(detail)
        self.line = line
        self.detail = detail


def reading(column: Column, zone: tzinfo) -> Reading:
    """How the cells of a column are read."""
    if column.target in fields.ALWAYS_TEXT or column.target.startswith("id:"):
        return read_id
    match column.type:
        case ValueType.TEXT:
            return read_text
        case ValueType.NUMBER:
            return number_reading(column.format or ".")
        case ValueType.DATE:
            return date_reading(column.format or ISO, zone, instant=column.target == "timestamp")
        case ValueType.BOOLEAN:
            return read_boolean
        case ValueType.JSON:
            return read_json if column.target in _WHOLE else _present


def _present(value: Value) -> Value:
    if isinstance(value, str):
        return read_text(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_text(value: Value) -> Value:
    """Text without the blanks around it; other values as they are."""
    if not isinstance(value, str):
        return _present(value)
    bare = value.strip()
    return None if bare in MISSING else bare


def read_id(value: Value) -> str | None:
    """Text in any case: 42 and 42.0 are "42"."""
    match value:
        case None:
            return None
        case str():
            bare = value.strip()
            return None if bare in MISSING else bare
        case bool() | list() | dict():
            raise ValueError(f"{_shown(value)} is not a text")
        case float() if not math.isfinite(value):
            return None
        case int():
            return str(value)
        case float() | Decimal():
            return str(int(value)) if value == int(value) else str(value)


def number_reading(decimal: str) -> Reading:
    """How numbers with one decimal sign are read."""

    def read(value: Value) -> Value:
        match value:
            case None:
                return None
            case str():
                bare = value.strip()
                if bare in MISSING_TYPED:
                    return None
                found = parse_number(bare, decimal)
                if found is None:
                    raise ValueError(f'"{_cut(bare)}" is not a number with decimal "{decimal}"')
                return plain_number(found)
            case bool() | list() | dict():
                raise ValueError(f"{_shown(value)} is not a number")
            case float():
                return value if math.isfinite(value) else None
            case int():
                return value
            case Decimal():
                return plain_number(value) if value.is_finite() else None

    return read


def plain_number(value: Decimal) -> int | float | Decimal:
    """A number as JSON writes it: whole ones without a point, money with its cents."""
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or exponent > 18 or exponent < -18:
        return float(value)
    return int(value) if exponent >= 0 else value


def date_reading(pattern: str, zone: tzinfo, *, instant: bool) -> Reading:
    """How dates are read: as an instant, or for a trait also as a plain day."""
    midnight = time_of_day(tzinfo=zone)

    def read(value: Value) -> Value:
        if isinstance(value, int | float | Decimal) and pattern in (UNIX, UNIX_MS):
            value = str(value)
        if value is None:
            return None
        if not isinstance(value, str):
            raise ValueError(f"{_shown(value)} is not a date")
        bare = value.strip()
        if bare in MISSING_TYPED:
            return None
        found = parse_date(bare, pattern, zone)
        if found is None:
            raise ValueError(f'"{_cut(bare)}" is not a date of the form {pattern}')
        if not isinstance(found, datetime):
            if not instant:
                return found.isoformat()
            found = datetime.combine(found, midnight)
        return to_iso(from_datetime(found))

    return read


def read_boolean(value: Value) -> Value:
    """Yes or no."""
    if value is None or isinstance(value, bool):
        return value
    if value in (0, 1):
        return bool(value)
    text = value.strip() if isinstance(value, str) else ""
    if isinstance(value, str) and text in MISSING_TYPED:
        return None
    found = parse_boolean(text)
    if found is None:
        raise ValueError(f"{_shown(value)} is not true or false")
    return found


def read_json(value: Value) -> Value:
    """An object or a list, also when it stands as JSON in a text."""
    if not isinstance(value, str):
        return value
    if value.strip() in MISSING:
        return None
    try:
        return cast(Value, decode(value))
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f'"{_cut(value)}" is not JSON') from error


def prefixed(cells: Object, prefix: str) -> Object:
    """The cells whose fields begin so, without the beginning."""
    return {k.removeprefix(prefix): v for k, v in cells.items() if k.startswith(prefix)}


def whole_object(cells: Object, target: str, row: Row) -> Object:
    """A cell that is an object of its own. Raises RowError."""
    found = cells.get(target)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise RowError(row.line, f"{target} should be an object, not {str(found)[:64]}")
    return found


def _cut(text: str) -> str:
    return text if len(text) <= 64 else text[:64] + "…"


def _shown(value: Value) -> str:
    return _cut(str(value))
