"""Definitions in a folder: plans count exactly, apply does it once, wrong files change nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.segments_e2e.shop import Segments, run, run_json

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

EXAMPLES = Path(__file__).parents[2] / "examples" / "definitions"


def write(folder: Path, name: str, definition: object, kind: str = "segments") -> Path:
    path = folder / kind / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"definition": definition}), encoding="utf-8")
    return path


def steps(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {step["name"]: step for step in found["steps"]}


def test_the_example_folder_finds_people_in_the_sample_shop(segments: Segments) -> None:
    planned = run_json(segments.server, "plan", str(EXAMPLES))
    assert segments.names() == [], "a plan stores nothing"
    applied = run_json(segments.server, "apply", str(EXAMPLES))
    assert applied == planned

    names = sorted(path.stem for path in (EXAMPLES / "segments").glob("*.yaml"))
    assert segments.names() == names
    everybody = segments.preview({"all": []})["of"]
    for name in names:
        members = segments.members(name)
        assert 0 < len(members) < everybody, f"{name} should choose some people and not all"
        assert steps(applied)[name]["entering"] == steps(applied)[name]["after"] == len(members)
    traits = segments.server.get("/api/v1/computed-traits")["items"]
    assert {t["name"] for t in traits} == {
        path.stem for path in (EXAMPLES / "computed-traits").glob("*.yaml")
    }
    loyal = sorted(segments.members("loyal"))[0]
    assert segments.profile(f"profile_id:{loyal}")["computed_traits"]["orders_last_year"] >= 3

    again = run_json(segments.server, "apply", str(EXAMPLES), "--prune")
    assert again["changes"] == 0
    assert {s["change"] for s in again["steps"]} == {"unchanged"}


def test_what_is_exported_plans_as_no_change(segments: Segments, tmp_path: Path) -> None:
    run_json(segments.server, "apply", str(EXAMPLES))
    odd = {"trait": "city", "in": ["İzmir", "NO", "2026-01-01", "1_000", "true", "=x", "a: b #c"]}
    names = ["Büyük müşteri", "...", ".hidden", "x" * 200, "a:b*c?", "trailing ", "yes"]
    for name in names:
        segments.put(name, odd, description="İki\nsatır: “yes”")
    run_json(segments.server, "export-definitions", str(tmp_path))
    exported = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(exported) == len(names) + len(list(EXAMPLES.rglob("*.yaml")))
    assert all(path.parent.parent == tmp_path for path in exported)

    planned = run_json(segments.server, "plan", str(tmp_path), "--prune", "--check")
    assert planned["changes"] == 0
    assert len(planned["steps"]) == len(exported)
    gone = segments.api.post(
        "/api/v1/definitions/apply", json={"definitions": [], "prune": True}
    ).json()
    assert gone["changes"] == len(exported)
    assert run_json(segments.server, "apply", str(tmp_path))["changes"] == len(exported)
    assert segments.server.get("/api/v1/segments/Büyük müşteri")["definition"] == odd


def test_export_does_not_overwrite_what_differs(segments: Segments, tmp_path: Path) -> None:
    segments.put("one", {"event": "Order Completed"})
    run_json(segments.server, "export-definitions", str(tmp_path))
    run_json(segments.server, "export-definitions", str(tmp_path))  # nothing differs
    path = tmp_path / "segments" / "one.yaml"
    path.write_text("mine\n", encoding="utf-8")
    refused = run(segments.server, "export-definitions", str(tmp_path))
    assert refused.returncode == 1
    assert "one.yaml" in refused.stderr
    assert path.read_text(encoding="utf-8") == "mine\n"
    run_json(segments.server, "export-definitions", str(tmp_path), "--force")
    assert "Order Completed" in path.read_text(encoding="utf-8")


def test_a_plan_counts_who_moves_also_through_nested_segments(
    segments: Segments, tmp_path: Path
) -> None:
    write(tmp_path, "buyers", {"event": "Order Completed", "count": {"gte": 1}})
    write(tmp_path, "home", {"all": [{"segment": "buyers"}, {"trait": "country", "is": "TR"}]})
    write(tmp_path, "gone", {"event": "Signed Up"})
    run_json(segments.server, "apply", str(tmp_path))
    was = {name: segments.members(name) for name in segments.names()}

    write(tmp_path, "buyers", {"event": "Order Completed", "count": {"gte": 3}})
    (tmp_path / "segments" / "gone.yaml").unlink()
    kept = run_json(segments.server, "plan", str(tmp_path))
    assert steps(kept)["gone"]["change"] == "kept"
    checked = run(segments.server, "plan", str(tmp_path), "--prune", "--check")
    assert checked.returncode == 1
    assert "2 to change" in checked.stdout
    planned = run_json(segments.server, "plan", str(tmp_path), "--prune")
    assert {name: step["change"] for name, step in steps(planned).items()} == {
        "buyers": "changed",
        "home": "unchanged",
        "gone": "removed",
    }
    assert {name: segments.members(name) for name in segments.names()} == was

    run_json(segments.server, "apply", str(tmp_path), "--prune")
    assert segments.names() == ["buyers", "home"]
    for name in ("buyers", "home"):
        now, step = segments.members(name), steps(planned)[name]
        assert (step["before"], step["after"]) == (len(was[name]), len(now))
        assert step["entering"] == len(now - was[name])
        assert step["leaving"] == len(was[name] - now) > 0
    assert steps(planned)["gone"]["leaving"] == len(was["gone"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('definition: {trait: country, iss: "TR"}', 'definition.iss: "iss" is not a known key'),
        ("definition: {segment: nobody-knows}", 'There is no segment "nobody-knows"'),
        ("definition: {segment: wrong}", "wrong → wrong"),
        ("definition: {computed: nothing, gte: 1}", 'There is no computed trait "nothing"'),
        ("definition: {all: [}", "neither JSON nor YAML"),
        ("definition:\n  any: []\n  any: []", 'line 3: the key "any" stands twice'),
        ("event: Order Completed", 'write the conditions under "definition"'),
        ("description: nothing else", 'there is no "definition"'),
        ("name: good\ndefinition: {event: X}", '"good" is defined twice'),
        ("- a list", "this is not an object"),
        ("name: '..'\ndefinition: {event: X}", '"..": nothing can have this name'),
        ("name: a/b\ndefinition: {event: X}", '"a/b": nothing can have this name'),
    ],
)
def test_a_wrong_file_is_named_and_nothing_is_changed(
    segments: Segments, tmp_path: Path, text: str, told: str
) -> None:
    write(tmp_path, "good", {"event": "Order Completed"})
    wrong = tmp_path / "segments" / "wrong.yaml"
    wrong.write_text(text, encoding="utf-8")
    for verb in ("plan", "apply"):
        refused = run(segments.server, verb, str(tmp_path))
        assert refused.returncode == 1
        said = " ".join(refused.stderr.split())
        assert str(wrong) in said, said
        assert told in said, said
    assert segments.names() == []


def test_every_wrong_file_is_told_at_once(segments: Segments, tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path, f"wrong-{number}", {"trait": "x"})
    refused = run(segments.server, "apply", str(tmp_path))
    assert all(f"wrong-{number}.yaml" in refused.stderr for number in range(3))


def test_a_folder_without_definitions_is_not_an_empty_one(
    segments: Segments, tmp_path: Path
) -> None:
    segments.put("one", {"event": "Order Completed"})
    refused = run(segments.server, "apply", str(tmp_path), "--prune")
    assert refused.returncode == 1
    assert "There is no folder" in refused.stderr
    assert segments.names() == ["one"]


def test_circles_that_are_turned_around_apply_at_once(segments: Segments, tmp_path: Path) -> None:
    buyers = {"event": "Order Completed"}
    write(tmp_path, "a", {"all": [{"segment": "b"}, buyers]})
    write(tmp_path, "b", buyers)
    run_json(segments.server, "apply", str(tmp_path))
    write(tmp_path, "a", buyers)
    write(tmp_path, "b", {"all": [{"segment": "a"}, buyers]})
    assert run_json(segments.server, "apply", str(tmp_path))["changes"] == 2
    assert segments.members("a") == segments.members("b") != set()


def test_definitions_work_without_a_server(tmp_path: Path) -> None:
    import os
    import subprocess

    from tests.server import TEKIL

    folder = tmp_path / "definitions"
    shutil.copytree(EXAMPLES, folder)
    data = tmp_path / "data"

    def tekil(*arguments: str) -> str:
        done = subprocess.run(
            [*TEKIL, *arguments, "--data", str(data)],
            env={k: v for k, v in os.environ.items() if not k.startswith("TEKIL_")},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    applied = json.loads(tekil("apply", str(folder), "--json"))
    assert applied["changes"] == len(applied["steps"]) > 0
    assert json.loads(tekil("plan", str(folder), "--prune", "--json"))["changes"] == 0
    assert tekil("segment", "export", "vip") == "profile_id\n"
