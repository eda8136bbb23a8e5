"""Messages in the address of a picture."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tekil.collect.pixel import GIF, MAX_FIELDS, pixel_body

BODY = {"writeKey": "k", "userId": "u", "event": "Email Opened", "properties": {"s": "ğ?>"}}


def test_the_picture() -> None:
    assert len(GIF) == 43
    assert GIF[:6] == b"GIF89a"
    assert GIF[6:10] == b"\x01\x00\x01\x00"
    assert GIF[-1:] == b";"


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("padded", [True, False])
def test_base64(encode: object, padded: bool) -> None:
    data = encode(json.dumps(BODY, ensure_ascii=False).encode()).decode()  # type: ignore[operator]
    for text in (data, data.replace("+", "%2B"), data.replace("+", " ")):
        query = f"data={text if padded else text.rstrip('=')}"
        body = pixel_body(query)
        assert body is not None
        assert json.loads(body) == BODY


def test_flat() -> None:
    query = "writeKey=k&userId=u&event=Email+Opened&properties.a.b=%C5%9F&context.page.url=x&empty="
    assert json.loads(pixel_body(query) or b"") == {
        "writeKey": "k",
        "userId": "u",
        "event": "Email Opened",
        "properties": {"a": {"b": "ş"}},
        "context": {"page": {"url": "x"}},
    }


@pytest.mark.parametrize(
    "query",
    ["", "data=", "data=!!!", "data=W10=", "data=bnVsbA==", "data=%00", "&&&", "a",
     "&".join(f"p{n}=1" for n in range(MAX_FIELDS + 1))],
)  # fmt: skip
def test_nothing_to_read(query: str) -> None:
    assert pixel_body(query) is None


def test_a_value_and_an_object_of_one_name() -> None:
    assert json.loads(pixel_body("a=1&a.b=2") or b"") == {"a": "1"}
    assert json.loads(pixel_body("a.b=2&a=1") or b"") == {"a": "1"}


def test_a_path_without_end_is_left_out() -> None:
    assert pixel_body("userId=u&p" + ".a" * 30_000 + "=1") == b'{"userId":"u"}'


@given(st.text(max_size=300))
def test_any_query_gives_an_object_or_nothing(query: str) -> None:
    body = pixel_body(query)
    assert body is None or isinstance(json.loads(body), dict)
