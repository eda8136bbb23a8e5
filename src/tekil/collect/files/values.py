"""Reading the text of a cell: numbers, dates and booleans as people write them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal, InvalidOperation

from tekil.collect.files.model import Value, ValueType

MISSING = frozenset({"", "NULL", "null", "\\N", "#N/A"})
"""Texts that stand for no value, in every column."""
MISSING_TYPED = MISSING | {"N/A", "n/a", "NaN", "nan", "None", "-", "#YOK"}
"""Texts that stand for no value where a number, date or boolean is expected."""

BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y", "evet", "doğru", "dogru", "var"), True),
    **dict.fromkeys(("false", "f", "no", "n", "hayır", "hayir", "yanlış", "yanlis", "yok"), False),
}
_ZERO_ONE = {"0": False, "1": True}

ISO, UNIX, UNIX_MS = "iso", "unix", "unix_ms"
_DAYS = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%y")
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", " %H:%M:%S.%f")
DATE_FORMATS = (ISO, *(day + time for day in _DAYS for time in _TIMES), "%Y%m%d", "%Y%m%d%H%M%S")

_MONEY = re.compile(r"^(?:₺|\$|€|£|TRY|TL|USD|EUR|GBP)\s*|\s*(?:₺|\$|€|£|TRY|TL|USD|EUR|GBP)$")
_DOT_DECIMAL = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:[, ]\d{3})+)(?:\.\d+)?|[+-]?\.\d+")
_COMMA_DECIMAL = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:[. ]\d{3})+)(?:,\d+)?|[+-]?,\d+")
_PATTERNS = {".": _DOT_DECIMAL, ",": _COMMA_DECIMAL}
_SCIENTIFIC = re.compile(r"[+-]?\d+(?:\.\d+)?[eE][+-]?\d{1,2}")
_CODE = re.compile(r"[+-]?0\d+|\+\d{7,}|\d{16,}")
"""Digits that are a code, not a quantity: 06100, +905321234567, an account number."""
_AMBIGUOUS = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3}|,\d{3})")


def parse_number(text: str, decimal: str = ".") -> Decimal | None:
    """Read a number with the given decimal sign; None if it is not one.

    >>> parse_number("1.234,50 TL", ",")
    Decimal('1234.50')
    >>> parse_number("$1,234.50")
    Decimal('1234.50')
    """
    bare = text.strip().replace("\u00a0", " ").replace("\u202f", " ").replace("\u2212", "-")
    if bare[-1:].isalpha() or not bare[:1].isdecimal() or not bare[-1:].isdecimal():
        bare = _MONEY.sub("", bare)
        if bare.startswith("-") and not bare[1:2].isdecimal():
            bare = "-" + _MONEY.sub("", bare[1:].lstrip())
    if _PATTERNS[decimal].fullmatch(bare) and bare.isascii():
        thousands = "," if decimal == "." else "."
        plain = bare.replace(" ", "").replace(thousands, "").replace(",", ".")
        return Decimal(plain)
    if bare.isascii() and _SCIENTIFIC.fullmatch(bare):
        return Decimal(bare)
    return None


def parse_boolean(text: str) -> bool | None:
    """Read yes or no in English or Turkish, or 1 or 0; None if it is neither."""
    folded = text.strip().replace("I", "ı").replace("İ", "i").lower()
    found = BOOLEANS.get(folded)
    if found is None:
        found = BOOLEANS.get(text.strip().lower())
    return _ZERO_ONE.get(folded) if found is None else found


def parse_date(text: str, pattern: str, zone: tzinfo = UTC) -> datetime | date | None:
    """Read a day (a ``date``) or an instant (an aware ``datetime``); None if it is neither."""
    bare = text.strip()
    try:
        if pattern == ISO:
            return _parse_iso(bare, zone)
        if pattern in (UNIX, UNIX_MS):
            scale = 1 if pattern == UNIX else 1000
            return datetime.fromtimestamp(float(Decimal(bare) / scale), UTC)
        found = datetime.strptime(bare, pattern)  # noqa: DTZ007  (the zone is added below)
    except (ValueError, OverflowError, InvalidOperation, OSError):
        return None
    if "%H" not in pattern and "%I" not in pattern:
        return found.date()
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _parse_iso(text: str, zone: tzinfo) -> datetime | date | None:
    if len(text) < 10 or text[4:5] != "-":
        return None
    if len(text) == 10:
        return date.fromisoformat(text)
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=zone)


def infer(values: Iterable[Value], *, decimal_hint: str = "") -> tuple[ValueType, str, str]:
    """The type, format and (if in doubt) a note that fit every value of a sample."""
    present = [v for v in values if v is not None]
    texts = [v.strip() for v in present if isinstance(v, str) and v.strip() not in MISSING_TYPED]
    if any(not isinstance(v, str) for v in present):
        return _infer_native(present, texts)
    if not texts:
        return ValueType.TEXT, "", ""
    if all(t.lower() not in _ZERO_ONE and parse_boolean(t) is not None for t in texts):
        return ValueType.BOOLEAN, "", ""
    number = infer_number(texts, decimal_hint)
    if number is not None:
        return ValueType.NUMBER, *number
    day = infer_date(texts)
    return (ValueType.DATE, *day) if day else (ValueType.TEXT, "", "")


def _infer_native(present: Sequence[Value], texts: list[str]) -> tuple[ValueType, str, str]:
    others = [v for v in present if not isinstance(v, str)]
    if all(isinstance(v, bool) for v in others) and not texts:
        return ValueType.BOOLEAN, "", ""
    if all(isinstance(v, int | float | Decimal) and not isinstance(v, bool) for v in others):
        number = infer_number(texts, ".") if texts else (".", "")
        if number is not None:
            return ValueType.NUMBER, *number
    if any(isinstance(v, dict | list) for v in others):
        return ValueType.JSON, "", ""
    return ValueType.TEXT, "", ""


def infer_number(
    texts: Sequence[str], hint: str = "", tolerance: float = 0.0
) -> tuple[str, str] | None:
    """The decimal sign that fits (nearly) every text, and a note if in doubt; None if none does."""
    if any(_CODE.fullmatch(t) for t in texts):
        return None
    misfits = {sign: [t for t in texts if parse_number(t, sign) is None] for sign in (".", ",")}
    fewest = min(len(m) for m in misfits.values())
    if fewest > len(texts) * tolerance:
        return None
    fits = [sign for sign, m in misfits.items() if len(m) == fewest]
    sign = hint if hint in fits else fits[0]
    doubtful = next((t for t in texts if _AMBIGUOUS.fullmatch(t)), None)
    notes = [_misfit_note(misfits[sign], len(texts), "numbers")] if fewest else []
    if doubtful is not None and len(fits) > 1:
        notes.append(f'"{doubtful}" is read as {parse_number(doubtful, sign)}')
    return sign, "; ".join(notes)


def infer_date(texts: Sequence[str], tolerance: float = 0.1) -> tuple[str, str] | None:
    """The date format that fits (nearly) every text, and a note if in doubt; None if none does."""
    allowed = len(texts) * tolerance
    misfits: dict[str, list[str]] = {}
    for pattern in DATE_FORMATS:
        missed: list[str] = []
        for text in texts:
            if not _plausible(parse_date(text, pattern)):
                missed.append(text)
                if len(missed) > allowed:
                    break
        else:
            misfits[pattern] = missed
    if not misfits:
        return None
    chosen = min(misfits, key=lambda pattern: len(misfits[pattern]))
    notes = [_misfit_note(misfits[chosen], len(texts), "dates")] if misfits[chosen] else []
    swapped = misfits.get(chosen.replace("%d/%m", "%m/%d"))
    if "%d/%m" in chosen and swapped is not None and len(swapped) == len(misfits[chosen]):
        notes.append(f'"{texts[0]}" is read with the day before the month')
    return chosen, "; ".join(notes)


def _misfit_note(missed: Sequence[str], of: int, what: str) -> str:
    return f'{len(missed)} of {of} are not {what}, such as "{missed[0]}": their rows are rejected'


def _plausible(found: datetime | date | None) -> bool:
    return found is not None and 1800 <= found.year <= 2200
