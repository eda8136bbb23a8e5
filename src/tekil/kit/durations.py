"""Durations as people write them: 90s, 15m, 12h, 7d, 2w."""

from __future__ import annotations

import re

_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_PATTERN = re.compile(r"([0-9]{1,6})([smhdw])")


def parse_duration(text: str) -> int:
    """Milliseconds in a duration. Raises ValueError.

    >>> parse_duration("90d")
    7776000000
    """
    match = _PATTERN.fullmatch(text.strip())
    if match is None:
        raise ValueError(
            f'"{text}" is not a duration: write a whole number and one of s, m, h, d, w, as in 90d'
        )
    return int(match[1]) * _UNITS_MS[match[2]]
