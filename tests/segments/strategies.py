"""Random definitions and random histories that meet often enough to be interesting."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from tekil.kit.clock import DAY_MS, Millis, from_iso, to_iso
from tekil.kit.json import JsonValue
from tests.segments.histories import Event, Trait, World

NOW = Millis(from_iso("2026-03-29T09:30:00.500Z"))  # the day on which Berlin's clocks change
NAMES = ("Viewed", "Added", "Ordered", "Iade Edildi")
TEXTS = ("", "a", "A", "İstanbul", "ISTANBUL", "ıstanbul", "istanbul", "Şişli x", "çay's `\\", "1")
NUMBERS = (0, 1, 2, 2.0, -3, 0.1, 0.2, 0.29, 12.5, 1e6)
DATES = (
    "2026-03-29", "2026-03-22T09:30:00.500Z", "2026-03-29 00:00", "1950-02-28",
    "2026-02-30", "2026-03-30T02:00:00+03:00", "yesterday",
)  # fmt: skip
ZONES = ("UTC", "Europe/Istanbul", "Europe/Berlin", "America/New_York")
SPANS = ("1h", "1d", "7d", "30d")

Json = st.SearchStrategy[JsonValue]
Object = st.SearchStrategy[dict[str, JsonValue]]

scalars: Json = st.one_of(
    st.sampled_from(TEXTS), st.sampled_from(NUMBERS), st.booleans(), st.sampled_from(DATES)
)
values: Json = st.one_of(scalars, st.lists(scalars, max_size=3), st.none())
wanted: Json = st.one_of(st.sampled_from(TEXTS), st.sampled_from(NUMBERS), st.booleans())
hours = st.one_of(st.integers(-30, 12), st.integers(-40 * 24, 30))
moments = st.builds(
    lambda h, ms: NOW + h * 3_600_000 + ms, hours, st.sampled_from((0, 0, 0, -1, 1, 1_799_500))
)
PATHS = ("x", "y", "deep.z", "revenue")


windows: Object = st.one_of(
    st.sampled_from(SPANS).map(lambda s: {"last": s}),
    st.sampled_from(SPANS).map(lambda s: {"next": s}),
    st.tuples(st.integers(1, 9), st.sampled_from(ZONES)).map(
        lambda t: {"last_days": t[0], "zone": t[1]}
    ),
    st.tuples(st.integers(1, 3), st.sampled_from(ZONES)).map(
        lambda t: {"next_days": t[0], "zone": t[1]}
    ),
    moments.map(lambda at: {"before": to_iso(at)}),
    moments.map(lambda at: {"after": to_iso(at)}),
    st.sampled_from(SPANS).map(lambda s: {"before": s}),
    st.sampled_from((["7d", "1d"], ["30d", "1h"], ["2026-03-01", "2026-03-28"])).map(
        lambda pair: {"between": list[JsonValue](pair)}
    ),
)


def _limits(numbers: st.SearchStrategy[float]) -> Object:
    return st.one_of(
        st.tuples(st.sampled_from(("eq", "gt", "gte", "lt", "lte")), numbers).map(
            lambda t: {t[0]: t[1]}
        ),
        st.tuples(numbers, numbers).map(lambda t: {"between": list[JsonValue](sorted(t))}),
    )


counts = _limits(st.integers(0, 3))
amounts = _limits(st.sampled_from(NUMBERS))

tests: Object = st.one_of(
    st.tuples(st.sampled_from(("is", "is_not")), wanted, st.booleans()).map(
        lambda t: {t[0]: t[1], "ignore_case": t[2]}
    ),
    st.tuples(
        st.sampled_from(("in", "not_in", "has_any", "has_all")),
        st.lists(wanted, min_size=1, max_size=3),
        st.booleans(),
    ).map(lambda t: {t[0]: t[1], "ignore_case": t[2]}),
    st.tuples(st.sampled_from(("gt", "gte", "lt", "lte")), st.sampled_from(NUMBERS)).map(
        lambda t: {t[0]: t[1]}
    ),
    st.tuples(
        st.sampled_from(("contains", "not_contains", "starts_with", "ends_with")),
        st.sampled_from(("i", "I", "ı", "İ", "st", "", "ş", "'")),
        st.booleans(),
    ).map(lambda t: {t[0]: t[1], "ignore_case": t[2]}),
    st.sampled_from(("^i", "(?i)STAN", "[0-9]$", "a|b", ".")).map(lambda p: {"matches": p}),
    st.booleans().map(lambda b: {"exists": b}),
    st.tuples(windows, st.sampled_from(ZONES)).map(lambda t: {"within": t[0], "zone": t[1]}),
    moments.map(lambda at: {"before": to_iso(at)}),
)

where_leaf: Object = st.one_of(
    st.tuples(st.sampled_from(PATHS), tests).map(lambda t: {"property": t[0], **t[1]}),
    st.tuples(st.sampled_from(("country", "device")), tests).map(lambda t: {"field": t[0], **t[1]}),
)
where: Object = st.recursive(
    where_leaf,
    lambda inner: st.one_of(
        inner.map(lambda w: {"not": w}),
        st.lists(inner, min_size=1, max_size=2).map(lambda w: {"any": list[JsonValue](w)}),
    ),
    max_leaves=3,
)


@st.composite
def picked_events(draw: st.DrawFn) -> dict[str, JsonValue]:
    """The filter part of an event condition."""
    said: dict[str, JsonValue] = {
        "event": draw(st.sampled_from((*NAMES, *NAMES, "*", ["Viewed", "Ordered"])))
    }
    if draw(st.integers(0, 5)) == 0:
        said["type"] = draw(st.sampled_from(("track", "page", "any")))
    if draw(st.integers(0, 2)) == 0:
        said["where"] = draw(st.lists(where, min_size=1, max_size=2))
    return said


@st.composite
def event_conditions(draw: st.DrawFn) -> dict[str, JsonValue]:
    """A condition over events."""
    said = draw(picked_events())
    if draw(st.booleans()):
        said["within"] = draw(windows)
    match draw(st.integers(0, 7)):
        case 0:
            pass
        case 1 | 2:
            said["count"] = draw(counts)
        case 3:
            said[draw(st.sampled_from(("sum", "avg", "min", "max")))] = draw(
                st.sampled_from(("x", "revenue"))
            )
            said |= draw(amounts)
        case 4:
            said["distinct"] = draw(st.sampled_from(("x", "y", "revenue")))
            said |= draw(counts)
        case 5:
            said[draw(st.sampled_from(("days", "weeks")))] = draw(counts)
            said["zone"] = draw(st.sampled_from(ZONES))
        case 6:
            said[draw(st.sampled_from(("first", "last")))] = {"within": draw(windows)}
        case _:
            said[draw(st.sampled_from(("first", "last")))] = {
                "property": draw(st.sampled_from(PATHS)),
                **draw(tests),
            }
    return said


@st.composite
def sequences(draw: st.DrawFn) -> dict[str, JsonValue]:
    """An ordered sequence."""
    steps = draw(st.lists(picked_events(), min_size=2, max_size=3))
    said: dict[str, JsonValue] = {"sequence": list[JsonValue](steps)}
    if draw(st.booleans()):
        said["within"] = draw(st.sampled_from(SPANS))
    if draw(st.booleans()):
        said["same"] = draw(st.sampled_from(("x", "y", "revenue")))
    if draw(st.booleans()):
        said["without"] = draw(picked_events())
    if draw(st.booleans()):
        said["during"] = draw(windows)
    return said


@st.composite
def computations(draw: st.DrawFn) -> dict[str, JsonValue]:
    """The definition of a computed trait."""
    said = draw(picked_events())
    if draw(st.booleans()):
        said["within"] = draw(windows)
    match draw(st.integers(0, 8)):
        case 0:
            said["count"] = True
        case 1:
            said["days_since"] = draw(st.sampled_from(("first", "last")))
        case 2:
            said["streak"] = "days"
            said["zone"] = draw(st.sampled_from(ZONES))
        case 3:
            said[draw(st.sampled_from(("sum", "avg", "min", "max")))] = draw(
                st.sampled_from(("x", "revenue"))
            )
        case _:
            kinds = ("first", "last", "most_frequent", "unique_list", "distinct")
            said[draw(st.sampled_from(kinds))] = draw(st.sampled_from(PATHS))
    return said


COMPUTED = tuple(f"c{i}" for i in range(6))
catalogs = st.lists(computations(), min_size=len(COMPUTED), max_size=len(COMPUTED)).map(
    lambda said: dict(zip(COMPUTED, said, strict=True))
)
computed_conditions: Object = st.tuples(st.sampled_from(COMPUTED), tests).map(
    lambda t: {"computed": t[0], **t[1]}
)
trait_conditions: Object = st.tuples(st.sampled_from(("t", "u")), tests).map(
    lambda t: {"trait": t[0], **t[1]}
)
restless: Object = st.one_of(
    event_conditions().filter(lambda said: "within" in str(said)),
    event_conditions().filter(lambda said: "within" in str(said)),
    sequences().filter(lambda said: "during" in said),
    trait_conditions.filter(lambda said: "within" in said),
    computed_conditions,
)
about_anyone: Object = st.one_of(event_conditions(), sequences(), trait_conditions)
about_accounts: Object = st.tuples(st.sampled_from(("any", "all", "none")), about_anyone).map(
    lambda t: {"account": t[1], "match": t[0]}
)
leaves: Object = st.one_of(
    event_conditions(),
    event_conditions(),
    sequences(),
    trait_conditions,
    computed_conditions,
    about_accounts,
    st.sampled_from(
        (
            {"list": "beta"},
            {"list": "nobody-made-this"},
            {"consent": "email", "is": "unknown"},
            {"consent": "email"},
            {"random": {"percent": 40, "salt": "q"}},
        )
    ),
)
definitions: Object = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda c: {"all": list[JsonValue](c)}),
        st.lists(inner, max_size=3).map(lambda c: {"any": list[JsonValue](c)}),
        inner.map(lambda c: {"not": c}),
    ),
    max_leaves=4,
)

IDENTITIES = 8
event_rows = st.builds(
    Event,
    identity=st.integers(1, IDENTITIES),
    at=moments,
    type=st.sampled_from(("track", "track", "track", "page")),
    name=st.sampled_from((*NAMES, *NAMES, "Segment Entered")),
    properties=st.fixed_dictionaries(
        {},
        optional={"x": values, "y": values, "deep": st.fixed_dictionaries({"z": values})},
    ),
    fields=st.fixed_dictionaries(
        {}, optional={"country": st.sampled_from(TEXTS), "device": st.sampled_from(TEXTS)}
    ),
    revenue=st.one_of(st.none(), st.sampled_from((Decimal("0.10"), Decimal("12.5"), Decimal(2)))),
    account=st.integers(0, 3),
)
trait_rows = st.builds(
    Trait,
    owner=st.integers(1, IDENTITIES),
    name=st.sampled_from(("t", "u")),
    value=values,
    strong=st.booleans(),
    version=st.integers(1, 3),
)
clusters = st.lists(st.integers(1, IDENTITIES), min_size=IDENTITIES, max_size=IDENTITIES).map(
    lambda owners: {i + 1: min(owner, i + 1) for i, owner in enumerate(owners)}
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A few people with everything that a definition may ask for."""
    events = draw(st.lists(event_rows, max_size=40))
    traits = draw(st.lists(trait_rows, max_size=12))
    account_traits = draw(
        st.lists(
            st.builds(
                Trait,
                owner=st.integers(1, 3),
                name=st.sampled_from(("t", "u")),
                value=values,
                version=st.integers(1, 3),
            ),
            max_size=5,
        )
    )
    # Somebody may act in an account without belonging to it.
    belongs = draw(st.sets(st.tuples(st.integers(1, IDENTITIES), st.integers(1, 3)), max_size=8))
    return World(
        events=events,
        traits=_one_per_version(traits),
        profile_of=draw(clusters),
        accounts_of=sorted(belongs),
        account_traits=_one_per_version(account_traits),
        lists={"beta": draw(st.sets(st.integers(1, IDENTITIES), max_size=3))},
    )


def _one_per_version(traits: list[Trait]) -> list[Trait]:
    """A version names one value: the same message cannot say two things."""
    found: dict[tuple[int, str, bool, int], Trait] = {}
    for trait in traits:
        found.setdefault((trait.owner, trait.name, trait.strong, trait.version), trait)
    return list(found.values())


LATER = (0, 1, 3_600_000, DAY_MS, 7 * DAY_MS)
