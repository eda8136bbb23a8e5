"""Channels: through which door a message came in."""

from __future__ import annotations

import re
from functools import lru_cache

from tekil.clean.names import search_fold

_LONGEST_SAID = 100
_LONGEST_WORD = 40
_CHANNELS = {
    "mobile": "app",
    "ios": "app",
    "android": "app",
    "browser": "web",
    "website": "web",
    "sources": "server",
    "e_mail": "email",
    "eposta": "email",
    "e_posta": "email",
    "callcenter": "call_center",
    "call_centre": "call_center",
    "callcentre": "call_center",
    "cagri_merkezi": "call_center",
    "in_store": "pos",
    "instore": "pos",
}
_APP_LIBRARY = re.compile(r"ios|android|kotlin|swift|flutter|react-?native|unity|xamarin", re.I)
_WEB_LIBRARY = re.compile(r"^analytics\.js$|javascript|-js$|^web$|gtm", re.I)
_NOT_A_WORD = re.compile(r"[^\w]+")


def read_channel(said: str | None, kind: str, library: str, *, page: bool, app: bool) -> str:
    """The channel as the message says it, else by the kind of its source and by its library.

    ``page`` and ``app`` say whether the context names one: a source of kind http may pass on what
    browsers and apps sent.
    """
    word = channel_word(said[:_LONGEST_SAID]) if said else ""
    if word:
        return word
    match kind:
        case "web":
            return "web"
        case "mobile":
            return "app"
        case "file":
            return "file"
    by_library = _library_channel(library[:_LONGEST_SAID]) if library else ""
    if by_library or page:
        return by_library or "web"
    return "app" if app else "server"


@lru_cache(maxsize=1_024)
def _library_channel(library: str) -> str:
    if _APP_LIBRARY.search(library):
        return "app"
    return "web" if _WEB_LIBRARY.search(library) else ""


@lru_cache(maxsize=4_096)
def channel_word(text: str) -> str:
    """One word per channel: well-known ones under one name, others in lower snake case.

    >>> [channel_word(x) for x in ("Mobile", "Call Centre", "E-mail", "Mağaza")]
    ['app', 'call_center', 'email', 'magaza']
    """
    word = _NOT_A_WORD.sub("_", search_fold(text)).strip("_")[:_LONGEST_WORD].rstrip("_")
    return _CHANNELS.get(word, word)
