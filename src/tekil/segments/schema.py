"""The published JSON Schema of a definition, made of the same word lists that the reader uses."""

from __future__ import annotations

from tekil.kit.json import JsonValue
from tekil.segments import scalars
from tekil.segments.faults import MAX_NODES
from tekil.segments.model import ConsentStatus, EventKind, Field, Quantifier
from tekil.segments.parse import KINDS
from tekil.segments.parse_events import MAX_STEPS, MEASURE_KEYS
from tekil.segments.parse_tests import MAX_DAYS, NUMBER_KEYS

Schema = dict[str, JsonValue]
SCHEMA_ID = "https://tekil.dev/schemas/segment-definition.json"
DURATION_PATTERN = r"^\s*\d{1,6}[smhdw]\s*$"


def definition_schema() -> Schema:
    """The schema (draft 2020-12) of a segment's definition."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Tekil segment definition",
        "description": f"A tree of at most {MAX_NODES} conditions; one key names the kind of each.",
        "$ref": "#/$defs/condition",
        "$defs": {
            "condition": {"oneOf": [_ref(f"{kind}_condition") for kind in KINDS]},
            **_branches("condition", "all_condition", "any_condition", "not_condition"),
            **_branches("where", "where_all", "where_any", "where_not"),
            "where": {
                "oneOf": [
                    _ref("where_all"),
                    _ref("where_any"),
                    _ref("where_not"),
                    _tested("property", _ref("name")),
                    _tested("field", _enum(Field)),
                ]
            },
            "trait_condition": _tested("trait", _ref("name")),
            "computed_condition": _tested("computed", _ref("name")),
            "event_condition": _event(),
            "sequence_condition": _sequence(),
            **_static(),
            **_parts(),
        },
    }


def _branches(inner: str, all_: str, any_: str, not_: str) -> Schema:
    items: Schema = {"type": "array", "items": _ref(inner)}
    if inner == "where":
        items["minItems"] = 1
    return {
        all_: _object({"all": items}, "all"),
        any_: _object({"any": items}, "any"),
        not_: _object({"not": _ref(inner)}, "not"),
    }


def _tested(key: str, name: JsonValue) -> Schema:
    """A named value with at least one test."""
    tests = _tests()
    return {
        **_object({key: name, **tests, "ignore_case": _type("boolean"), "zone": _ref("zone")}, key),
        "anyOf": [{"required": [test]} for test in tests],
    }


def _tests() -> Schema:
    value, values = _ref("value"), _ref("values")
    texts: JsonValue = {"oneOf": [_ref("text"), {**_list(_ref("text"))}]}
    return {
        "is": value,
        "is_not": value,
        "in": values,
        "not_in": values,
        "has_any": values,
        "has_all": values,
        **{key: _ref("number") for key in ("gt", "gte", "lt", "lte")},
        "between": {"oneOf": [_pair(_ref("number")), _pair(_ref("moment"))]},
        **dict.fromkeys(("contains", "not_contains", "starts_with", "ends_with"), texts),
        "matches": {"type": "string", "maxLength": scalars.MAX_PATTERN, "description": "RE2"},
        "exists": _type("boolean"),
        "before": _ref("moment"),
        "after": _ref("moment"),
        "within": _ref("window"),
    }


def _event() -> Schema:
    counts = _ref("limits")
    edge: JsonValue = {
        "oneOf": [
            _tested("property", _ref("name")),
            {
                **_object({
                    "within": _ref("window"), "before": _ref("moment"), "after": _ref("moment"),
                    "zone": _ref("zone"),
                }),
                "minProperties": 1,
            },
        ]
    }  # fmt: skip
    measures: Schema = {
        **dict.fromkeys(("count", "days", "weeks"), counts),
        **{key: _ref("name") for key in ("sum", "avg", "min", "max", "distinct")},
        "first": edge,
        "last": edge,
    }
    schema = _object(
        {
            **_filter(),
            "within": _ref("window"),
            **measures,
            **_limits(),
            "zone": _ref("zone"),
        },
        "event",
    )
    # Two measures in one condition are refused.
    said: list[JsonValue] = [{"required": [key]} for key in MEASURE_KEYS]
    schema["oneOf"] = [*said, {"not": {"anyOf": said}}]
    return schema


def _filter() -> Schema:
    names: JsonValue = {"oneOf": [_ref("name"), _list(_ref("name"))]}
    where: JsonValue = {"oneOf": [_ref("where"), _list(_ref("where"))]}
    return {"event": names, "type": _enum(EventKind), "where": where}


def _sequence() -> Schema:
    return _object(
        {
            "sequence": {
                "type": "array",
                "items": _ref("events"),
                "minItems": 2,
                "maxItems": MAX_STEPS,
            },
            "within": _ref("duration"),
            "same": _ref("name"),
            "without": _ref("events"),
            "during": _ref("window"),
        },
        "sequence",
    )


def _static() -> Schema:
    percent: JsonValue = {"type": "number", "minimum": 0, "maximum": 100}
    random: JsonValue = _object({"percent": percent, "salt": _ref("text")}, "percent")
    return {
        "segment_condition": _object({"segment": _ref("name")}, "segment"),
        "list_condition": _object({"list": _ref("name")}, "list"),
        "consent_condition": _object(
            {"consent": _ref("name"), "is": _enum(ConsentStatus)}, "consent"
        ),
        "random_condition": _object({"random": random}, "random"),
        "account_condition": _object(
            {"account": _ref("condition"), "match": _enum(Quantifier)}, "account"
        ),
    }


def _parts() -> Schema:
    days: JsonValue = {"type": "integer", "minimum": 1, "maximum": MAX_DAYS}
    windows: Schema = {
        "last": _ref("duration"),
        "next": _ref("duration"),
        "last_days": days,
        "next_days": days,
        "before": _ref("moment"),
        "after": _ref("moment"),
        "between": _pair(_ref("moment")),
    }
    return {
        "events": _object(_filter(), "event"),
        "window": {
            **_object({**windows, "zone": _ref("zone")}),
            "minProperties": 1,
            "description": "One key, and perhaps a zone; before and after may stand together.",
        },
        "limits": {**_object(_limits()), "minProperties": 1},
        "name": {"type": "string", "minLength": 1, "maxLength": scalars.MAX_NAME},
        "text": {"type": "string", "maxLength": scalars.MAX_TEXT},
        "number": {
            "type": "number",
            "minimum": -scalars.MAX_NUMBER,
            "maximum": scalars.MAX_NUMBER,
        },
        "value": {"oneOf": [_ref("text"), _ref("number"), _type("boolean")]},
        "values": _list(_ref("value")),
        "zone": {"type": "string", "description": "An IANA time zone, as Europe/Istanbul."},
        "duration": {
            "type": "string",
            "pattern": DURATION_PATTERN,
            "description": "A whole number and one of s, m, h, d, w, as 90d.",
        },
        "moment": {
            "type": "string",
            "description": "An ISO 8601 date or instant, or a duration that means so long ago.",
        },
    }


def _limits() -> Schema:
    limits: Schema = {key: _ref("number") for key in NUMBER_KEYS}
    limits["between"] = _pair(_ref("number"))
    return limits


def _object(properties: Schema, *required: str) -> Schema:
    schema: Schema = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    if required:
        schema["required"] = list[JsonValue](required)
    return schema


def _list(items: JsonValue) -> Schema:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": scalars.MAX_VALUES}


def _pair(items: JsonValue) -> Schema:
    return {"type": "array", "items": items, "minItems": 2, "maxItems": 2}


def _enum(values: type[EventKind | Field | ConsentStatus | Quantifier]) -> Schema:
    return {"enum": [value.value for value in values]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _type(name: str) -> Schema:
    return {"type": name}
