"""User agents: which browser, system and sort of device a request came from."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from ua_parser import Parser
from ua_parser.loaders import load_builtins
from ua_parser.regex import Resolver

_LONGEST = 1_000


class Agent(NamedTuple):
    """What a user agent tells; empty texts where it tells nothing."""

    device: str
    """desktop, mobile, tablet, tv, console, watch, car or bot."""
    os: str
    browser: str


UNKNOWN = Agent("", "", "")

_SORTS = tuple(
    (device, re.compile(pattern, re.IGNORECASE))
    for device, pattern in (
        ("bot", r"(?<!cu)bot\b|crawl|spider|headless|lighthouse|slurp|facebookexternalhit|whatsapp/"
                r"|mediapartners|preview|monitor|pingdom|phantomjs|electrum|scrap"),
        ("tv", r"smart-?tv|hbbtv|apple ?tv|google ?tv|android ?tv|bravia|\baft[a-z0-9]+\b|crkey"
               r"|web0s|netcast|roku|viera|\btv\b|dtv|tizen[^)]*tv"),
        ("console", r"playstation|xbox|nintendo"),
        ("watch", r"watch ?os|apple ?watch|sm-r\d{3}"),
        ("car", r"\btesla\b|qtcarbrowser|android automotive"),
        ("tablet", r"ipad|tablet|kindle|playbook|\bsilk/(?!.*mobile)|android(?!.*mobile)"),
        ("mobile", r"iphone|ipod|mobile|android|blackberry|bb10|opera mini|windows phone|kaios"
                   r"|symbian|cfnetwork.*darwin"),
    )
)  # fmt: skip
_SYSTEMS = {
    "Mac OS X": "macOS",
    "Mac OS": "macOS",
    "Mac": "macOS",
    "OS X": "macOS",
    "iPhone OS": "iOS",
    "iPadOS": "iOS",
    "ATV OS X": "tvOS",
    "Ubuntu": "Linux",
    "Debian": "Linux",
    "Fedora": "Linux",
    "Red Hat": "Linux",
    "CentOS": "Linux",
    "SUSE": "Linux",
    "Arch Linux": "Linux",
    "Linux Mint": "Linux",
    "ChromeOS": "Chrome OS",
    "Windows NT": "Windows",
    "Other": "",
}
_SYSTEMS_BY_LOWER = {
    name.lower(): name
    for name in ("iOS", "iPadOS", "macOS", "Android", "Windows", "Linux", "tvOS", "watchOS")
} | {name.lower(): name for name in _SYSTEMS}
_DESKTOPS = frozenset({"Windows", "macOS", "Linux", "Chrome OS", "FreeBSD", "OpenBSD"})
_BROWSERS = {
    "Other": "",
    "Chrome Mobile": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Chrome Mobile WebView": "Chrome WebView",
    "Mobile Safari": "Safari",
    "Mobile Safari UI/WKWebView": "Safari WebView",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "Edge Mobile": "Edge",
    "Opera Mobile": "Opera",
    "Samsung Internet": "Samsung Internet",
    "IE Mobile": "IE",
    "Yandex Browser": "Yandex",
    "HeadlessChrome": "Chrome",
}


@lru_cache(maxsize=16_384)
def parse_agent(user_agent: str) -> Agent:
    """Take a user agent apart.

    >>> parse_agent("Mozilla/5.0 (Windows NT 10.0; rv:145.0) Gecko/20100101 Firefox/145.0")
    Agent(device='desktop', os='Windows', browser='Firefox')
    """
    if not user_agent:
        return UNKNOWN
    text = user_agent[:_LONGEST].encode("utf-8", "replace").decode("utf-8")
    result = _parser().parse(text)
    system = canonical_os(result.os.family) if result.os else ""
    family = result.user_agent.family if result.user_agent else ""
    spider = result.device is not None and result.device.family == "Spider"
    device = "bot" if spider else _sort(text, system)
    return Agent(device, system, _BROWSERS.get(family, family))


@lru_cache(maxsize=1_024)
def canonical_os(name: str) -> str:
    """One name per operating system.

    >>> canonical_os("Mac OS X"), canonical_os("iPadOS"), canonical_os("android")
    ('macOS', 'iOS', 'Android')
    """
    known = _SYSTEMS_BY_LOWER.get(name.strip().lower(), name.strip())
    return _SYSTEMS.get(known, known)


def _sort(text: str, system: str) -> str:
    for device, pattern in _SORTS:
        if pattern.search(text):
            return device
    return "desktop" if system in _DESKTOPS else ""


@lru_cache(maxsize=1)
def _parser() -> Parser:
    """Made on first use: reading the patterns takes a fifth of a second."""
    return Parser(Resolver(load_builtins()))
