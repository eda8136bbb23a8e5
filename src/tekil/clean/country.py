"""Countries: any usual way to write one becomes its ISO 3166 alpha-2 code.

``countries.tsv`` holds alpha-2, alpha-3, the English, the Turkish and further names. It was made
from Unicode CLDR (by babel 2.18; Unicode licence) and from pycountry 26.2, which would each add
megabytes to an installation for these 15 kB.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

from tekil.clean.names import search_fold

_NOT_LETTERS = re.compile(r"[\W_]+")

# How people and other programs write countries beyond the official and native names.
_COMMON = {
    "AE": "uae|bae|emirates",
    "BA": "bosnia|bosna",
    "CD": "drc|dr congo",
    "CH": "isvicre|swiss",
    "CI": "ivory coast|fildisi sahili",
    "CN": "prc|mainland china|people s republic of china|cin halk cumhuriyeti",
    "CZ": "czech republic|cek cumhuriyeti",
    "DE": "deutschland allemagne almanya",
    "FR": "fransa",
    "GB": "uk|great britain|britain|england|ingiltere|scotland|iskocya|wales|galler"
    "|northern ireland|kuzey irlanda|buyuk britanya|britanya",
    "GR": "hellas|greece|yunanistan",
    "HK": "hong kong",
    "IR": "persia|iran",
    "KR": "korea|kore|republic of korea|south korea|guney kore",
    "KP": "dprk",
    "LA": "laos",
    "MD": "moldova",
    "MK": "macedonia|makedonya",
    "MM": "burma",
    "MO": "macau|macao|makao",
    "NL": "holland|hollanda|the netherlands|nederland",
    "PS": "palestine|filistin",
    "RU": "russian federation|rusya federasyonu|rossiya",
    "SA": "ksa|suudi arabistan",
    "SY": "syria|suriye",
    "SZ": "swaziland",
    "TL": "east timor",
    "TR": "turkey|turkiye cumhuriyeti|turkei|turquie|turquia|turchia|turkije",
    "TW": "taiwan|tayvan",
    "TZ": "tanzania|tanzanya",
    "US": "usa|us of a|america|amerika|abd|united states of america|the united states"
    "|amerika birlesik devletleri",
    "VA": "vatican|vatikan",
    "VE": "venezuela",
    "VN": "vietnam|viet nam",
}
# Two-letter codes that are in use but are not the country's alpha-2 code.
_CODES = {"UK": "GB", "EL": "GR"}


def normalise_country(value: object) -> str | None:
    """The alpha-2 code of a country, or None when this names none.

    >>> [normalise_country(x) for x in ("tur", "TÜRKİYE", "Turkey", "İngiltere", "U.S.A.", "de")]
    ['TR', 'TR', 'TR', 'GB', 'US', 'DE']
    """
    return _normalise(value) if isinstance(value, str) else None


@lru_cache(maxsize=4_096)
def _normalise(text: str) -> str | None:
    if len(text) > 100:
        return None
    return _table().get(_key(text))


def _key(name: str) -> str:
    words = _NOT_LETTERS.sub(" ", search_fold(name)).split()
    # U.S.A. falls into single letters; as one word it is found.
    return "".join(words) if all(len(word) == 1 for word in words) else " ".join(words)


@lru_cache(maxsize=1)
def _table() -> dict[str, str]:
    table: dict[str, str] = {}
    rows = [line.split("\t") for line in _lines()]
    for code, alpha3, *_ in rows:
        table[_key(code)] = table[_key(alpha3)] = code
    for code, name in _CODES.items():
        table[_key(code)] = name
    for code, _alpha3, english, turkish, others in rows:
        for name in (english, turkish, *others.split("|"), *_COMMON.get(code, "").split("|")):
            if name:
                table.setdefault(_key(name), code)
    return table


def _lines() -> list[str]:
    return files("tekil.clean").joinpath("countries.tsv").read_text(encoding="utf-8").splitlines()


def countries() -> dict[str, tuple[str, str]]:
    """Every alpha-2 code with its English and Turkish name.

    >>> countries()["DE"]
    ('Germany', 'Almanya')
    """
    return {row[0]: (row[2], row[3]) for row in (line.split("\t") for line in _lines())}
