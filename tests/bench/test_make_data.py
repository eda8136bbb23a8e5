"""The traffic is the same for a seed, distinct across a stream, and looks like traffic."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from bench.bodies import read_bodies, write_bodies
from bench.make_data import Shape, Shop, batches, singles

SHAPE = Shape(events=5000, people=500, seed=11)


def messages(shape: Shape) -> list[dict[str, object]]:
    return [json.loads(message) for message in Shop(shape).messages()]


def test_same_seed_gives_the_same_bytes() -> None:
    assert list(Shop(SHAPE).messages()) == list(Shop(SHAPE).messages())
    other = Shape(events=5000, people=500, seed=12)
    assert list(Shop(SHAPE).messages()) != list(Shop(other).messages())


def test_message_ids_are_distinct_also_when_a_stream_goes_on() -> None:
    later = Shape(events=5000, people=500, seed=11, first=5000)
    ids = [message["messageId"] for message in messages(SHAPE) + messages(later)]
    assert len(set(ids)) == 10_000


def test_every_kind_of_call_but_alias_and_screen_occurs() -> None:
    kinds = Counter(message["type"] for message in messages(SHAPE))
    assert set(kinds) == {"page", "track", "identify", "group"}
    assert kinds["page"] + kinds["track"] > 0.8 * SHAPE.events


def test_signed_up_people_are_those_who_identified() -> None:
    shop = Shop(SHAPE)
    calls = [json.loads(message) for message in shop.messages()]
    identified = {call["userId"] for call in calls if call["type"] == "identify"}
    assert {f"u{person}" for person in shop.signed_up} == identified
    assert len(shop.signed_up) == len(identified) > 100


def test_a_person_has_at_most_three_devices() -> None:
    devices: dict[object, set[object]] = {}
    for call in messages(SHAPE):
        if call["type"] == "identify":
            devices.setdefault(call["userId"], set()).add(call["anonymousId"])
    assert {len(each) for each in devices.values()} == {1, 2, 3}


def test_bodies_survive_the_file(tmp_path: Path) -> None:
    written = list(batches(Shop(SHAPE).messages()))
    assert write_bodies(tmp_path / "a", written) == (50, sum(map(len, written)))
    assert [bytes(body) for body in read_bodies(tmp_path / "a")] == written
    assert [len(json.loads(body)["batch"]) for body in written] == [100] * 50


def test_singles_are_the_same_messages() -> None:
    alone = [json.loads(body) for body in singles(Shop(SHAPE).messages())]
    together = [
        message
        for body in batches(Shop(SHAPE).messages(), 7)
        for message in json.loads(body)["batch"]
    ]
    assert alone == together
