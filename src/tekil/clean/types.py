"""Types of values that came as text: conservative, because a wrong guess destroys an id.

Text stays text unless nothing could be lost: turning the result into text again must give what
came. So ``"007"``, ``"1.50"``, ``"+90532…"``, card numbers and other long digits stay text.
"""

from __future__ import annotations

import re

from tekil.kit.json import JsonValue

_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,8})", re.ASCII)
_FRACTION = re.compile(r"-?(?:0|[1-9]\d{0,8})\.\d{1,6}", re.ASCII)
_BOOLEANS = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}


def infer_number(text: str) -> int | float | None:
    """The number that a text plainly is; None for anything that may be an id, code or telephone.

    >>> [infer_number(x) for x in ("42", "-1.5", "007", "5321234567", "1e3", "+1", "1.50", "-0")]
    [42, -1.5, None, None, None, None, None, None]
    """
    if _INTEGER.fullmatch(text):
        return int(text) if text != "-0" else None
    if _FRACTION.fullmatch(text):
        number = float(text)
        return number if repr(number) == text and text != "-0.0" else None
    return None


def infer_boolean(text: str) -> bool | None:
    """True or false where the text is one of these words; ``yes``, ``1`` and ``evet`` are not.

    >>> infer_boolean("true"), infer_boolean("FALSE"), infer_boolean("yes")
    (True, False, None)
    """
    return _BOOLEANS.get(text)


def infer_text(text: str) -> JsonValue:
    """The value that a text of unknown meaning, such as a cell of a file, most safely is.

    >>> [infer_text(x) for x in ("42", "042", "true", "Ada", "2026-01-01")]
    [42, '042', True, 'Ada', '2026-01-01']
    """
    boolean = infer_boolean(text)
    if boolean is not None:
        return boolean
    number = infer_number(text)
    return text if number is None else number
