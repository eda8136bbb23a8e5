"""The published schema takes what the reader takes."""

from __future__ import annotations

import jsonschema_rs
import pytest
from hypothesis import given, settings

from tekil.errors import InvalidDefinition
from tekil.kit.json import JsonValue
from tekil.segments.parse import parse, parse_computed
from tekil.segments.schema import definition_schema
from tests.segments.strategies import COMPUTED, definitions

VALIDATOR = jsonschema_rs.Draft202012Validator(definition_schema())


@settings(max_examples=300)
@given(definitions)
def test_takes_every_definition_that_can_be_read(said: dict[str, JsonValue]) -> None:
    parse(said, dict.fromkeys(COMPUTED, parse_computed({"event": "A", "count": True})))
    errors = [error.message for error in VALIDATOR.iter_errors(said)]
    assert errors == []


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"trait": "country"},
        {"trait": "country", "is": None},
        {"trait": "country", "iz": "TR"},
        {"trait": "a", "is": "x", "event": "b"},
        {"event": "Order", "count": 3},
        {"event": "Order", "count": {"gte": 1}, "sum": "x", "gt": 1},
        {"event": "Order", "within": {"last": "3 days"}},
        {"sequence": [{"event": "a"}]},
        {"random": {"percent": 101}},
        {"consent": "email", "is": "maybe"},
        {"all": {"trait": "a", "exists": True}},
    ],
)
def test_refuses_what_the_reader_refuses(said: JsonValue) -> None:
    assert not VALIDATOR.is_valid(said)
    with pytest.raises(InvalidDefinition):
        parse(said)
