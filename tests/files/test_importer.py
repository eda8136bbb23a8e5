"""Killed at any point, an import loses nothing and doubles nothing."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.files.fakes import FakeInbox, KilledError, ListDoor, plan_of, write

from tekil.collect.files.door import DirectDoor
from tekil.collect.files.importer import look_at, run
from tekil.collect.files.model import Progress
from tekil.errors import Conflict
from tekil.inbox.model import ImportState
from tekil.kit.clock import FixedClock, Millis
from tekil.kit.ids import SourceId

SOURCE = SourceId(3)


def people(rows: int, bad: set[int] = frozenset()) -> str:  # type: ignore[assignment]
    lines = [f",{n}" if n in bad else f"p{n}@example.com,{n}" for n in range(rows)]
    return "email,n\n" + "\n".join(lines) + "\n"


def orders(rows: int) -> str:
    # Lines of an order are never neighbours.
    lines = [f"O{n % 7},c{n % 7}@x.com,2025-01-01,S{n},{n}.25" for n in range(rows)]
    return "order id,email,date,sku,amount\n" + "\n".join(lines) + "\n"


def door_to(inbox: FakeInbox) -> DirectDoor:
    return DirectDoor(SOURCE, inbox.look, inbox.append, FixedClock(Millis(1_000)))


def test_all_rows_go_in_in_chunks(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", people(1_203, bad={5, 700}))
    door = ListDoor()
    seen: list[Progress] = []
    done = run(path, plan_of(path), "crm", door, on_progress=seen.append, chunk_rows=500)
    assert done == Progress(position=1_203, rows=1_203, rejected=2, done=True)
    assert len(door.messages) == 1_201
    assert [r.item for r in door.rejects] == [7, 702]
    assert [(after, to.position) for after, to in door.chunks] == [
        (0, 500),
        (500, 1_000),
        (1_000, 1_203),
    ]
    assert [p.rows for p in seen] == [0, 500, 1_000, 1_203]


@given(
    st.integers(0, 40),
    st.sampled_from(["people", "orders"]),
    st.integers(1, 7),
    st.sets(st.integers(1, 30), max_size=6),
    st.sets(st.integers(1, 30), max_size=6),
)
def test_kills_lose_nothing_and_double_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    rows: int,
    kind: str,
    chunk: int,
    before: set[int],
    after: set[int],
) -> None:
    text = people(rows + 1, bad={3, 4}) if kind == "people" else orders(rows + 1)
    path = write(tmp_path_factory.mktemp("kill") / "a.csv", text)
    plan = plan_of(path)
    whole = ListDoor()
    run(path, plan, "crm", whole, chunk_rows=chunk)
    inbox = FakeInbox()
    inbox.die_before, inbox.die_after = before, after
    for _attempt in range(20):
        try:
            done = run(path, plan, "crm", door_to(inbox), chunk_rows=chunk)
        except KilledError:
            continue
        break
    assert inbox.messages == whole.messages
    assert inbox.rejects == whole.rejects
    assert done.done
    assert done.rows == rows + 1
    assert done.rejected == len(whole.rejects)
    (kept,) = inbox.progress.values()
    assert (kept.state, kept.position, kept.rows) == (ImportState.DONE, done.position, done.rows)
    again = inbox.appends
    assert run(path, plan, "crm", door_to(inbox)) == done
    assert inbox.appends == again


def test_a_stop_ends_behind_a_chunk_and_goes_on_later(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", people(100))
    inbox = FakeInbox()
    stop = threading.Event()
    seen: list[int] = []

    def moved(progress: Progress) -> None:
        seen.append(progress.rows)
        if progress.rows >= 30:
            stop.set()

    stopped = run(
        path,
        plan_of(path),
        "crm",
        door_to(inbox),
        on_progress=moved,
        stop=stop.is_set,
        chunk_rows=10,
    )
    assert stopped == Progress(position=30, rows=30)
    done = run(path, plan_of(path), "crm", door_to(inbox), chunk_rows=10)
    assert done.done
    assert len({m["messageId"] for m in inbox.messages}) == len(inbox.messages) == 100


def test_another_mapping_is_another_import(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", people(10))
    inbox = FakeInbox()
    run(path, plan_of(path), "crm", door_to(inbox))
    run(path, plan_of(path, "columns: {n: ignore}"), "crm", door_to(inbox))
    assert len(inbox.progress) == 2
    assert len({m["messageId"] for m in inbox.messages}) == 20


def test_another_encoding_is_another_import(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "email,ad\na@x.com,I\xfe\xfdl\n".encode("latin-1"))
    inbox = FakeInbox()
    for encoding in ("iso-8859-1", "windows-1254"):
        run(path, look_at(path, encoding=encoding), "crm", door_to(inbox))
    wrong, right = inbox.messages
    assert right["traits"]["firstName"] == "Işıl"
    assert wrong["messageId"] != right["messageId"]


def test_two_importers_of_one_file_do_not_mix(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", people(30))
    inbox = FakeInbox()
    plan = plan_of(path)
    calls = iter([False, True])

    def overtaken() -> bool:
        # Between two chunks of the first importer, the second does everything.
        if next(calls, False) is False:
            run(path, plan, "crm", door_to(inbox), chunk_rows=10)
        return False

    with pytest.raises(Conflict, match="somebody else is importing the same file"):
        run(path, plan, "crm", door_to(inbox), stop=overtaken, chunk_rows=10)
    assert len(inbox.messages) == 30


def test_large_rows_make_small_chunks(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "email,note\n" + f"a@x.com,{'x' * 100_000}\n" * 60)
    door = ListDoor()
    run(path, plan_of(path), "crm", door)
    assert len(door.messages) == 60
    assert len(door.chunks) >= 3
