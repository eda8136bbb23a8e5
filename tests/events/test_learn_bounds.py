"""However many names a public key makes up, the learned schema stays a page that people read."""

from __future__ import annotations

from tekil.events import learn
from tekil.events.learn import MAX_EVENTS, OTHER, EventFacts, EventKey, bounded
from tekil.kit.clock import Millis
from tekil.kit.ids import SourceId

SHOP = SourceId(1)
CRM = SourceId(2)


def facts(count: int, at: int) -> EventFacts:
    made = EventFacts()
    for _ in range(count):
        made.see(Millis(at), {"a": 1})
    return made


def test_names_behind_the_limit_are_counted_together() -> None:
    known = {SHOP: {("track", f"known {n}") for n in range(MAX_EVENTS - 1)}}
    batch: dict[EventKey, EventFacts] = {
        (SHOP, "track", "known 5"): facts(3, 10),
        (SHOP, "track", "first new"): facts(2, 20),
        (SHOP, "track", "made up 1"): facts(4, 30),
        (SHOP, "track", "made up 2"): facts(5, 5),
        (CRM, "track", "another source"): facts(1, 1),
    }
    kept = bounded(batch, known)
    other = kept.pop((SHOP, "track", OTHER))
    assert (other.count, other.first_seen, other.last_seen) == (9, 5, 30)
    assert other.properties() == {}
    assert {key[2] for key in kept} == {"known 5", "first new", "another source"}
    assert sum(f.count for f in kept.values()) + other.count == 15


def test_nothing_is_folded_below_the_limit() -> None:
    batch: dict[EventKey, EventFacts] = {(SHOP, "track", "a"): facts(1, 1)}
    assert bounded(batch, {}) == batch
    assert learn.OTHER not in {key[2] for key in bounded(batch, {})}
