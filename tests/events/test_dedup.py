"""The set of messages seen before, against Python's own set."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tekil.events.dedup import MessageSet
from tekil.kit.hashing import message_hash

# Halves of few values, so that one half alone is often the same.
half = st.sampled_from([0, 1, 2, 2**63, 2**64 - 1]) | st.integers(0, 2**64 - 1)
digests = st.builds(lambda a, b: a.to_bytes(8, "little") + b.to_bytes(8, "little"), half, half)


@settings(max_examples=200)
@given(st.lists(st.lists(digests, max_size=30), max_size=25))
def test_the_same_as_a_set(batches: list[list[bytes]]) -> None:
    ours, reference = MessageSet(), set[bytes]()
    for batch in batches:
        assert ours.seen(batch) == {n for n, d in enumerate(batch) if d in reference}
        fresh = [d for d in dict.fromkeys(batch) if d not in reference]
        ours.add(b"".join(fresh))
        reference.update(fresh)
        assert len(ours) == len(reference)
    everything = sorted(reference)
    assert ours.seen(everything) == set(range(len(everything)))
    assert MessageSet().seen(everything) == set()


def test_many() -> None:
    ours = MessageSet()
    digest = [message_hash(f"m{n}") for n in range(50_000)]
    for start in range(0, 50_000, 700):
        ours.add(b"".join(digest[start : start + 700]))
    assert len(ours.seen(digest)) == 50_000
    assert ours.seen([message_hash(f"n{n}") for n in range(50_000)]) == set()
