"""From an inbox entry to prepared messages: everything that needs no store, and no other message.

read      the JSON of the request, item by item
place     in time: the client's clock set right
clean     context, traits, money
identify  which identities it names, and what it claims of them
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

import msgspec

from tekil.clean.context import ContextFacts, decode_context, read_context
from tekil.clean.event import event_money
from tekil.clean.geo import GeoIp
from tekil.clean.ip import apply_policy, normalise_ip
from tekil.clean.traits import CleanedValue, clean_traits
from tekil.collect.message import Envelope, Message, decode_envelope, decode_message, id_text
from tekil.collect.model import Source, Trust
from tekil.collect.times import event_time, read_time
from tekil.identity.identifiers import NO_LINKS, Identifiers, Link, Ref
from tekil.identity.model import Strength
from tekil.inbox.model import InboxEntry, Reject, RejectReason, RejectStage
from tekil.kit.clock import Millis
from tekil.kit.hashing import message_hash
from tekil.kit.ids import MessageId, SourceId
from tekil.kit.json import JsonObject, JsonValue, decode_object, encode

EMPTY = b"{}"
NO_PROPERTIES: JsonObject = {}


class Prepared(msgspec.Struct, gc=False):
    """A message on its way into the stores."""

    seq: int
    item: int
    source_id: SourceId
    strong: bool
    type: str
    event: str
    message_id: MessageId
    digest: bytes
    at: Millis
    received_at: Millis
    refs: list[Ref]
    links: Sequence[Link]
    group_id: str | None
    traits: dict[str, CleanedValue] | None
    properties: JsonObject
    properties_json: bytes
    context_json: bytes
    facts: ContextFacts
    revenue: Decimal | None
    currency: str


class Preparer:
    """Prepares messages under one set of identity rules."""

    def __init__(self, identifiers: Identifiers, geo: GeoIp | None) -> None:
        self._identifiers = identifiers
        self._geo = geo

    def prepare(self, entry: InboxEntry, source: Source) -> Iterator[Prepared | Reject]:
        """Prepare every message of a request; one that cannot be worked on becomes a reject."""
        envelope, items = split(entry)
        for place, raw in enumerate(items):
            try:
                message = decode_message(raw)
                if entry.type:
                    message.type = entry.type
                prepared = self._one(entry, source, envelope, place, message)
                yield prepared if prepared.refs else _nobody(bytes(raw), place)
            except Exception as error:  # nothing that a client sends may stop the pipeline
                detail = f"{type(error).__name__}: {error}"
                yield Reject(RejectStage.PROCESS, RejectReason.INTERNAL, detail, bytes(raw), place)

    def _one(
        self, entry: InboxEntry, source: Source, envelope: Envelope, place: int, message: Message
    ) -> Prepared:
        kind = message.type or ""
        context_json = _context_json(message, envelope)
        message_id = id_text(message.message_id) or f"tekil-{entry.seq}-{place}"
        facts, context_json = self._context(entry, source, message, context_json)
        sent = _sent_object(message, kind, context_json)
        region = source.settings.default_region
        traits = clean_traits(sent, region) if kind in ("identify", "group") else None
        properties_json = bytes(message.properties)
        properties = sent
        if traits is not None:
            properties = {name: trait.value for name, trait in traits.items()}
            properties_json = encode(properties)
        elif properties_json in (b"", b"null"):
            properties_json = EMPTY
        event = str(message.event if kind == "track" else message.name or "")
        revenue, currency = (None, None) if traits is not None else event_money(event, sent)
        strong = source.trust is Trust.STRONG
        refs, links = self._identify(message, kind, sent, context_json, region, strong=strong)
        return Prepared(
            seq=entry.seq,
            item=place,
            source_id=source.source_id,
            strong=strong,
            type=kind,
            event=event,
            message_id=MessageId(message_id),
            digest=message_hash(message_id),
            at=_time(message, envelope, entry.received_at),
            received_at=entry.received_at,
            refs=refs,
            links=links,
            group_id=_group_id(message, kind, context_json),
            traits=traits,
            properties=properties,
            properties_json=properties_json,
            context_json=context_json,
            facts=facts,
            revenue=revenue,
            currency=currency or "",
        )

    def _context(
        self, entry: InboxEntry, source: Source, message: Message, context_json: bytes
    ) -> tuple[ContextFacts, bytes]:
        policy = source.settings.ip_policy
        channel = message.channel
        facts = read_context(
            decode_context(context_json),
            kind=source.kind.value,
            message_channel=channel if isinstance(channel, str) else None,
            request_ip=entry.ip,
            request_user_agent=entry.user_agent,
            ip_policy=policy,
            geo=self._geo,
        )
        if b'"ip"' in context_json:
            context = decode_object(context_json)
            ip = context.pop("ip", None)
            whole = normalise_ip(ip) if isinstance(ip, str) else None
            kept = apply_policy(whole, policy) if whole else ""
            if kept:
                context["ip"] = kept
            context_json = encode(context)
        return facts, context_json

    def _identify(
        self,
        message: Message,
        kind: str,
        sent: JsonObject,
        context_json: bytes,
        region: str,
        *,
        strong: bool,
    ) -> tuple[list[Ref], Sequence[Link]]:
        needs_context = b'"externalIds"' in context_json or b'"device"' in context_json
        anonymous_id = id_text(message.anonymous_id)
        refs = self._identifiers.find(
            kind,
            id_text(message.user_id),
            anonymous_id,
            traits=sent if kind == "identify" else None,
            context=decode_object(context_json) if needs_context else None,
            properties=sent if kind not in ("identify", "group") else None,
            region=region,
        )
        if not refs:
            return refs, NO_LINKS
        previous = id_text(message.previous_id) if kind == "alias" else None
        strength = Strength.STRONG if strong else Strength.WEAK
        links = self._identifiers.links(
            refs, strength, previous_id=previous, anonymous_id=anonymous_id
        )
        return refs, links


def _nobody(raw: bytes, place: int) -> Reject:
    detail = "Every identifier in the message is empty, malformed or a blocked placeholder."
    return Reject(RejectStage.PROCESS, RejectReason.MISSING_IDENTITY, detail, raw, place)


def split(entry: InboxEntry) -> tuple[Envelope, list[bytes]]:
    """Take a request's messages apart."""
    if entry.type:
        return Envelope(), [entry.body]
    envelope = decode_envelope(entry.body)
    return envelope, [bytes(raw) for raw in envelope.batch or ()]


def _context_json(message: Message, envelope: Envelope) -> bytes:
    own, default = bytes(message.context), bytes(envelope.context)
    if default in (b"", b"null", EMPTY):
        return EMPTY if own in (b"", b"null") else own
    if own in (b"", b"null", EMPTY):
        return default
    return encode({**decode_object(default), **decode_object(own)})


def _sent_object(message: Message, kind: str, context_json: bytes) -> JsonObject:
    """The traits of an identify or group call, the properties of any other."""
    if kind not in ("identify", "group"):
        return _object(bytes(message.properties))
    traits = _object(bytes(message.traits))
    if traits or kind == "group" or b'"traits"' not in context_json:
        return traits
    nested = decode_object(context_json).get("traits")
    return nested if isinstance(nested, dict) else NO_PROPERTIES


def _object(raw: bytes) -> JsonObject:
    return decode_object(raw) if raw not in (b"", b"null", EMPTY) else NO_PROPERTIES


def _group_id(message: Message, kind: str, context_json: bytes) -> str | None:
    if kind == "group":
        return id_text(message.group_id)
    if b'"groupId"' not in context_json:
        return None
    value: JsonValue = decode_object(context_json).get("groupId")
    return id_text(value) if isinstance(value, (str, int, float)) else None


def _time(message: Message, envelope: Envelope, received_at: Millis) -> Millis:
    original = read_time(message.original_timestamp)
    if original is None:
        original = read_time(message.timestamp)
    sent_at = read_time(envelope.sent_at)
    if sent_at is None:
        sent_at = read_time(message.sent_at)
    return event_time(original, sent_at, received_at)
