"""The franchise stores' order file: a Turkish spreadsheet's CSV, one line per product."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tekil.demo.shop.model import TURKEY, OfflineLine, OfflineOrder
from tekil.demo.shop.truth import Truth

ENCODING = "cp1254"
"""What a Turkish spreadsheet saves."""
HEADER = (
    "Sipariş No", "Sipariş Tarihi", "Müşteri Kart No", "Telefon", "Mağaza", "Şehir",
    "Ürün ID", "Ürün Adı", "Adet", "Birim Fiyat", "Satır Tutarı", "Para Birimi",
)  # fmt: skip
MAPPING = """\
# What cannot be guessed from the file itself: where its clocks hang.
kind: orders
timezone: Europe/Istanbul
"""
_BAD_DATES = ("31.02.2026 12:00", "yok", "2026/13/45")


def write_orders(path: Path, orders: Iterable[OfflineOrder], truth: Truth) -> Path:
    """Write the file, three unreadable lines among it; answers the mapping file beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ordered = sorted(orders, key=lambda order: order.at)
    with path.open("w", encoding=ENCODING, newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(HEADER)
        for number, order in enumerate(ordered):
            writer.writerows(_rows(order))
            if number % 50 == 7 and truth.bad_lines < len(_BAD_DATES):
                writer.writerow(_bad_row(order, _BAD_DATES[truth.bad_lines]))
                truth.bad_lines += 1
    mapping = path.with_suffix(".yaml")
    mapping.write_text(MAPPING, encoding="utf-8")
    return mapping


def _rows(order: OfflineOrder) -> list[tuple[str, ...]]:
    local = datetime.fromtimestamp(order.at / 1000, UTC) + timedelta(hours=TURKEY.utc_offset)
    head = (
        order.order_id,
        f"{local:%d.%m.%Y %H:%M}",
        order.card,
        order.phone,
        order.store,
        order.city,
    )
    return [(*head, *_product(line), order.currency) for line in order.lines]


def _product(line: OfflineLine) -> tuple[str, ...]:
    return (
        line.product_id,
        line.name,
        str(line.quantity),
        comma(line.cents),
        comma(line.cents * line.quantity),
    )


def _bad_row(order: OfflineOrder, date: str) -> tuple[str, ...]:
    row = list(_rows(order)[0])
    row[0], row[1] = f"{order.order_id}-X", date
    return tuple(row)


def comma(cents: int) -> str:
    """Write an amount as a Turkish spreadsheet does.

    >>> comma(129905), comma(7), comma(123456789)
    ('1.299,05', '0,07', '1.234.567,89')
    """
    return f"{cents // 100:,}".replace(",", ".") + f",{cents % 100:02d}"
