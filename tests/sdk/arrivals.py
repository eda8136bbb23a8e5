"""What must be in the event history after a page's code ran: every call, each exactly once."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.sdk.fault_proxy import Fault, FaultProxy
from tests.sdk.pages import Person
from tests.server import Server, eventually

Event = dict[str, Any]

SIX_CALLS = Counter(["identify", "track", "page", "screen", "group", "alias"])
FIVE_CALLS = SIX_CALLS - Counter(["screen"])


def events_of(server: Server, person: Person) -> list[Event]:
    """All events of the person; none yet when nobody knows them."""
    path = f"/api/v1/profiles/user_id:{person.user_id}/events"
    answer = server.api.get(path, params={"limit": 100})
    if answer.status_code == 404:
        return []
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document["next"] is None
    return list(document["items"])


def assert_each_once(
    server: Server,
    proxy: FaultProxy,
    person: Person,
    calls: Counter[str],
    before: dict[str, Any],
    *,
    library: str,
) -> list[Event]:
    """Wait for the calls, then for all that was sent; check that it is stored exactly once.

    Every message that reached the server is either an event or counted as a duplicate, so
    nothing may be missing from, or too much in, the sum of the two.
    """
    total = calls.total()
    events = eventually(
        lambda: events_of(server, person),
        lambda found: len(found) >= total,
        seconds=45,
        what=f"{dict(calls)} did not arrive; the proxy saw {proxy.requests}, met {proxy.met}",
    )
    stats = eventually(
        server.wait_until_idle,
        lambda now: (
            _grown(before, now, "events") + _grown(before, now, "duplicates") == proxy.messages
        ),
        what=f"{proxy.messages} messages passed the proxy, before: {before}",
    )
    events = events_of(server, person)
    assert Counter(event["type"] for event in events) == calls
    assert len({event["message_id"] for event in events}) == total
    assert _grown(before, stats, "events") == total
    assert _grown(before, stats, "rejects") == 0
    assert not proxy.faults, f"not met: {proxy.faults}"
    assert (proxy.messages > total) == (Fault.REPLY_LOST in proxy.met)
    assert_fields(events, person, library=library)
    return events


def assert_fields(events: list[Event], person: Person, *, library: str) -> None:
    """What the calls said is what the events hold."""
    by_type = {event["type"]: event for event in events}
    order = by_type["track"]
    assert order["event"] == "Order Completed"
    assert order["properties"]["order_id"] == "1001"
    assert order["properties"]["revenue"] == 129.9
    assert by_type["page"]["name"] == "Pricing"
    if "screen" in by_type:
        assert by_type["screen"]["name"] == "Cart"
        assert by_type["screen"]["properties"]["items"] == 3
    assert by_type["identify"]["traits"]["email"] == person.email
    assert by_type["group"]["traits"]["name"] == "Acme Inc."
    for event in events:
        assert event["context"]["library"]["name"] == library, event


def assert_profile(server: Server, person: Person) -> None:
    """The person can be looked up by every identifier, with the traits that identify gave."""
    by_user = server.get(f"/api/v1/profiles/user_id:{person.user_id}")
    by_email = server.get(f"/api/v1/profiles/email:{person.email}")
    assert by_user["profile_id"] == by_email["profile_id"]
    assert by_user["traits"]["name"] == "Ada Lovelace"
    assert by_user["traits"]["email"] == person.email


def _grown(before: dict[str, Any], now: dict[str, Any], counter: str) -> int:
    return int(now[counter]) - int(before[counter])
