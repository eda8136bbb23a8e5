"""What a stopped server has left on the disk, read without its code."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections import Counter, defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.faults.reference import Expected, Ref

EVENTS = """
SELECT message_id, type, event, toUnixTimestamp64Milli(timestamp) AS at, identity_id, source_id,
       strong, properties, seq, item FROM events"""
PROFILES = """
SELECT identity_id, argMax(profile_id, version) AS profile_id FROM identity_profiles
GROUP BY identity_id"""
TRAITS = """
SELECT identity_id, name, strong, argMax(value, version) AS value FROM identity_traits
GROUP BY identity_id, name, strong"""

READ = """
import sys
from clickhouse_connect import get_client
client = get_client(interface="chdb", path=sys.argv[1])
settings = {"output_format_json_quote_64bit_integers": 0}
sys.stdout.buffer.write(client.raw_query(sys.argv[2], fmt="JSONEachRow", settings=settings))
"""


class Stored:
    """Everything that a data directory holds, in the shape in which it was expected."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.sources = {
            row["source_id"]: row["name"] for row in self.state("SELECT * FROM sources")
        }
        self.refs: dict[int, Ref] = {}
        self.found = Expected()
        self.message_ids: Counter[str] = Counter()
        self.mapped: dict[Ref, Ref] = {}
        """The warehouse's mapping from identities to the eldest identity of their profile."""
        self.warehouse_traits: dict[tuple[Ref, str, bool], Any] = {}
        self._read_identities()
        self._read_claims()
        self._read_traits()
        self._read_events()

    def state(self, query: str) -> list[dict[str, Any]]:
        """Rows of the state database."""
        return _rows(self.data / "state.db", query)

    def inbox(self, query: str) -> list[dict[str, Any]]:
        """Rows of the inbox database."""
        return _rows(self.data / "inbox.db", query)

    def warehouse(self, query: str) -> list[dict[str, Any]]:
        """Rows of the warehouse, read by a process of its own: a process has one engine."""
        words = [sys.executable, "-c", READ, str(self.data / "warehouse"), query]
        run = subprocess.run(words, capture_output=True, check=True)
        return [json.loads(line) for line in run.stdout.splitlines()]

    def _read_identities(self) -> None:
        rows = self.state("SELECT * FROM identities")
        self.refs = {row["identity_id"]: (row["namespace"], row["value"]) for row in rows}
        people: dict[Ref, set[Ref]] = defaultdict(set)
        for row in rows:
            ref = self.refs[row["identity_id"]]
            seen = (row["first_seen"], bool(row["verified"]), bool(row["attested"]))
            self.found.identities[ref] = seen
            people[self.refs[row["profile_id"]]].add(ref)
        self.found.people = {eldest: frozenset(refs) for eldest, refs in people.items()}
        for row in self.state("SELECT * FROM identity_activity"):
            ref = self.refs[row["identity_id"]]
            self.found.activity[ref] = (row["last_seen"], row["event_count"])

    def _read_claims(self) -> None:
        for row in self.state("SELECT * FROM claims"):
            ends = frozenset((self.refs[row["a"]], self.refs[row["b"]]))
            name = (ends, row["kind"], bool(row["strong"]))
            self.found.claims[name] = (row["event_time"], row["message_id"])
            if row["refused"] is not None:
                self.found.refused.add(name)

    def _read_traits(self) -> None:
        for row in self.state("SELECT * FROM traits"):
            key = (self.refs[row["identity_id"]], row["name"], bool(row["strong"]))
            self.found.traits[key] = (row["event_time"], json.loads(row["value"]))
        groups = {r["account_id"]: r["group_id"] for r in self.state("SELECT * FROM accounts")}
        for row in self.state("SELECT * FROM account_traits"):
            account = (groups[row["account_id"]], row["name"], bool(row["strong"]))
            self.found.accounts[account] = (row["event_time"], json.loads(row["value"]))
        for row in self.state("SELECT * FROM account_members"):
            member = (self.refs[row["identity_id"]], groups[row["account_id"]])
            self.found.members[member] = row["first_seen"]
        for row in self.state("SELECT * FROM event_schema"):
            event = (self.sources[row["source_id"]], row["type"], row["event"])
            self.found.schema[event] = row["count"]

    def _read_events(self) -> None:
        for row in self.warehouse(EVENTS):
            self.message_ids[row["message_id"]] += 1
            self.found.events[row["message_id"]] = (
                row["type"],
                row["event"],
                row["at"],
                self.refs[row["identity_id"]],
                self.sources[row["source_id"]],
                bool(row["strong"]),
                row["properties"],
            )
        for row in self.warehouse(PROFILES):
            self.mapped[self.refs[row["identity_id"]]] = self.refs[row["profile_id"]]
        for row in self.warehouse(TRAITS):
            key = (self.refs[row["identity_id"]], row["name"], bool(row["strong"]))
            self.warehouse_traits[key] = json.loads(row["value"])


def _rows(path: Path, query: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query)]
