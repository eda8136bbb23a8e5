"""From happenings to request bodies: stamps, buffers, batches, and messages that come twice."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tekil.demo.shop.model import (
    MINUTE_MS,
    SECOND_MS,
    Batch,
    Channel,
    ShopConfig,
)
from tekil.demo.shop.truth import Truth
from tekil.kit.clock import DAY_MS, Millis, to_iso
from tekil.kit.json import encode_text

RESENT_MESSAGES = 0.006
"""Share of messages that a client sends again in a later request."""
RESENT_BATCHES = 0.008
"""Share of requests repeated whole, as after a reply that got lost."""


class Stamp:
    """Writes instants of the shop's year as ISO 8601; ten times as fast as formatting each."""

    def __init__(self, config: ShopConfig) -> None:
        self._start = config.start
        self._days = [
            to_iso(Millis(config.start + day * DAY_MS))[:11] for day in range(config.days + 1)
        ]
        self._minutes = [f"{n // 60:02d}:{n % 60:02d}:" for n in range(1440)]
        self._seconds = [f"{n:02d}." for n in range(60)]
        self._millis = [f"{n:03d}Z" for n in range(1000)]

    def __call__(self, at: int) -> str:
        day, rest = divmod(at - self._start, DAY_MS)
        minute, rest = divmod(rest, MINUTE_MS)
        second, milli = divmod(rest, SECOND_MS)
        return self._days[day] + self._minutes[minute] + self._seconds[second] + self._millis[milli]


class Writer:
    """Collects messages per source and hands them out as bodies, roughly in order of time."""

    def __init__(self, config: ShopConfig, rng: Random, truth: Truth) -> None:
        self.config = config
        self.rng = rng
        self.truth = truth
        self.iso = Stamp(config)
        self._new: dict[Channel, list[tuple[int, str]]] = {one: [] for one in Channel}
        self._late: dict[Channel, list[tuple[int, str]]] = {one: [] for one in Channel}
        self._again: dict[Channel, list[str]] = {one: [] for one in Channel}
        self._serial = 0

    def put(self, channel: Channel, at: int, message: str, *, late: bool = False) -> None:
        """Take one message; a late one leaves with a later lot, as from a phone without net."""
        (self._late if late else self._new)[channel].append((at, message))

    def serial(self) -> str:
        """The part of a message id that makes it unique: 16 hexadecimal digits, then room."""
        self._serial += 1
        return f"{self.rng.getrandbits(32):08x}{self._serial:08x}"

    def identify(self, channel: Channel, at: int, ids: str, traits: dict[str, object]) -> None:
        """Say who somebody is, from a server."""
        self.call(channel, at, "identify", f'{ids},"traits":{encode_text(traits)}')

    def track(self, channel: Channel, at: int, ids: str, event: str, properties: str) -> None:
        """Say what happened, from a server."""
        self.call(channel, at, "track", f'{ids},"event":"{event}","properties":{properties}')

    def call(self, channel: Channel, at: int, kind: str, rest: str) -> None:
        """One message of a server-side source; ``rest`` holds ids, context and payload."""
        self.put(
            channel, at,
            f'{{"type":"{kind}","messageId":"srv-{self.serial()}","timestamp":"{self.iso(at)}",'
            f"{rest}}}",
        )  # fmt: skip

    def flush(self) -> Iterator[Batch]:
        """Hand out what is there, sources mixed; late messages stay for the next time."""
        batches: list[Batch] = []
        for channel in Channel:
            batches += self._bodies(channel)
        self.rng.shuffle(batches)
        for batch in batches:
            yield batch
            if self.rng.random() < RESENT_BATCHES:
                self.truth.duplicates += batch.count
                yield batch

    def close(self) -> Iterator[Batch]:
        """Hand out everything that is left."""
        while any(self._new.values()) or any(self._late.values()) or any(self._again.values()):
            yield from self.flush()

    def _bodies(self, channel: Channel) -> Iterator[Batch]:
        entries = self._new[channel]
        self._new[channel], self._late[channel] = self._late[channel], []
        entries.sort()
        texts = [text for _, text in entries]
        again, self._again[channel] = self._again[channel], []
        if texts:
            repeats = int(len(texts) * RESENT_MESSAGES + self.rng.random())
            self._again[channel] = [
                texts[int(self.rng.random() * len(texts))] for _ in range(repeats)
            ]
        self.truth.messages += len(texts)
        self.truth.duplicates += len(again)
        texts += again
        size = self.config.batch
        for first in range(0, len(texts), size):
            part = texts[first : first + size]
            yield Batch(channel, f'{{"batch":[{",".join(part)}]}}'.encode(), len(part))


def external(**ids: str | None) -> str:
    """Build a context that names somebody by other ids than userId: a card, a phone, an e-mail."""
    items = ",".join(
        f'{{"id":{encode_text(value)},"type":"{kind}","collection":"users","encoding":"none"}}'
        for kind, value in ids.items()
        if value
    )
    return f'"context":{{"externalIds":[{items}],{_LIBRARY}}}'


_LIBRARY = '"library":{"name":"analytics-python","version":"2.4.0"}'
SERVER = f'"context":{{{_LIBRARY}}}'
"""The context of a server-side message that names somebody by userId."""
