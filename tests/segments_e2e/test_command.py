"""``tekil segment …`` and ``tekil list …`` against a server, for people and for scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.segments_e2e.shop import Segments, run, run_json
from tests.segments_e2e.test_live import BUYERS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

YAML = """
description: Two orders at least
definition:
  event: Order Completed
  count: {gte: 2}
"""


def test_a_segment_from_a_file_to_its_end(segments: Segments, tmp_path: Path) -> None:
    server = segments.server
    path = tmp_path / "buyers.yaml"
    path.write_text(YAML, encoding="utf-8")

    tried = run_json(server, "segment", "preview", str(path))
    assert segments.names() == []
    made = run_json(server, "segment", "put", "My buyers/ğ".replace("/", "-"), str(path))
    name = made["name"]
    assert (made["size"], made["definition"]) == (tried["count"], BUYERS)
    assert made["description"] == "Two orders at least"

    members = segments.members(name)
    listed = run_json(server, "segment", "list")["items"]
    assert [(s["name"], s["size"]) for s in listed] == [(name, len(members))]
    assert run_json(server, "segment", "show", name)["definition"] == BUYERS
    every = run_json(server, "segment", "members", name, "--all")["items"]
    assert {item["profile_id"] for item in every} == members
    lines = server.command("segment", "members", name, "--limit", "3").split()
    assert len(lines) == 3
    assert all(line.startswith("profile_id:") for line in lines)
    (size,) = run_json(server, "segment", "sizes", name)["items"]
    assert size["size"] == len(members)
    assert run_json(server, "segment", "changes", name)["items"] == []
    server.command("segment", "delete", name)
    assert segments.names() == []


def test_what_people_see(segments: Segments) -> None:
    server = segments.server
    segments.put("buyers", {"all": [BUYERS, {"trait": "country", "is": "TR"}]}, "who [bold]buy")
    segments.put("turkish", {"trait": "country", "is": "TR"})
    size = len(segments.members("buyers"))
    one = sorted(segments.members("buyers"))[0]

    def see(*arguments: str) -> str:
        done = run(server, "segment", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "who [bold]buy" in see("list"), "what people typed is no markup"
    assert "country" in see("show", "buyers")
    assert f"{size:,} in all" in see("overlap", "buyers", "turkish")
    assert "█" in see("sizes", "buyers")
    why = see("why", "buyers", f"profile_id:{one}")
    assert 'in "buyers"' in why
    assert '{"trait":"country","is":"TR"}' in why
    assert "TR" in why


def test_a_definition_can_come_by_standard_input(segments: Segments) -> None:
    done = run(segments.server, "segment", "preview", "-", "--json", stdin="{event: Never Sent}")
    assert done.returncode == 0, done.stderr
    assert '"count":0' in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("show", "byers"), 'Did you mean "buyers"?'),
        (("members", "nothing"), 'There is no segment "nothing"'),
        (("put", "x", "missing.yaml"), 'There is no file "missing.yaml"'),
        (("why", "buyers", "user_id:nobody"), "was ever seen"),
        (("delete", "nothing"), 'There is no segment "nothing"'),
        (("export", "nothing"), 'There is no segment "nothing"'),
        (("export", "buyers", "--traits", "a,a"), "twice: a"),
        (("changes", "nothing"), 'There is no segment "nothing"'),
        (("combine", "--minus", "buyers"), "at least one segment"),
    ],
)
def test_a_mistake_is_one_sentence(
    segments: Segments, arguments: tuple[str, ...], told: str
) -> None:
    segments.put("buyers", BUYERS)
    done = run(segments.server, "segment", *arguments)
    assert done.returncode == 1
    assert told in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_list_from_a_file(segments: Segments, tmp_path: Path) -> None:
    server = segments.server
    segments.put("buyers", BUYERS)
    chosen = sorted(segments.members("buyers"))[:2]
    emails = [segments.profile(f"profile_id:{one}")["identities"] for one in chosen]
    refs = [f"{own[0]['namespace']}:{own[0]['value']}" for own in emails]
    path = tmp_path / "people.txt"
    path.write_text("\ufeff" + "\n".join([*refs, "", "nobody@nowhere.example"]), encoding="utf-8")
    try:
        put = run_json(server, "list", "put", "friends", str(path), "--namespace", "email")
        assert (put["size"], put["unknown"]) == (2, ["email:nobody@nowhere.example"])
        found = run_json(server, "list", "members", "friends", "--all")["items"]
        assert {item["profile_id"] for item in found} == set(chosen)
        listed = run_json(server, "list", "list")["items"]
        assert [(x["name"], x["size"]) for x in listed] == [("friends", 2)]
    finally:
        server.command("list", "delete", "friends")
    assert run_json(server, "list", "list")["items"] == []


def test_a_computed_trait_from_a_file_to_a_person(segments: Segments, tmp_path: Path) -> None:
    server = segments.server
    path = tmp_path / "orders.yaml"
    path.write_text("{event: Order Completed, count: true}", encoding="utf-8")
    made = run_json(server, "trait", "put", "orders", str(path), "--description", "How many")
    assert (made["name"], made["description"]) == ("orders", "How many")
    assert [t["name"] for t in run_json(server, "trait", "list")["items"]] == ["orders"]
    segments.put("buyers", {"computed": "orders", "gte": 2})
    one = sorted(segments.members("buyers"))[0]
    found = run_json(server, "trait", "values", f"profile_id:{one}")["computed_traits"]
    assert found["orders"] == len(segments.timeline(f"profile_id:{one}", "Order Completed"))
    lines = server.command("segment", "export", "buyers", "--traits", "orders").splitlines()[1:]
    told = dict(line.split(",") for line in lines)
    assert set(told) == segments.members("buyers")
    assert told[one] == str(found["orders"])
    assert all(int(orders) >= 2 for orders in told.values())
    refused = run(server, "trait", "delete", "orders")
    assert refused.returncode == 1
    assert "used by buyers" in " ".join(refused.stderr.split())
    segments.delete("buyers")
    server.command("trait", "delete", "orders")
    assert run_json(server, "trait", "list")["items"] == []
