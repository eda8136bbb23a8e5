"""``kill -9`` fifty times under load: what was acknowledged is there, exactly once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.faults.reference import Expected, expect
from tests.faults.stored import Stored
from tests.faults.traffic import Sender, Traffic
from tests.server import Server, free_port, start_server

KILLS = int(os.environ.get("TEKIL_FAULT_KILLS", "50"))
SEED = int(os.environ.get("TEKIL_FAULT_SEED", "20261122"))
LONGEST_LIFE_SECONDS = 1.2
MESSAGES_PER_SECOND = 3000
KEYS = ("server", "site")

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


def test_fifty_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    draw, port, data = random.Random(SEED), free_port(), tmp_path / "data"
    server = start_server(data, port=port)
    keys = {
        "server": server.add_source("server", kind="http"),
        "site": server.add_source("site", kind="web"),
    }
    sender = Sender(port, keys, Traffic(SEED), MESSAGES_PER_SECOND)
    sender.start(threads=4, seed=SEED)
    starts: list[float] = []
    try:
        for number in range(KILLS):
            sender.up()
            time.sleep(draw.uniform(0, LONGEST_LIFE_SECONDS))
            kill(server)
            sender.down()
            if number % 7 == 3:
                kill_while_starting(server, draw.uniform(0.1, 1.5))
            began = time.monotonic()
            server = start_server(data, port=port, admin_token=server.admin_token)
            starts.append(time.monotonic() - began)
        sender.up()
        sender.finish()
        stats = server.wait_until_idle(seconds=60)
    finally:
        sender.up()
        server.stop()
    expected = expect(sender.traffic.sent)
    print(
        f"seed {SEED}: {len(expected.events)} messages, {len(sender.acknowledged)} requests, "
        f"{sender.broken} broken and {sender.resent} resent, {len(expected.people)} people, "
        f"start {sorted(starts)[len(starts) // 2]:.2f} s (longest {max(starts):.2f} s)"
    )
    check(Stored(data), expected)
    check_counts(Stored(data), expected, stats)
    assert "Traceback" not in server.log(), server.log()


def kill(server: Server) -> None:
    server.kill()
    server.api.close()


def kill_while_starting(server: Server, seconds: float) -> None:
    """Kill a server that may not have opened its stores yet."""
    with server.log_path.open("ab") as log:
        process = subprocess.Popen(
            server.process.args, env=dict(server.environ), stdout=log, stderr=log
        )
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()


def check(stored: Stored, expected: Expected) -> None:
    """Compare everything, each kind of thing by itself so that a failure says what is wrong."""
    found = stored.found
    doubled = {each: count for each, count in stored.message_ids.items() if count != 1}
    assert not doubled, f"stored more than once: {sample(doubled)}"
    same(found.events, expected.events, "events")
    same(found.identities, expected.identities, "identities")
    same(found.activity, expected.activity, "activity")
    same(found.claims, expected.claims, "claims")
    assert found.refused == expected.refused
    same(found.people, expected.people, "people")
    same(found.traits, expected.traits, "traits")
    same(found.accounts, expected.accounts, "account traits")
    same(found.members, expected.members, "account members")
    same(found.schema, expected.schema, "schema counts")
    mapping = {ref: eldest for eldest, refs in expected.people.items() for ref in refs}
    same(stored.mapped, mapping, "identities in the warehouse's mapping")
    values = {key: value for key, (_, value) in expected.traits.items()}
    same(stored.warehouse_traits, values, "traits in the warehouse")


def check_counts(stored: Stored, expected: Expected, stats: dict[str, object]) -> None:
    """The counters that the API shows agree with what is there."""
    attested = sum(1 for _, _, attested in expected.identities.values() if attested)
    assert stats["events"] == len(expected.events)
    assert stats["identities"] in {attested, len(expected.identities)}
    real = [p for p in expected.people.values() if any(expected.identities[r][2] for r in p)]
    assert stats["profiles"] == len(real)
    accepted = stored.inbox("SELECT sum(count) AS n FROM inbox")[0]["n"]
    assert stats["duplicates"] == accepted - len(expected.events)


def same(found: dict, expected: dict, what: str) -> None:  # type: ignore[type-arg]
    missing = {key: value for key, value in expected.items() if key not in found}
    extra = {key: value for key, value in found.items() if key not in expected}
    wrong = {
        key: (found[key], value)
        for key, value in expected.items()
        if key in found and found[key] != value
    }
    assert missing | extra | wrong == {}, (
        f"{what}: {len(missing)} missing {sample(missing)}, {len(extra)} extra {sample(extra)}, "
        f"{len(wrong)} wrong (found, expected) {sample(wrong)}"
    )


def sample(some: dict) -> dict:  # type: ignore[type-arg]
    return dict(list(some.items())[:3])
