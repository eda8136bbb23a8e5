"""The context of a message: where it came from, in the few words that events are cut by."""

from __future__ import annotations

from typing import TypeAlias, TypeVar

import msgspec

from tekil.clean.agent import UNKNOWN, canonical_os, parse_agent
from tekil.clean.channel import read_channel
from tekil.clean.geo import NOWHERE, GeoIp
from tekil.clean.ip import IpPolicy, apply_policy, normalise_ip
from tekil.clean.url import (
    LONGEST_LABEL,
    LONGEST_URL,
    NO_CAMPAIGN,
    Campaigns,
    campaign_in,
    label,
    path_in,
    url_host,
)


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


EMPTY = Context()
_CLIENT_KINDS = frozenset({"web", "mobile"})
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_decoder = msgspec.json.Decoder(Context)
_any_decoder = msgspec.json.Decoder()
T = TypeVar("T", bound=msgspec.Struct)

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


def decode_context(raw: bytes | msgspec.Raw) -> Context:
    """Decode a context's JSON. Parts of a wrong type count as absent; it never raises."""
    try:
        return _decoder.decode(raw)
    except _UNREADABLE:
        pass
    try:
        return context_from(_any_decoder.decode(raw))
    except _UNREADABLE:
        return EMPTY


def context_from(value: object) -> Context:
    """Pick what is usable out of any JSON value."""
    return _convert(value, Context) or EMPTY


def _convert(value: object, into: type[T]) -> T | None:
    """Convert field by field, so that one wrong field does not lose the others."""
    if not isinstance(value, dict):
        return None
    return into(
        **{
            name: _convert(value.get(sent), part)
            if isinstance(part, type)
            else _plain(value.get(sent), name)
            for name, sent, part in _FIELDS[into]
        }
    )


def _plain(value: object, name: str) -> str | bool | None:
    if isinstance(value, bool):
        return value if name == "direct" else None
    if isinstance(value, int) and -(10**18) < value < 10**18:
        return str(value)  # ids and campaigns such as 2026
    return value if isinstance(value, str) and name != "direct" else None


_Field: TypeAlias = tuple[str, str, type[msgspec.Struct] | None]
_PARTS: dict[str, type[msgspec.Struct]] = {
    "page": Page,
    "campaign": Campaign,
    "device": Device,
    "os": Named,
    "app": Named,
    "library": Named,
}
_STRUCTS: tuple[type[msgspec.Struct], ...] = (Context, *_PARTS.values())
_FIELDS: dict[type[msgspec.Struct], tuple[_Field, ...]] = {
    struct: tuple(
        (field.name, field.encode_name, _PARTS.get(field.name) if struct is Context else None)
        for field in msgspec.structs.fields(struct)
    )
    for struct in _STRUCTS
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
        channel=read_channel(
            message_channel or context.channel,
            kind,
            (context.library.name if context.library is not None else None) or "",
            page=bool(url),
            app=context.app is not None,
        ),
        device=_device(context.device, agent.device),
        os=canonical_os(named_os[:LONGEST_LABEL]) if named_os else agent.os,
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
    found = NO_CAMPAIGN
    if url is not None and "utm_" in url and len(url) <= LONGEST_URL:
        found = campaign_in(url.partition("#")[0].partition("?")[2])
    elif context.page is not None and context.page.search and "utm_" in context.page.search:
        found = campaign_in(context.page.search[:LONGEST_URL].removeprefix("?"))
    if sent is None:
        return found
    return Campaigns(
        label(sent.source).lower() if sent.source else found.source,
        label(sent.medium).lower() if sent.medium else found.medium,
        label(sent.name) if sent.name else found.name,
    )


def _path(page: Page | None) -> str:
    if page is None:
        return ""
    if page.path:
        return page.path
    return path_in(page.url) if page.url and len(page.url) <= LONGEST_URL else ""
