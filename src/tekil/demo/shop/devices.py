"""Browsers and app installs as their SDKs describe them."""

from __future__ import annotations

from random import Random

from tekil.demo.shop.model import Browser, Install, Market
from tekil.kit.json import encode_text

_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0"
_DESKTOP = (
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME.format(142)} Safari/537.36",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME.format(139)} Safari/537.36",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME.format(141)} Safari/537.36 Edg/141.0.0.0",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_CHROME.format(142)} Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.6 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0",
    f"Mozilla/5.0 (X11; Linux x86_64) {_CHROME.format(140)} Safari/537.36",
)
_HANDHELD = (
    f"Mozilla/5.0 (Linux; Android 10; K) {_CHROME.format(142)} Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 10; K) {_CHROME.format(138)} Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-A546B) AppleWebKit/537.36 (KHTML, like Gecko) "
    "SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) CriOS/141.0.7390.96 Mobile/15E148 Safari/604.1",
)
_TABLET = (
    "Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) AppleWebKit/605.1.15 Version/17.6 Safari/604.1"
)
_ANDROID = (
    ("samsung", "SM-A546B", "14"),
    ("samsung", "SM-S921B", "15"),
    ("Xiaomi", "23090RA98G", "14"),
    ("OPPO", "CPH2577", "14"),
    ("Google", "Pixel 8", "16"),
)
_APPLE = (
    ("iPhone15,3", "18.6"),
    ("iPhone16,1", "18.6"),
    ("iPhone14,5", "17.7"),
    ("iPhone17,3", "26.0"),
)
_APP = {"name": "Lale", "namespace": "example.lale.shop"}
NO_ADVERTISING_ID = "00000000-0000-0000-0000-000000000000"
"""What iOS hands out when tracking is refused; the same for everybody, so it is nobody."""
ANONYMOUS_IDS_AT_MOST = 4


def uuid_text(rng: Random) -> str:
    """Draw a random UUID (version 4)."""
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def new_browser(rng: Random, market: Market, *, forgetful: bool = False) -> Browser:
    """Draw somebody's browser."""
    agents = _DESKTOP if rng.random() < 0.45 else _HANDHELD
    agent = agents[int(rng.random() * len(agents))]
    cookies = [uuid_text(rng) for _ in range(1 + int(rng.random() ** 2 * ANONYMOUS_IDS_AT_MOST))]
    return Browser(cookies, _web_context(agent, market), forgetful)


def new_kiosk(rng: Random, market: Market) -> Browser:
    """Draw the tablet on a store's counter, on which anybody signs in."""
    return Browser([uuid_text(rng)], _web_context(_TABLET, market), shared=True)


def new_install(rng: Random, market: Market) -> Install:
    """Draw the app on somebody's phone."""
    apple = rng.random() < 0.42
    advertising: str | None = None
    if apple:
        device_id = uuid_text(rng).upper()
        if rng.random() < 0.35:
            advertising = uuid_text(rng).upper()
    else:
        device_id = f"{rng.getrandbits(64):016x}"
        if rng.random() < 0.85:
            advertising = uuid_text(rng)
    context = _app_context(rng, market, apple, device_id, advertising)
    return Install(uuid_text(rng), context, device_id, advertising)


def _web_context(agent: str, market: Market) -> str:
    facts = {
        "userAgent": agent,
        "locale": market.locale,
        "timezone": market.timezone,
        "library": {"name": "analytics.js", "version": "next-1.84.3"},
    }
    return encode_text(facts)[1:-1]


def _app_context(
    rng: Random, market: Market, apple: bool, device_id: str, advertising: str | None
) -> str:
    device: dict[str, object] = {
        "id": device_id,
        "advertisingId": advertising or NO_ADVERTISING_ID,
        "adTrackingEnabled": advertising is not None,
    }
    if apple:
        model, version = _APPLE[int(rng.random() * len(_APPLE))]
        device |= {"manufacturer": "Apple", "model": model, "type": "ios"}
        os, library = {"name": "iOS", "version": version}, "analytics-swift"
    else:
        maker, model, version = _ANDROID[int(rng.random() * len(_ANDROID))]
        device |= {"manufacturer": maker, "model": model, "type": "android"}
        os, library = {"name": "Android", "version": version}, "analytics-kotlin"
    facts = {
        "app": {**_APP, "version": ("4.9.0", "4.10.2", "5.0.1")[int(rng.random() * 3)]},
        "device": device,
        "os": os,
        "locale": market.locale,
        "timezone": market.timezone,
        "network": {"wifi": rng.random() < 0.6, "cellular": rng.random() < 0.5},
        "library": {"name": library, "version": "1.19.1"},
    }
    return encode_text(facts)[1:-1]
