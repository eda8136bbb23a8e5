"""The statements that evaluate a program: one pass over the events, one over the traits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tekil.segments.binding import Binder, Statement, quoted
from tekil.segments.features import Features
from tekil.segments.model import Bound, EventKind, EventLeaf, Events, Sequence, TraitTest
from tekil.segments.program import holds_without_events
from tekil.segments.sql_due import NEVER, crossing_sql
from tekil.segments.sql_events import name_sql
from tekil.segments.sql_leaves import (
    LeafSql,
    event_leaf_sql,
    least_sql,
    trait_leaf_sql,
)
from tekil.segments.windows import NOW

BITS = 64
MAX_PARTS = 32
"""Every part reads the names of all events once more."""
PROFILE_OF = "profile_of"

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
    Scope.CHOSEN_ACCOUNTS: "account_id IN {accounts:Array(UInt64)}",
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


@dataclass(frozen=True, slots=True)
class Ask:
    """What a statement is to tell besides which leaves hold."""

    scope: Scope
    due: bool = True
    """Also until when time alone changes nothing."""
    measured: bool = False
    """Instead what was measured, as one JSON text for each leaf."""


def events_statement(leaves: list[EventLeaf], parts: list[list[int]], ask: Ask) -> Statement:
    """One pass over the events; rows are (part, subject, due, bits of the part's leaves).

    Each part reads the rows of its own event names, so that a row costs only the aggregates that
    can care for it.
    """
    binder = Binder()
    wide = max(words(len(part)) for part in parts)
    selects = [
        _events_part(number, [leaves[i] for i in part], wide, ask, binder)
        for number, part in enumerate(parts)
    ]
    return Statement("\nUNION ALL\n".join(selects), binder.values)


def _events_part(number: int, leaves: list[EventLeaf], wide: int, ask: Ask, binder: Binder) -> str:
    named = names_of(leaves)
    features = Features(binder, next(iter(named)) if len(named) == 1 else None)
    read = [event_leaf_sql(leaf, features) for leaf in leaves]
    due = [at for leaf in read for at in leaf.due]
    if ask.due:
        due.append(crossing_sql(NOW, features.ahead(), binder))
    conditions = (EVENT_SCOPES[ask.scope], _names(named, binder), _since(leaves, binder))
    where = " AND ".join(condition for condition in conditions if condition)
    columns = {"subject": SUBJECTS[ask.scope]} | {
        name: sql for name, sql in features.columns.items() if ask.due or name not in features.clock
    }
    inner = _select(columns, f"events{_where(where)}\nGROUP BY subject")
    if features.derived:
        inner = _select({"*": "", **features.derived}, f"(\n{_indent(inner)}\n)")
    defaults = [holds_without_events(leaf) for leaf in leaves]
    return _outer(number, read, defaults, due if ask.due else [], wide, inner, ask, binder)


def traits_statement(leaves: list[TraitTest], ask: Ask) -> Statement:
    """One pass over the traits for every leaf; rows as those of the events."""
    binder = Binder()
    names = list(dict.fromkeys(leaf.name for leaf in leaves))
    columns = {name: f"trait_{place}" for place, name in enumerate(names)}
    aggregates = {
        column: f"argMaxIf(value, (strong, version, value), name = {binder.text(name)})"
        for name, column in columns.items()
    }
    read = [trait_leaf_sql(leaf, columns[leaf.name], binder) for leaf in leaves]
    due = [at for leaf in read for at in leaf.due] if ask.due else []
    named = f"name IN {binder.bind('Array(String)', names)}"
    where = " AND ".join(part for part in (TRAIT_SCOPES[ask.scope], named) if part)
    inner = _select(
        {"subject": SUBJECTS[ask.scope], **aggregates},
        f"{TRAIT_TABLES[ask.scope]}{_where(where)}\nGROUP BY subject",
    )
    wide = words(len(leaves))
    return Statement(
        _outer(0, read, [False] * len(leaves), due, wide, inner, ask, binder), binder.values
    )


def _outer(
    number: int,
    read: list[LeafSql],
    defaults: list[bool],
    due: list[str],
    wide: int,
    inner: str,
    ask: Ask,
    binder: Binder,
) -> str:
    columns = {"part": f"toUInt16({number})", "subject": ""}
    source = f"(\n{_indent(inner)}\n)"
    if ask.measured:
        listed = ",\n        ".join(leaf.measured for leaf in read)
        columns["measured"] = f"CAST([\n        {listed}\n    ], 'Array(String)')"
        return f"{_select(columns, source)}\nWHERE subject != 0"
    columns["due"] = f"toInt64({least_sql(due, binder)})"
    columns |= _bits(read, wide)
    # Whoever has nothing to tell is left out: the reader knows what holds without a row.
    told = [f"holds_{i} != {word}" for i, word in enumerate(_words(defaults, wide))]
    if due:
        told.insert(0, f"due != {NEVER}")
    return f"{_select(columns, source)}\nWHERE subject != 0 AND ({' OR '.join(told)})"


def _bits(read: list[LeafSql], wide: int) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in range(wide):
        shifted = [
            f"bitShiftLeft(toUInt64({leaf.holds}), {place})"
            for place, leaf in enumerate(read[word * BITS : (word + 1) * BITS])
        ]
        found[f"holds_{word}"] = "\n        + ".join(shifted) or "toUInt64(0)"
    return found


def _words(truths: list[bool], wide: int) -> list[int]:
    """Truths as words of bits."""
    whole = sum(1 << place for place, truth in enumerate(truths) if truth)
    return [(whole >> (BITS * word)) & ((1 << BITS) - 1) for word in range(wide)]


def split(leaves: list[EventLeaf], scope: Scope) -> list[list[int]]:
    """Which leaves to evaluate together.

    Over the whole history leaves of the same event names go together. For chosen people there are
    few rows, and finding them is what costs: everything goes together.
    """
    if scope in (Scope.CHOSEN, Scope.CHOSEN_ACCOUNTS):
        return [list(range(len(leaves)))]
    groups: dict[tuple[Events, ...], list[int]] = {}
    for place, leaf in enumerate(leaves):
        groups.setdefault(tuple(names_of([leaf])), []).append(place)
    by_size = sorted(groups.values(), key=len, reverse=True)
    rest = [place for group in by_size[MAX_PARTS - 1 :] for place in group]
    return by_size[: MAX_PARTS - 1] + ([rest] if rest else [])


def words(leaves: int) -> int:
    """How many columns of bits a statement over so many leaves has."""
    return -(-leaves // BITS)


def events_of(leaf: EventLeaf) -> tuple[Events, ...]:
    """Every kind of events that a leaf looks at."""
    if isinstance(leaf, Sequence):
        return (*leaf.steps, *([leaf.without] if leaf.without is not None else []))
    return (leaf.events,)


def names_of(leaves: list[EventLeaf]) -> dict[Events, None]:
    """The kinds and names of events that the leaves look at, in order."""
    return dict.fromkeys(
        Events(events.names, events.kind) for leaf in leaves for events in events_of(leaf)
    )


def _names(wanted: dict[Events, None], binder: Binder) -> str:
    """Only rows that some leaf looks at."""
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
    return f"\nWHERE {where}" if where else ""


def _select(columns: dict[str, str], source: str) -> str:
    listed = ",\n".join(
        f"    {sql} AS {name}" if sql else f"    {name}" for name, sql in columns.items()
    )
    return f"SELECT\n{listed}\nFROM {source}"


def _indent(sql: str) -> str:
    return "\n".join(f"    {line}" for line in sql.split("\n"))
