"""Rows of the warehouse as lines of JSON, built by hand because this is the hottest code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache

from tekil.clean.context import ContextFacts
from tekil.kit.ids import IdentityId, ProfileId
from tekil.kit.json import encode

EMPTY_OBJECT = b"{}"


@lru_cache(maxsize=65_536)
def text_json(text: str) -> bytes:
    """Encode a short text that recurs, such as an event name or a currency."""
    return encode(text)


def facts_json(facts: ContextFacts) -> bytes:
    """The columns that are read from a context, as they stand inside a row."""
    return (
        b'"channel":%b,"device":%b,"os":%b,"browser":%b,"country":%b,"city":%b,"utm_source":%b,'
        b'"utm_medium":%b,"utm_campaign":%b,"referrer_host":%b,"ip":"%b"'
        % (
            text_json(facts.channel),
            text_json(facts.device),
            text_json(facts.os),
            text_json(facts.browser),
            text_json(facts.country),
            text_json(facts.city),
            text_json(facts.utm_source),
            text_json(facts.utm_medium),
            text_json(facts.utm_campaign),
            text_json(facts.referrer_host),
            facts.ip.encode(),  # digits, letters, dots and colons: nothing to escape
        )
    )


def event_line(
    *,
    identity_id: int,
    timestamp: int,
    received_at: int,
    type_: str,
    event: str,
    message_id: str,
    seq: int,
    item: int,
    source_id: int,
    strong: bool,
    identities: str,
    account_id: int,
    revenue: Decimal | None,
    currency: str,
    facts: ContextFacts,
    properties: bytes,
    context: bytes,
) -> bytes:
    """One row of ``events``; ``identities`` is a comma-separated list, times are milliseconds."""
    return (
        b'{"identity_id":%d,"timestamp":%b,"received_at":%b,"type":"%b","event":%b,'
        b'"message_id":%b,"seq":%d,"item":%d,"source_id":%d,"strong":%d,"identities":[%b],'
        b'"account_id":%d,"revenue":%b,"currency":%b,%b,"properties":%b,"context":%b}'
        % (
            identity_id,
            seconds(timestamp),
            seconds(received_at),
            type_.encode(),
            text_json(event),
            encode(message_id),
            seq,
            item,
            source_id,
            strong,
            identities.encode(),
            account_id,
            b'"%b"' % str(revenue).encode() if revenue is not None else b"null",
            text_json(currency),
            facts_json(facts),
            properties or EMPTY_OBJECT,
            context or EMPTY_OBJECT,
        )
    )


def seconds(at: int) -> bytes:
    """Milliseconds as the decimal seconds that DateTime64(3) reads exactly.

    >>> seconds(1_790_000_000_005), seconds(-1)
    (b'1790000000.005', b'-0.001')
    """
    if at >= 0:
        return b"%d.%03d" % divmod(at, 1000)
    return b"-%d.%03d" % divmod(-at, 1000)


def mapping_lines(profile_of: Mapping[IdentityId, ProfileId], version: int) -> bytes:
    """Rows of ``identity_profiles``."""
    return b"\n".join(
        b'{"identity_id":%d,"profile_id":%d,"version":%d}' % (identity, profile, version)
        for identity, profile in profile_of.items()
    )


def trait_line(
    owner: str, owner_id: int, name: str, *, strong: bool, value: str, at: int, message_id: str,
    version: int,
) -> bytes:  # fmt: skip
    """One row of ``identity_traits`` or ``account_traits``; ``owner`` names its first column."""
    return (
        b'{"%b":%d,"name":%b,"strong":%d,"value":%b,"timestamp":%b,"message_id":%b,"version":%d}'
        % (
            owner.encode(),
            owner_id,
            text_json(name),
            strong,
            encode(value),
            seconds(at),
            encode(message_id),
            version,
        )
    )


def account_member_lines(members: Iterable[tuple[int, int, int]]) -> bytes:
    """Rows of ``identity_accounts`` from (identity, account, time)."""
    return b"\n".join(
        b'{"identity_id":%d,"account_id":%d,"timestamp":%b}' % (identity, account, seconds(at))
        for identity, account, at in members
    )
