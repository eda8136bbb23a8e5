"""Rules as JSON: they come back as they went, and every fault is named at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tekil.errors import InvalidDefinition
from tekil.identity.definition import rules_from_json, rules_to_json
from tekil.identity.model import IdentityRules, Namespace, Normaliser
from tekil.identity.namespaces import DEFAULT_RULES
from tekil.identity.rules import Rulebook
from tekil.kit.json import JsonValue, decode, encode

texts = st.lists(st.text(max_size=8), max_size=3).map(tuple)
bound = st.none() | st.integers(1, 99)
namespaces = st.builds(
    Namespace,
    rank=st.integers(1, 99),
    limit=bound,
    normaliser=st.sampled_from(Normaliser),
    blocked=texts,
    blocked_patterns=st.sampled_from([(), ("^x",), ("a|b", "(?i)c$")]),
    shared_after=bound,
    personal=st.booleans(),
    from_=st.sampled_from([(), ("userId",), ("traits.a.b", "context.externalIds")]),
)
rules = st.builds(
    IdentityRules,
    st.dictionaries(st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,9}", fullmatch=True), namespaces),
    namespaces,
    st.booleans(),
)


@given(rules)
def test_rules_come_back_as_they_went(given_rules: IdentityRules) -> None:
    assert rules_from_json(decode(encode(rules_to_json(given_rules)))) == given_rules


def test_the_default_rules_are_valid() -> None:
    assert rules_from_json(rules_to_json(DEFAULT_RULES)) == DEFAULT_RULES


@pytest.mark.parametrize(
    ("definition", "path", "said"),
    [
        ([], "", "[] is no object"),
        ({"weak": 1}, "weak", "allowed are namespaces, default, weak_joins_verified"),
        ({"defualt": {"rank": 1}}, "defualt", 'Did you mean "default"?'),
        ({"weak_joins_verified": "yes"}, "weak_joins_verified", '"yes" is not allowed'),
        ({"namespaces": 3}, "namespaces", "3 is no object"),
        ({"namespaces": {"E Mail": {"rank": 1}}}, "namespaces.E Mail", "is no name"),
        ({"namespaces": {"email": {}}}, "namespaces.email.rank", "is missing"),
        ({"namespaces": {"email": {"rank": 0}}}, "namespaces.email.rank", "0 is not allowed"),
        ({"namespaces": {"email": {"rank": True}}}, "namespaces.email.rank", "True is not"),
        ({"default": {"rank": 1, "limit": -1}}, "default.limit", "or null for no bound"),
        ({"default": {"rank": 1, "shared_after": "4"}}, "default.shared_after", '"4" is not'),
        ({"default": {"rank": 1, "limt": 1}}, "default.limt", 'Did you mean "limit"?'),
        (
            {"default": {"rank": 1, "normaliser": "emial"}},
            "default.normaliser",
            'Did you mean "email"?',
        ),
        ({"default": {"rank": 1, "blocked": "null"}}, "default.blocked", "a list of up to"),
        ({"default": {"rank": 1, "blocked": [0]}}, "default.blocked[0]", "a text of up to"),
        (
            {"default": {"rank": 1, "blocked_patterns": ["ok", "("]}},
            "default.blocked_patterns[1]",
            "missing )",
        ),
        (
            {"default": {"rank": 1, "blocked_patterns": [rf"{c}\pL{{300}}" for c in "abcde"]}},
            "default.blocked_patterns",
            "do not go together",
        ),
        ({"default": {"rank": 1, "from": ["trait.email"]}}, "default.from[0]", '"traits"?'),
        ({"default": {"rank": 1, "from": ["userId.x"]}}, "default.from[0]", "a single value"),
        ({"default": {"rank": 1, "from": ["traits"]}}, "default.from[0]", "names no field"),
        ({"default": {"rank": 1, "from": ["traits..x"]}}, "default.from[0]", "names no field"),
        (
            {"default": {"rank": 1, "from": ["context.traits.email"]}},
            "default.from[0]",
            "no evidence",
        ),
        (
            {"default": {"rank": 1, "from": ["context.externalIds.x"]}},
            "default.from[0]",
            'write "context.externalIds"',
        ),
    ],
)
def test_a_fault_names_the_place_the_value_and_what_is_allowed(
    definition: JsonValue, path: str, said: str
) -> None:
    with pytest.raises(InvalidDefinition) as caught:
        rules_from_json(definition)
    assert caught.value.attributes["path"] == path
    assert said in caught.value.message


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(InvalidDefinition) as caught:
        rules_from_json({"default": {"rank": 0, "limit": 0, "personal": 1}})
    errors = caught.value.attributes["errors"]
    assert isinstance(errors, list)
    assert [e["path"] for e in errors] == ["default.rank", "default.limit", "default.personal"]
    assert "(and 2 more)" in caught.value.message


json_values: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(json_values, st.sampled_from(["rank", "limit", "blocked", "blocked_patterns", "from"]))
def test_whatever_comes_in_is_read_or_refused(value: JsonValue, key: str) -> None:
    for definition in (value, {"namespaces": {"x": {"rank": 1, key: value}}}):
        try:
            Rulebook(rules_from_json(definition))
        except InvalidDefinition:
            continue
