"""The people that the identity rules find in a shop's messages, without any server."""

from __future__ import annotations

from collections.abc import Iterable

from tekil.clean.email import normalise_email
from tekil.clean.phone import normalise_phone
from tekil.collect.model import SourceKind
from tekil.demo.shop.model import SOURCE_KINDS, Batch, OfflineOrder
from tekil.identity.identifiers import Identifiers, Ref
from tekil.identity.model import Claim, ClaimKey, Identity, Normaliser, Solution, Strength
from tekil.identity.namespaces import DEFAULT_RULES
from tekil.identity.rules import Rulebook, standing
from tekil.identity.solver import solve
from tekil.kit.clock import Millis, from_iso
from tekil.kit.ids import IdentityId, MessageId
from tekil.kit.json import JsonObject, decode_object

STRONG_KINDS = (SourceKind.HTTP, SourceKind.FILE)


class Evidence:
    """Collects identities and claims, then solves them in one go."""

    def __init__(self) -> None:
        self.rules = Rulebook(DEFAULT_RULES)
        self.identifiers = Identifiers(
            self.rules,
            {
                Normaliser.EMAIL: lambda text, _region: normalise_email(text),
                Normaliser.PHONE: normalise_phone,
            },
        )
        self.ids: dict[Ref, IdentityId] = {}
        self.first_seen: dict[Ref, Millis] = {}
        self.verified: set[Ref] = set()
        self.claims: dict[ClaimKey, Claim] = {}
        self.nameless = 0

    def add_batch(self, batch: Batch) -> None:
        strong = SOURCE_KINDS[batch.channel] in STRONG_KINDS
        messages = decode_object(batch.body)["batch"]
        assert isinstance(messages, list)
        for message in messages:
            assert isinstance(message, dict)
            self.add(message, strong=strong)

    def add_offline(self, orders: Iterable[OfflineOrder]) -> None:
        for order in orders:
            found: list[Ref] = []
            if order.phone:
                phone = normalise_phone(order.phone, "TR")
                assert phone is not None
                found.append(("phone", phone))
            if order.card:
                found.append(("loyalty_card", order.card))
            self._note(found, order.at, order.order_id, strong=True)

    def add(self, message: JsonObject, *, strong: bool) -> None:
        at = from_iso(str(message["timestamp"]))
        found = self.identifiers.find(
            str(message["type"]),
            _text(message.get("userId")),
            _text(message.get("anonymousId")),
            traits=_object(message.get("traits")),
            context=_object(message.get("context")),
        )
        self._note(found, at, str(message["messageId"]), strong=strong)

    def solve(self) -> Solution:
        identities = [
            Identity(number, ref[0], ref[1], self.first_seen[ref], ref in self.verified)
            for ref, number in self.ids.items()
        ]
        return solve(identities, self.claims.values(), (), self.rules)

    def found(self) -> list[tuple[str, str, int]]:
        profile_of = self.solve().profile_of
        return [(*ref, profile_of[number]) for ref, number in self.ids.items()]

    def _note(self, found: list[Ref], at: Millis, message_id: str, *, strong: bool) -> None:
        self.nameless += not found
        strength = Strength.STRONG if strong else Strength.WEAK
        for ref in found:
            self.ids.setdefault(ref, IdentityId(len(self.ids) + 1))
            self.first_seen[ref] = min(at, self.first_seen.get(ref, at))
            if strong:
                self.verified.add(ref)
        for link in self.identifiers.links(found, strength):
            left, right = self.ids[link.left], self.ids[link.right]
            claim = Claim(left, right, link.kind, strength, at, MessageId(message_id))
            held = self.claims.get(claim.key)
            self.claims[claim.key] = claim if held is None else standing(held, claim)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _object(value: object) -> JsonObject | None:
    return value if isinstance(value, dict) else None
