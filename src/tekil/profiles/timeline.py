"""A profile's timeline: its events, newest first, read from the event history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tekil.collect.sources import SourceRegister
from tekil.errors import InputError
from tekil.identity.nodes import Node
from tekil.kit.clock import Millis, to_iso
from tekil.kit.ids import IdentityId, SourceId
from tekil.kit.json import JsonObject, JsonValue, decode_object
from tekil.kit.paging import Page, decode_numbers, encode_cursor
from tekil.store.warehouse import Warehouse

MAX_LIMIT = 500

FACT_COLUMNS = (
    "channel", "device", "os", "browser", "country", "city",
    "utm_source", "utm_medium", "utm_campaign", "referrer_host", "ip",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events of a timeline to show."""

    type: str | None = None
    event: str | None = None
    source_id: SourceId | None = None
    since: Millis | None = None
    until: Millis | None = None


def timeline_sql(wanted: EventFilter, *, paged: bool) -> str:
    """The query behind a page; only names of this file are put in, every value is bound."""
    conditions = ["identity_id IN {ids:Array(UInt64)}"]
    if wanted.type is not None:
        conditions.append("type = {type:String}")
    if wanted.event is not None:
        conditions.append("event = {event:String}")
    if wanted.source_id is not None:
        conditions.append("source_id = {source:UInt32}")
    if wanted.since is not None:
        conditions.append("timestamp >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')")
    if wanted.until is not None:
        conditions.append("timestamp < fromUnixTimestamp64Milli({until:Int64}, 'UTC')")
    if paged:
        conditions.append(
            "(timestamp, seq, item) < (fromUnixTimestamp64Milli({at:Int64}, 'UTC'), "
            "{seq:UInt64}, {item:UInt32})"
        )
    return (
        "SELECT identity_id, toUnixTimestamp64Milli(timestamp) AS at, "
        "toUnixTimestamp64Milli(received_at) AS received, type, event, message_id, seq, item, "
        f"source_id, toString(revenue) AS revenue, currency, {', '.join(FACT_COLUMNS)}, "
        "properties, context "
        f"FROM events WHERE {' AND '.join(conditions)} "
        "ORDER BY timestamp DESC, seq DESC, item DESC LIMIT {limit:UInt32}"
    )


class Timeline:
    """Reads events of people."""

    def __init__(self, warehouse: Warehouse, sources: SourceRegister) -> None:
        self._warehouse = warehouse
        self._sources = sources

    def page(
        self, nodes: list[Node], wanted: EventFilter, *, cursor: str | None, limit: int
    ) -> Page[JsonObject]:
        """Read one page. Raises InputError for a cursor that is not ours."""
        parameters = _parameters(nodes, wanted, limit) | _position(cursor)
        sql = timeline_sql(wanted, paged=cursor is not None)
        names = {node.identity_id: f"{node.namespace}:{node.value}" for node in nodes}
        rows = [decode_object(line) for line in self._warehouse.query_json(sql, parameters)]
        items = [self._item(row, names) for row in rows[:limit]]
        if len(rows) <= limit:
            return Page(items)
        last = rows[limit - 1]
        return Page(items, encode_cursor(last["at"], last["seq"], last["item"]))

    def _item(self, row: JsonObject, names: Mapping[IdentityId, str]) -> JsonObject:
        kind = row["type"]
        item: JsonObject = {
            "message_id": row["message_id"],
            "type": kind,
            "timestamp": to_iso(_int(row["at"])),
            "received_at": to_iso(_int(row["received"])),
            "identity": names[IdentityId(_int(row["identity_id"]))],
            "source": self._source_name(_int(row["source_id"])),
        }
        item["event"] = row["event"] or None
        if kind in ("page", "screen"):
            item["name"] = row["event"]
        if kind in ("identify", "group"):
            item["traits"] = row["properties"]
            item["properties"] = {}
        else:
            item["properties"] = row["properties"]
        item["context"] = row["context"]
        if row["revenue"] is not None:
            item["revenue"] = row["revenue"]
        for name in ("currency", *FACT_COLUMNS):
            if row[name]:
                item[name] = row[name]
        return item

    def _source_name(self, source_id: int) -> str:
        source = self._sources.by_id(SourceId(source_id))
        return source.name if source is not None else str(source_id)


def _parameters(nodes: list[Node], wanted: EventFilter, limit: int) -> dict[str, object]:
    values: dict[str, object] = {
        "ids": [node.identity_id for node in nodes],
        "limit": limit + 1,
        "type": wanted.type,
        "event": wanted.event,
        "source": wanted.source_id,
        "since": wanted.since,
        "until": wanted.until,
    }
    return {name: value for name, value in values.items() if value is not None}


def _position(cursor: str | None) -> dict[str, object]:
    if cursor is None:
        return {}
    try:
        at, seq, item = decode_numbers(cursor, 3)
    except ValueError as error:
        raise InputError(f"{error}; leave it out to begin at the newest event.") from error
    return {"at": at, "seq": seq, "item": item}


def _int(value: JsonValue) -> int:
    return int(value) if isinstance(value, (int, str)) else 0
