"""Contexts become facts."""

from __future__ import annotations

from typing import cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tekil.clean.channel import channel_word
from tekil.clean.context import (
    EMPTY,
    Context,
    ContextFacts,
    decode_context,
    read_context,
)
from tekil.clean.geo import GeoIp, Place
from tekil.clean.ip import IpPolicy
from tekil.clean.url import url_host
from tekil.kit.json import encode

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
BROWSER_CONTEXT: dict[str, object] = {
    "page": {
        "path": "/urun/1",
        "referrer": "https://www.google.com.tr/",
        "search": "?utm_source=Newsletter",
        "title": "Ürün",
        "url": "https://www.shop.example/urun/1?utm_source=Newsletter",
    },
    "userAgent": IPHONE,
    "locale": "tr-TR",
    "library": {"name": "analytics.js", "version": "next-1.84.3"},
    "campaign": {"name": "Kış İndirimi", "source": "Newsletter", "medium": "Email"},
    "timezone": "Europe/Istanbul",
}
texts = st.text(max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=4,
)
parts = st.dictionaries(
    st.sampled_from(
        ["url", "referrer", "path", "search", "name", "source", "medium", "type", "model"]
    ),
    json_values
    | st.sampled_from(["https://[x", "http://a/?utm_source=%ff", "https://www.a.b:99999/p"]),
)
contexts = st.dictionaries(
    st.sampled_from(
        [
            "page",
            "campaign",
            "device",
            "os",
            "app",
            "library",
            "userAgent",
            "ip",
            "channel",
            "direct",
        ]
    ),
    json_values | parts,
)


def facts(context: object, kind: str = "web", **request: object) -> ContextFacts:
    return read_context(decode_context(encode(context)), kind=kind, **request)  # type: ignore[arg-type]


class KnownPlaces:
    """Stands in for a database; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def lookup(self, ip: str) -> Place:
        self.asked.append(ip)
        return Place("TR", "Izmir")


def test_a_browser() -> None:
    assert facts(BROWSER_CONTEXT, request_ip="203.0.113.77") == ContextFacts(
        channel="web",
        device="mobile",
        os="iOS",
        browser="Safari",
        utm_source="newsletter",
        utm_medium="email",
        utm_campaign="Kış İndirimi",
        referrer_host="google.com.tr",
        path="/urun/1",
        ip="203.0.113.0",
    )


def test_an_app() -> None:
    context = {
        "app": {"name": "Shop", "version": "3.1"},
        "device": {"type": "ios", "model": "iPhone15,2", "id": "x"},
        "os": {"name": "iPhone OS", "version": "18.5"},
        "library": {"name": "analytics-swift", "version": "1.8"},
    }
    got = facts(context, kind="mobile", request_user_agent="Shop/3 CFNetwork/1568 Darwin/24.1.0")
    assert (got.channel, got.device, got.os) == ("app", "mobile", "iOS")
    context["device"] = {"type": "ios", "model": "iPad14,1"}
    assert facts(context, kind="mobile").device == "tablet"


def test_a_server_does_not_speak_for_the_person() -> None:
    context = {"library": {"name": "analytics-python", "version": "2.3.4"}}
    got = facts(context, kind="http", request_ip="203.0.113.7", request_user_agent=FIREFOX)
    assert got == ContextFacts(channel="server")


def test_a_server_may_pass_on_what_the_browser_said() -> None:
    got = facts({**BROWSER_CONTEXT, "ip": "203.0.113.77"}, kind="http", request_ip="198.51.100.1")
    assert (got.channel, got.device, got.ip) == ("web", "mobile", "203.0.113.0")
    got = facts({"direct": True}, kind="http", request_ip="198.51.100.1")
    assert got.ip == "198.51.100.0"


def test_the_context_speaks_before_the_request() -> None:
    got = facts(
        {"userAgent": IPHONE, "ip": "203.0.113.7"}, request_user_agent=FIREFOX, request_ip="::1"
    )
    assert (got.os, got.ip) == ("iOS", "203.0.113.0")
    assert facts({}, request_user_agent=FIREFOX).browser == "Firefox"
    assert facts({"ip": ""}, request_ip="203.0.113.7").ip == "203.0.113.0"


@pytest.mark.parametrize(
    ("context", "kind", "said", "channel"),
    [
        ({}, "web", None, "web"),
        ({}, "mobile", None, "app"),
        ({}, "http", None, "server"),
        ({}, "file", None, "file"),
        ({"library": {"name": "RudderLabs JavaScript SDK"}}, "http", None, "web"),
        ({"library": {"name": "analytics-node"}}, "http", None, "server"),
        ({"library": {"name": "@segment/analytics-node"}}, "http", None, "server"),
        ({"library": {"name": "rudder-analytics-python"}}, "http", None, "server"),
        ({"library": {"name": "analytics-kotlin"}}, "http", None, "app"),
        ({"library": {"name": "analytics-react-native"}}, "http", None, "app"),
        ({"page": {"url": "https://a.b/"}}, "http", None, "web"),
        ({"app": {"name": "Shop"}}, "http", None, "app"),
        ({"channel": "call centre"}, "http", None, "call_center"),
        ({"channel": "pos"}, "http", "email", "email"),
        ({}, "http", "mobile", "app"),
        ({}, "http", "sources", "server"),
        ({}, "web", "", "web"),
        ({"channel": "!!!"}, "web", None, "web"),
    ],
)
def test_channels(context: object, kind: str, said: str | None, channel: str) -> None:
    assert facts(context, kind, message_channel=said).channel == channel


@pytest.mark.parametrize(
    ("text", "word"),
    [("Çağrı Merkezi", "call_center"), ("In-Store", "pos"), ("E-Posta", "email"), ("POS", "pos"),
     ("Mağaza", "magaza"), ("iOS", "app"), (" x ", "x"), ("?", ""), ("a" * 99, "a" * 40)],
)  # fmt: skip
def test_channel_words(text: str, word: str) -> None:
    assert channel_word(text) == word
    assert channel_word(word) == word


def test_campaign_from_the_address_where_the_sdk_sent_none() -> None:
    url = "https://a.b/p?x=1&utm_source=Google&utm_medium=CPC&utm_campaign=K%C4%B1%C5%9F+26#utm_source=no"
    got = facts({"page": {"url": url}})
    assert (got.utm_source, got.utm_medium, got.utm_campaign) == ("google", "cpc", "Kış 26")
    assert got.path == "/p"
    got = facts({"page": {"url": url}, "campaign": {"source": "bing"}})
    assert (got.utm_source, got.utm_medium, got.utm_campaign) == ("bing", "cpc", "Kış 26")
    got = facts({"page": {"search": "?utm_source=x"}, "campaign": None})
    assert got.utm_source == "x"


def test_labels_are_bounded() -> None:
    got = facts(
        {"campaign": {"name": "x" * 9999, "source": "y" * 9999}, "os": {"name": "z" * 9999}}
    )
    assert (len(got.utm_campaign), len(got.utm_source), len(got.os)) == (100, 100, 100)
    assert facts({"page": {"url": "https://a.b/?utm_source=x&" + "y" * 9999}}).utm_source == ""


@pytest.mark.parametrize(
    ("url", "host"),
    [("https://www.google.com/x", "google.com"), ("http://T.CO", "t.co"), ("$direct", ""), ("", ""),
     ("android-app://com.google.android.gm/", "com.google.android.gm"), ("https://[bad", ""),
     ("//cdn.a.b/x", "cdn.a.b"), ("https://u:p@a.b:8080/", "a.b"), ("https://" + "a" * 9999, "")],
)  # fmt: skip
def test_referrer_hosts(url: str, host: str) -> None:
    assert url_host(url) == host
    assert facts({"page": {"referrer": url}}).referrer_host == host


def test_the_place_is_looked_up_before_the_address_is_cut() -> None:
    for policy, ip in [
        (IpPolicy.KEEP, "203.0.113.77"),
        (IpPolicy.TRUNCATE, "203.0.113.0"),
        (IpPolicy.DROP, ""),
    ]:
        places = KnownPlaces()
        got = facts({}, request_ip="203.0.113.77", ip_policy=policy, geo=cast(GeoIp, places))
        assert (got.ip, got.country, got.city) == (ip, "TR", "Izmir")
        assert places.asked == ["203.0.113.77"]


def test_without_an_address_nobody_is_asked() -> None:
    places = KnownPlaces()
    assert facts({"ip": "nonsense"}, geo=cast(GeoIp, places)) == ContextFacts(channel="web")
    assert places.asked == []


def test_one_wrong_part_does_not_lose_the_others() -> None:
    got = facts(
        {**BROWSER_CONTEXT, "page": "wrong", "os": {"name": 5}, "ip": ["x"], "direct": "yes"}
    )
    assert (got.device, got.utm_source, got.referrer_host) == ("mobile", "newsletter", "")
    assert facts({"campaign": {"name": 2026, "source": True}}).utm_campaign == "2026"
    got = facts({**BROWSER_CONTEXT, "page": {"url": 5, "referrer": "https://x.y"}})
    assert got.referrer_host == "x.y"


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"null", b"5", b"[]", b'"x"', b"\xff", b"[" * 100_000, b'{"x":' * 100_000]
)
def test_what_is_no_context_is_an_empty_one(raw: bytes) -> None:
    assert decode_context(raw) == EMPTY


def test_deep_and_broken_parts_do_not_raise() -> None:
    assert decode_context(b'{"ip":"::1","x":' + b"[" * 200 + b"]" * 200 + b"}").ip == "::1"
    assert decode_context(b'{"x":' + b"[" * 50_000 + b"]" * 50_000 + b"}") == EMPTY
    assert decode_context(b'{"ip":"\xff"}') == EMPTY


def test_raw_parts_of_a_message_decode() -> None:
    class Message(msgspec.Struct):
        context: msgspec.Raw

    message = msgspec.json.decode(encode({"context": BROWSER_CONTEXT}), type=Message)
    assert decode_context(message.context) == msgspec.convert(BROWSER_CONTEXT, Context)


@given(json_values | contexts, st.sampled_from(["http", "web", "mobile", "file"]), texts, texts)
def test_never_raises(context: object, kind: str, ip: str, user_agent: str) -> None:
    got = facts(
        context, kind, request_ip=ip, request_user_agent=user_agent, message_channel=user_agent
    )
    assert all(isinstance(getattr(got, name), str) for name in ContextFacts.__struct_fields__)
    assert got.channel
