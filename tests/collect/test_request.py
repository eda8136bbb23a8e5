"""From the bytes of a request to a submission."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tekil.collect.model import Source, SourceKind
from tekil.collect.request import (
    MAX_ITEMS,
    basic_write_key,
    find_write_key,
    header_write_key,
    inflate,
    read_body,
    to_submission,
)
from tekil.errors import MalformedRequest, TooLarge
from tekil.inbox.model import RejectReason, Submission
from tekil.kit.clock import Millis
from tekil.kit.ids import SourceId

SOURCE = Source(SourceId(1), "shop", SourceKind.HTTP, "wk")
GOOD = {"type": "track", "event": "e", "userId": "u"}


def submit(body: bytes | dict[str, Any], path_type: str = "") -> Submission:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return to_submission(
        read_body(raw, path_type),
        SOURCE,
        path_type=path_type,
        received_at=Millis(5),
        ip="203.0.113.7",
        user_agent="test",
    )


def basic(text: bytes) -> dict[bytes, bytes]:
    return {b"authorization": b"Basic " + base64.b64encode(text)}


class TestInflate:
    def test_plain_bytes_stay(self) -> None:
        assert inflate(b'{"a":1}', "", 100) == b'{"a":1}'

    @pytest.mark.parametrize("said", ["gzip", "", "x-gzip", "identity"])
    def test_gzip_is_seen_by_its_first_bytes(self, said: str) -> None:
        assert inflate(gzip.compress(b"hello"), said, 100) == b"hello"

    def test_a_bomb_is_not_inflated(self) -> None:
        with pytest.raises(TooLarge, match="inflated"):
            inflate(gzip.compress(b"0" * 50_000_000), "gzip", 1_000_000)

    @given(st.integers(0, 200), st.integers(1, 100))
    def test_the_limit_is_exact(self, size: int, limit: int) -> None:
        packed = gzip.compress(b"x" * size)
        if size > limit:
            with pytest.raises(TooLarge):
                inflate(b"x" * size, "", limit)
        if size > limit or len(packed) > limit:
            with pytest.raises(TooLarge):
                inflate(packed, "gzip", limit)
        else:
            assert inflate(packed, "gzip", limit) == b"x" * size

    @given(st.binary(max_size=50), st.integers(0, 40))
    def test_cut_or_broken_gzip_is_malformed(self, noise: bytes, cut: int) -> None:
        packed = gzip.compress(b"hello " * 20)
        for body in (packed[: -1 - cut % len(packed)], b"\x1f\x8b" + noise):
            with pytest.raises((MalformedRequest, TooLarge)):
                inflate(body, "gzip", 10_000)


class TestWriteKey:
    @pytest.mark.parametrize(
        ("text", "key"),
        [(b"WK:", "WK"), (b"WK", "WK"), (b"WK:secret", "WK"), (b":", None), (b"", None),
         ("ş:".encode(), "ş"), (b"\xff\xfe", None)],
    )  # fmt: skip
    def test_basic(self, text: bytes, key: str | None) -> None:
        assert basic_write_key(basic(text)) == key

    def test_basic_is_forgiven_case_padding_and_spaces(self) -> None:
        assert basic_write_key({b"authorization": b"basic  V0s6 "}) == "WK"
        assert basic_write_key({b"authorization": b"Basic V0s"}) == "WK"

    @pytest.mark.parametrize("value", [b"", b"Bearer x", b"Basic", b"Basic \xff", b"Basic ====="])
    def test_no_basic(self, value: bytes) -> None:
        assert basic_write_key({b"authorization": value}) is None

    def test_order(self) -> None:
        """Basic, the body, the first item, the query, X-Write-Key."""
        headers = basic(b"basic:") | {b"x-write-key": b"header"}
        item = GOOD | {"writeKey": "item"}
        full = read_body(json.dumps({"batch": [item], "writeKey": "body"}).encode(), "")
        inner = read_body(json.dumps({"batch": [item]}).encode(), "")
        none = read_body(json.dumps({"batch": [GOOD]}).encode(), "")
        assert find_write_key(headers, "query", full) == "basic"
        del headers[b"authorization"]
        assert find_write_key(headers, "query", full) == "body"
        assert find_write_key(headers, "query", inner) == "item"
        assert find_write_key(headers, "query", none) == "query"
        assert find_write_key(headers, None, none) == "header"
        assert find_write_key({}, None, none) is None

    def test_bearer_of_oauth_with_the_key_in_the_body(self) -> None:
        request = read_body(b'{"batch":[],"writeKey":"WK"}', "")
        assert find_write_key({b"authorization": b"Bearer abc"}, None, request) == "WK"

    def test_at_the_end_of_the_body_and_in_a_single_event(self) -> None:
        request = read_body(json.dumps(GOOD | {"writeKey": "WK"}).encode(), "track")
        assert find_write_key({}, None, request) == "WK"

    @pytest.mark.parametrize("items", [[], [5], [{"writeKey": 5}], ["x"]])
    def test_no_key_in_odd_items(self, items: list[Any]) -> None:
        assert (
            find_write_key({}, None, read_body(json.dumps({"batch": items}).encode(), "")) is None
        )

    def test_header(self) -> None:
        assert header_write_key({b"x-write-key": b"WK"}) == "WK"
        assert header_write_key({}) is None


class TestReadBody:
    @pytest.mark.parametrize(
        "body",
        [b"", b"x", b"null", b"[]", b"5", b'"a"', b"{}", b'{"batch":null}', b'{"batch":5}',
         b'{"batch":[', b'{"batch":[]}x', b'{"sentAt":{},"batch":[]}', b"\xff\xfe{}",
         b'{"a":NaN}', b'{"batch":[NaN],"sentAt":[]}', b"\xef\xbb\xbf5", b"[" * 100_000],
    )  # fmt: skip
    def test_bodies_of_which_nothing_can_be_read(self, body: bytes) -> None:
        with pytest.raises(MalformedRequest) as raised:
            read_body(body, "")
        assert raised.value.message

    def test_too_many_items(self) -> None:
        body = b'{"batch":[' + b"1," * MAX_ITEMS + b"1]}"
        with pytest.raises(TooLarge, match=f"{MAX_ITEMS + 1} items"):
            read_body(body, "")

    def test_an_empty_batch_is_fine(self) -> None:
        assert submit({"batch": []}).count == 0

    def test_a_batch_on_a_single_address_is_a_batch(self) -> None:
        submission = submit({"batch": [GOOD, GOOD]}, "track")
        assert (submission.count, submission.type) == (2, "")

    @settings(max_examples=300)
    @given(st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
    def test_any_bytes_are_read_or_malformed(self, body: bytes) -> None:
        for prefix, suffix in ((b"", b""), (b'{"batch":[', b"]}"), (b'{"a":NaN,"b":"', b'"}')):
            try:
                submission = submit(prefix + body + suffix, "")
            except (MalformedRequest, TooLarge):
                continue
            json.loads(submission.body)


class TestSubmission:
    def test_a_clean_body_is_kept_byte_for_byte(self) -> None:
        raw = b' {"batch" : [ {"type":"page", "anonymousId":1} ], "sentAt":"2026-01-01"} '
        submission = submit(raw)
        assert submission.body == raw
        assert (submission.count, submission.rejects, submission.type) == (1, (), "")
        assert (submission.ip, submission.user_agent) == ("203.0.113.7", "test")
        assert submission.received_at == 5

    def test_a_single_message_keeps_the_type_of_its_address(self) -> None:
        submission = submit({"event": "e", "userId": "u"}, "track")
        assert (submission.count, submission.type) == (1, "track")

    def test_bad_items_are_left_out_and_the_envelope_stays(self) -> None:
        body = {
            "batch": [GOOD | {"messageId": "1"}, {"type": "x"}, GOOD | {"messageId": "2"}, 5],
            "context": {"a": {"b": 1}},
            "integrations": {"All": True},
            "sentAt": "2026-01-01T00:00:00Z",
            "timestamp": 5,
            "writeKey": "wk",
        }
        submission = submit(body)
        kept = json.loads(submission.body)
        assert [m["messageId"] for m in kept["batch"]] == ["1", "2"]
        for name in ("context", "integrations", "sentAt", "timestamp"):
            assert kept[name] == body[name]
        assert "writeKey" not in kept
        assert submission.count == 2
        assert [(r.item, r.reason) for r in submission.rejects] == [
            (1, RejectReason.UNKNOWN_MESSAGE_TYPE),
            (3, RejectReason.NOT_AN_OBJECT),
        ]

    @pytest.mark.parametrize(
        ("bad", "why"),
        [
            (b'{"type":"track","userId":"u","event":"e","properties":{"a":NaN}}', "invalid_json"),
            (b'{"type":"track","userId":"u","event":"e","a":[-Infinity]}', "invalid_json"),
            (b'{"type":"track","userId":"u","event":"\\udc00"}', "invalid_text"),
            (b'{"type":"track","userId":"u","event":"\xff","a":NaN}', "invalid_text"),
            (b'{"type":"track","userId":"u","event":"\xff","a":"\\ud800"}', "invalid_text"),
            (b'{"type":"track","userId":"u","event":"e","a":1e400,"b":NaN}', "invalid_json"),
        ],
    )
    def test_what_no_strict_parser_takes_fails_its_item_alone(self, bad: bytes, why: str) -> None:
        good = json.dumps(GOOD | {"event": "ş"}, ensure_ascii=False).encode()
        submission = submit(b'{"batch":[%b,%b,%b],"sentAt":5}' % (good, bad, good))
        reasons = [(r.item, r.reason.value) for r in submission.rejects]
        assert reasons == [(1, why)]
        kept = json.loads(submission.body)
        assert len(kept["batch"]) == submission.count == 2
        assert kept["batch"][-1]["event"] == "ş"
        assert kept["sentAt"] == 5

    def test_a_bom_is_forgiven(self) -> None:
        assert submit(b"\xef\xbb\xbf" + json.dumps({"batch": [GOOD]}).encode()).count == 1

    def test_a_reject_of_a_typed_address_can_be_replayed(self) -> None:
        for body in (b'{"userId":"u"}', b'{"userId":"u","type":"page"} ', b"{ }"):
            (reject,) = submit(body, "track").rejects
            assert json.loads(reject.payload)["type"] == "track"

    @pytest.mark.parametrize("items", [1, 3])
    def test_the_context_of_a_batch_counts_for_each_item(self, items: int) -> None:
        with pytest.raises(TooLarge):
            submit({"batch": [GOOD] * items, "context": {"a": "x" * 40_000}})
        with pytest.raises(TooLarge):
            submit({"batch": [GOOD] * 10_000, "context": {"a": "x" * 30_000}})
        assert submit({"batch": [GOOD] * items, "context": {"a": "x" * 30_000}}).count == items

    @pytest.mark.parametrize(
        "context",
        [b"[]", b'"x"', b'{"a":"\xff"}', b'{"a":1e999}', b'{"a\\u0000":1}',
         b'{"a":' * 40 + b"1" + b"}" * 40],
    )  # fmt: skip
    def test_a_context_that_cannot_be_stored_is_refused_at_once(self, context: bytes) -> None:
        with pytest.raises(MalformedRequest):
            submit(b'{"batch":[],"context":' + context + b"}")

    @settings(max_examples=100)
    @given(st.lists(st.booleans(), max_size=30))
    def test_nothing_is_lost_and_order_is_kept(self, good: list[bool]) -> None:
        batch = [GOOD | {"messageId": str(n)} if ok else {"n": n} for n, ok in enumerate(good)]
        submission = submit({"batch": batch})
        kept = [int(m["messageId"]) for m in json.loads(submission.body)["batch"]]
        assert kept == [n for n, ok in enumerate(good) if ok]
        assert [r.item for r in submission.rejects] == [n for n, ok in enumerate(good) if not ok]
        assert submission.count == len(kept)
