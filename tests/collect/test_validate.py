"""Whether a message can be used."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tekil.collect.message import Message
from tekil.collect.validate import MAX_DEPTH, has_nul_key, nests_too_deep, read_item
from tekil.inbox.model import Reject, RejectReason, RejectStage

LIMIT = 32 * 1024
TRACK = {"type": "track", "event": "e", "userId": "u"}


def read(message: Any, path_type: str = "", limit: int = LIMIT) -> Message | Reject:
    raw = message if isinstance(message, bytes) else json.dumps(message).encode()
    return read_item(raw, 3, path_type, limit)


def reason(message: Any, path_type: str = "", limit: int = LIMIT) -> RejectReason:
    found = read(message, path_type, limit)
    assert isinstance(found, Reject), found
    assert found.stage is RejectStage.COLLECT
    assert found.item == 3
    assert found.detail
    assert found.payload
    return found.reason


@pytest.mark.parametrize(
    "message",
    [
        TRACK,
        TRACK | {"userId": 42},
        TRACK | {"userId": None, "anonymousId": "a"},
        TRACK | {"userId": "", "anonymousId": 7},
        TRACK | {"event": 5},
        {"type": "identify", "userId": "u", "traits": None},
        {"type": "identify", "anonymousId": "a"},
        {"type": "page", "anonymousId": "a"},
        {"type": "screen", "anonymousId": "a", "name": ""},
        {"type": "group", "userId": "u", "groupId": 7},
        {"type": "alias", "userId": "u", "previousId": "p"},
        TRACK | {"properties": {}, "context": None, "traits": {}},
        TRACK | {"_metadata": {}, "rudderId": 5, "integrations": [], "version": {}},
        TRACK | {"userId": None, "context": {"externalIds": [{"id": "1", "type": "crm"}]}},
        TRACK | {"properties": {"a": "e123 \\u0000 NaN 1e999"}},
    ],
)
def test_good_messages(message: dict[str, Any]) -> None:
    assert isinstance(read(message), Message)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({}, RejectReason.UNKNOWN_MESSAGE_TYPE),
        ({"type": ""}, RejectReason.UNKNOWN_MESSAGE_TYPE),
        ({"type": "Track"}, RejectReason.UNKNOWN_MESSAGE_TYPE),
        ({"type": 5}, RejectReason.INVALID_TYPE),
        ({"type": "track", "event": "e"}, RejectReason.MISSING_IDENTITY),
        ({"type": "track", "userId": "u"}, RejectReason.MISSING_EVENT_NAME),
        ({"type": "track", "userId": "u", "event": ""}, RejectReason.MISSING_EVENT_NAME),
        ({"type": "group", "userId": "u", "groupId": ""}, RejectReason.MISSING_GROUP_ID),
        ({"type": "alias", "userId": "u"}, RejectReason.MISSING_PREVIOUS_ID),
        (TRACK | {"userId": ["u"]}, RejectReason.INVALID_TYPE),
        (TRACK | {"userId": {}}, RejectReason.INVALID_TYPE),
        (TRACK | {"userId": False}, RejectReason.INVALID_TYPE),
        (TRACK | {"properties": []}, RejectReason.INVALID_TYPE),
        (TRACK | {"context": "c"}, RejectReason.INVALID_TYPE),
        (TRACK | {"traits": 1}, RejectReason.INVALID_TYPE),
        (TRACK | {"userId": "x" * 513}, RejectReason.ID_TOO_LONG),
        (TRACK | {"messageId": "x" * 513}, RejectReason.ID_TOO_LONG),
        (TRACK | {"event": "x" * 513}, RejectReason.ID_TOO_LONG),
        (TRACK | {"timestamp": "soon"}, RejectReason.INVALID_TIMESTAMP),
        (TRACK | {"originalTimestamp": True}, RejectReason.INVALID_TIMESTAMP),
        (TRACK | {"sentAt": "1066-10-14"}, RejectReason.INVALID_TIMESTAMP),
        (TRACK | {"userId": "a\0"}, RejectReason.INVALID_TEXT),
        (TRACK | {"properties": {"a": [{"\0": 1}]}}, RejectReason.INVALID_TEXT),
        ([], RejectReason.NOT_AN_OBJECT),
        (7, RejectReason.NOT_AN_OBJECT),
        (b"", RejectReason.INVALID_JSON),
        (b'{"type":', RejectReason.INVALID_JSON),
        (b'{"type":"track","userId":"\xff","event":"e"}', RejectReason.INVALID_JSON),
        (
            b'{"type":"track","userId":"u","event":"e","x":"\xff"}',
            RejectReason.INVALID_TEXT,
        ),
        (
            b'{"type":"track","userId":"u","event":"e","x":[2E+400]}',
            RejectReason.INVALID_JSON,
        ),
    ],
)
def test_bad_messages(message: Any, expected: RejectReason) -> None:
    if message == b"":
        found = read(message)
        assert isinstance(found, Reject)
        return
    assert reason(message) is expected


def test_the_address_sets_the_type() -> None:
    found = read({"event": "e", "userId": "u", "type": "page"}, "track")
    assert isinstance(found, Message)
    assert found.type == "track"


def test_a_near_miss_is_pointed_out() -> None:
    found = read({"type": "idenify", "userId": "u"})
    assert isinstance(found, Reject)
    assert 'Did you mean "identify"?' in found.detail
    assert "track" in found.detail


@given(st.integers(0, 2000))
def test_size_is_counted_in_bytes(extra: int) -> None:
    message = json.dumps(TRACK | {"properties": {"a": "ş" * extra}}, ensure_ascii=False).encode()
    found = read(message, limit=1024)
    assert isinstance(found, Reject) is (len(message) > 1024)
    if isinstance(found, Reject):
        assert found.reason is RejectReason.EVENT_TOO_LARGE
        assert str(len(message)) in found.detail
        assert "1024" in found.detail


def test_every_closed_reason_of_reading_has_its_own_name() -> None:
    assert len(set(RejectReason)) == len(RejectReason)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.sampled_from('ab"\\[]{}\0ş')),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.text(alphabet='a"\\[]{}\0', max_size=4), inner, max_size=4
    ),
    max_leaves=60,
)  # fmt: skip


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max((depth(v) for v in value.values()), default=0)
    return 1 + max((depth(v) for v in value), default=0) if isinstance(value, list) else 0


def nul_key(value: Any) -> bool:
    if isinstance(value, dict):
        return any("\0" in k or nul_key(v) for k, v in value.items())
    return isinstance(value, list) and any(nul_key(v) for v in value)


@settings(max_examples=150)
@given(json_values, st.integers(0, 60), st.booleans())
def test_depth_is_measured_as_by_walking(value: Any, more: int, lists: bool) -> None:
    for _ in range(more):
        value = [value] if lists else {"a": value}
    raw = json.dumps(value).encode()
    assert nests_too_deep(raw) is (depth(value) > MAX_DEPTH)


@settings(max_examples=150)
@given(json_values)
def test_nul_in_keys_is_found_as_by_walking(value: Any) -> None:
    assert has_nul_key(json.dumps(value).encode()) is nul_key(value)


@settings(max_examples=300)
@given(st.binary(max_size=60) | json_values.map(lambda v: json.dumps(v).encode()))
def test_nothing_raises(raw: bytes) -> None:
    for kind in ("", "track", "identify"):
        found = read_item(raw, 0, kind, LIMIT)
        assert isinstance(found, (Message, Reject))


fields = st.dictionaries(
    st.sampled_from(["type", "userId", "anonymousId", "event", "messageId", "groupId", "name",
                     "previousId", "timestamp", "sentAt", "context", "properties", "traits",
                     "channel", "writeKey", "x"]),
    json_values | st.sampled_from(["track", "identify", "2026-01-01", "e"]),
)  # fmt: skip


@settings(max_examples=300)
@given(fields)
def test_a_message_is_good_or_has_a_reason(message: dict[str, Any]) -> None:
    found = read(message)
    if isinstance(found, Reject):
        assert found.reason in RejectReason
        assert json.loads(found.payload) == json.loads(json.dumps(message))
    else:
        assert found.type in {"track", "identify", "page", "screen", "group", "alias"}
