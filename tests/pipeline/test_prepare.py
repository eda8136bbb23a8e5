"""What becomes of a message by itself: its address cut short, its time set right."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tekil.clean.ip import IpPolicy
from tekil.collect.model import Source, SourceKind, SourceSettings
from tekil.identity.identifiers import Identifiers
from tekil.identity.namespaces import DEFAULT_RULES
from tekil.identity.rules import Rulebook
from tekil.inbox.model import InboxEntry, Reject
from tekil.kit.clock import Millis, from_iso
from tekil.kit.ids import Seq, SourceId
from tekil.pipeline.prepare import Prepared, Preparer
from tekil.runtime import NORMALISERS

NOW = from_iso("2026-11-22T10:00:00Z")


def prepare(body: bytes, *, policy: IpPolicy = IpPolicy.TRUNCATE) -> list[Prepared]:
    source = Source(
        SourceId(1), "web", SourceKind.WEB, "wk", settings=SourceSettings(ip_policy=policy)
    )
    entry = InboxEntry(Seq(7), SourceId(1), Millis(NOW), body, 1, "", "203.0.113.9", "")
    found = list(
        Preparer(Identifiers(Rulebook(DEFAULT_RULES), NORMALISERS), None).prepare(entry, source)
    )
    assert not [each for each in found if isinstance(each, Reject)], found
    return [each for each in found if isinstance(each, Prepared)]


def batch(own: str, **outer: Any) -> bytes:
    rest = "".join(f',"{name}":{json.dumps(value)}' for name, value in outer.items())
    item = f'{{"type":"page","userId":"u","timestamp":"2026-11-22T09:00:00Z","context":{own}}}'
    return f'{{"batch":[{item}]{rest}}}'.encode()


@pytest.mark.parametrize(
    ("sent", "policy", "stored"),
    [
        ('{"ip":"1.2.3.4","a":1}', IpPolicy.TRUNCATE, {"ip": "1.2.3.0", "a": 1}),
        ('{"a":1, "ip": "1.2.3.4"}', IpPolicy.TRUNCATE, {"ip": "1.2.3.0", "a": 1}),
        ('{"ip" : "1.2.3.4"}', IpPolicy.TRUNCATE, {"ip": "1.2.3.0"}),
        ('{"ip":"1.2.3.4"}', IpPolicy.KEEP, {"ip": "1.2.3.4"}),
        ('{"ip":"1.2.3.4","a":1}', IpPolicy.DROP, {"a": 1}),
        ('{"ip":"2001:DB8::1"}', IpPolicy.TRUNCATE, {"ip": "2001:db8::"}),
        ('{"ip":"nonsense"}', IpPolicy.TRUNCATE, {}),
        ('{"ip":42}', IpPolicy.TRUNCATE, {}),
        ('{"ip":null}', IpPolicy.TRUNCATE, {}),
        ('{"ip":""}', IpPolicy.TRUNCATE, {}),
        ('{"ip":"1.2.3.4","ip":"1.2.3.4"}', IpPolicy.TRUNCATE, {"ip": "1.2.3.0"}),
        (r'{"ip":"1.2.3.4","said":"\"ip\":\"1.2.3.4\""}', IpPolicy.TRUNCATE,
         {"ip": "1.2.3.0", "said": '"ip":"1.2.3.4"'}),
        ('{"device":{"ip":"1.2.3.4"}}', IpPolicy.TRUNCATE, {"device": {"ip": "1.2.3.4"}}),
        ('{"ip":"1.2.3.4","device":{"ip":"1.2.3.4"}}', IpPolicy.TRUNCATE,
         {"ip": "1.2.3.0", "device": {"ip": "1.2.3.4"}}),
        (r'{"\u0069p":"1.2.3.4","x":{"ip":"1.2.3.4"}}', IpPolicy.TRUNCATE,
         {"ip": "1.2.3.0", "x": {"ip": "1.2.3.4"}}),
    ],
)  # fmt: skip
def test_address_in_the_context(sent: str, policy: IpPolicy, stored: dict[str, Any]) -> None:
    (message,) = prepare(batch(sent), policy=policy)
    assert json.loads(message.context_json) == stored
    assert message.facts.ip in {stored.get("ip", ""), "203.0.113.0", ""}


def test_the_request_decides_how_far_the_clock_was_off() -> None:
    (message,) = prepare(batch("{}", sentAt="2026-11-22T09:30:00Z"))
    assert message.at == from_iso("2026-11-22T09:30:00Z")


def test_a_time_of_sending_that_is_nonsense_counts_as_none() -> None:
    (message,) = prepare(batch("{}", sentAt="yesterday"))
    assert message.at == from_iso("2026-11-22T09:00:00Z")


def test_the_batch_gives_the_context_that_a_message_lacks() -> None:
    (message,) = prepare(batch('{"a":1}', context={"a": 0, "b": 2}))
    assert json.loads(message.context_json) == {"a": 1, "b": 2}
    (message,) = prepare(batch("null", context={"b": 2}))
    assert json.loads(message.context_json) == {"b": 2}
