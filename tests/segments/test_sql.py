"""Golden SQL for each kind of condition: readable, and executed with a known answer."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tekil.kit.clock import DAY_MS
from tekil.kit.json import JsonValue, encode_text
from tekil.segments import sql
from tekil.segments.binding import Statement
from tekil.segments.evaluate import Evaluator
from tekil.segments.parse import parse, parse_computed
from tekil.segments.program import Program, compile_program
from tekil.segments.sql import Ask, Scope
from tekil.store.warehouse import Warehouse
from tests.segments.histories import Event, Trait, World, write_world
from tests.segments.strategies import NOW

GOLDENS = Path(__file__).parent / "goldens"
HOUR = 3_600_000

ADA, BO, CEM = 1, 2, 3
WORLD = World(
    events=[
        Event(ADA, NOW - 3 * DAY_MS, name="Viewed", properties={"id": "a", "price": 10}),
        Event(ADA, NOW - 2 * DAY_MS, name="Added", properties={"id": "a"}),
        Event(ADA, NOW - DAY_MS, name="Ordered", revenue=Decimal("120.50"), account=7),
        Event(ADA, NOW - HOUR, name="Ordered", revenue=Decimal("30"), fields={"country": "TR"}),
        Event(BO, NOW - 40 * DAY_MS, name="Viewed", properties={"id": "b", "price": 99.5}),
        Event(BO, NOW - 39 * DAY_MS, name="Added", properties={"id": "c"}),
        Event(BO, NOW - 5 * DAY_MS, type="page", name="Pricing"),
    ],
    traits=[
        Trait(ADA, "city", "İstanbul", version=1),
        Trait(ADA, "tags", ["vip", 5], version=1),
        Trait(BO, "city", "Ankara", version=1),
        Trait(BO, "age", 41, version=1),
        Trait(BO, "renews", "2026-04-02", version=1),
    ],
    profile_of={ADA: 1, BO: 2, CEM: 3},
    accounts_of=[(ADA, 7), (BO, 8)],
    account_traits=[Trait(7, "plan", "pro", version=1)],
    lists={"beta": {BO}},
)

CASES: dict[str, tuple[JsonValue, set[int]]] = {
    "trait_is": ({"trait": "city", "is": "Ankara"}, {BO}),
    "trait_is_not": ({"trait": "city", "is_not": "Ankara"}, {ADA, CEM}),
    "trait_in": ({"trait": "city", "in": ["Ankara", "İzmir"]}, {BO}),
    "trait_ignore_case": ({"trait": "city", "is": "ISTANBUL", "ignore_case": True}, {ADA}),
    "trait_range": ({"trait": "age", "gte": 18, "lt": 65}, {BO}),
    "trait_contains": ({"trait": "city", "contains": ["stan", "mir"]}, {ADA}),
    "trait_starts_with": (
        {"trait": "city", "starts_with": "is", "ignore_case": True},
        {ADA},
    ),
    "trait_matches": ({"trait": "city", "matches": "^A.*a$"}, {BO}),
    "trait_exists": ({"trait": "age", "exists": True}, {BO}),
    "trait_within_next": ({"trait": "renews", "within": {"next": "7d"}}, {BO}),
    "trait_before": ({"trait": "renews", "before": "2026-05-01"}, {BO}),
    "trait_has_any": ({"trait": "tags", "has_any": ["vip", "gold"]}, {ADA}),
    "trait_has_all": ({"trait": "tags", "has_all": ["vip", 5]}, {ADA}),
    "event_ever": ({"event": "Viewed"}, {ADA, BO}),
    "event_in_last": ({"event": "Viewed", "within": {"last": "7d"}}, {ADA}),
    "event_never": ({"event": "Viewed", "count": {"eq": 0}, "within": {"last": "7d"}}, {BO, CEM}),
    "event_count": ({"event": "Ordered", "count": {"gte": 2}, "within": {"last": "7d"}}, {ADA}),
    "event_between_ago": ({"event": "Viewed", "within": {"between": ["60d", "30d"]}}, {BO}),
    "event_calendar_days": (
        {"event": "Viewed", "within": {"last_days": 4, "zone": "Europe/Istanbul"}},
        {ADA},
    ),
    "event_page": ({"event": "Pricing", "type": "page"}, {BO}),
    "event_any_name": ({"event": "*", "type": "any", "count": {"gte": 4}}, {ADA}),
    "event_where": ({"event": "Viewed", "where": [{"property": "price", "gt": 50}]}, {BO}),
    "event_where_tree": (
        {
            "event": "Ordered",
            "where": {
                "any": [{"field": "country", "is": "DE"}, {"property": "revenue", "gt": 100}]
            },
        },
        {ADA},
    ),
    "event_sum": ({"event": "Ordered", "sum": "revenue", "gte": 150.5}, {ADA}),
    "event_avg": ({"event": "Viewed", "avg": "price", "between": [5, 20]}, {ADA}),
    "event_max": ({"event": "Viewed", "max": "price", "gt": 50}, {BO}),
    "event_distinct": ({"event": ["Viewed", "Added"], "distinct": "id", "gte": 2}, {BO}),
    "event_days": (
        {"event": "*", "type": "any", "days": {"gte": 4}, "zone": "Europe/Istanbul"},
        {ADA},
    ),
    "event_weeks": ({"event": "Ordered", "weeks": {"eq": 1}}, {ADA}),
    "event_first_time": ({"event": "Viewed", "first": {"within": {"last": "30d"}}}, {ADA}),
    "event_last_property": (
        {"event": "Added", "last": {"property": "id", "starts_with": "c"}},
        {BO},
    ),
    "sequence": (
        {"sequence": [{"event": "Viewed"}, {"event": "Added"}], "within": "7d"},
        {ADA, BO},
    ),
    "sequence_same": (
        {"sequence": [{"event": "Viewed"}, {"event": "Added"}], "same": "id"},
        {ADA},
    ),
    "sequence_without": (
        {
            "sequence": [{"event": "Viewed"}, {"event": "Ordered"}],
            "without": {"event": "Added"},
            "during": {"last": "90d"},
        },
        set(),
    ),
    "computed_sum": ({"computed": "sum", "gt": 150}, {ADA}),
    "computed_count": ({"computed": "count", "is": 0}, {BO, CEM}),
    "computed_days_since": ({"computed": "days_since", "gte": 39}, {BO}),
    "computed_streak": ({"computed": "streak", "gte": 4}, {ADA}),
    "computed_most_frequent": ({"computed": "most_frequent", "is": "a"}, {ADA}),
    "computed_unique_list": ({"computed": "unique_list", "has_all": ["b", "c"]}, {BO}),
    "account_trait": ({"account": {"trait": "plan", "is": "pro"}}, {ADA}),
    "account_none": ({"account": {"event": "Ordered"}, "match": "none"}, {BO, CEM}),
}
COMPUTED = {
    name: parse_computed(said)
    for name, said in {
        "sum": {"event": "Ordered", "sum": "revenue"},
        "count": {"event": "Ordered", "count": True, "within": {"last": "7d"}},
        "days_since": {"event": ["Viewed", "Added"], "days_since": "last"},
        "streak": {"event": "*", "streak": "days", "zone": "Europe/Istanbul"},
        "most_frequent": {"event": ["Viewed", "Added"], "most_frequent": "id"},
        "unique_list": {"event": ["Viewed", "Added"], "unique_list": "id"},
    }.items()
}
WITHOUT_SQL: dict[str, tuple[JsonValue, set[int]]] = {
    "everybody": ({"all": []}, {ADA, BO, CEM}),
    "nobody": ({"any": []}, set()),
    "list": ({"list": "beta"}, {BO}),
    "consent_unknown": ({"consent": "email", "is": "unknown"}, {ADA, BO, CEM}),
    "consent_granted": ({"consent": "email"}, set()),
    "random_all": ({"random": {"percent": 100}}, {ADA, BO, CEM}),
    "random_none": ({"random": {"percent": 0}}, set()),
}


def told(program: Program, scope: Scope) -> str:
    """The statements of a program with their bound values."""
    parts: list[str] = []
    for statement in statements(program, scope):
        values = "".join(f"-- {name} = {value}\n" for name, value in statement.at(NOW).items())
        parts.append(f"{values}{statement.sql}\n")
    if program.account is not None:
        parts.append(f"{sql.accounts_of(scope)}\n")
        inner = Scope.ACCOUNTS if scope is Scope.EVERYBODY else Scope.CHOSEN_ACCOUNTS
        parts.append(told(program.account, inner))
    return "\n".join(parts)


def statements(program: Program, scope: Scope) -> list[Statement]:
    """The statements over events and traits."""
    found: list[Statement] = []
    if program.events:
        parts = sql.split(program.events, scope)
        found.append(sql.events_statement(program.events, parts, Ask(scope)))
    if program.traits:
        found.append(sql.traits_statement(program.traits, Ask(scope)))
    return found


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str, history: Warehouse, request: pytest.FixtureRequest) -> None:
    said, expected = CASES[name]
    program = compile_program({name: parse(said, COMPUTED).condition})
    text = f"-- {encode_text(said)}\n\n-- everybody\n{told(program, Scope.EVERYBODY)}"
    if name in ("event_count", "trait_is", "account_trait"):
        text += f"\n-- chosen people\n{told(program, Scope.CHOSEN)}"
    path = GOLDENS / f"{name}.sql"
    if request.config.getoption("--update-golden", default=False):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text
    check(history, program, name, expected)


@pytest.mark.parametrize("name", WITHOUT_SQL)
def test_conditions_that_need_no_statement(name: str, history: Warehouse) -> None:
    said, expected = WITHOUT_SQL[name]
    check(history, compile_program({name: parse(said, COMPUTED).condition}), name, expected)


def check(history: Warehouse, program: Program, name: str, expected: set[int]) -> None:
    """Run a program over the small world, for everybody and for chosen people."""
    write_world(history, WORLD, NOW)
    evaluator = Evaluator(history, WORLD.bitmaps())
    assert set(evaluator.everybody(program, NOW).members(name)) == expected
    assert set(evaluator.everybody(program, NOW, due=False).members(name)) == expected
    chosen = WORLD.chosen(WORLD.profiles)
    assert set(evaluator.chosen(program, chosen, NOW).members(name)) == expected


def test_no_golden_is_left_over() -> None:
    assert {path.stem for path in GOLDENS.glob("*.sql")} == set(CASES)


def test_the_number_of_queries_does_not_depend_on_the_number_of_segments(
    history: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_world(history, WORLD, NOW)
    evaluator = Evaluator(history, WORLD.bitmaps())
    ran: list[str] = []
    real = history.query_binary

    def counting(statement: str, parameters: dict[str, object] | None = None) -> bytes:
        ran.append(statement)
        return real(statement, parameters)

    monkeypatch.setattr(history, "query_binary", counting)
    all_kinds = {name: parse(said, COMPUTED).condition for name, (said, _) in CASES.items()}
    copies = {f"{name} {i}": c for i in range(10) for name, c in all_kinds.items()}
    counts: list[int] = []
    for wanted in (all_kinds, copies):
        ran.clear()
        evaluator.chosen(compile_program(wanted), WORLD.chosen(WORLD.profiles), NOW)
        counts.append(len(ran))
    assert counts == [5, 5]
