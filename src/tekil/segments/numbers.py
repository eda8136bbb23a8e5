"""Numbers that add up the same in any order: whole millionths, rounded half to even."""

from __future__ import annotations

MICRO = 1_000_000
LARGEST = 1e18
"""A number beyond this is taken as missing when it is added up."""


def to_micro(value: float) -> int:
    """Whole millionths of a number.

    >>> to_micro(0.29)
    290000
    """
    return round(value * MICRO)
