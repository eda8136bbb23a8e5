"""Seeded messages that make identity hard, and senders that never give a message up.

Values are written as cleaning leaves them, so that what is tested is what a crash does.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from base64 import b64encode
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Message = dict[str, Any]
START = datetime(2026, 10, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request: sent until it is acknowledged, and sometimes once more."""

    source: str
    path: str
    body: bytes
    messages: tuple[Message, ...]
    """What of it can be used; a batch may also hold what cannot."""


class Traffic:
    """Messages of a growing crowd: shared devices, family e-mails, aliases, late identifies."""

    def __init__(self, seed: int) -> None:
        self.sent: list[tuple[str, Message]] = []
        """Every message made so far, with the source that sends it."""
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def requests(self, source: str) -> Iterator[Request]:
        """Requests for ever: the server sends batches, the site single messages too."""
        while True:
            with self._lock:
                yield self._request(source)

    def _request(self, source: str) -> Request:
        draw = self._random
        if source == "site" and draw.random() < 0.5:
            message = self._message(source)
            return Request(source, f"/v1/{message['type']}", encode(message), (message,))
        messages = [self._message(source) for _ in range(draw.randint(1, 40))]
        items: list[object] = list(messages)
        if draw.random() < 0.2:
            items.insert(draw.randrange(len(items) + 1), {"type": "track", "event": "Nobody"})
        if draw.random() < 0.2:
            items.append(draw.choice(messages))
        return Request(source, "/v1/batch", encode({"batch": items}), tuple(messages))

    def _message(self, source: str) -> Message:
        draw, number = self._random, len(self.sent)
        person = draw.randrange(10 + number // 15)
        # Out of order by up to a day; hardly two fall on one millisecond.
        place = number * 977 % 86_400_000 + (number // 500) * 3_600_000
        at = START + timedelta(milliseconds=place)
        message: Message = {
            "messageId": f"m{number}-{draw.getrandbits(48):012x}",
            "timestamp": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z",
        }
        message |= self._content(person)
        self.sent.append((source, message))
        return message

    def _content(self, person: int) -> Message:
        draw = self._random
        device = draw.randrange(1 + person % 3)
        anonymous = f"kiosk-{person // 80}" if person % 11 == 0 else f"d{person}-{device}"
        kind = draw.random()
        if kind < 0.25:
            return self._identify(person, anonymous)
        if kind < 0.29:
            former = f"d{person}-{draw.randrange(3)}" if draw.random() < 0.7 else f"old-{person}"
            return {"type": "alias", "userId": f"u{person}", "previousId": former}
        if kind < 0.34:
            company = f"company-{person % 30}"
            traits = {"size": draw.randrange(1000), "field": f"f{draw.randrange(9)}"}
            return {
                "type": "group", "userId": f"u{person}", "groupId": company, "traits": traits
            }  # fmt: skip
        who: Message = {"anonymousId": anonymous}
        if kind < 0.60:
            who["userId"] = f"u{person}"
        if kind > 0.8:
            return who | {"type": "page", "name": f"Page {person % 7}", "properties": {"n": person}}
        properties = {"amount": draw.randrange(10_000), "place": f"shelf {draw.randrange(50)}"}
        return who | {"type": "track", "event": f"Event {person % 9}", "properties": properties}

    def _identify(self, person: int, anonymous: str) -> Message:
        draw = self._random
        traits: Message = {"tier": f"t{draw.randrange(5)}", "score": draw.randrange(1000)}
        if draw.random() < 0.6:
            # A family shares one address; the sixth to use it makes it a shared one.
            family = person // 50 if person % 7 == 0 else person
            traits["email"] = f"box{family}@example.com"
        if draw.random() < 0.3:
            traits["phone"] = f"+90532{person:07d}"
        message: Message = {"type": "identify", "anonymousId": anonymous, "traits": traits}
        if draw.random() < 0.8:
            message["userId"] = f"u{person}"
        return message


def encode(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


@dataclass
class Sender:
    """Threads that send; each request again and again until it is acknowledged."""

    port: int
    keys: dict[str, str]
    traffic: Traffic
    messages_per_second: float
    acknowledged: list[Request] = field(default_factory=list)
    resent: int = 0
    """Requests that were sent again though they had been acknowledged."""
    broken: int = 0
    """Attempts that ended without an answer."""
    refused: dict[int, int] = field(default_factory=dict)
    """Answers other than 200, by status."""
    _up: threading.Event = field(default_factory=threading.Event)
    _ending: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, threads: int, seed: int) -> None:
        """Begin; nothing is sent before ``up``."""
        for number in range(threads):
            source = "site" if number == 0 else "server"
            thread = threading.Thread(target=self._run, args=(source, f"{seed}/{number}", threads))
            self._threads.append(thread)
            thread.start()

    def up(self) -> None:
        """The server answers: send."""
        self._up.set()

    def down(self) -> None:
        """The server is gone: wait."""
        self._up.clear()

    def finish(self) -> None:
        """Make no more messages, and wait until every one was acknowledged."""
        self._ending.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a sender could not get rid of its last request"

    def _run(self, source: str, seed: str, threads: int) -> None:
        draw, connection = random.Random(seed), None
        done: deque[Request] = deque(maxlen=50)
        for request in self.traffic.requests(source):
            began = time.monotonic()
            connection = self._deliver(connection, request)
            with self._lock:
                self.acknowledged.append(request)
            done.append(request)
            if draw.random() < 0.1:
                connection = self._deliver(connection, draw.choice(done))
                with self._lock:
                    self.resent += 1
            if self._ending.is_set():
                break
            pace = len(request.messages) * threads / self.messages_per_second
            time.sleep(max(0.0, pace - (time.monotonic() - began)))
        if connection is not None:
            connection.close()

    def _deliver(
        self, connection: http.client.HTTPConnection | None, request: Request
    ) -> http.client.HTTPConnection:
        token = b64encode(f"{self.keys[request.source]}:".encode()).decode()
        headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
        while True:
            self._up.wait(120)
            connection = connection or http.client.HTTPConnection(
                "127.0.0.1", self.port, timeout=20
            )
            try:
                connection.request("POST", request.path, request.body, headers)
                answer = connection.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                connection = None
                with self._lock:
                    self.broken += 1
                time.sleep(0.01)
                continue
            if answer.status == 200:
                return connection
            with self._lock:
                self.refused[answer.status] = self.refused.get(answer.status, 0) + 1
            assert answer.status in {429, 503}, (answer.status, text)
            time.sleep(0.05)
