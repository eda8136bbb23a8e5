"""The statements that evaluate a program: one pass over the events, one over the traits."""

from __future__ import annotations

from enum import StrEnum

from tekil.segments.binding import Binder, Statement, quoted
from tekil.segments.features import Feature, Features, Kind
from tekil.segments.model import Bound, EventKind, EventLeaf, Events, Sequence, TraitTest, Window
from tekil.segments.sql_events import name_sql
from tekil.segments.sql_leaves import (
    LeafSql,
    crossing_sql,
    event_leaf_sql,
    least_sql,
    trait_leaf_sql,
)
from tekil.segments.windows import NOW

BITS = 64
PROFILE_OF = "profile_of"
ANY_EVENT = Events(kind=EventKind.ANY)

EVERY_IDENTITY = (
    "SELECT identity_id, argMax(profile_id, version) AS profile_id"
    " FROM identity_profiles GROUP BY identity_id"
)
EVERY_PROFILE = f"SELECT DISTINCT profile_id FROM ({EVERY_IDENTITY}) ORDER BY profile_id"  # noqa: S608
EVERY_ACCOUNT = (
    "SELECT DISTINCT account_id FROM"
    " (SELECT account_id FROM identity_accounts UNION ALL SELECT account_id FROM account_traits)"
    " ORDER BY account_id"
)

RELOAD_PROFILE_OF = f"SYSTEM RELOAD DICTIONARY {PROFILE_OF}"


def profile_of_ddl(database: str | None) -> str:
    """The map from identity to profile as an array in memory, read again before it is used.

    It reads by a query of its own, which has to name the database.
    """
    query = EVERY_IDENTITY.replace("identity_profiles", _in(database, "identity_profiles"))
    return f"""
CREATE DICTIONARY IF NOT EXISTS {PROFILE_OF} (
    identity_id UInt64,
    profile_id  UInt64
)
PRIMARY KEY identity_id
SOURCE(CLICKHOUSE(QUERY '{query}'))
LAYOUT(FLAT(INITIAL_ARRAY_SIZE 1024 MAX_ARRAY_SIZE 1000000000))
LIFETIME(0)
"""


def _in(database: str | None, table: str) -> str:
    return f"{quoted(database or 'default')}.{table}"


class Scope(StrEnum):
    """Whose history a statement reads."""

    EVERYBODY = "everybody"
    CHOSEN = "chosen"
    """People whose identities are passed with the query."""
    ACCOUNTS = "accounts"
    CHOSEN_ACCOUNTS = "chosen_accounts"
    """Accounts that are passed with the query."""


CHOSEN = "identity_id IN {identities:Array(UInt64)}"
PROFILE_OF_CHOSEN = (
    "transform(identity_id, {identities:Array(UInt64)}, {profiles:Array(UInt64)}, toUInt64(0))"
)
SUBJECTS = {
    Scope.EVERYBODY: f"dictGet('{PROFILE_OF}', 'profile_id', identity_id)",
    Scope.CHOSEN: PROFILE_OF_CHOSEN,
    Scope.ACCOUNTS: "account_id",
    Scope.CHOSEN_ACCOUNTS: "account_id",
}
EVENT_SCOPES = {
    Scope.EVERYBODY: "",
    Scope.CHOSEN: CHOSEN,
    Scope.ACCOUNTS: "account_id != 0",
    Scope.CHOSEN_ACCOUNTS: (
        "account_id IN {accounts:Array(UInt64)} AND identity_id IN"
        " (SELECT identity_id FROM identity_accounts"
        " WHERE account_id IN {accounts:Array(UInt64)})"
    ),
}
TRAIT_SCOPES = {
    Scope.EVERYBODY: "",
    Scope.CHOSEN: CHOSEN,
    Scope.ACCOUNTS: "",
    Scope.CHOSEN_ACCOUNTS: "account_id IN {accounts:Array(UInt64)}",
}
TRAIT_TABLES = {
    Scope.EVERYBODY: "identity_traits",
    Scope.CHOSEN: "identity_traits",
    Scope.ACCOUNTS: "account_traits",
    Scope.CHOSEN_ACCOUNTS: "account_traits",
}


def accounts_of(scope: Scope) -> str:
    """The statement for which accounts the people in scope belong to."""
    where = f" WHERE {CHOSEN}" if scope is Scope.CHOSEN else ""
    return _select(
        {f"DISTINCT {SUBJECTS[scope]}": "", "account_id": ""}, f"identity_accounts{where}"
    )


def events_statement(leaves: list[EventLeaf], scope: Scope, *, measured: bool = False) -> Statement:
    """One pass over the events for every leaf; rows are (subject, due, bits of what holds)."""
    binder = Binder()
    features = Features(binder)
    parts = [event_leaf_sql(leaf, features) for leaf in leaves]
    ahead = features.column(Feature(Kind.AHEAD, ANY_EVENT, Window(NOW, None)))
    features.columns[ahead] = f"minOrNullIf(timestamp, timestamp >= {binder.moment(NOW)})"
    due = [at for part in parts for at in part.due]
    due.append(crossing_sql(NOW, ahead, binder))
    where = " AND ".join(
        part
        for part in (EVENT_SCOPES[scope], _names(leaves, binder), _since(leaves, binder))
        if part
    )
    inner = _select(
        {"subject": SUBJECTS[scope], **features.columns},
        f"events{_where(where)}\n    GROUP BY subject",
    )
    if features.derived:
        inner = _select({"*": "", **features.derived}, f"(\n{_indent(inner)}\n)")
    return Statement(_outer(parts, due, inner, measured=measured), binder.values)


def traits_statement(leaves: list[TraitTest], scope: Scope, *, measured: bool = False) -> Statement:
    """One pass over the traits for every leaf; rows as those of the events."""
    binder = Binder()
    names = list(dict.fromkeys(leaf.name for leaf in leaves))
    columns = {name: f"trait_{place}" for place, name in enumerate(names)}
    aggregates = {
        column: f"argMaxIf(value, (strong, version, value), name = {binder.text(name)})"
        for name, column in columns.items()
    }
    parts = [trait_leaf_sql(leaf, columns[leaf.name], binder) for leaf in leaves]
    due = [at for part in parts for at in part.due]
    named = f"name IN {binder.bind('Array(String)', names)}"
    where = " AND ".join(part for part in (TRAIT_SCOPES[scope], named) if part)
    inner = _select(
        {"subject": SUBJECTS[scope], **aggregates},
        f"{TRAIT_TABLES[scope]}{_where(where)}\n    GROUP BY subject",
    )
    return Statement(_outer(parts, due, inner, measured=measured), binder.values)


def _outer(parts: list[LeafSql], due: list[str], inner: str, *, measured: bool) -> str:
    if measured:
        columns = {"subject": ""} | {f"measured_{i}": part.measured for i, part in enumerate(parts)}
    else:
        columns = {"subject": "", "due": f"toInt64({least_sql(due)})", **_bits(parts)}
    return f"{_select(columns, f'({chr(10)}{_indent(inner)}{chr(10)})')}\nWHERE subject != 0"


def _bits(parts: list[LeafSql]) -> dict[str, str]:
    words: dict[str, str] = {}
    for start in range(0, len(parts), BITS):
        shifted = (
            f"bitShiftLeft(toUInt64({part.holds}), {place})"
            for place, part in enumerate(parts[start : start + BITS])
        )
        words[f"holds_{start // BITS}"] = "\n        + ".join(shifted)
    return words


def words(leaves: int) -> int:
    """How many columns of bits a statement over so many leaves has."""
    return -(-leaves // BITS)


def events_of(leaf: EventLeaf) -> tuple[Events, ...]:
    """Every kind of events that a leaf looks at."""
    if isinstance(leaf, Sequence):
        return (*leaf.steps, *([leaf.without] if leaf.without is not None else []))
    return (leaf.events,)


def _names(leaves: list[EventLeaf], binder: Binder) -> str:
    """Only rows that some leaf looks at."""
    wanted = list(dict.fromkeys(
        Events(events.names, events.kind) for leaf in leaves for events in events_of(leaf)
    ))  # fmt: skip
    if any(not events.names and events.kind is EventKind.ANY for events in wanted):
        return ""
    named: dict[EventKind, set[str]] = {}
    parts: list[str] = []
    for events in wanted:
        if events.names:
            named.setdefault(events.kind, set()).update(events.names)
        else:
            parts.append(f"({name_sql(events, binder)})")
    parts += [
        f"({name_sql(Events(tuple(sorted(names)), kind), binder)})" for kind, names in named.items()
    ]
    return parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"


def _since(leaves: list[EventLeaf], binder: Binder) -> str:
    """Only rows in the longest window, if every leaf has one."""
    lows: list[Bound] = []
    for leaf in leaves:
        if leaf.window.low is None:
            return ""
        lows.append(leaf.window.low)
    moments = list(dict.fromkeys(binder.moment(low) for low in lows))
    if not moments:
        return ""
    least = moments[0] if len(moments) == 1 else f"arrayMin([{', '.join(moments)}])"
    return f"timestamp >= {least}"


def _where(where: str) -> str:
    return f"\n    WHERE {where}" if where else ""


def _select(columns: dict[str, str], source: str) -> str:
    listed = ",\n".join(
        f"    {sql} AS {name}" if sql else f"    {name}" for name, sql in columns.items()
    )
    return f"SELECT\n{listed}\nFROM {source}"


def _indent(sql: str) -> str:
    return "\n".join(f"    {line}" for line in sql.split("\n"))
