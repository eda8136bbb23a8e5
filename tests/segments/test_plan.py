"""Plans: what would be written, who would move, and what is refused before anything is."""

from __future__ import annotations

import itertools

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from pyroaring import BitMap

from tekil.commands.definitions import file_of, read_file, yaml_of
from tekil.errors import InvalidDefinition
from tekil.kit.json import JsonValue
from tekil.segments.model import InSegment
from tekil.segments.plan import (
    MAX_NESTED,
    Change,
    Kind,
    Wanted,
    both,
    check_name,
    merged,
    plan,
    read,
)

BUYS: JsonValue = {"event": "Bought"}
TURKISH: JsonValue = {"trait": "country", "is": "TR"}


def segment(name: str, definition: JsonValue, description: str = "", origin: str = "") -> Wanted:
    return Wanted(Kind.SEGMENT, name, definition, description, origin)


def computed(name: str, definition: JsonValue) -> Wanted:
    return Wanted(Kind.COMPUTED_TRAIT, name, definition)


STORED = [
    segment("same", {"all": [BUYS, TURKISH]}, "told"),
    segment("renewed", BUYS),
    segment("reworded", BUYS, "before"),
    segment("left", TURKISH),
    computed("orders", {"event": "Bought", "count": True}),
]
WANTED = [
    segment("same", {"all": [BUYS, dict(reversed(list(TURKISH.items())))]}, "told"),  # type: ignore[union-attr]
    segment("renewed", TURKISH),
    segment("reworded", BUYS, "after"),
    segment("new", {"segment": "same"}),
]


@pytest.mark.parametrize("prune", [False, True])
def test_only_what_differs_is_written(prune: bool) -> None:
    made = plan(STORED, WANTED, {}, prune=prune)
    gone = Change.REMOVED if prune else Change.KEPT
    assert {(step.kind, step.name): step.change for step in made.steps} == {
        (Kind.SEGMENT, "same"): Change.UNCHANGED,
        (Kind.SEGMENT, "renewed"): Change.CHANGED,
        (Kind.SEGMENT, "reworded"): Change.CHANGED,
        (Kind.SEGMENT, "new"): Change.ADDED,
        (Kind.SEGMENT, "left"): gone,
        (Kind.COMPUTED_TRAIT, "orders"): gone,
    }
    assert [draft.name for draft in made.rewrite.segments] == ["new", "renewed", "reworded"]
    assert made.rewrite.without_segments == (("left",) if prune else ())
    assert made.rewrite.without_computed_traits == (("orders",) if prune else ())
    assert made.changes == (5 if prune else 3)


def test_a_plan_of_what_is_there_is_empty() -> None:
    made = plan(STORED, list(reversed(STORED)), {}, prune=True)
    assert made.changes == 0
    assert made.rewrite.segments == made.rewrite.computed_traits == ()


def test_a_step_counts_who_enters_and_leaves() -> None:
    people = {
        "before:renewed": BitMap([1, 2, 3]),
        "after:renewed": BitMap([3, 4]),
        "after:new": BitMap([9]),
        "before:left": BitMap([5, 6]),
    }
    steps = {step.name: step for step in plan(STORED, WANTED, people, prune=True).steps}
    moved = {name: (s.before, s.after, s.entering, s.leaving) for name, s in steps.items()}
    assert moved["renewed"] == (3, 2, 1, 2)
    assert moved["new"] == (None, 1, 1, 0)
    assert moved["left"] == (2, None, 0, 2)
    assert moved["orders"] == (None, None, 0, 0)


def test_both_sets_name_their_own_segments() -> None:
    before = read([segment("a", {"not": {"segment": "b"}}), segment("b", BUYS)])
    after = read([segment("a", {"any": [{"segment": "b"}]}), segment("b", TURKISH)])
    together = both(before, after)
    assert set(together) == {"before:a", "before:b", "after:a", "after:b"}
    assert together["before:b"] == before.segments["b"]
    assert together["after:b"] == after.segments["b"]
    assert InSegment("before:b") == together["before:a"].item  # type: ignore[union-attr]
    assert together["after:a"].items == (InSegment("after:b"),)  # type: ignore[union-attr]


def test_computed_traits_are_read_before_the_segments_that_name_them() -> None:
    orders = computed("orders", {"event": "Bought", "count": True})
    named = segment("loyal", {"computed": "orders", "gte": 3})
    assert set(read([named, orders]).segments) == {"loyal"}
    with pytest.raises(InvalidDefinition, match='no computed trait "orders"'):
        read([named])


def test_every_fault_of_every_definition_is_told_with_its_place() -> None:
    wrong = [
        segment("x", {"all": [{"trait": "a"}, {"trait": "b", "iz": 1}]}, origin="dir/x.yaml"),
        segment("y", {"tr": 1}),
        computed("z", {"event": "Bought"}),
    ]
    with pytest.raises(InvalidDefinition) as caught:
        read(wrong)
    errors = caught.value.attributes["errors"]
    assert isinstance(errors, list)
    paths = [error["path"] for error in errors]
    assert "dir/x.yaml: definition.all[0]" in paths
    assert "dir/x.yaml: definition.all[1].iz" in paths
    assert 'segment "y": definition' in paths
    assert 'computed trait "z": definition' in paths
    assert all(path in caught.value.message for path in paths)


def test_unknown_names_and_circles_are_refused() -> None:
    with pytest.raises(InvalidDefinition, match=r'f\.yaml: definition: There is no segment "b"'):
        read([segment("a", {"segment": "b"}, origin="f.yaml")])
    with pytest.raises(InvalidDefinition, match="a → b → a"):
        read([segment("a", {"segment": "b"}), segment("b", {"not": {"segment": "a"}})])


def test_segments_that_name_each_other_twice_do_not_explode() -> None:
    chain = [segment("s0", BUYS)]
    for number in range(1, 40):
        twice: JsonValue = {"segment": f"s{number - 1}"}
        chain.append(segment(f"s{number}", {"any": [twice, twice]}))
    assert len(read(chain[:12]).segments) == 12
    with pytest.raises(InvalidDefinition, match="Name each segment once"):
        read(chain)


@pytest.mark.parametrize("backwards", [False, True])
def test_a_chain_of_segments_has_an_end(backwards: bool) -> None:
    def chain(length: int) -> list[Wanted]:
        names = [f"s{n:04}" for n in range(length)]
        if backwards:
            names.reverse()
        links = [
            segment(name, {"not": {"segment": below}}) for below, name in itertools.pairwise(names)
        ]
        return [segment(names[0], BUYS), *links]

    assert len(read(chain(MAX_NESTED)).segments) == MAX_NESTED
    for length in (MAX_NESTED + 2, 900):
        with pytest.raises(InvalidDefinition, match="deep: write some"):
            read(chain(length))


def test_what_stays_is_part_of_what_will_be() -> None:
    wanted = [segment("mine", {"segment": "left"})]
    assert read(merged(STORED, wanted, prune=False)).segments["mine"] == InSegment("left")
    with pytest.raises(InvalidDefinition, match='no segment "left"'):
        read(merged(STORED, wanted, prune=True))


def test_twins_are_refused() -> None:
    twins = [segment("a", BUYS, origin="one.yaml"), segment("a", BUYS, origin="two.yaml")]
    with pytest.raises(InvalidDefinition, match=r"in one\.yaml and in two\.yaml"):
        merged([], twins, prune=False)
    assert len(merged([], [segment("a", BUYS), computed("a", BUYS)], prune=False)) == 2


@pytest.mark.parametrize("name", [".", "..", "schema", "values", "", "a/b", "a\nb", "x" * 201])
def test_names_without_an_address_are_refused(name: str) -> None:
    with pytest.raises(InvalidDefinition, match="nothing can have this name"):
        check_name(name)


@pytest.mark.parametrize("name", ["vip", "Büyük müşteri", "...", "x" * 200, "a:b", " "])
def test_other_names_are_fine(name: str) -> None:
    check_name(name)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
    | st.sampled_from(["NO", "yes", "1_000", "0o17", "1:30", "2026-01-01", "~", "null", "=", "<<"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=("Cs",)), max_size=8), inner)
    ),
    max_leaves=12,
)
NAMES = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/"),
    min_size=1,
    max_size=60,
)


@example(name="x", description="\x85", definition={"trait": "a\u2028 b"})
@given(name=NAMES, description=st.text(max_size=30), definition=JSON)
def test_a_definition_is_read_from_its_file_as_it_was(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    description: str,
    definition: JsonValue,
) -> None:
    item = {"kind": "segment", "name": name, "description": description, "definition": definition}
    path = tmp_path_factory.getbasetemp() / "definition.yaml"
    path.write_text(yaml_of(item), encoding="utf-8", newline="\n")
    assert read_file(path) == {k: v for k, v in item.items() if k != "kind"}
    file = file_of(item)
    assert len(file.parts) == 2
    assert not file.name.startswith(".")
    assert len(file.name.encode()) <= 255


def test_a_file_stays_in_the_form_that_people_review() -> None:
    item = {"kind": "segment", "name": "vip", "description": "Çok alan", "definition": TURKISH}
    assert yaml.safe_load(yaml_of(item))["name"] == "vip"
    assert yaml_of(item).splitlines()[:3] == [
        "name: vip",
        "description: Çok alan",
        "definition:",
    ]
