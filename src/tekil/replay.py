"""Working messages again: rejects after a fix, and accepted requests after a change."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tekil.collect.message import decode_envelope
from tekil.collect.request import join_batch
from tekil.collect.sources import SourceRegister
from tekil.collect.validate import read_item
from tekil.inbox.model import InboxEntry, Reject, RejectRecord, RejectStage, Submission
from tekil.inbox.sql import RejectFilter, ReplayFilter
from tekil.inbox.store import Inbox
from tekil.kit.clock import Clock, Millis
from tekil.kit.ids import Seq, SourceId
from tekil.kit.json import decode_object

PAGE = 500


class Replayer:
    """Puts messages into the inbox again; de-duplication makes that harmless."""

    def __init__(
        self, inbox: Inbox, sources: SourceRegister, clock: Clock, wake: Callable[[], None]
    ) -> None:
        self._inbox = inbox
        self._sources = sources
        self._clock = clock
        self._wake = wake

    def source_name(self, source_id: SourceId) -> str:
        """The name of a source; its number when it is gone."""
        source = self._sources.by_id(source_id)
        return source.name if source is not None else str(source_id)

    def rejects(self, wanted: RejectFilter, ids: list[int] | None) -> tuple[int, int]:
        """Check rejects again under the present limits; returns (replayed, still rejected)."""
        replayed = still = 0
        before: int | None = None
        while page := self._inbox.rejects(wanted, before=before, limit=PAGE):
            before = page[-1].reject_id
            chosen = [r for r in page if ids is None or r.reject_id in ids]
            good = [(r.reject_id, s) for r in chosen if (s := self._submission(r)) is not None]
            self._inbox.replay_rejects(good, self._clock.now())
            replayed += len(good)
            still += len(chosen) - len(good)
        self._wake()
        return replayed, still

    def accepted(
        self,
        *,
        source_id: SourceId | None,
        since: Millis | None,
        until: Millis | None,
        types: frozenset[str] | None,
    ) -> int:
        """Append accepted messages anew, with the time at which they came; returns how many."""
        wanted = ReplayFilter(source_id, since, until)
        last, after, count = self._inbox.last_seq(), Seq(0), 0
        while page := self._inbox.matching(wanted, after=after, until=last, limit=PAGE):
            after = page[-1].seq
            again = [s for entry in page if (s := _narrowed(entry, types)) is not None]
            self._inbox.append(again)
            count += sum(s.count for s in again)
        self._wake()
        return count

    def _submission(self, record: RejectRecord) -> Submission | None:
        source = self._sources.by_id(record.source_id)
        if source is None or record.reject.stage is RejectStage.STORE:
            return None
        raw = record.reject.payload
        kind = str(decode_object(raw).get("type", "")) if raw[:1] == b"{" else ""
        if isinstance(read_item(raw, 0, kind, source.settings.max_event_bytes), Reject):
            return None
        body = b'{"batch":[' + raw + b"]}"
        return Submission(record.source_id, record.received_at, body, 1)


def _narrowed(entry: InboxEntry, types: frozenset[str] | None) -> Submission | None:
    body, count, kind = entry.body, entry.count, entry.type
    if types is not None and kind and kind not in types:
        return None
    if types is not None and not kind:
        envelope = decode_envelope(body)
        items = list(_of_types([bytes(raw) for raw in envelope.batch or ()], types))
        if not items:
            return None
        body, count = join_batch(envelope, items), len(items)
    return Submission(
        entry.source_id, entry.received_at, body, count, kind, entry.ip, entry.user_agent
    )


def _of_types(items: list[bytes], types: frozenset[str]) -> Iterator[bytes]:
    return (raw for raw in items if decode_object(raw).get("type") in types)
