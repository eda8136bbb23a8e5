"""Traits of a person or an account: each cleaned by what its name says that it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum, auto
from functools import lru_cache

import msgspec

from tekil.clean.country import normalise_country
from tekil.clean.currency import normalise_currency
from tekil.clean.dates import has_time, to_date, to_instant
from tekil.clean.email import normalise_email
from tekil.clean.names import clean_name
from tekil.clean.phone import DEFAULT_REGION, normalise_phone
from tekil.clean.types import infer_boolean, infer_number
from tekil.kit.json import JsonObject, JsonValue


class CleanedValue(msgspec.Struct, frozen=True, gc=False):
    """A trait's value as it is stored."""

    value: JsonValue
    original: JsonValue = None
    """What was sent; None when it is what is stored."""


class Kind(StrEnum):
    """What a trait is, as far as its name says."""

    PLAIN = auto()
    EMAIL = auto()
    PHONE = auto()
    COUNTRY = auto()
    CURRENCY = auto()
    NAME = auto()
    INSTANT = auto()
    DAY = auto()
    DAY_OR_INSTANT = auto()
    NUMBER = auto()
    ADDRESS = auto()
    TEXT = auto()


CANONICAL = {
    "first_name": "firstName",
    "last_name": "lastName",
    "middle_name": "middleName",
    "created_at": "createdAt",
    "updated_at": "updatedAt",
    "postal_code": "postalCode",
}
"""Reserved traits that SDKs spell in two ways, and the spelling that is stored."""

_BY_NAME = {
    "name": Kind.NAME,
    "firstName": Kind.NAME,
    "middleName": Kind.NAME,
    "lastName": Kind.NAME,
    "address": Kind.ADDRESS,
    "birthday": Kind.DAY,
    "age": Kind.NUMBER,
    "id": Kind.TEXT,
    "title": Kind.TEXT,
    "username": Kind.TEXT,
    "description": Kind.TEXT,
    "avatar": Kind.TEXT,
    "website": Kind.TEXT,
    "postalCode": Kind.TEXT,
}
_NUMBER_WORDS = """
    age amount average balance children count discount employees income orders percent points price
    quantity rate revenue score spend spent total visits
"""
_BY_LAST_WORD = {
    "email": Kind.EMAIL,
    "phone": Kind.PHONE,
    "country": Kind.COUNTRY,
    "currency": Kind.CURRENCY,
    "at": Kind.INSTANT,
    "date": Kind.DAY_OR_INSTANT,
    "birthday": Kind.DAY,
    "birthdate": Kind.DAY,
    "dob": Kind.DAY,
    **dict.fromkeys(("name", "id", "code", "no", "number", "key", "token", "zip"), Kind.TEXT),
    **dict.fromkeys(_NUMBER_WORDS.split(), Kind.NUMBER),
}
_BY_LAST_WORDS = {
    ("birth", "date"): Kind.DAY,
    ("of", "birth"): Kind.DAY,
    ("phone", "number"): Kind.PHONE,
    ("email", "address"): Kind.EMAIL,
    ("full", "name"): Kind.NAME,
    ("first", "name"): Kind.NAME,
    ("last", "name"): Kind.NAME,
    ("country", "code"): Kind.COUNTRY,
    ("currency", "code"): Kind.CURRENCY,
}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def clean_traits(traits: JsonObject, region: str = DEFAULT_REGION) -> dict[str, CleanedValue]:
    """Clean every trait by its name. ``region`` reads telephones and dates without a country.

    What cannot be cleaned is kept as it came: a trait is never lost. ``null`` stays ``null``, which
    removes a trait. Of two spellings of one reserved trait that both say something, the one that is
    stored wins.

    >>> cleaned = clean_traits({"first_name": " Işıl ", "country": "Türkiye", "plan": "pro"})
    >>> {name: (trait.value, trait.original) for name, trait in cleaned.items()}
    {'firstName': ('Işıl', ' Işıl '), 'country': ('TR', 'Türkiye'), 'plan': ('pro', None)}
    """
    cleaned: dict[str, CleanedValue] = {}
    for sent_name, value in traits.items():
        name = CANONICAL.get(sent_name, sent_name)
        if name in cleaned and _loses(sent_name, value, cleaned[name]):
            continue
        kind = trait_kind(name)
        if value is None or kind is Kind.TEXT:
            cleaned[name] = CleanedValue(value)
            continue
        better = _CLEANERS[kind](value, region)
        if better is None or (better == value and type(better) is type(value)):
            cleaned[name] = CleanedValue(value)
        else:
            cleaned[name] = CleanedValue(better, value)
    return cleaned


def _loses(sent_name: str, value: JsonValue, earlier: CleanedValue) -> bool:
    """Whether the second spelling of one trait yields to the first."""
    return earlier.value is not None and (value is None or sent_name in CANONICAL)


@lru_cache(maxsize=4_096)
def trait_kind(name: str) -> Kind:
    """What the trait is by its name, in camel case or snake case.

    >>> [str(trait_kind(name)) for name in ("billing_country", "lastLoginAt", "loyaltyNo")]
    ['country', 'instant', 'text']
    """
    by_name = _BY_NAME.get(name)
    if by_name is not None:
        return by_name
    if len(name) > 100:
        return Kind.PLAIN
    words = tuple(word.lower() for word in _WORD.findall(name))[-2:]
    if not words:
        return Kind.PLAIN
    return _BY_LAST_WORDS.get(words) or _BY_LAST_WORD.get(words[-1], Kind.PLAIN)


def _clean_day_or_instant(value: JsonValue, region: str) -> JsonValue:
    if not isinstance(value, str):
        return None
    return to_instant(value, region) if has_time(value) else to_date(value, region)


def _clean_address(value: JsonValue) -> JsonValue:
    if not isinstance(value, dict):
        return None
    cleaned: JsonObject = {}
    for sent_name, part in value.items():
        name = CANONICAL.get(sent_name, sent_name)
        if name is not sent_name and name in value:
            continue
        country = normalise_country(part) if trait_kind(name) is Kind.COUNTRY else None
        cleaned[name] = country or part
    return cleaned


def _keep(_value: JsonValue, _region: str) -> JsonValue:
    return None


# The clean value, or None where the kind cannot make sense of what was sent.
_CLEANERS: dict[Kind, Callable[[JsonValue, str], JsonValue]] = {
    Kind.PLAIN: lambda value, _: infer_boolean(value) if isinstance(value, str) else None,
    Kind.TEXT: _keep,
    Kind.EMAIL: lambda value, _: normalise_email(value),
    Kind.PHONE: normalise_phone,
    Kind.COUNTRY: lambda value, _: normalise_country(value),
    Kind.CURRENCY: lambda value, _: normalise_currency(value),
    Kind.NAME: lambda value, _: clean_name(value) if isinstance(value, str) else None,
    Kind.NUMBER: lambda value, _: infer_number(value.strip()) if isinstance(value, str) else None,
    Kind.INSTANT: to_instant,
    Kind.DAY: to_date,
    Kind.DAY_OR_INSTANT: _clean_day_or_instant,
    Kind.ADDRESS: lambda value, _: _clean_address(value),
}
