"""Amounts of money: exact decimals out of numbers and of text in either notation."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import NamedTuple

from tekil.clean.currency import normalise_currency
from tekil.clean.names import tidy_text

LIMIT = Decimal(10) ** 14
"""Amounts reach up to here: the warehouse keeps 18 digits, four of them after the point."""

_STEP = Decimal("0.0001")
_AMOUNT = re.compile(
    r"(?P<minus>[-\u2212(])?\s*(?P<before>[^\d\s\-\u2212().,'+]{1,12}\.?(?:\s[^\d\s]{1,12})?)?\s*"
    r"(?P<minus2>[-\u2212])?\+?(?P<number>[.,]?\d[\d.,'’\s]*?)\s*"
    r"(?P<after>[^\d\s\-\u2212().,'+][^\d()]{0,20}?)?\s*\)?"
)
_GROUPS = re.compile(r"\d{1,3}(?:,\d{2,3})*,\d{3}")
# Where a point between the thousands is usual, so that "1.234 TL" is more than one lira.
_POINT_GROUPS = frozenset({"TRY", "EUR", "BRL", "IDR", "VND"})


class Money(NamedTuple):
    """An amount, and the currency when the text itself named one."""

    amount: Decimal
    currency: str | None


def parse_money(value: object) -> Decimal | None:
    """The amount in a JSON value, or None when there is none.

    >>> [str(parse_money(x)) for x in (19.99, 5, "$19.99", "1.234,56 TL", "1,234.56", "free")]
    ['19.99', '5', '19.99', '1234.56', '1234.56', 'None']
    """
    money = read_money(value)
    return None if money is None else money.amount


def read_money(value: object) -> Money | None:
    """The amount in a JSON value with the currency that its text names.

    >>> read_money("1.234 TL")
    Money(amount=Decimal('1234'), currency='TRY')
    """
    if isinstance(value, str):
        return _from_text(value)
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        # By its shortest text: 19.99 means 19.99, not the binary fraction next to it.
        return _bounded(Decimal(repr(value)), None) if -1e15 < value < 1e15 else None
    if isinstance(value, int):
        return _bounded(Decimal(value), None) if -(10**15) < value < 10**15 else None
    return None


def to_cents(amount: Decimal) -> Decimal:
    """Round to the four decimal places that are stored.

    >>> to_cents(Decimal("0.30000000000000004"))
    Decimal('0.3000')
    """
    return amount.quantize(_STEP, ROUND_HALF_EVEN)


def _bounded(amount: Decimal, currency: str | None) -> Money | None:
    return Money(amount, currency) if -LIMIT < amount < LIMIT else None


@lru_cache(maxsize=8_192)
def _from_text(text: str) -> Money | None:
    if len(text) > 60:
        return None
    match = _AMOUNT.fullmatch(tidy_text(text))
    if match is None or ((match["minus"] == "(") != text.rstrip().endswith(")")):
        return None
    if match["minus"] and match["minus2"]:
        return None
    named = (match["before"] or "").strip(), (match["after"] or "").strip()
    currencies = [normalise_currency(name) for name in named if name]
    if None in currencies or len(set(currencies)) > 1:
        return None
    currency = currencies[0] if currencies else None
    digits = _plain_digits(match["number"], currency)
    if digits is None:
        return None
    negative = match["minus"] or match["minus2"]
    return _bounded(Decimal(digits) * (-1 if negative else 1), currency)


def _plain_digits(number: str, currency: str | None) -> str | None:
    """ASCII digits with a point before the decimals; None when the separators make no sense."""
    if not number.isascii():
        number = number.replace("’", "'")
    bare = number.replace(" ", "").replace("'", "")
    if not bare.isascii():
        return None
    point, comma = bare.rfind("."), bare.rfind(",")
    if point >= 0 and comma >= 0:
        decimal, group = (".", ",") if point > comma else (",", ".")
        whole, _, fraction = bare.rpartition(decimal)
        return _join(whole.replace(group, ","), fraction)
    if comma >= 0:
        if _GROUPS.fullmatch(bare) and not bare.startswith("0"):
            return bare.replace(",", "")
        return _join(*_halves(bare, ","))
    if bare.count(".") > 1 or (currency in _POINT_GROUPS and not bare.startswith("0")):
        grouped = bare.replace(".", ",")
        if _GROUPS.fullmatch(grouped):
            return grouped.replace(",", "")
    return _join(*_halves(bare, "."))


def _halves(text: str, separator: str) -> tuple[str, str]:
    whole, _, fraction = text.partition(separator)
    return whole, fraction


def _join(whole: str, fraction: str) -> str | None:
    if "," in whole:
        if not _GROUPS.fullmatch(whole):
            return None
        whole = whole.replace(",", "")
    if not (whole + fraction).isdigit():
        return None
    return f"{whole or '0'}.{fraction or '0'}" if fraction else whole
