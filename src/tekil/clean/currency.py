"""Currencies: codes, signs and words become ISO 4217 codes."""

from __future__ import annotations

from functools import lru_cache

from tekil.clean.names import search_fold

# ISO 4217 by pycountry 26.2 without funds, metals and test codes, and with the codes
# that were withdrawn in the last years, because history is imported too.
_CODES = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD
    CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD
    GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD
    KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO
    NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE
    SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND
    VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    ANG BGN BYR CUC HRK LTL LVL MRO SLL STD VEF ZWL
"""
CURRENCIES = frozenset(_CODES.split())
"""Every code that is understood."""
_SIGNS = {
    "₺": "TRY",
    "$": "USD",
    "us$": "USD",
    "€": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "₽": "RUB",
    "₴": "UAH",
    "₹": "INR",
    "₩": "KRW",
    "₪": "ILS",
    "₫": "VND",
    "₱": "PHP",
    "₸": "KZT",
    "₼": "AZN",
    "₾": "GEL",
    "฿": "THB",
    "₦": "NGN",
    "a$": "AUD",
    "au$": "AUD",
    "c$": "CAD",
    "ca$": "CAD",
    "hk$": "HKD",
    "nz$": "NZD",
    "r$": "BRL",
    "s$": "SGD",
    "zł": "PLN",
    "kč": "CZK",
}
_WORDS = {
    "tl": "TRY",
    "ytl": "TRY",
    "try": "TRY",
    "lira": "TRY",
    "turk lirasi": "TRY",
    "turkish lira": "TRY",
    "dollar": "USD",
    "dollars": "USD",
    "dolar": "USD",
    "amerikan dolari": "USD",
    "us dollar": "USD",
    "abd dolari": "USD",
    "euro": "EUR",
    "euros": "EUR",
    "avro": "EUR",
    "sterlin": "GBP",
    "sterling": "GBP",
    "pound": "GBP",
    "pound sterling": "GBP",
    "ingiliz sterlini": "GBP",
    "rmb": "CNY",
    "yuan": "CNY",
    "yen": "JPY",
}
_SIGNS_FOLDED = {search_fold(sign): code for sign, code in _SIGNS.items()}


def normalise_currency(value: object) -> str | None:
    """The ISO 4217 code of a currency, or None when this names none.

    >>> [normalise_currency(x) for x in ("try", "TL", "₺", "$", " eur ", "Türk Lirası", "beans")]
    ['TRY', 'TRY', 'TRY', 'USD', 'EUR', 'TRY', None]
    """
    if not isinstance(value, str):
        return None
    return value if value in CURRENCIES else _normalise(value)


@lru_cache(maxsize=1_024)
def _normalise(text: str) -> str | None:
    if len(text) > 40:
        return None
    folded = search_fold(text).rstrip(".")
    code = folded.upper()
    if code in CURRENCIES:
        return code
    return _WORDS.get(folded) or _SIGNS_FOLDED.get(folded)
