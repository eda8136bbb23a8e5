"""``tekil import`` as people run it: with a server and without, killed and started again."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from tests.files.fakes import write
from tests.server import TEKIL, Server, free_port, running_server, start_server

SEED = int(os.environ.get("TEKIL_IMPORT_SEED", "20261122"))
ROWS = 40_000
PEOPLE = 50
BAD_EVERY = 1_000

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def tekil(data: Path, *words: str, environ: dict[str, str] | None = None) -> dict[str, Any]:
    done = subprocess.run(
        [*TEKIL, *words, "--data", str(data), "--json"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout))


def test_without_a_server(tmp_path: Path) -> None:
    path = write(
        tmp_path / "müşteriler.csv",
        "Müşteri No;E-posta;Adı;Puan\n1;isil@example.com;IŞIL;1.234,50\n2;;;\n;;Kimse;1\n".encode(
            "cp1254"
        ),
    )
    data = tmp_path / "data"
    found = tekil(data, "import", str(path), "--source", "crm")
    assert (found["encoding"], found["rows"], found["rejected"]) == ("windows-1254", 3, 1)
    person = tekil(data, "profile", "email:isil@example.com")
    assert person["traits"]["puan"] == 1234.5
    assert {(i["namespace"], i["value"]) for i in person["identities"]} == {
        ("user_id", "1"),
        ("email", "isil@example.com"),
    }
    before = tekil(data, "status")
    assert tekil(data, "import", str(path), "--source", "crm")["done"]
    assert tekil(data, "status")["events"] == before["events"] == 2
    orders = write(
        tmp_path / "orders.csv",
        "order id,email,date,sku,amount\nA,isil@example.com,2025-01-01,x,0.10\n"
        "B,isil@example.com,2025-01-02,x,1\nA,isil@example.com,2025-01-01,y,0.20\n",
    )
    tekil(data, "import", str(orders), "--source", "shop")
    newest = tekil(data, "profile", "email:isil@example.com")["events"]
    by_order = {e["properties"]["order_id"]: e for e in newest if e["type"] == "track"}
    assert float(by_order["A"]["revenue"]) == 0.3
    assert [p["sku"] for p in by_order["A"]["properties"]["products"]] == ["x", "y"]


def test_killed_importers_and_servers_lose_and_double_nothing(tmp_path: Path) -> None:
    print("seed", SEED)
    draw, port = random.Random(SEED), free_port()
    lines = [
        f"u{n % PEOPLE},Paid,2025-05-05T10:00:{n % 60:02d},{n}.10"
        if n % BAD_EVERY
        else f"u1,Paid,never,{n}"
        for n in range(ROWS)
    ]
    path = write(tmp_path / "events.csv", "user_id,event,time,amount\n" + "\n".join(lines))
    server = start_server(tmp_path / "data", port=port)
    try:
        for victim in ("importer", "server", "importer", "server", "importer"):
            server = import_and_kill(server, path, draw, victim)
        assert start_import(server, path).wait(timeout=120) == 0
        stats = server.wait_until_idle(seconds=120)
        good = ROWS - ROWS // BAD_EVERY
        assert (stats["events"], stats["duplicates"]) == (good, 0)
        assert (stats["profiles"], stats["rejects"]) == (PEOPLE, ROWS // BAD_EVERY)
        rejects = server.get("/api/v1/rejects", limit=100)["items"]
        assert sorted(r["item"] for r in rejects) == list(range(2, ROWS + 2, BAD_EVERY))
        assert {r["reason"] for r in rejects} == {"invalid_row"}
        person = server.get("/api/v1/profiles/user_id:u7")
        assert person["event_count"] == ROWS // PEOPLE
    finally:
        server.stop()


def import_and_kill(server: Server, path: Path, draw: random.Random, victim: str) -> Server:
    """Start an import, kill it or the server in the middle, and have both ready again."""
    importer = start_import(server, path)
    time.sleep(draw.uniform(0.6, 2.5))
    if victim == "importer":
        importer.kill()
        importer.wait()
        return server
    server.kill()
    again = start_server(server.data, port=server.port, admin_token=server.admin_token)
    importer.wait(timeout=120)  # it waits for the server and goes on, or says what to do
    return again


def start_import(server: Server, path: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*TEKIL, "import", str(path), "--source", "pay", "--data", str(server.data), "--json"],
        env=dict(server.environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_a_server_takes_a_mapping_and_says_what_is_wrong(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "who,when\nada@example.com,2025-01-01\n")
    with running_server(tmp_path / "data") as server:
        words = [*TEKIL, "import", str(path), "--source", "x", "--data", str(server.data)]
        mapping = write(tmp_path / "m.yaml", "kind: events\nevent: Came\ncolumns: {wen: timestamp}")
        done = subprocess.run(
            [*words, "--mapping", str(mapping)],
            env=dict(server.environ),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert 'the file has no column "wen". Did you mean "when"?' in " ".join(
            (done.stdout + done.stderr).split()
        )
        mapping.write_text("kind: events\nevent: Came\ncolumns: {when: timestamp}")
        server.command("import", str(path), "--source", "x", "--mapping", str(mapping), "--yes")
        server.wait_until_idle()
        (event,) = server.get("/api/v1/profiles/email:ada@example.com/events")["items"]
        assert (event["event"], event["timestamp"]) == ("Came", "2025-01-01T00:00:00.000Z")
