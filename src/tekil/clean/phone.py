"""Telephone numbers: E.164, so that one telephone is one identity however it was typed."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

DEFAULT_REGION = "TR"

_ALLOWED = re.compile(r"[\d\s+().\-/\u2010-\u2015\u2212]{4,40}")
_SEPARATORS = re.compile(r"[\s().\-/\u2010-\u2015\u2212]+")
_TURKISH_MOBILE = re.compile(r"(?:(?:\+|00)900?|90|0)?(5\d{9})")
_POINT_ZERO = re.compile(r"(\+?\d+)\.0+")
_SCIENTIFIC = re.compile(r"(\d)\.?(\d{0,14})[eE]\+?(\d{1,2})")


def normalise_phone(value: object, region: str = DEFAULT_REGION) -> str | None:
    """The number in E.164, or None when it is none.

    A number that names its country (``+`` or ``00``) needs a length that exists there. One that
    does not is read as one of ``region`` and must be valid by that country's numbering plan; if it
    is not, but would be valid with a ``+`` that a spreadsheet ate, that is taken. Numbers with an
    extension are None: the telephone is shared.

    >>> normalise_phone("0532 123 45 67")
    '+905321234567'
    >>> normalise_phone(5321234567.0), normalise_phone("00 49 30 901820", "TR")
    ('+905321234567', '+4930901820')
    >>> normalise_phone("42") is None
    True
    """
    if isinstance(value, str):
        return _normalise(value, region)
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        if not value.is_integer() or not 0 < value < 2**53:
            return None
        value = int(value)
    if isinstance(value, int) and 0 < value < 10**15:
        return _normalise(str(value), region)
    return None


@lru_cache(maxsize=65_536)
def _normalise(text: str, region: str) -> str | None:
    number = _tidy(text)
    if number is None:
        return None
    if region == "TR":
        mobile = _TURKISH_MOBILE.fullmatch(number)
        if mobile is not None:
            return "+90" + mobile[1]
    if number.startswith("00"):
        number = "+" + number[2:]
    if number.startswith("+"):
        return _international(number)
    national = _national(number, region)
    if national is None and 11 <= len(number) <= 15 and not number.startswith("0"):
        parsed = _parse("+" + number, None)
        return _format(parsed) if parsed and phonenumbers.is_valid_number(parsed) else None
    return national


def _tidy(text: str) -> str | None:
    """ASCII digits with at most a leading plus."""
    number = text.strip()
    if len(number) > 60:
        return None
    if not number.isascii():
        number = unicodedata.normalize("NFKC", number)
        number = "".join(str(unicodedata.decimal(c, c)) for c in number if c.isprintable()).strip()
    number = _from_spreadsheet(number.removeprefix("tel:").strip())
    if _ALLOWED.fullmatch(number) is None:
        return None
    bare = _SEPARATORS.sub("", number.replace("(0)", ""))
    return bare if "+" not in bare[1:] and len(bare) <= 20 else None


def _from_spreadsheet(number: str) -> str:
    """Undo what number formats did: 5321234567.0 and 5.321234567E9."""
    plain = _POINT_ZERO.fullmatch(number)
    if plain is not None:
        return plain[1]
    scientific = _SCIENTIFIC.fullmatch(number)
    # Only when no digit was lost: 5.32E9 may be any of ten million numbers.
    if scientific is not None and len(scientific[2].rstrip("0")) >= int(scientific[3]) - 1:
        exponent = int(scientific[3])
        if len(scientific[2]) <= exponent:
            return scientific[1] + scientific[2].ljust(exponent, "0")
    return number


def _international(number: str) -> str | None:
    parsed = _parse(number, None)
    if parsed is None:
        return None
    possible = phonenumbers.is_possible_number_with_reason(parsed)
    return _format(parsed) if possible == ValidationResult.IS_POSSIBLE else None


def _national(number: str, region: str) -> str | None:
    parsed = _parse(number, region)
    if parsed is None or not phonenumbers.is_valid_number(parsed):
        return None
    return _format(parsed)


def _parse(number: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(number, region)
    except NumberParseException:
        return None


def _format(parsed: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
