"""E-mail addresses: one spelling per mailbox, so that the same person is found again."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from urllib.parse import unquote

import idna
from email_validator import validate_email

from tekil.clean.names import INVISIBLE

_MAX_LENGTH = 254
_MAX_LOCAL = 64
_WORD = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])"
_PLAIN = re.compile(rf"{_WORD}(?:\.{_WORD})*@{_DOMAIN}")
_PLAIN_DOMAIN = re.compile(_DOMAIN)
_DOTTED_I = re.compile("i\u0307+")
_EDGES = " \t\r\n\f\v\u00a0" + INVISIBLE


def normalise_email(value: object) -> str | None:
    """The mailbox's one spelling, or None when this is not an address.

    Lower case, NFC, the domain in ASCII (punycode). ``İ`` and ``ı`` before the @ become ``i``:
    they come from Turkish keyboards and from upper- and lower-casing under a Turkish locale. After
    the @ a dotless ``ı`` stays, because there it names another domain. Nobody is asked whether the
    mailbox exists.

    >>> normalise_email(" mailto:ALİ.IŞIK@Örnek.com.tr ")
    'ali.işik@xn--rnek-4qa.com.tr'
    >>> normalise_email("ada at example.com") is None
    True
    """
    return _normalise(value) if isinstance(value, str) else None


@lru_cache(maxsize=65_536)
def _normalise(text: str) -> str | None:
    address = text.strip(_EDGES)
    if address.isascii():
        lowered = address.lower()
        if _PLAIN.fullmatch(lowered) is not None:
            fits = len(lowered) <= _MAX_LENGTH and lowered.index("@") <= _MAX_LOCAL
            return lowered if fits else None
    return _normalise_odd(address)


def _normalise_odd(text: str) -> str | None:
    """Addresses in disguise (mailto:, <…>) or with letters beyond ASCII."""
    address = text
    if address[:7].lower() == "mailto:":
        address = unquote(address[7:].partition("?")[0])
    if address.endswith(">"):
        address = address[address.rfind("<") + 1 : -1]
    address = address.strip(_EDGES)
    local, at, domain = address.rpartition("@")
    if not at or len(address) > 4 * _MAX_LENGTH:
        return None
    try:
        plain_domain = idna.encode(_lower(domain).rstrip("."), uts46=True).decode("ascii")
        checked = validate_email(
            f"{_lower(local).replace('ı', 'i')}@{plain_domain}",
            check_deliverability=False,
            globally_deliverable=False,
        )
    except ValueError:  # EmailNotValidError, idna.IDNAError and UnicodeError are all of them.
        return None
    result = f"{checked.local_part}@{plain_domain}"
    fits = len(result) <= _MAX_LENGTH and _PLAIN_DOMAIN.fullmatch(plain_domain) is not None
    return result if fits else None


def _lower(text: str) -> str:
    # Everywhere but in Turkish locales İ is lowered to an i and a dot of its own.
    composed = unicodedata.normalize("NFC", text).lower()
    return unicodedata.normalize("NFC", _DOTTED_I.sub("i", composed))
