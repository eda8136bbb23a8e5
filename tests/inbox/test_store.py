"""The inbox on each database: what was appended is there, in order, whatever it holds."""

from __future__ import annotations

import pytest

from tekil.inbox.model import (
    ImportProgress,
    ImportState,
    Reject,
    RejectReason,
    RejectStage,
    Submission,
)
from tekil.inbox.sql import RejectFilter, ReplayFilter
from tekil.inbox.store import BATCH_LIMIT_BYTES, PAYLOAD_LIMIT_BYTES, Inbox
from tekil.kit.clock import Millis
from tekil.kit.ids import Seq, SourceId
from tekil.store.state import SqlStore

EVERYTHING = 10**9


@pytest.fixture
def inbox(inbox_store: SqlStore) -> Inbox:
    return Inbox(inbox_store)


def submission(
    number: int, *, source: int = 1, count: int = 1, body: bytes = b"", rejects: int = 0
) -> Submission:
    return Submission(
        SourceId(source),
        Millis(number * 1000),
        body or b'{"n":%d}' % number,
        count,
        "track",
        "203.0.113.7",
        "agent ş",
        tuple(reject(f"r{number}-{n}") for n in range(rejects)),
    )


def reject(
    detail: str,
    reason: RejectReason = RejectReason.INVALID_TYPE,
    stage: RejectStage = RejectStage.COLLECT,
    payload: bytes = b"{}",
) -> Reject:
    return Reject(stage, reason, detail, payload, 3)


def bodies(inbox: Inbox, after: int = 0) -> list[bytes]:
    found = inbox.entries_after(Seq(after), max_count=EVERYTHING, max_entries=1000)
    return [entry.body for entry in found]


@pytest.mark.parametrize(
    "body", [b"{}", b'{"a":"\xc5\x9f"}', b"x" * 1023, b"y" * 1024, bytes(range(256)) * 2000]
)
def test_a_request_comes_back_byte_for_byte(inbox: Inbox, body: bytes) -> None:
    inbox.append([submission(7, body=body, count=5)])
    (entry,) = inbox.entries_after(Seq(0), max_count=EVERYTHING, max_entries=10)
    assert entry.body == body
    assert (entry.seq, entry.source_id, entry.received_at, entry.count) == (1, 1, 7000, 5)
    assert (entry.type, entry.ip, entry.user_agent) == ("track", "203.0.113.7", "agent ş")
    assert inbox.entry(1) == entry
    assert inbox.entry(2) is None
    assert inbox.last_seq() == 1


def test_order_and_cuts(inbox: Inbox) -> None:
    assert inbox.last_seq() == 0
    for start in range(0, 30, 3):
        inbox.append([submission(n, count=2) for n in range(start, start + 3)])
    expected = [b'{"n":%d}' % n for n in range(30)]
    assert bodies(inbox) == expected
    assert bodies(inbox, after=20) == expected[20:]
    taken: list[bytes] = []
    after = Seq(0)
    while found := inbox.entries_after(after, max_count=5, max_entries=100):
        assert len(found) <= 3  # two messages each: the third reaches five
        taken += [entry.body for entry in found]
        after = found[-1].seq
    assert taken == expected
    assert len(inbox.entries_after(Seq(0), max_count=EVERYTHING, max_entries=4)) == 4


def test_a_read_is_bounded_in_bytes(inbox: Inbox) -> None:
    size = BATCH_LIMIT_BYTES // 3
    inbox.append([submission(n, body=b"x" * size) for n in range(6)])
    assert len(inbox.entries_after(Seq(0), max_count=EVERYTHING, max_entries=100)) == 3
    page = inbox.matching(ReplayFilter(), after=Seq(0), until=Seq(6), limit=100)
    assert [entry.seq for entry in page] == [1, 2, 3]


def test_requests_without_messages_are_not_kept_but_their_rejects_are(inbox: Inbox) -> None:
    inbox.append([submission(1, count=0, rejects=2)])
    assert bodies(inbox) == []
    assert inbox.reject_total() == 2


def test_lag_and_trim(inbox: Inbox) -> None:
    assert inbox.lag(Seq(0)) == (0, None)
    inbox.append([submission(n, count=n) for n in (1, 2, 3)])
    assert inbox.lag(Seq(0)) == (6, 1000)
    assert inbox.lag(Seq(2)) == (3, 3000)
    assert inbox.lag(Seq(3)) == (0, None)
    assert inbox.trim(Seq(2), Millis(10**9)) == 2  # the third was not worked on
    assert inbox.trim(Seq(3), Millis(3000)) == 0  # and is too new
    assert bodies(inbox) == [b'{"n":3}']
    inbox.trim(Seq(3), Millis(10**9))
    inbox.append([submission(4)])
    assert inbox.last_seq() == 4  # a place is never given twice


def test_matching(inbox: Inbox) -> None:
    inbox.append([submission(n, source=n % 2 + 1) for n in range(10)])

    def found(wanted: ReplayFilter, after: int = 0, until: int = 10, limit: int = 100) -> list[int]:
        page = inbox.matching(wanted, after=Seq(after), until=Seq(until), limit=limit)
        return [entry.received_at // 1000 for entry in page]

    assert found(ReplayFilter()) == list(range(10))
    assert found(ReplayFilter(source_id=SourceId(2))) == [1, 3, 5, 7, 9]
    assert found(ReplayFilter(since=Millis(3000), until=Millis(6000))) == [3, 4, 5]
    assert found(ReplayFilter(), after=2, until=5) == [2, 3, 4]
    assert found(ReplayFilter(), limit=3) == [0, 1, 2]


class TestRejects:
    @pytest.mark.parametrize("detail", ["ş\0\x01", "x" * 5000, "%_\\'\"; DROP TABLE rejects"])
    def test_any_detail_and_payload_can_be_stored(self, inbox: Inbox, detail: str) -> None:
        payload = bytes(range(256)) * 1000
        refused = reject(detail, payload=payload)
        inbox.append([Submission(SourceId(1), Millis(5), b"", 0, rejects=(refused,))])
        (record,) = inbox.rejects(RejectFilter(), before=None, limit=10)
        assert record.reject.payload == payload[:PAYLOAD_LIMIT_BYTES]
        assert record.reject.detail == detail.replace("\0", "\ufffd")[:1000]
        assert (record.source_id, record.received_at, record.reject.item) == (1, 5, 3)
        assert record.replayed_at is None

    def test_filters_counts_and_pages(self, inbox: Inbox) -> None:
        for n in range(12):
            refused = (
                reject(f"50% of_{n}\\", RejectReason.TOO_DEEP),
                reject(f"other {n}", stage=RejectStage.IMPORT),
            )
            place = SourceId(n % 3 + 1)
            inbox.append([Submission(place, Millis(n * 1000), b"", 0, rejects=refused)])

        def details(wanted: RejectFilter) -> list[str]:
            found = inbox.rejects(wanted, before=None, limit=100)
            assert sum(inbox.reject_counts(wanted).values()) == len(found)
            return [record.reject.detail for record in found]

        assert len(details(RejectFilter())) == 24
        assert details(RejectFilter())[:2] == ["other 11", "50% of_11\\"]  # newest first
        assert len(details(RejectFilter(source_id=SourceId(2)))) == 8
        assert len(details(RejectFilter(stage=RejectStage.IMPORT))) == 12
        assert len(details(RejectFilter(reason=RejectReason.TOO_DEEP))) == 12
        assert details(RejectFilter(text="50% of_3\\")) == ["50% of_3\\"]
        assert details(RejectFilter(text="50_ of")) == []
        assert len(details(RejectFilter(since=Millis(3000), until=Millis(5000)))) == 4
        assert details(RejectFilter(source_id=SourceId(2), text="other 4")) == ["other 4"]
        assert inbox.reject_counts(RejectFilter()) == {
            ("collect", "too_deep"): 12,
            ("import", "invalid_type"): 12,
        }
        seen: list[int] = []
        before: int | None = None
        while page := inbox.rejects(RejectFilter(), before=before, limit=5):
            before = page[-1].reject_id
            seen += [record.reject_id for record in page]
        assert seen == sorted(set(seen), reverse=True)
        assert len(seen) == 24

    def test_rejects_of_later_stages_are_added_once(self, inbox: Inbox) -> None:
        late = [(SourceId(1), Millis(1), reject("late"), "5-0")]
        inbox.add_rejects(late)
        inbox.add_rejects([*late, (SourceId(1), Millis(1), reject("next"), "5-1")])
        inbox.add_rejects([])
        assert inbox.reject_total() == 2

    def test_replay_appends_and_marks_in_one(self, inbox: Inbox) -> None:
        inbox.append([submission(1, rejects=3)])
        ids = [r.reject_id for r in inbox.rejects(RejectFilter(), before=None, limit=10)]
        inbox.replay_rejects([(ids[0], submission(8)), (ids[2], submission(9))], Millis(77))
        assert bodies(inbox, after=1) == [b'{"n":8}', b'{"n":9}']
        pending = inbox.rejects(RejectFilter(pending_only=True), before=None, limit=10)
        assert [r.reject_id for r in pending] == [ids[1]]
        assert inbox.reject_total() == 1
        done = inbox.rejects(RejectFilter(), before=None, limit=10)
        assert {r.reject_id: r.replayed_at for r in done} == {ids[0]: 77, ids[1]: None, ids[2]: 77}
        inbox.replay_rejects([], Millis(78))


def test_progress_of_an_import_moves_with_its_rows(inbox: Inbox) -> None:
    def progress(position: int, state: ImportState = ImportState.RUNNING) -> ImportProgress:
        return ImportProgress(
            "hash", SourceId(1), "people.csv", position, position, 0, state, Millis(position)
        )

    assert inbox.import_progress("hash", SourceId(1)) is None
    inbox.append([submission(1)], progress(10))
    inbox.append([submission(2)], progress(20, ImportState.DONE))
    assert inbox.import_progress("hash", SourceId(1)) == progress(20, ImportState.DONE)
    assert inbox.import_progress("hash", SourceId(2)) is None
    assert len(bodies(inbox)) == 2
