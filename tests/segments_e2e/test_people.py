"""Set questions and exports of a real server."""

from __future__ import annotations

import csv
import io
import secrets
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest

from tests.segments_e2e.shop import Segments, run, run_json, send
from tests.segments_e2e.test_live import BUYERS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

TURKISH = {"trait": "country", "is": "TR"}
NASTY = [
    '=HYPERLINK("http://x.example")',
    "+1+1",
    "-1",
    "@SUM(A1)",
    "\tx",
    "\rx",
    'a"b,c\nd',
    "Işıl",
]


@pytest.fixture
def three(segments: Segments) -> dict[str, set[str]]:
    """Three overlapping segments and their members."""
    segments.put("buyers", BUYERS)
    segments.put("turkish", TURKISH)
    segments.put("readers", {"event": "Email Opened"})
    return {name: segments.members(name) for name in ("buyers", "turkish", "readers")}


@pytest.mark.parametrize(
    ("union", "all_of", "minus"),
    [
        (["buyers", "turkish"], [], []),
        (["buyers"], [], ["turkish"]),
        ([], ["buyers", "turkish"], ["readers"]),
        (["buyers", "readers"], ["turkish"], []),
    ],
)
def test_combinations_are_those_of_sets(
    segments: Segments,
    three: dict[str, set[str]],
    union: list[str],
    all_of: list[str],
    minus: list[str],
) -> None:
    want = set().union(*(three[n] for n in union)) if union else set().union(*three.values())
    for name in all_of:
        want &= three[name]
    for name in minus:
        want -= three[name]
    asked = {"union": union, "all_of": all_of, "minus": minus, "limit": 7}
    found: list[str] = []
    cursor = None
    while True:
        answer = segments.api.post(
            "/api/v1/segments/combine", json={**asked, "cursor": cursor}
        ).json()
        assert answer["count"] == len(want)
        found += [item["profile_id"] for item in answer["items"]]
        cursor = answer["next"]
        if cursor is None:
            break
    assert len(found) == len(set(found))
    assert set(found) == want

    options = [
        *(part for n in union for part in ("--union", n)),
        *(part for n in all_of for part in ("--all-of", n)),
        *(part for n in minus for part in ("--minus", n)),
    ]
    printed = run_json(segments.server, "segment", "combine", *options, "--limit", "1000")
    assert {item["profile_id"] for item in printed["items"]} == want


def test_overlap_is_that_of_sets(segments: Segments, three: dict[str, set[str]]) -> None:
    found = run_json(segments.server, "segment", "overlap", *three)
    assert found["matrix"] == [[len(a & b) for b in three.values()] for a in three.values()]
    assert found["in_all"] == len(set.intersection(*three.values()))
    assert found["in_any"] == len(set.union(*three.values()))


def test_what_is_asked_wrong_is_refused(segments: Segments, three: dict[str, set[str]]) -> None:
    def status(path: str, body: dict[str, object]) -> tuple[int, str]:
        answer = segments.api.post(f"/api/v1/segments/{path}", json=body)
        return answer.status_code, answer.json()["detail"]

    assert status("combine", {"minus": ["buyers"]})[0] == 400
    code, detail = status("combine", {"union": ["buyerz"]})
    assert code == 404
    assert 'Did you mean "buyers"?' in detail
    assert status("combine", {"union": ["buyers"], "cursor": "x"})[0] == 400
    far = {"union": ["buyers"], "cursor": "WzkyMjMzNzIwMzY4NTQ3NzU4MDVd"}  # [9223372036854775805]
    answer = segments.api.post("/api/v1/segments/combine", json=far)
    assert (answer.status_code, answer.json()["items"]) == (200, [])
    page = segments.server.get("/api/v1/segments/buyers/members", cursor=far["cursor"])
    assert page == {"items": [], "next": None}


def test_an_export_holds_every_member_with_the_traits_of_the_profile(
    segments: Segments, three: dict[str, set[str]], tmp_path: Path
) -> None:
    path = tmp_path / "buyers.csv"
    columns = ("--traits", "email,firstName,interests", "--identities", "user_id")
    segments.server.command("segment", "export", "buyers", "-o", str(path), *columns)
    rows = list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")))

    assert {row["profile_id"] for row in rows} == three["buyers"]
    assert len(rows) == len(three["buyers"])
    assert any(row["identity.user_id"] for row in rows)
    for row in rows[:10]:
        traits = segments.profile(f"profile_id:{row['profile_id']}")["traits"]
        assert row["firstName"] == traits.get("firstName", "")
        assert row["email"] == traits.get("email", "")

    parquet = tmp_path / "buyers.parquet"
    segments.server.command("segment", "export", "buyers", "-o", str(parquet), *columns)
    told = {row["profile_id"]: row for row in rows}
    table = pq.read_table(parquet).to_pylist()
    assert len(table) == len(rows)
    for row in table:
        assert {key: value or "" for key, value in row.items()} == told[row["profile_id"]]

    again = run(segments.server, "segment", "export", "buyers", "-o", str(path))
    assert again.returncode == 1
    assert "--force" in again.stderr
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["buyers.csv", "buyers.parquet"]


def test_what_strangers_typed_cannot_run_in_a_spreadsheet(
    segments: Segments, write_key: str
) -> None:
    mark = secrets.token_hex(4)
    send(
        segments.server,
        write_key,
        *(
            {
                "type": "identify",
                "messageId": secrets.token_hex(8),
                "userId": f"nasty-{mark}-{place}",
                "traits": {"mark": mark, "place": place, "note": note, "debt": -5},
            }
            for place, note in enumerate(NASTY)
        ),
    )
    segments.server.wait_until_idle()
    segments.put("Kötü niyetli", {"trait": "mark", "is": mark})
    url = "/api/v1/segments/Kötü niyetli/export"

    answer = segments.api.get(url, params={"traits": "place,note,debt", "bom": True})
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "filename*=UTF-8''K%C3%B6t%C3%BC%20niyetli.csv" in answer.headers["content-disposition"]
    rows = read(answer)
    notes = {int(row["place"]): row["note"] for row in rows}
    assert len(notes) == len(NASTY)
    for place, note in enumerate(NASTY):
        assert notes[place] == (f"'{note}" if place < 6 else note)
        assert not notes[place].startswith(("=", "+", "-", "@", "\t", "\r"))
    assert {row["debt"] for row in rows} == {"-5"}

    plain = segments.api.get(url, params={"traits": "place,note", "guard": False})
    assert {int(row["place"]): row["note"] for row in read(plain)} == dict(enumerate(NASTY))
    semicolons = segments.api.get(url, params={"traits": "place", "delimiter": "semicolon"})
    assert semicolons.text.splitlines()[0] == "profile_id;place"


def test_an_export_needs_leave_to_read_people(
    segments: Segments, three: dict[str, set[str]]
) -> None:
    def allowed(*permissions: str) -> httpx.Client:
        options = [part for one in permissions for part in ("--allow", one)]
        made = run_json(segments.server, "token", "create", secrets.token_hex(4), *options)
        return httpx.Client(
            base_url=segments.server.url,
            headers={"Authorization": f"Bearer {made['token']}"},
            trust_env=False,
        )

    paths = ("/api/v1/segments/buyers/export", "/api/v1/segments/buyers/members")
    with allowed("segments:read") as client:
        assert [client.get(path).status_code for path in paths] == [403, 403]
        body = {"union": ["buyers"]}
        assert client.post("/api/v1/segments/combine", json=body).status_code == 403
        assert client.post("/api/v1/segments/overlap", json={"segments": ["buyers"]}).is_success
    with allowed("segments:read", "profiles:read") as client:
        assert [client.get(path).status_code for path in paths] == [200, 200]
        applied = client.post("/api/v1/definitions/apply", json={"definitions": []})
        assert applied.status_code == 403
    anonymous = httpx.get(segments.server.url + paths[0], trust_env=False)
    assert anonymous.status_code == 401


def read(answer: httpx.Response) -> list[dict[str, str]]:
    text = answer.content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))
