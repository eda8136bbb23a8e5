"""Working messages again: rejects after a fix, and accepted requests after a change."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tekil.collect.message import decode_envelope, decode_message, id_text
from tekil.collect.model import MessageType
from tekil.collect.request import join_batch
from tekil.collect.sources import SourceRegister
from tekil.collect.validate import read_item
from tekil.errors import UnknownName, did_you_mean
from tekil.inbox.model import InboxEntry, Reject, RejectRecord, RejectStage, Submission
from tekil.inbox.sql import RejectFilter, ReplayFilter
from tekil.inbox.store import Inbox
from tekil.kit.clock import Clock, Millis
from tekil.kit.ids import Seq, SourceId
from tekil.pipeline.prepare import made_message_id

PAGE = 500


class _Kind(msgspec.Struct):
    """All that is looked at when messages are chosen by type."""

    type: str | None = None


_read_kind = msgspec.json.Decoder(_Kind).decode


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
        chosen_ids = frozenset(ids) if ids is not None else None
        while page := self._inbox.rejects(wanted, before=before, limit=PAGE):
            before = page[-1].reject_id
            chosen = [r for r in page if chosen_ids is None or r.reject_id in chosen_ids]
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
        """Append accepted messages anew, with the time at which they came; returns how many.

        Raises UnknownName for a type that there is not.
        """
        for name in types or ():
            if name not in frozenset(MessageType):
                allowed = ", ".join(MessageType)
                raise UnknownName(
                    f'There is no message type "{name}"; there are {allowed}.'
                    f"{did_you_mean(name, MessageType)}"
                )
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
        if isinstance(read_item(raw, 0, "", source.settings.max_event_bytes), Reject):
            return None
        body = b'{"batch":[' + raw + b"]}"
        return Submission(record.source_id, record.received_at, body, 1)


def _narrowed(entry: InboxEntry, types: frozenset[str] | None) -> Submission | None:
    """The messages of the wanted types, each with the id under which it is known."""
    if entry.type:
        if types is not None and entry.type not in types:
            return None
        body, count = _named(entry.body, entry.seq, 0), entry.count
    else:
        envelope = decode_envelope(entry.body)
        items = [
            _named(bytes(raw), entry.seq, place)
            for place, raw in enumerate(envelope.batch or ())
            if types is None or _read_kind(raw).type in types
        ]
        if not items:
            return None
        body, count = join_batch(envelope, items), len(items)
    return Submission(
        entry.source_id, entry.received_at, body, count, entry.type, entry.ip, entry.user_agent
    )


def _named(raw: bytes, seq: Seq, place: int) -> bytes:
    """Give a message that came without an id the one that it was stored under."""
    if id_text(decode_message(raw).message_id) is not None:
        return raw
    inside = raw.strip()[1:-1].strip()
    named = b'"messageId":"%b"}' % made_message_id(seq, place).encode()
    return b"{" + inside + b"," + named if inside else b"{" + named
