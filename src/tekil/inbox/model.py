"""What the inbox holds: accepted requests in order, and rejects with their reasons."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from tekil.kit.clock import Millis
from tekil.kit.ids import Seq, SourceId


class RejectStage(StrEnum):
    """Where a message stopped."""

    COLLECT = "collect"
    """When the request was read: the message itself is wrong."""
    IMPORT = "import"
    """When a file was read: the row is wrong."""
    PROCESS = "process"
    """In the pipeline: the message could not be worked on."""
    STORE = "store"
    """When the event history refused the row."""


class RejectReason(StrEnum):
    """Why a message could not be used; a closed list, counted and searchable."""

    INVALID_JSON = "invalid_json"
    """Not JSON, or JSON with a number that no computer can hold."""
    NOT_AN_OBJECT = "not_an_object"
    """JSON, but no object: a number, a text or a list."""
    INVALID_TYPE = "invalid_type"
    """A field of the specification holds the wrong kind of value."""
    UNKNOWN_MESSAGE_TYPE = "unknown_message_type"
    """The type is none of the six calls."""
    MISSING_IDENTITY = "missing_identity"
    """Neither userId nor anonymousId nor an external id: nobody did it."""
    MISSING_EVENT_NAME = "missing_event_name"
    """A track call without event."""
    MISSING_GROUP_ID = "missing_group_id"
    """A group call without groupId."""
    MISSING_PREVIOUS_ID = "missing_previous_id"
    """An alias call without previousId."""
    INVALID_TIMESTAMP = "invalid_timestamp"
    """A time that cannot be read."""
    INVALID_TEXT = "invalid_text"
    """Text that is not UTF-8, or a character that cannot be stored where it stands."""
    ID_TOO_LONG = "id_too_long"
    """An id or a name of more than 512 characters."""
    EVENT_TOO_LARGE = "event_too_large"
    """The message is larger than its source allows; 32 KiB unless set otherwise."""
    TOO_DEEP = "too_deep"
    """Objects or lists nested more than 32 deep."""
    INVALID_ROW = "invalid_row"
    """A row of a file that cannot be read by the mapping; the detail names the line."""
    INTERNAL = "internal"
    """Tekil itself could not work on it; the detail says why. Replay it after an upgrade."""


@dataclass(frozen=True, slots=True)
class Reject:
    """One message that could not be used; replayable once its cause is fixed."""

    stage: RejectStage
    reason: RejectReason
    detail: str
    """Names the value, what was allowed and, for a file, the line number."""
    payload: bytes
    """The message (or file row as a JSON object) as it came, cut at 64 KiB."""
    item: int
    """Its place in the request's batch, or its line in the file."""


@dataclass(frozen=True, slots=True)
class Submission:
    """One accepted request on its way into the inbox."""

    source_id: SourceId
    received_at: Millis
    body: bytes
    """The request's JSON, inflated, without rejected items: {"batch":[…]} or one message."""
    count: int
    """How many messages it holds."""
    type: str = ""
    """The message type that the path set, for a single message; empty for a batch."""
    ip: str = ""
    user_agent: str = ""
    rejects: tuple[Reject, ...] = field(default=())
    """Items that came with the request and were left out of the body."""


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """A request as the pipeline reads it back, in order of ``seq``."""

    seq: Seq
    source_id: SourceId
    received_at: Millis
    body: bytes
    count: int
    type: str
    ip: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far the import of one file has come; stored with the rows that it speaks of."""

    file_hash: str
    source_id: SourceId
    file_name: str
    position: int
    """Where reading goes on after a stop: a count of rows."""
    rows: int
    rejected: int
    state: ImportState
    at: Millis


class ImportState(StrEnum):
    """Whether a file has been read to its end."""

    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class RejectRecord:
    """A reject as it is stored and shown."""

    reject_id: int
    source_id: SourceId
    received_at: Millis
    reject: Reject
    replayed_at: Millis | None
