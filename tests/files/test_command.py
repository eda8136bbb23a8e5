"""What a person and a script see of an import."""

from __future__ import annotations

import io
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console
from tests.files.fakes import FakeInbox, write

from tekil.collect.files.command import STOPPED, ImportOptions, run_import
from tekil.collect.files.door import DirectDoor, Door
from tekil.collect.files.mapping import load_mapping
from tekil.collect.files.model import FileKind
from tekil.errors import InputError
from tekil.inbox.model import ImportProgress, Submission
from tekil.kit.clock import FixedClock, Millis
from tekil.kit.ids import SourceId

PEOPLE = "E-posta;Ad;Puan\nada@x.com;[bold]Ada;1,5\n;Boş;2,5\ncan@x.com;Can;3\n"


class Desk:
    """A console that keeps what it shows, and an inbox behind the door."""

    def __init__(self) -> None:
        self.inbox = FakeInbox()
        self.out = io.StringIO()
        self.console = Console(file=self.out, width=200, force_terminal=False)
        self.sources: list[str] = []

    @contextmanager
    def open(self, source: str) -> Iterator[Door]:
        self.sources.append(source)
        yield DirectDoor(SourceId(1), self.inbox.look, self.inbox.append, FixedClock(Millis(1)))

    def run(self, path: Path, **options: object) -> int:
        made = ImportOptions(**options)  # type: ignore[arg-type]
        return run_import(path, "crm", self.open, made, console=self.console)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_the_plan_is_shown_and_the_outcome_said(desk: Desk, tmp_path: Path) -> None:
    assert desk.run(write(tmp_path / "a.csv", PEOPLE)) == 0
    shown = desk.out.getvalue()
    assert "a.csv holds people for source crm: csv, about 3 rows, utf-8" in shown
    assert "delimiter ';'" in shown
    assert "email (guess)" in shown
    assert "[bold]Ada" in shown
    assert 'number, decimal ","' in shown
    assert "Imported 2 rows into crm, 1 rejected" in shown
    assert 'rejected Line 3: it says nobody: "E-posta" are empty.' in shown
    assert shown.index("email (guess)") < shown.index("Imported")
    assert len(desk.inbox.messages) == 2
    desk.run(tmp_path / "a.csv")
    assert "All 3 rows were imported before; nothing was counted twice." in desk.out.getvalue()
    assert len(desk.inbox.messages) == 2


def test_json(desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.run(write(tmp_path / "a.csv", PEOPLE), as_json=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert {k: found[k] for k in ("source", "kind", "rows", "imported", "rejected", "done")} == {
        "source": "crm",
        "kind": "people",
        "rows": 3,
        "imported": 2,
        "rejected": 1,
        "done": True,
    }
    assert found["columns"][0] == {
        "name": "E-posta",
        "to": "email",
        "type": "text",
        "format": None,
    }


def test_write_mapping_imports_nothing(desk: Desk, tmp_path: Path) -> None:
    path, mapping = write(tmp_path / "a.csv", PEOPLE), tmp_path / "m.yaml"
    assert desk.run(path, write_mapping=mapping) == 0
    assert desk.sources == []
    assert load_mapping(mapping).kind is FileKind.PEOPLE
    mapping.write_text(mapping.read_text().replace("traits.firstName", "traits.name"))
    assert desk.run(path, mapping=mapping) == 0
    assert desk.inbox.messages[0]["traits"]["name"] == "[bold]Ada"
    assert "(guess)" not in desk.out.getvalue().rpartition("Mapping written")[2]


def test_a_kind_can_be_told(desk: Desk, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "E-posta,olay adi\na@x.com,Geldi\n")
    desk.run(path, kind=FileKind.PEOPLE)
    assert desk.inbox.messages[0]["type"] == "identify"


def test_faults_come_before_the_door_is_opened(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        desk.run(write(tmp_path / "a.csv", "a,b\n1,x\n"))
    assert desk.sources == []


def test_sigterm_ends_behind_the_chunk(desk: Desk, tmp_path: Path) -> None:
    rows = "".join(f"p{n}@x.com,{n}\n" for n in range(5_000))
    path = write(tmp_path / "a.csv", "email,n\n" + rows)
    append = desk.inbox.append

    def killing(submission: Submission, progress: ImportProgress) -> None:
        append(submission, progress)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    desk.inbox.append = killing  # type: ignore[method-assign]
    assert desk.run(path) == STOPPED
    assert signal.getsignal(signal.SIGTERM) is before
    assert "Stopped after 2,000 rows" in desk.out.getvalue()
    desk.inbox.append = append  # type: ignore[method-assign]
    assert desk.run(path) == 0
    assert "Went on behind row 2,000" in desk.out.getvalue()
    assert len(desk.inbox.messages) == 5_000
