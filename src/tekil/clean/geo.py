"""Country and city of a network address, from a MaxMind-format City database."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import maxminddb

from tekil.clean.country import normalise_country
from tekil.errors import InvalidDefinition

_CACHED_ADDRESSES = 32_768


class Place(NamedTuple):
    """Where an address is; empty texts where that is not known."""

    country: str
    """ISO 3166 alpha-2."""
    city: str
    """The city's name in English, as the database has it."""


NOWHERE = Place("", "")


class GeoIp:
    """An open database; the look-ups are cached. Any number of threads may ask it."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises InvalidDefinition when it cannot be read."""
        try:
            self._reader = maxminddb.open_database(path)
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
            raise InvalidDefinition(
                f'The GeoIP database "{path}" cannot be read: {error}. Set geoip to a City '
                "database in MaxMind's format (.mmdb), such as GeoLite2-City.mmdb, or leave it "
                "unset.",
                path=str(path),
            ) from error
        self._lookup = lru_cache(maxsize=_CACHED_ADDRESSES)(self._look_up)

    def lookup(self, ip: str) -> Place:
        """Where a whole (not truncated) address is; NOWHERE when the database does not say."""
        return self._lookup(ip)

    def close(self) -> None:
        """Give the file back."""
        self._reader.close()

    def _look_up(self, ip: str) -> Place:
        try:
            record = self._reader.get(ip)
        except ValueError:  # not an address, or IPv6 in a database of IPv4 only
            return NOWHERE
        country = _text(record, "country", "iso_code") or _text(
            record, "registered_country", "iso_code"
        )
        return Place(normalise_country(country) or "", _text(record, "city", "names", "en"))


def _text(record: object, *path: str) -> str:
    value = record
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""
