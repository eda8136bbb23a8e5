"""Where the importer puts its messages: into this process's inbox, or a running server's."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

import httpx
import msgspec

from tekil.collect.files.model import FileFacts, FileKind, Progress
from tekil.errors import Conflict, InputError, NotFound, StoreUnavailable, Unauthenticated
from tekil.inbox.model import ImportProgress, ImportState, Reject, Submission
from tekil.kit.clock import Clock
from tekil.kit.ids import SourceId

Append = Callable[[Submission, ImportProgress], None]
"""Stores a submission and the import's progress in one synced transaction."""
Look = Callable[[str, SourceId], ImportProgress | None]
"""How far an import has come, by its key; None if it was never begun."""

PATH = "/api/v1/imports"
PATIENCE_SECONDS = 120.0
LONGEST_WAIT_SECONDS = 10.0


class Door(Protocol):
    """Takes chunks of an import; each is in together with its progress, or not at all."""

    def begin(self, facts: FileFacts) -> Progress:
        """How far this import has come before."""

    def submit(
        self,
        facts: FileFacts,
        messages: Sequence[bytes],
        rejects: Sequence[Reject],
        *,
        after: int,
        to: Progress,
    ) -> None:
        """Take what was read from position ``after`` on. Raises Conflict if it stands elsewhere."""


class DirectDoor:
    """Into the inbox of this process, for one source."""

    def __init__(self, source_id: SourceId, look: Look, append: Append, clock: Clock) -> None:
        self._source_id = source_id
        self._look = look
        self._append = append
        self._clock = clock

    def begin(self, facts: FileFacts) -> Progress:
        """How far this import has come before."""
        found = self._look(facts.import_key, self._source_id)
        return to_progress(found)

    def submit(
        self,
        facts: FileFacts,
        messages: Sequence[bytes],
        rejects: Sequence[Reject],
        *,
        after: int,
        to: Progress,
    ) -> None:
        """Append a chunk with its progress; one that is in already changes nothing."""
        now = self._clock.now()
        stands = self.begin(facts)
        if stands == to:
            return  # the answer to the first attempt was lost
        if stands.position != after:
            raise Conflict(
                f'The import of "{facts.file_name}" stands at {stands.position}, not at {after}: '
                "somebody else is importing the same file. Start it again to go on from there."
            )
        submission = Submission(
            source_id=self._source_id,
            received_at=now,
            body=b'{"batch":[' + b",".join(messages) + b"]}",
            count=len(messages),
            rejects=tuple(rejects),
        )
        state = ImportState.DONE if to.done else ImportState.RUNNING
        progress = ImportProgress(
            facts.import_key,
            self._source_id,
            facts.file_name,
            to.position,
            to.rows,
            to.rejected,
            state,
            now,
        )
        self._append(submission, progress)


def to_progress(found: ImportProgress | None) -> Progress:
    """The importer's view of what the inbox keeps."""
    if found is None:
        return Progress()
    done = found.state is ImportState.DONE
    return Progress(found.position, found.rows, found.rejected, done)


class BeginBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /api/v1/imports."""

    import_key: str
    file_name: str
    source: str
    kind: FileKind


class ChunkBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /api/v1/imports/{import_key}/chunk."""

    file_name: str
    source: str
    kind: FileKind
    after: int
    to: Progress
    messages: list[msgspec.Raw]
    rejects: list[Reject]


Post = Callable[[str, bytes], httpx.Response]
"""Sends a JSON body to a path such as ``/api/v1/imports``, with a token."""


def post_to(base_url: str, token: str, client: httpx.Client) -> Post:
    """Send to a running server."""
    base = base_url.rstrip("/")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return lambda path, body: client.post(base + path, content=body, headers=headers)


class HttpDoor:
    """Through the HTTP API, of a running server or of the application in this process."""

    def __init__(
        self,
        post: Post,
        *,
        sleep: Callable[[float], None] = time.sleep,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._send = post
        self._sleep = sleep
        self._patience = patience

    def begin(self, facts: FileFacts) -> Progress:
        """Ask the server how far this import has come before."""
        body = BeginBody(facts.import_key, facts.file_name, facts.source, facts.kind)
        return _progress(self._post(PATH, msgspec.json.encode(body)))

    def submit(
        self,
        facts: FileFacts,
        messages: Sequence[bytes],
        rejects: Sequence[Reject],
        *,
        after: int,
        to: Progress,
    ) -> None:
        """Send a chunk until the server has it; sent twice it is taken once."""
        body = ChunkBody(
            facts.file_name,
            facts.source,
            facts.kind,
            after,
            to,
            [msgspec.Raw(m) for m in messages],
            list(rejects),
        )
        self._post(f"{PATH}/{facts.import_key}/chunk", msgspec.json.encode(body))

    def _post(self, path: str, body: bytes) -> bytes:
        waited, pause = 0.0, 0.2
        while True:
            fault, wait = "", pause
            try:
                response = self._send(path, body)
            except httpx.TransportError as error:
                fault = f"{type(error).__name__}: {error}"
            else:
                if response.status_code == 200:
                    return response.content
                if response.status_code not in (408, 429, 500, 502, 503, 504):
                    raise _refusal(response)
                fault = f"it answered {response.status_code}"
                wait = _retry_after(response, pause)
            if waited >= self._patience:
                raise StoreUnavailable(
                    f"The server did not answer {path} well for {waited:.0f} s: {fault}. "
                    "Start the import again: it goes on where it stopped."
                )
            wait = min(wait, LONGEST_WAIT_SECONDS)
            self._sleep(wait)
            waited += wait
            pause = min(pause * 2, LONGEST_WAIT_SECONDS)


def _progress(content: bytes) -> Progress:
    try:
        return msgspec.json.decode(content, type=Progress)
    except msgspec.DecodeError as error:
        raise StoreUnavailable(f"The server's answer is not understood: {error}") from error


def _retry_after(response: httpx.Response, pause: float) -> float:
    said = response.headers.get("Retry-After", "")
    return float(said) if said.isdecimal() else pause


def _refusal(response: httpx.Response) -> Exception:
    try:
        detail = str(response.json().get("detail") or response.json().get("message"))
    except (ValueError, AttributeError):
        detail = response.text[:200]
    match response.status_code:
        case 401 | 403:
            return Unauthenticated(f"The server refused the token: {detail}")
        case 404:
            return NotFound(detail)
        case 409:
            return Conflict(detail)
        case status:
            return InputError(f"The server refused the import with {status}: {detail}")
