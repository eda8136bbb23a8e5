"""Reading definitions: every fault at once, each with its place, value and what is allowed."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tekil.errors import InvalidDefinition, MalformedRequest, TooLarge
from tekil.kit.clock import DAY_MS
from tekil.kit.json import JsonValue
from tekil.segments.faults import MAX_DEPTH, MAX_NODES
from tekil.segments.model import (
    Ago,
    All,
    DayStart,
    EventCount,
    Events,
    Fixed,
    Not,
    OneOf,
    Range,
    TraitTest,
    When,
    Window,
)
from tekil.segments.parse import MAX_BYTES, parse, parse_text


def faults(said: JsonValue) -> list[dict[str, JsonValue]]:
    """What is wrong with a definition."""
    with pytest.raises(InvalidDefinition) as caught:
        parse(said)
    errors = caught.value.attributes["errors"]
    assert isinstance(errors, list)
    return errors


def test_says_every_fault_at_once_with_its_place() -> None:
    found = faults(
        {
            "all": [
                {"trit": "country", "is": "TR"},
                {"trait": "age", "gte": "18"},
                {"any": [{"event": "Order Completed", "cuont": {"gte": 2}}]},
            ]
        }
    )
    assert [fault["path"] for fault in found] == ["all[0]", "all[1].gte", "all[2].any[0].cuont"]
    assert found[1]["value"] == "18"


def test_says_what_was_probably_meant() -> None:
    assert 'Did you mean "trait"?' in str(faults({"trit": "a", "is": 1})[0]["message"])
    assert 'Did you mean "within"?' in str(faults({"event": "a", "witin": {}})[0]["message"])
    zone = faults({"event": "a", "within": {"last_days": 1, "zone": "Europe/Istambul"}})
    assert 'Did you mean "Europe/Istanbul"?' in str(zone[0]["message"])


@pytest.mark.parametrize(
    ("said", "path", "words"),
    [
        ({"trait": "a", "is": None}, "is", "exists"),
        ({"trait": "a", "is": ["x"]}, "is", "use in"),
        ({"trait": "a", "matches": "(?=x)"}, "matches", "RE2"),
        ({"trait": "a", "matches": "x" * 501}, "matches", "500"),
        ({"trait": "a", "gte": "2026-01-01"}, "gte", "before, after"),
        ({"trait": "a", "gt": 5, "lt": 5}, "$", "No number"),
        ({"trait": "a", "between": ["2026-02-01", "2026-01-01"]}, "between", "before it begins"),
        ({"trait": "a", "before": "2026-02-30"}, "before", "not a date"),
        ({"event": "a", "within": {"last": "0d"}}, "within.last", "above 0"),
        ({"event": "a", "within": {"last": "1d", "next": "1d"}}, "within", "exactly one"),
        ({"event": "a", "count": {"gte": 1}, "sum": "x"}, "$", "Only one"),
        ({"event": "a", "count": {"gte": 1}, "lt": 5}, "lt", "inside the measure"),
        ({"event": "a", "sum": "x"}, "$", "limit"),
        ({"event": "a", "sum": "x..y", "gt": 1}, "sum", "empty part"),
        ({"event": "Segment Entered"}, "event", '{"segment": …}'),
        ({"event": "a", "where": [{"x": "y"}]}, "where[0].x", "known key"),
        ({"sequence": [{"event": "a"}]}, "sequence", "2 to 10"),
        (
            {"sequence": [{"event": "a"}, {"event": "b"}], "within": {"last": "7d"}},
            "within",
            "during",
        ),
        ({"random": {"percent": 101}}, "random.percent", "0 to 100"),
        ({"account": {"segment": "x"}}, "account.segment", "on people"),
        ({"trait": "a", "event": "b"}, "$", "one kind"),
        ([], "$", "not an object"),
        ({"trait": float("nan"), "is": 1}, "trait", "name"),
    ],
)
def test_names_the_fault(said: JsonValue, path: str, words: str) -> None:
    found = faults(said)
    assert any(
        str(fault["path"]).startswith(path) and words in str(fault["message"]) for fault in found
    ), found


def test_refuses_what_is_too_deep_or_too_large() -> None:
    deep: JsonValue = {"all": []}
    for _ in range(MAX_DEPTH):
        deep = {"not": deep}
    assert "deep" in str(faults(deep)[0]["message"])
    many: JsonValue = {"all": [{"segment": f"s{i}"} for i in range(MAX_NODES)]}
    assert "more than" in str(faults(many)[0]["message"])
    with pytest.raises(TooLarge):
        parse_text(" " * (MAX_BYTES + 1))


def test_depth_bomb_is_refused_without_harm() -> None:
    with pytest.raises(MalformedRequest):
        parse_text("[" * 100_000)


def test_yaml_keeps_plain_words_and_dates_as_texts() -> None:
    norway = parse(parse_text("trait: country\nis: NO\n")).condition
    assert norway == TraitTest("country", OneOf(texts=("NO",)))
    born = parse(parse_text("trait: born\nafter: 1990-01-01\n")).condition
    assert born == TraitTest("born", When(Window(Fixed(631_152_000_000))))
    flag = parse(parse_text("trait: vip\nis: true\n")).condition
    assert flag == TraitTest("vip", OneOf(flags=(True,)))


def test_yaml_that_runs_code_is_refused() -> None:
    with pytest.raises(MalformedRequest):
        parse_text("!!python/object/apply:os.system ['true']")


def test_yaml_aliases_cannot_blow_a_definition_up() -> None:
    text = "a: &a {all: []}\nb: &b {all: [*a,*a,*a,*a,*a,*a,*a,*a,*a]}\n"
    for one, two in ("bc", "cd", "de", "ef", "fg", "gh", "hi"):
        text += f"{two}: &{two} {{all: [{','.join(f'*{one}' for _ in range(9))}]}}\n"
    value = parse_text(text)
    assert isinstance(value, dict)
    assert "more than" in str(faults(value["i"])[0]["message"])


def test_negative_forms_are_the_opposite_of_the_positive_ones() -> None:
    for negative, positive in (("is_not", "is"), ("not_contains", "contains")):
        read = parse({"trait": "a", negative: "x"}).condition
        assert read == Not(parse({"trait": "a", positive: "x"}).condition)
    assert parse({"trait": "a", "exists": False}).condition == Not(
        parse({"trait": "a", "exists": True}).condition
    )


@pytest.mark.parametrize("count", [{"eq": 0}, {"lt": 1}, {"lte": 0}, {"between": [0, 0.5]}])
def test_never_is_the_opposite_of_at_least_once(count: dict[str, JsonValue]) -> None:
    once = EventCount(Events(("A",)), Window(), Range(low=1))
    assert parse({"event": "A"}).condition == once
    assert parse({"event": "A", "count": count}).condition == Not(once)


def test_windows() -> None:
    def window(said: JsonValue) -> Window:
        condition = parse({"event": "A", "within": said}).condition
        assert isinstance(condition, EventCount)
        return condition.window

    assert window({"last": "7d"}) == Window(Ago(7 * DAY_MS), Ago(0))
    assert window({"next": "1h"}) == Window(Ago(0), Ago(-3_600_000))
    assert window({"between": ["60d", "30d"]}) == Window(Ago(60 * DAY_MS), Ago(30 * DAY_MS))
    assert window({"last_days": 7, "zone": "Europe/Istanbul"}) == Window(
        DayStart(-6, "Europe/Istanbul"), DayStart(1, "Europe/Istanbul")
    )
    assert window({"before": "2026-01-01", "zone": "Europe/Istanbul"}) == Window(
        None, Fixed(1_767_214_800_000)
    )


def test_several_tests_of_one_value_must_all_hold() -> None:
    read = parse({"trait": "age", "gte": 18, "lt": 65, "exists": True}).condition
    assert isinstance(read, All)
    assert len(read.items) == 2


def test_branches_are_listed_as_they_were_written() -> None:
    read = parse({"all": [{"trait": "a", "is_not": "x"}, {"not": {"segment": "vip"}}]})
    assert [(b.path, b.kind) for b in read.branches] == [
        ("$", "all"),
        ("all[0]", "trait"),
        ("all[1]", "not"),
        ("all[1].not", "segment"),
    ]


anything: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                (
                    "all",
                    "not",
                    "trait",
                    "event",
                    "is",
                    "within",
                    "last",
                    "count",
                    "where",
                    "sequence",
                )
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(anything)
def test_anything_is_read_or_refused_politely(said: JsonValue) -> None:
    with contextlib.suppress(InvalidDefinition):
        parse(said)
