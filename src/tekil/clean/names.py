"""Letters and names: Turkish case, folding for search, and tidying without loss.

Turkish has two letters where others have one: dotted ``İ``/``i`` and dotless ``I``/``ı``. Python's
``str.lower`` knows only the other languages' pair, so it is never used on Turkish text here.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Left-overs of copying from web pages and spreadsheets: zero-width marks, soft hyphen, BOM.
INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_DIRECTION_MARKS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_NOISE = re.compile(f"[{INVISIBLE}{_DIRECTION_MARKS}\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
# The zero-width joiners spell words in Persian and Indic names, so names keep those inside.
_NAME_NOISE = re.compile(_NOISE.pattern.replace("\u200c", "").replace("\u200d", ""))
_LATIN_MARKS = re.compile("[\u0300-\u036f]")
_WORD_START = re.compile(r"(^|[\s\-])(\w)")
_FOLDS = str.maketrans(
    {"ı": "i", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h"}
)


def turkish_lower(text: str) -> str:
    """Lower case by Turkish rules.

    >>> turkish_lower("ISPARTA İZMİR")
    'ısparta izmir'
    """
    composed = unicodedata.normalize("NFC", text)
    return composed.replace("I", "ı").replace("İ", "i").lower()


def turkish_upper(text: str) -> str:
    """Upper case by Turkish rules.

    >>> turkish_upper("ısparta izmir")
    'ISPARTA İZMİR'
    """
    return text.replace("i", "İ").replace("ı", "I").upper()


def turkish_title(text: str) -> str:
    """A capital at the start of every word, by Turkish rules.

    >>> turkish_title("IŞIL  ışık-inci")
    'Işıl  Işık-İnci'
    """
    return _WORD_START.sub(lambda m: m[1] + turkish_upper(m[2]), turkish_lower(text))


def tidy_text(text: str) -> str:
    """Compose (NFC), drop invisible marks, and make every run of white space one blank.

    >>> tidy_text("  a\\u200b \\u00a0 b ")
    'a b'
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    return unicodedata.normalize("NFC", " ".join(_NOISE.sub("", text).split()))


@lru_cache(maxsize=16_384)
def clean_name(text: str) -> str:
    """Tidy a person's name without guessing: its letters and their case stay as they came.

    >>> clean_name(" Ays\\u0327e   IŞIK ")
    'Ayşe IŞIK'
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    kept = " ".join(_NAME_NOISE.sub("", text).split()).strip("\u200c\u200d ")
    return unicodedata.normalize("NFC", kept)


@lru_cache(maxsize=32_768)
def search_fold(text: str) -> str:
    """The form in which two spellings of one name are equal, whatever the keyboard.

    Case, accents, the dots of İ and ı and the width of blanks do not count.

    >>> search_fold("ISPARTA") == search_fold("ısparta") == search_fold("İsparta") == "isparta"
    True
    >>> search_fold("Ayşe  ÇAĞRI Öztürk")
    'ayse cagri ozturk'
    """
    if text.isascii():
        return " ".join(text.lower().split())
    folded = text
    for _ in range(3):  # Case folding and decomposition can each give the other work.
        decomposed = unicodedata.normalize("NFKD", _NOISE.sub("", folded).casefold())
        again = _LATIN_MARKS.sub("", decomposed).translate(_FOLDS)
        if again == folded:
            break
        folded = again
    return " ".join(folded.split())
