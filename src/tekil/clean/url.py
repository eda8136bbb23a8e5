"""Web addresses: the campaign, the host and the path in them."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from tekil.clean.names import tidy_text

LONGEST_LABEL = 100
"""Campaigns and other words that events are cut by are stored up to this length."""

LONGEST_URL = 4_096
"""Longer addresses are not taken apart."""


class Campaigns(NamedTuple):
    """The campaign in an address; the medium and source in lower case."""

    source: str
    medium: str
    name: str


NO_CAMPAIGN = Campaigns("", "", "")


def url_host(url: str) -> str:
    """The host of an address without ``www.``; empty when it has none.

    >>> url_host("https://www.google.com.tr/search?q=x"), url_host("$direct")
    ('google.com.tr', '')
    """
    return _host(url) if len(url) <= LONGEST_URL else ""


@lru_cache(maxsize=16_384)
def campaign_in(query: str) -> Campaigns:
    """The utm_ values of a query.

    >>> campaign_in("utm_source=Google&utm_campaign=K%C4%B1%C5%9F")
    Campaigns(source='google', medium='', name='Kış')
    """
    try:
        sent = dict(parse_qsl(query, max_num_fields=200))
    except ValueError:
        return NO_CAMPAIGN
    return Campaigns(
        label(sent.get("utm_source", "")).lower(),
        label(sent.get("utm_medium", "")).lower(),
        label(sent.get("utm_campaign", "")),
    )


@lru_cache(maxsize=16_384)
def label(text: str) -> str:
    """A word to cut events by: tidy and of bounded length."""
    return tidy_text(text[: 4 * LONGEST_LABEL])[:LONGEST_LABEL].strip()


@lru_cache(maxsize=16_384)
def path_in(url: str) -> str:
    """The path of an address."""
    try:
        return urlsplit(url.strip()).path
    except ValueError:
        return ""


@lru_cache(maxsize=16_384)
def _host(url: str) -> str:
    try:
        host = urlsplit(url.strip()).hostname or ""
    except ValueError:
        return ""
    return host.removeprefix("www.").rstrip(".")[:253]
