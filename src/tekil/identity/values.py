"""The plain normalisers: those that need to know nothing about e-mails or telephones."""

from __future__ import annotations

import unicodedata
from typing import Final

from tekil.identity.model import Normaliser

MAX_VALUE_CHARS: Final = 512
"""Longer values are mistakes or attacks; they name nobody."""


def normalise_plain(normaliser: Normaliser, text: str) -> str | None:
    """Normalise; e-mails and telephones are only trimmed here, for want of better.

    >>> normalise_plain(Normaliser.TRIM, " Ada "), normalise_plain(Normaliser.LOWER, "İZMİR")
    ('Ada', 'izmir')
    """
    if normaliser is Normaliser.EXACT:
        return text
    if normaliser is Normaliser.LOWER:
        return unicodedata.normalize("NFC", text.strip().replace("İ", "i").lower())
    return text.strip() or None
