"""From an inbox entry to prepared messages: everything that needs no store, and no other message.

read      the JSON of the request, item by item
place     in time: the client's clock set right
clean     context, traits, money
identify  which identities it names, and what it claims of them
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec

from tekil.clean.context import ContextFacts, decode_context, read_context
from tekil.clean.event import event_money
from tekil.clean.geo import GeoIp
from tekil.clean.traits import CleanedValue, clean_traits
from tekil.collect.message import Envelope, Message, decode_envelope, decode_message, id_text
from tekil.collect.model import Source, Trust
from tekil.collect.times import event_time, read_time
from tekil.collect.validate import MAX_ID_CHARS, NUL
from tekil.identity.identifiers import NO_LINKS, Identifiers, Link, Ref
from tekil.identity.model import Strength
from tekil.identity.nodes import Node
from tekil.inbox.model import InboxEntry, Reject, RejectReason, RejectStage
from tekil.kit.clock import Millis
from tekil.kit.hashing import message_hash
from tekil.kit.ids import MessageId, Seq, SourceId
from tekil.kit.json import JsonObject, JsonValue, decode_object, encode

EMPTY = b"{}"
MAX_TRAIT_NAME_CHARS = 256
NOTHING = frozenset({b"", b"null", EMPTY})
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
    nodes: Sequence[Node] = ()
    """The identities of ``refs``, once the graph has found them."""


class UnusableError(Exception):
    """A message that was accepted and cannot be worked on, with the reason."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class _Request(NamedTuple):
    """What all messages of one request have in common, worked out once."""

    entry: InboxEntry
    source: Source
    context: bytes
    """The batch's own context, the default of every message; empty when there is none."""
    sent_at: Millis | None
    strength: Strength


class Preparer:
    """Prepares messages under one set of identity rules."""

    def __init__(self, identifiers: Identifiers, geo: GeoIp | None) -> None:
        self._identifiers = identifiers
        self._geo = geo

    def prepare(self, entry: InboxEntry, source: Source) -> Iterator[Prepared | Reject]:
        """Prepare every message of a request; one that cannot be worked on becomes a reject."""
        envelope, items = split(entry)
        default = bytes(envelope.context)
        request = _Request(
            entry,
            source,
            b"" if default in NOTHING else default,
            _sent_at(envelope),
            Strength.STRONG if source.trust is Trust.STRONG else Strength.WEAK,
        )
        for place, raw in enumerate(items):
            try:
                message = decode_message(raw)
                if entry.type:
                    message.type = entry.type
                prepared = self._one(request, place, message)
                yield prepared if prepared.refs else _nobody(bytes(raw), place)
            except UnusableError as error:
                yield Reject(RejectStage.PROCESS, error.reason, error.detail, bytes(raw), place)
            except msgspec.DecodeError as error:  # a number of more digits than can be read
                detail = f"{error}."
                yield Reject(
                    RejectStage.PROCESS, RejectReason.INVALID_JSON, detail, bytes(raw), place
                )
            except Exception as error:  # nothing that a client sends may stop the pipeline
                detail = f"{type(error).__name__}: {error}"
                yield Reject(RejectStage.PROCESS, RejectReason.INTERNAL, detail, bytes(raw), place)

    def _one(self, request: _Request, place: int, message: Message) -> Prepared:
        entry, source, default_context, _, strength = request
        kind = message.type or ""
        context_json = _context_json(message, default_context)
        message_id = id_text(message.message_id) or made_message_id(entry.seq, place)
        facts, context_json = self._context(request, message, context_json)
        event = str(message.event if kind == "track" else message.name or "")
        if NUL in event or NUL in message_id:
            raise UnusableError(RejectReason.INVALID_TEXT, "A name or id holds the character NUL.")
        traits: dict[str, CleanedValue] | None = None
        revenue, currency = None, None
        if kind in ("identify", "group"):
            sent = _sent_traits(message, kind, context_json)
            traits = clean_traits(sent, source.settings.default_region)
            check_trait_names(traits)
            properties = {name: trait.value for name, trait in traits.items()}
            properties_json = encode(properties)
        else:
            properties_json = bytes(message.properties)
            if properties_json in NOTHING:
                properties_json = EMPTY
            sent = properties = _object(properties_json)
            revenue, currency = event_money(event, properties)
        refs, links = self._identify(request, message, kind, sent, context_json)
        return Prepared(
            entry.seq,
            place,
            source.source_id,
            strength is Strength.STRONG,
            kind,
            event,
            MessageId(message_id),
            message_hash(message_id),
            _time(message, request.sent_at, entry.received_at),
            entry.received_at,
            refs,
            links,
            _group_id(message, kind, context_json),
            traits,
            properties,
            properties_json,
            context_json,
            facts,
            revenue,
            currency or "",
        )

    def _context(
        self, request: _Request, message: Message, context_json: bytes
    ) -> tuple[ContextFacts, bytes]:
        entry, source = request.entry, request.source
        channel = message.channel
        context = decode_context(context_json)
        facts = read_context(
            context,
            kind=source.kind,
            message_channel=channel if isinstance(channel, str) else None,
            request_ip=entry.ip,
            request_user_agent=entry.user_agent,
            ip_policy=source.settings.ip_policy,
            geo=self._geo,
        )
        if context.ip is not None or b'"ip"' in context_json:
            context_json = _cut_ip(context_json, context.ip, facts.ip if context.ip else "")
        return facts, context_json

    def _identify(
        self,
        request: _Request,
        message: Message,
        kind: str,
        sent: JsonObject,
        context_json: bytes,
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
            region=request.source.settings.default_region,
        )
        if not refs:
            return refs, NO_LINKS
        previous = id_text(message.previous_id) if kind == "alias" else None
        links = self._identifiers.links(
            refs, request.strength, previous_id=previous, anonymous_id=anonymous_id
        )
        return refs, links


def check_trait_names(names: Iterable[str]) -> None:
    """Trait names are short, because the state is looked up by them. Raises UnusableError."""
    for name in names:
        if len(name) > MAX_TRAIT_NAME_CHARS:
            raise UnusableError(
                RejectReason.ID_TOO_LONG,
                f'The trait name "{name[:32]}…" has {len(name)} characters; '
                f"{MAX_TRAIT_NAME_CHARS} are allowed.",
            )
        if NUL in name:
            raise UnusableError(RejectReason.INVALID_TEXT, "A trait name holds the character NUL.")


def _cut_ip(context_json: bytes, ip: str | None, kept: str) -> bytes:
    """The context with only that of its address which may be kept."""
    if ip and kept and context_json.count(b'"ip"') == 1 and b"\\" not in context_json:
        # The usual case, without taking the whole context apart and writing it anew. With no
        # escapes in it, the one "ip" is the one that was read.
        for colon in (b":", b": "):
            sent = b'"ip"%b"%b"' % (colon, ip.encode())
            if sent in context_json:
                return context_json.replace(sent, b'"ip"%b"%b"' % (colon, kept.encode()))
    context = decode_object(context_json)
    context.pop("ip", None)
    if kept:
        context["ip"] = kept
    return encode(context)


def _sent_at(envelope: Envelope) -> Millis | None:
    """When the batch was sent; a time that cannot be read counts as none."""
    try:
        return read_time(envelope.sent_at)
    except (ValueError, OverflowError):
        return None


def _nobody(raw: bytes, place: int) -> Reject:
    detail = "Every identifier in the message is empty, malformed or a blocked placeholder."
    return Reject(RejectStage.PROCESS, RejectReason.MISSING_IDENTITY, detail, raw, place)


def made_message_id(seq: Seq, place: int) -> MessageId:
    """The id of a message that came without one: where it stood in the inbox."""
    return MessageId(f"tekil-{seq}-{place}")


def split(entry: InboxEntry) -> tuple[Envelope, Sequence[bytes | msgspec.Raw]]:
    """Take a request's messages apart."""
    # A row of the warehouse is one line: JSON may be broken into lines between its values only.
    body = entry.body.replace(b"\n", b" ")
    if entry.type:
        return Envelope(), [body]
    envelope = decode_envelope(body)
    return envelope, envelope.batch or ()


def _context_json(message: Message, default: bytes) -> bytes:
    own = bytes(message.context)
    if not default:
        return EMPTY if own in NOTHING else own
    if own in NOTHING:
        return default
    return encode({**decode_object(default), **decode_object(own)})


def _sent_traits(message: Message, kind: str, context_json: bytes) -> JsonObject:
    """The traits of an identify or group call."""
    traits = _object(bytes(message.traits))
    if traits or kind == "group" or b'"traits"' not in context_json:
        return traits
    nested = decode_object(context_json).get("traits")
    return nested if isinstance(nested, dict) else NO_PROPERTIES


def _object(raw: bytes) -> JsonObject:
    return decode_object(raw) if raw not in NOTHING else NO_PROPERTIES


def _group_id(message: Message, kind: str, context_json: bytes) -> str | None:
    if kind == "group":
        return id_text(message.group_id)
    if b'"groupId"' not in context_json:
        return None
    value: JsonValue = decode_object(context_json).get("groupId")
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    text = id_text(value)
    return text if text and len(text) <= MAX_ID_CHARS and NUL not in text else None


def _time(message: Message, sent_at: Millis | None, received_at: Millis) -> Millis:
    original = read_time(message.original_timestamp)
    if original is None:
        original = read_time(message.timestamp)
    if sent_at is None:
        sent_at = read_time(message.sent_at)
    return event_time(original, sent_at, received_at)
