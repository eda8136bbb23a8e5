"""User agents of real browsers, devices, bots and libraries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tekil.clean.agent import Agent, canonical_os, parse_agent

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
CORPUS = [
    (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/142.0.0.0 Safari/537.36",
     "desktop", "Windows", "Chrome"),
    (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/142.0.0.0 Safari/537.36 "
     "Edg/142.0.0.0", "desktop", "Windows", "Edge"),
    (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/142.0.0.0 Safari/537.36 "
     "OPR/124.0.0.0", "desktop", "Windows", "Opera"),
    (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/140.0.0.0 YaBrowser/25.10.0.0 "
     "Safari/537.36", "desktop", "Windows", "Yandex"),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
     "desktop", "Windows", "Firefox"),
    ("Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
     "desktop", "Windows", "IE"),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
     "Version/18.5 Safari/605.1.15", "desktop", "macOS", "Safari"),
    (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {WEBKIT} Chrome/142.0.0.0 Safari/537.36",
     "desktop", "macOS", "Chrome"),
    (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/142.0.0.0 Safari/537.36",
     "desktop", "Linux", "Chrome"),
    ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
     "desktop", "Linux", "Firefox"),
    (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/142.0.0.0 Safari/537.36",
     "desktop", "Chrome OS", "Chrome"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
     "Gecko) Version/18.5 Mobile/15E148 Safari/604.1", "mobile", "iOS", "Safari"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
     "Gecko) CriOS/142.0.0.0 Mobile/15E148 Safari/604.1", "mobile", "iOS", "Chrome"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
     "Gecko) FxiOS/145.0 Mobile/15E148 Safari/605.1.15", "mobile", "iOS", "Firefox"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
     "Gecko) Mobile/15E148", "mobile", "iOS", "Safari WebView"),
    ("Mozilla/5.0 (iPad; CPU OS 16_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
     "Version/16.6 Mobile/15E148 Safari/604.1", "tablet", "iOS", "Safari"),
    (f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/142.0.0.0 Mobile Safari/537.36",
     "mobile", "Android", "Chrome"),
    (f"Mozilla/5.0 (Linux; Android 14; SM-S918B) {WEBKIT} SamsungBrowser/28.0 Chrome/130.0.0.0 "
     "Mobile Safari/537.36", "mobile", "Android", "Samsung Internet"),
    (f"Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/AP1A; wv) {WEBKIT} Version/4.0 "
     "Chrome/142.0.0.0 Mobile Safari/537.36", "mobile", "Android", "Chrome WebView"),
    ("Mozilla/5.0 (Android 14; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0",
     "mobile", "Android", "Firefox"),
    (f"Mozilla/5.0 (Linux; Android 13; SM-X700) {WEBKIT} Chrome/142.0.0.0 Safari/537.36",
     "tablet", "Android", "Chrome"),
    (f"Mozilla/5.0 (Linux; U; Android 4.4.2; tr-tr; KFTHWI) {WEBKIT} Silk/112.3 like "
     "Chrome/112.0.0.0 Safari/537.36", "tablet", "Android", "Amazon Silk"),
    (f"Mozilla/5.0 (SMART-TV; LINUX; Tizen 7.0) {WEBKIT} 94.0.4606.31/7.0 TV Safari/537.36",
     "tv", None, None),
    (f"Mozilla/5.0 (Web0S; Linux/SmartTV) {WEBKIT} Chrome/94.0.4606.128 Safari/537.36 WebAppM",
     "tv", None, None),
    ("AppleTV11,1/11.1", "tv", None, None),
    (f"Mozilla/5.0 (Linux; Android 9; AFTKA) {WEBKIT} Silk/112.3 like Chrome/112.0.0.0 "
     "Safari/537.36", "tv", None, None),
    ("Mozilla/5.0 (PlayStation; PlayStation 5/6.00) AppleWebKit/605.1.15 (KHTML, like Gecko) "
     "Version/16.4 Safari/605.1.15", "console", None, None),
    (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox Series X) {WEBKIT} Chrome/142.0.0.0 "
     "Safari/537.36 Edg/142.0.0.0", "console", None, "Edge"),
    ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot", "", None),
    (f"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) {WEBKIT} Chrome/142.0.0.0 Mobile "
     "Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
     "bot", "Android", None),
    ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "bot", "", None),
    ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "bot", "", None),
    ("Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)", "bot", "", None),
    ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; "
     "+https://openai.com/gptbot)", "bot", None, None),
    (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} HeadlessChrome/142.0.0.0 Safari/537.36",
     "bot", "Linux", "Chrome"),
    (f"Mozilla/5.0 (Linux; Android 11; CUBOT X) {WEBKIT} Chrome/142.0.0.0 Mobile Safari/537.36",
     "mobile", "Android", "Chrome"),
    ("MyShop/312 CFNetwork/1568.200.51 Darwin/24.1.0", "mobile", "iOS", None),
    ("analytics-node-next/latest", "", "", ""),
    ("analytics-python/2.3.4", "", "", ""),
    ("okhttp/4.12.0", "", "", None),
    ("", "", "", ""),
    ("-", "", "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("user_agent", "device", "system", "browser"), CORPUS)
def test_corpus(user_agent: str, device: str, system: str | None, browser: str | None) -> None:
    agent = parse_agent(user_agent)
    assert agent.device == device
    assert system is None or agent.os == system
    assert browser is None or agent.browser == browser


@pytest.mark.parametrize(
    ("sent", "name"),
    [("iPhone OS", "iOS"), ("ios", "iOS"), ("iPadOS", "iOS"), ("ANDROID", "Android"),
     ("Mac", "macOS"), ("Mac OS X", "macOS"), ("macos", "macOS"), ("windows nt", "Windows"),
     ("HarmonyOS", "HarmonyOS"),
     ("Other", ""), (" Linux ", "Linux"), ("", "")],
)  # fmt: skip
def test_systems_have_one_name(sent: str, name: str) -> None:
    assert canonical_os(sent) == name


@given(st.text(st.characters(exclude_categories=()), max_size=200))
def test_never_raises(user_agent: str) -> None:
    assert isinstance(parse_agent(user_agent), Agent)


def test_a_very_long_user_agent_is_read_from_its_beginning() -> None:
    start = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0 "
    assert parse_agent(start + "x" * 1_000_000) == Agent("desktop", "Windows", "Firefox")
