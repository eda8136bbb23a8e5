"""The order file is read back by the same code as ``tekil import``."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest

from tekil.collect.files.examine import examine
from tekil.collect.files.guess import SAMPLE_ROWS, make_plan
from tekil.collect.files.mapping import load_mapping
from tekil.collect.files.messages import Builder
from tekil.collect.files.model import FileKind, Plan
from tekil.collect.files.reader import read_rows
from tekil.collect.files.units import read_units
from tekil.demo.shop.offline import comma, write_orders
from tekil.kit.clock import from_iso
from tekil.kit.json import JsonObject, decode_object
from tests.demo.conftest import CONFIG, Told, tell


@dataclass(frozen=True)
class Imported:
    told: Told
    plan: Plan
    messages: list[JsonObject]
    rejects: int


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Imported:
    told = tell(CONFIG)
    path = tmp_path_factory.mktemp("offline") / "data" / "orders.csv"
    mapping = load_mapping(write_orders(path, told.shop.offline, told.shop.truth))
    look = examine(path)
    sample = [row for _, row in zip(range(SAMPLE_ROWS), read_rows(path, look), strict=False)]
    plan = make_plan(look, sample, mapping)
    builder = Builder(look, plan.mapping)
    built = [
        builder.build(unit) for unit in read_units(lambda: read_rows(path, look), plan.mapping)
    ]
    messages = [decode_object(one.message) for one in built if one.message is not None]
    return Imported(told, plan, messages, sum(len(one.rejects) for one in built))


def test_the_file_explains_itself(imported: Imported) -> None:
    plan = imported.plan
    assert plan.mapping.kind is FileKind.ORDERS
    assert (plan.look.encoding, plan.look.delimiter) == ("windows-1254", ";")
    targets = {column.name: column.target for column in plan.mapping.columns}
    assert targets["Müşteri Kart No"] == "id:loyalty_card"
    assert targets["Telefon"] == "phone"
    assert targets["Satır Tutarı"] == "line_total"


def test_the_unreadable_lines_are_rejected_and_only_they(imported: Imported) -> None:
    assert imported.rejects == imported.told.shop.truth.bad_lines > 0
    assert len(imported.messages) == imported.told.shop.truth.offline_orders


def test_revenue_is_equal_to_the_cent(imported: Imported) -> None:
    found: Counter[str] = Counter()
    for message in imported.messages:
        properties = message["properties"]
        assert isinstance(properties, dict)
        found[str(properties["currency"])] += round(100 * float(str(properties["revenue"])))
    expected: Counter[str] = Counter()
    for order in imported.told.shop.offline:
        expected[order.currency] += sum(line.cents * line.quantity for line in order.lines)
    assert found == expected


def test_times_and_people_are_those_of_the_orders(imported: Imported) -> None:
    orders = {order.order_id: order for order in imported.told.shop.offline}
    for message in imported.messages:
        properties, context = message["properties"], message["context"]
        assert isinstance(properties, dict)
        assert isinstance(context, dict)
        order = orders[str(properties["order_id"])]
        assert abs(from_iso(str(message["timestamp"])) - order.at) < 60_000
        external = context["externalIds"]
        assert isinstance(external, list)
        kinds = {str(one["type"]) for one in external if isinstance(one, dict)}
        assert kinds == {
            name for name, value in (("loyalty_card", order.card), ("phone", order.phone)) if value
        }


def test_amounts_are_written_as_in_turkey() -> None:
    assert [comma(n) for n in (5, 100, 99_999, 100_000)] == ["0,05", "1,00", "999,99", "1.000,00"]
