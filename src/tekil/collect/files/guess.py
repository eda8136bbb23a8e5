"""What a file probably holds, from its header and a sample of its rows.

A guess is a ``Plan``: it is shown before it is used, and a mapping file overrides any part of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tekil.collect.files import fields
from tekil.collect.files.fields import fold, known_target, property_name
from tekil.collect.files.mapping import MappingFile
from tekil.collect.files.model import (
    Column,
    FileFormat,
    FileKind,
    FileLook,
    Mapping,
    Plan,
    Row,
    Value,
    ValueType,
)
from tekil.collect.files.values import ISO, MISSING, UNIX, UNIX_MS, infer, infer_date, infer_number
from tekil.errors import InputError

SAMPLE_ROWS = 1_000
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PREFIX = {
    FileKind.PEOPLE: "traits.",
    FileKind.EVENTS: "properties.",
    FileKind.ORDERS: "properties.",
}


def make_plan(look: FileLook, sample: Sequence[Row], given: MappingFile | None = None) -> Plan:
    """Decide what each column means; what ``given`` says is kept. Raises InputError."""
    given = given or MappingFile()
    good = [row for row in sample if row.fault is None]
    values = {name: [row.values.get(name) for row in good] for name in _names(look, good)}
    if look.format is FileFormat.CSV:
        _check_header(look)
    kind = given.kind or guess_kind(values)
    given.check(kind, list(values))
    guess = _Guess(kind, values, given)
    columns = guess.columns()
    if kind is FileKind.ORDERS:
        columns = _per_line(columns, good, frozenset(given.columns))
    mapping = Mapping(
        kind=kind,
        columns=tuple(columns),
        event=given.event or ("Order Completed" if kind is FileKind.ORDERS else ""),
        currency=given.currency,
        timezone=given.timezone or "UTC",
    )
    _check(mapping)
    return Plan(
        look=look,
        mapping=mapping,
        examples={name: _examples(found) for name, found in values.items()},
        guessed=frozenset(values) - frozenset(given.columns),
        notes=(*guess.notes, *_notes(mapping)),
    )


def guess_kind(values: dict[str, list[Value]]) -> FileKind:
    """Orders if there is an order id, events if there is an event name, else people."""
    orders = {known_target(FileKind.ORDERS, name) for name in values}
    if "order_id" in orders and len(orders - {""}) > 1:
        return FileKind.ORDERS
    events = {known_target(FileKind.EVENTS, name) for name in values}
    return FileKind.EVENTS if "event" in events else FileKind.PEOPLE


def _names(look: FileLook, rows: Iterable[Row]) -> list[str]:
    names = dict.fromkeys(look.columns)
    for row in rows:
        names |= dict.fromkeys(row.values)
    return list(names)


class _Guess:
    """Goes through the columns once; each field is given to one column."""

    def __init__(self, kind: FileKind, values: dict[str, list[Value]], given: MappingFile) -> None:
        self.notes: list[str] = []
        self._kind = kind
        self._values = values
        self._given = given
        self._taken = {c.target for c in given.columns.values() if c.target}
        self._hint = _decimal_hint(values)

    def columns(self) -> list[Column]:
        """Every column with its field and type."""
        return [self._column(name, found) for name, found in self._values.items()]

    def _column(self, name: str, found: list[Value]) -> Column:
        fixed = self._given.columns.get(name)
        if fixed is None:
            target = self._target(name, found)
            self._taken.add(target)
            return self._typed(name, target, found)
        if not fixed.target:
            return fixed
        if name not in self._given.typed:
            return self._typed(name, fixed.target, found)
        return fixed if fixed.format else replace(fixed, format=self._format(fixed, found))

    def _target(self, name: str, found: list[Value]) -> str:
        folded = fold(name)
        if folded in fields.SECRET_NAMES:
            self.notes.append(
                f'"{name}" looks confidential and is left out; a mapping file can say otherwise'
            )
            return ""
        target = known_target(self._kind, name)
        if not target and "email" not in self._taken and _mostly_emails(found):
            target = "email"
        if self._kind is FileKind.PEOPLE:
            if folded == "id" and _all_different(found):
                target = "user_id"
            if target.startswith("id:") and not _all_different(found):
                target = ""
        if target and target not in self._taken:
            return target
        own = _PREFIX[self._kind] + property_name(name)
        while own in self._taken:
            own += "_2"
        return own

    def _typed(self, name: str, target: str, found: list[Value]) -> Column:
        if not target or target in fields.ALWAYS_TEXT or target.startswith("id:"):
            return Column(name, target)
        if target in ("traits", "properties", "products"):
            return Column(name, target, ValueType.JSON)
        if target == "timestamp":
            return Column(name, target, ValueType.DATE, self._time_format(name, found))
        if target in fields.NUMBERS:
            number = infer_number(_texts(found), self._hint, tolerance=0.5)
            form, note = number or (self._hint or ".", "")
            type_ = ValueType.NUMBER
        else:
            type_, form, note = infer(found, decimal_hint=self._hint)
        if note:
            self.notes.append(f'"{name}": {note}')
        return Column(name, target, type_, form)

    def _format(self, column: Column, found: list[Value]) -> str:
        texts = _texts(found)
        if column.type is ValueType.NUMBER:
            number = infer_number(texts, self._hint, tolerance=0.5)
            return number[0] if number else self._hint or "."
        if column.type is ValueType.DATE:
            return self._time_format(column.name, found)
        return ""

    def _time_format(self, name: str, found: list[Value]) -> str:
        texts = _texts(found) or [str(v) for v in found if isinstance(v, int | float)]
        if not texts:
            return ISO
        counts = all(t.replace(".", "", 1).isdecimal() and len(t) >= 9 for t in texts)
        if counts and not all(len(t) == 14 for t in texts):
            return UNIX_MS if all(float(t) >= 1e11 for t in texts) else UNIX
        day = infer_date(texts, tolerance=0.5)
        if day is None:
            raise InputError(
                f'Column "{name}" should hold dates, but no format fits most of its values, such '
                f'as "{texts[0]}". Name the format in a mapping file: '
                f'{name}: {{to: timestamp, format: "%d.%m.%Y"}}.'
            )
        if day[1]:
            self.notes.append(f'"{name}": {day[1]}')
        return day[0]


def _per_line(columns: list[Column], rows: Sequence[Row], given: frozenset[str]) -> list[Column]:
    """Decide which columns of an order file differ from line to line of one order."""
    order = next((c.name for c in columns if c.target == "order_id"), None)
    if order is None:
        return columns
    targets = {c.target for c in columns}
    varying = _varying(order, [c.name for c in columns], rows)
    moved = []
    for column in columns:
        target = column.target
        if column.name not in given:
            if target == "revenue" and column.name in varying and "line_total" not in targets:
                target = "line_total"
            elif (
                target == "line_total"
                and column.name not in varying
                and "revenue" not in targets
                and not any(t.startswith("products.") for t in targets)
            ):
                target = "revenue"
            elif target.startswith("properties.") and column.name in varying:
                target = "products." + target.removeprefix("properties.")
            elif target in ("coupon", "discount", "tax") and column.name in varying:
                target = "products." + target
        moved.append(replace(column, target=target))
    return moved


def _varying(order: str, names: Sequence[str], rows: Sequence[Row]) -> set[str]:
    first: dict[object, Row] = {}
    varying: set[str] = set()
    for row in rows:
        head = first.setdefault(str(row.values.get(order)), row)
        for name in names:
            value, other = row.values.get(name), head.values.get(name)
            if value != other and value not in MISSING and other not in MISSING:
                varying.add(name)
    return varying


def _check(mapping: Mapping) -> None:
    targets = {c.target for c in mapping.columns}
    who = [t for t in targets if t in fields.IDENTITIES or t.startswith("id:")]
    names = ", ".join(f'"{c.name}"' for c in mapping.columns)
    if not who:
        raise InputError(
            f"None of the columns says who the person is ({names}). Name one in a mapping file: "
            '{to: email}, {to: phone}, {to: user_id} or {to: "id:loyalty_card"}.'
        )
    if mapping.kind is FileKind.ORDERS and "order_id" not in targets:
        raise InputError(f"Orders need a column for order_id; there are {names}.")
    if mapping.kind is FileKind.EVENTS and "event" not in targets and not mapping.event:
        raise InputError(
            f'Events need a name: a column for event among {names}, or "event: …" in the mapping.'
        )


def _notes(mapping: Mapping) -> list[str]:
    notes = []
    targets = {c.target for c in mapping.columns}
    zoned = [c for c in mapping.columns if c.type is ValueType.DATE and c.target == "timestamp"]
    if zoned:
        notes.append(f"times without a zone are read as {mapping.timezone}")
    elif mapping.kind is not FileKind.PEOPLE:
        notes.append("no column holds a time: everything happens now")
    if mapping.kind is FileKind.ORDERS and not targets & {"revenue", "line_total"}:
        if {"products.price", "products.quantity"} <= targets:
            notes.append("revenue is the sum of price × quantity")
        elif "total" in targets:
            notes.append("no column holds the revenue; the total is kept as total only")
        else:
            notes.append("no column holds the revenue: orders come in without it")
    return notes


def _check_header(look: FileLook) -> None:
    wrong = next((c for c in look.columns if _EMAIL.fullmatch(c)), None)
    if wrong is None and len(look.columns) > 1:
        numeric = [c for c in look.columns if c.replace(".", "").replace(",", "").isdecimal()]
        wrong = numeric[0] if len(numeric) * 2 > len(look.columns) else None
    if wrong is not None:
        raise InputError(
            f'The first line of "{look.name}" should name the columns, but "{wrong}" is a value. '
            "Put a line of names above it."
        )


def _texts(found: Iterable[Value]) -> list[str]:
    return [v.strip() for v in found if isinstance(v, str) and v.strip() not in MISSING]


def _decimal_hint(values: dict[str, list[Value]]) -> str:
    """The decimal sign that other columns of the file leave no doubt about."""
    signs = set()
    for found in values.values():
        type_, form, note = infer(found)
        if type_ is ValueType.NUMBER and not note and any(form in t for t in _texts(found)):
            signs.add(form)
    return signs.pop() if len(signs) == 1 else ""


def _mostly_emails(found: list[Value]) -> bool:
    texts = _texts(found)
    hits = sum(1 for t in texts if _EMAIL.fullmatch(t))
    return hits > 0 and hits * 10 >= len(texts) * 9


def _all_different(found: list[Value]) -> bool:
    present = [str(v) for v in found if v is not None and str(v).strip() not in MISSING]
    return len(present) > 0 and len(set(present)) == len(present)


def _examples(found: Iterable[Value]) -> tuple[str, ...]:
    shown: dict[str, None] = {}
    for value in found:
        if value is not None and str(value).strip() not in MISSING:
            shown.setdefault(str(value).strip()[:40])
        if len(shown) == 3:
            break
    return tuple(shown)
