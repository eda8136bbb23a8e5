"""The context of a message: where it came from, in the few words that events are cut by."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple, TypeVar
from urllib.parse import parse_qsl, urlsplit

import msgspec

from tekil.clean.agent import UNKNOWN, canonical_os, parse_agent
from tekil.clean.geo import NOWHERE, GeoIp
from tekil.clean.ip import IpPolicy, apply_policy, normalise_ip
from tekil.clean.names import search_fold, tidy_text

_LONGEST_LABEL = 100
_LONGEST_URL = 4_096


class Page(msgspec.Struct, frozen=True, gc=False):
    """The page that was open."""

    url: str | None = None
    referrer: str | None = None
    path: str | None = None
    search: str | None = None


class Campaign(msgspec.Struct, frozen=True, gc=False):
    """The campaign that brought the visit, as the SDK read it from the address."""

    name: str | None = None
    source: str | None = None
    medium: str | None = None


class Device(msgspec.Struct, frozen=True, gc=False):
    """The device that an app runs on."""

    type: str | None = None
    model: str | None = None
    id: str | None = None
    advertising_id: str | None = msgspec.field(name="advertisingId", default=None)


class Named(msgspec.Struct, frozen=True, gc=False):
    """An operating system, an app or a library, of which only the name matters here."""

    name: str | None = None


class Context(msgspec.Struct, frozen=True, gc=False):
    """The parts of a message's context that are read; everything else is passed over."""

    page: Page | None = None
    campaign: Campaign | None = None
    device: Device | None = None
    os: Named | None = None
    app: Named | None = None
    library: Named | None = None
    user_agent: str | None = msgspec.field(name="userAgent", default=None)
    ip: str | None = None
    channel: str | None = None
    direct: bool | None = None


class ContextFacts(msgspec.Struct, frozen=True, gc=False):
    """What is stored of a context in columns of its own; empty texts for what is not known."""

    channel: str = ""
    device: str = ""
    os: str = ""
    browser: str = ""
    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    referrer_host: str = ""
    path: str = ""
    ip: str = ""
    country: str = ""
    city: str = ""


class Campaigns(NamedTuple):
    """The campaign in an address; the medium and source in lower case."""

    source: str
    medium: str
    name: str


EMPTY = Context()
_NO_CAMPAIGN = Campaigns("", "", "")
_CLIENT_KINDS = frozenset({"web", "mobile"})
_decoder = msgspec.json.Decoder(Context)
_any_decoder = msgspec.json.Decoder()
T = TypeVar("T", bound=msgspec.Struct)

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
_DEVICES = {
    "ios": "mobile",
    "android": "mobile",
    "phone": "mobile",
    "smartphone": "mobile",
    "mobile": "mobile",
    "tablet": "tablet",
    "ipad": "tablet",
    "desktop": "desktop",
    "pc": "desktop",
    "macos": "desktop",
    "tv": "tv",
    "tvos": "tv",
    "smarttv": "tv",
    "console": "console",
    "watch": "watch",
    "watchos": "watch",
    "wearable": "watch",
    "car": "car",
    "bot": "bot",
}
_NOT_A_WORD = re.compile(r"[^\w]+")


def decode_context(raw: bytes | msgspec.Raw) -> Context:
    """Decode a context's JSON. Parts of a wrong type count as absent; it never raises."""
    try:
        return _decoder.decode(raw)
    except msgspec.DecodeError:
        pass
    try:
        return context_from(_any_decoder.decode(raw))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return EMPTY


def context_from(value: object) -> Context:
    """Pick what is usable out of any JSON value."""
    return _convert(value, Context) or EMPTY


def _convert(value: object, into: type[T]) -> T | None:
    """Convert field by field, so that one wrong field does not lose the others."""
    if not isinstance(value, dict):
        return None
    parts: dict[str, object] = {}
    for field in msgspec.structs.fields(into):
        sent = value.get(field.encode_name)
        nested = _NESTED.get(field.name) if into is Context else None
        if nested is not None:
            parts[field.name] = _convert(sent, nested)
        elif field.name == "direct":
            parts[field.name] = sent if isinstance(sent, bool) else None
        else:
            parts[field.name] = sent if isinstance(sent, str) else None
    return into(**parts)


_NESTED: dict[str, type[msgspec.Struct]] = {
    "page": Page,
    "campaign": Campaign,
    "device": Device,
    "os": Named,
    "app": Named,
    "library": Named,
}


def read_context(
    context: Context,
    *,
    kind: str,
    message_channel: str | None = None,
    request_ip: str = "",
    request_user_agent: str = "",
    ip_policy: IpPolicy = IpPolicy.TRUNCATE,
    geo: GeoIp | None = None,
) -> ContextFacts:
    """Turn a context into facts.

    ``kind`` is the source's (http, web, mobile, file). The request's own address and user agent
    speak for the person only when the person's browser or app made the request (web, mobile, or
    ``direct`` in the context), not when a server did. The place is looked up before the address is
    cut short.
    """
    from_client = kind in _CLIENT_KINDS or context.direct is True
    user_agent = context.user_agent or (request_user_agent if from_client else "")
    agent = parse_agent(user_agent) if user_agent else UNKNOWN
    page = context.page
    url = page.url if page is not None else None
    campaign = _campaign(context, url)
    ip = context.ip or (request_ip if from_client else "")
    whole_ip = normalise_ip(ip) if ip else None
    place = geo.lookup(whole_ip) if geo is not None and whole_ip else NOWHERE
    referrer = page.referrer if page is not None else None
    named_os = context.os.name if context.os is not None else None
    return ContextFacts(
        channel=_channel(context, kind, message_channel),
        device=_device(context.device, agent.device),
        os=canonical_os(named_os[:_LONGEST_LABEL]) if named_os else agent.os,
        browser=agent.browser,
        utm_source=campaign.source,
        utm_medium=campaign.medium,
        utm_campaign=campaign.name,
        referrer_host=url_host(referrer) if referrer else "",
        path=_path(page),
        ip=apply_policy(whole_ip, ip_policy) if whole_ip else "",
        country=place.country,
        city=place.city,
    )


def url_host(url: str) -> str:
    """The host of an address without ``www.``; empty when it has none.

    >>> url_host("https://www.google.com.tr/search?q=x"), url_host("$direct")
    ('google.com.tr', '')
    """
    return _host(url) if len(url) <= _LONGEST_URL else ""


def _channel(context: Context, kind: str, message_channel: str | None) -> str:
    said = message_channel or context.channel
    if said:
        word = channel_word(said[:_LONGEST_LABEL])
        if word:
            return word
    match kind:
        case "web":
            return "web"
        case "mobile":
            return "app"
        case "file":
            return "file"
    library = context.library.name if context.library is not None else None
    return _guessed_channel((library or "")[:_LONGEST_LABEL], context)


def _guessed_channel(library: str, context: Context) -> str:
    """A source of kind http may pass on what browsers and apps sent."""
    if library:
        by_library = _library_channel(library)
        if by_library:
            return by_library
    if context.page is not None and context.page.url:
        return "web"
    return "app" if context.app is not None and context.app.name else "server"


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
    word = _NOT_A_WORD.sub("_", search_fold(text)).strip("_")[:40].rstrip("_")
    return _CHANNELS.get(word, word)


def _device(device: Device | None, from_agent: str) -> str:
    if device is None or not device.type:
        return from_agent
    if device.model and device.model.startswith("iPad"):
        return "tablet"
    if from_agent == "tablet":  # device.type says only ios or android
        return from_agent
    return _DEVICES.get(device.type.lower(), from_agent)


def _campaign(context: Context, url: str | None) -> Campaigns:
    sent = context.campaign
    found = _NO_CAMPAIGN
    if url is not None and "utm_" in url and len(url) <= _LONGEST_URL:
        found = _campaign_in(url.partition("#")[0].partition("?")[2])
    elif context.page is not None and context.page.search and "utm_" in context.page.search:
        found = _campaign_in(context.page.search[:_LONGEST_URL].removeprefix("?"))
    if sent is None:
        return found
    return Campaigns(
        _label(sent.source).lower() if sent.source else found.source,
        _label(sent.medium).lower() if sent.medium else found.medium,
        _label(sent.name) if sent.name else found.name,
    )


@lru_cache(maxsize=16_384)
def _campaign_in(query: str) -> Campaigns:
    try:
        sent = dict(parse_qsl(query, max_num_fields=200))
    except ValueError:
        return _NO_CAMPAIGN
    return Campaigns(
        _label(sent.get("utm_source", "")).lower(),
        _label(sent.get("utm_medium", "")).lower(),
        _label(sent.get("utm_campaign", "")),
    )


@lru_cache(maxsize=16_384)
def _label(text: str) -> str:
    return tidy_text(text[: 4 * _LONGEST_LABEL])[:_LONGEST_LABEL].strip()


@lru_cache(maxsize=16_384)
def _host(url: str) -> str:
    try:
        host = urlsplit(url.strip()).hostname or ""
    except ValueError:
        return ""
    return host.removeprefix("www.").rstrip(".")[:253]


def _path(page: Page | None) -> str:
    if page is None:
        return ""
    if page.path:
        return page.path
    return _path_in(page.url) if page.url and len(page.url) <= _LONGEST_URL else ""


@lru_cache(maxsize=16_384)
def _path_in(url: str) -> str:
    try:
        return urlsplit(url.strip()).path
    except ValueError:
        return ""
