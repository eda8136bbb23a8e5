"""From rows to tracking messages. Pure: the same rows and mapping give the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import msgspec

from tekil.clean.email import normalise_email
from tekil.collect.files import fields
from tekil.collect.files.cells import Object, Reading, RowError, prefixed, reading, whole_object
from tekil.collect.files.mapping import dump_mapping
from tekil.collect.files.model import FileFacts, FileKind, FileLook, Mapping, Row, Value
from tekil.collect.files.orders import merged, products_of, revenue_of
from tekil.collect.validate import read_item
from tekil.inbox.model import Reject, RejectReason, RejectStage

MAX_MESSAGE_BYTES = 256 * 1024
"""An order of a thousand lines fits; a row that is larger is a mistake."""
PAYLOAD_LIMIT = 64 * 1024

_encode = msgspec.json.Encoder(decimal_format="number").encode
_encode_texts = msgspec.json.Encoder(decimal_format="string").encode


@dataclass(frozen=True, slots=True)
class Built:
    """What a row, or an order, becomes: a message, or a reject for each of its lines."""

    message: bytes | None
    rejects: tuple[Reject, ...] = ()


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    target: str
    read: Reading


def file_facts(look: FileLook, mapping: Mapping, source: str) -> FileFacts:
    """Which import this is."""
    key = _digest(look.content_hash, look.encoding, look.delimiter, dump_mapping(mapping))
    return FileFacts(key, look.name, source, mapping.kind)


class Builder:
    """Turns units (one row, or all lines of one order) into messages by a mapping."""

    def __init__(self, look: FileLook, mapping: Mapping) -> None:
        self.mapping = mapping
        zone = ZoneInfo(mapping.timezone)
        self._fields = [
            _Field(c.name, c.target, reading(c, zone)) for c in mapping.columns if c.target
        ]
        self._key = look.content_hash
        if mapping.kind is FileKind.PEOPLE:
            # A person is a state: read in another way, the same row says something new.
            self._key = file_facts(look, mapping, "").import_key
        self._dated = mapping.target_of("timestamp") is not None
        self._make: Callable[[Sequence[Row]], Object] = {
            FileKind.PEOPLE: self._person,
            FileKind.EVENTS: self._event,
            FileKind.ORDERS: self._order,
        }[mapping.kind]

    def build(self, unit: Sequence[Row]) -> Built:
        """The message of a unit, or the rejects of its rows."""
        broken = next((row for row in unit if row.fault is not None), None)
        if broken is not None:
            return _refused(unit, broken.line, broken.fault or "", RejectReason.INVALID_ROW)
        try:
            message = self._make(unit)
        except RowError as fault:
            return _refused(unit, fault.line, fault.detail, RejectReason.INVALID_ROW)
        try:
            body = _encode(message)
        except (UnicodeEncodeError, RecursionError) as error:
            return _refused(
                unit, unit[0].line, f"it is not text: {error}", RejectReason.INVALID_TEXT
            )
        checked = read_item(body, 0, "", MAX_MESSAGE_BYTES)
        if isinstance(checked, Reject):
            return _refused(unit, unit[0].line, checked.detail, checked.reason)
        return Built(body)

    def _person(self, unit: Sequence[Row]) -> Object:
        row = unit[0]
        cells = self._cells(row)
        traits = prefixed(cells, "traits.") | whole_object(cells, "traits", row)
        for name in ("email", "phone"):
            if name in cells:
                traits[name] = cells[name]
        message = self._message("identify", row, cells, unit)
        message["traits"] = traits
        return message

    def _event(self, unit: Sequence[Row]) -> Object:
        row = unit[0]
        cells = self._cells(row)
        event = cells.get("event") or self.mapping.event
        if not event:
            raise RowError(row.line, "it has no event name")
        properties = prefixed(cells, "properties.") | whole_object(cells, "properties", row)
        properties |= {k: cells[k] for k in ("revenue", "currency") if k in cells}
        if "revenue" in properties and self.mapping.currency:
            properties.setdefault("currency", self.mapping.currency)
        message = self._message("track", row, cells, unit)
        message["event"] = event
        message["properties"] = properties
        return message

    def _order(self, unit: Sequence[Row]) -> Object:
        lines = [self._cells(row) for row in unit]
        head = merged(unit, lines)
        if "order_id" not in head:
            raise RowError(unit[0].line, "it has no order_id")
        properties: Object = {k: head[k] for k in fields.ORDER_FIELDS if k in head}
        properties |= prefixed(head, "properties.") | whole_object(head, "properties", unit[0])
        revenue = revenue_of(head, lines)
        if revenue is not None:
            properties["revenue"] = revenue
        if self.mapping.currency:
            properties.setdefault("currency", self.mapping.currency)
        products = products_of(unit, lines)
        if products:
            properties["products"] = products
        message = self._message("track", unit[0], head, unit)
        message["event"] = self.mapping.event
        message["properties"] = properties
        return message

    def _cells(self, row: Row) -> Object:
        cells: Object = {}
        values = row.values
        for field in self._fields:
            raw = values.get(field.name)
            if raw is None or raw == "":
                continue
            try:
                value = field.read(raw)
            except ValueError as error:
                raise RowError(row.line, f'column "{field.name}": {error}') from error
            if value is not None:
                cells[field.target] = value
        return cells

    def _message(self, type_: str, row: Row, cells: Object, unit: Sequence[Row]) -> Object:
        message: Object = {"type": type_, "messageId": self._message_id(row, cells, unit)}
        if "timestamp" in cells:
            message["timestamp"] = cells["timestamp"]
        if "user_id" in cells:
            message["userId"] = cells["user_id"]
        if "anonymous_id" in cells:
            message["anonymousId"] = cells["anonymous_id"]
        context = _context(cells)
        if context:
            message["context"] = context
        if not context and "userId" not in message and "anonymousId" not in message:
            raise RowError(row.line, self._nobody(cells))
        return message

    def _message_id(self, first: Row, cells: Object, unit: Sequence[Row]) -> str:
        given = cells.get("message_id")
        if given is not None:
            return str(given)
        if self.mapping.kind is FileKind.ORDERS and self._dated:
            # The order itself, so that files which overlap count it once.
            lines = [_encode_texts(row.values).decode() for row in unit]
            return "order-" + _digest(str(cells["order_id"]), *lines)
        return "file-" + _digest(self._key, str(first.line))

    def _nobody(self, cells: Object) -> str:
        who = [f for f in self._fields if _is_identity(f.target)]
        held = [f'{f.name} "{cells[f.target]}"' for f in who if f.target in cells]
        if held:
            return f"nobody can be known by {', '.join(held)}"
        return "it says nobody: " + ", ".join(f'"{f.name}"' for f in who) + " are empty"


def _is_identity(target: str) -> bool:
    return target in fields.IDENTITIES or target.startswith("id:")


def _context(cells: Object) -> Object:
    ids: list[Value] = []
    for target, value in cells.items():
        if (
            target.startswith("id:")
            or (target == "email" and normalise_email(value) is not None)
            or (target == "phone" and sum(c.isdigit() for c in str(value)) >= 7)
        ):
            type_ = target.removeprefix("id:")
            ids.append({"id": value, "type": type_, "collection": "users", "encoding": "none"})
    context: Object = {"externalIds": ids} if ids else {}
    device: Object = {}
    if "device_id" in cells:
        device["id"] = cells["device_id"]
    if "advertising_id" in cells:
        device["advertisingId"] = cells["advertising_id"]
    if device:
        context["device"] = device
    return context


def _refused(unit: Sequence[Row], line: int, detail: str, reason: RejectReason) -> Built:
    """A reject for each line: an order goes in whole or not at all."""
    rejects = []
    for row in unit:
        said = detail if row.line == line else f"held back, as line {line} of its order is wrong"
        payload = _payload(row)
        text = f"Line {row.line}: {said}."
        rejects.append(Reject(RejectStage.IMPORT, reason, text, payload, row.line))
    return Built(None, tuple(rejects))


def _payload(row: Row) -> bytes:
    try:
        return _encode(row.values)[:PAYLOAD_LIMIT]
    except (UnicodeEncodeError, RecursionError):
        return ascii(row.values).encode()[:PAYLOAD_LIMIT]


def _digest(*parts: str) -> str:
    data = "\x00".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=16).hexdigest()
