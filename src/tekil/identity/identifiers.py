"""From a message to its identities and to what it says about them. Called for every message."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from tekil.identity.model import ClaimKind, Normaliser, Strength
from tekil.identity.namespaces import ANONYMOUS_ID, EXTERNAL_IDS, USER_ID
from tekil.identity.rules import Rulebook
from tekil.identity.values import MAX_VALUE_CHARS, normalise_plain
from tekil.kit.json import JsonObject, JsonValue

Ref: TypeAlias = tuple[str, str]
"""A namespace and a normalised value."""
NormaliseText: TypeAlias = Callable[[str, str], str | None]
"""Takes a text and an ISO 3166 region; None for a text that is no such value."""

_CACHED_VALUES: Final = 200_000
_MAX_EXTERNAL_IDS: Final = 20
_NAMESPACE_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


class Link(NamedTuple):
    """A claim before its identities have integer ids."""

    left: Ref
    right: Ref
    kind: ClaimKind


NO_LINKS: Final[tuple[Link, ...]] = ()


class Identifiers:
    """Finds the identities of messages under one set of rules.

    Remembers what each raw value became, so a message costs a few dictionary look-ups. It is
    not for several threads at once. New rules need a new one.
    """

    def __init__(self, rules: Rulebook, normalisers: Mapping[Normaliser, NormaliseText]) -> None:
        """Take the normalisers of e-mails and telephones, which belong to another room."""
        self._rules = rules
        self._normalisers = normalisers
        self._known: dict[tuple[str, str, str], str | None] = {}
        places = sorted(
            (space.rank, namespace, tuple(path.split(".")))
            for namespace, space in rules.rules.namespaces.items()
            for path in space.from_
            if path != EXTERNAL_IDS
        )
        self._places = tuple((namespace, path[0], path[1:]) for _, namespace, path in places)
        self._may_repeat = len({namespace for _, namespace, _ in places}) < len(places)
        self._plain_places = tuple(
            (namespace, root == "userId")
            for namespace, root, _ in self._places
            if root in ("userId", "anonymousId")
        )
        roots = {root for _, root, _ in self._places}
        self._looks_in_properties = bool(roots - {"userId", "anonymousId", "traits", "context"})

    def find(
        self,
        type_: str,
        user_id: str | None,
        anonymous_id: str | None,
        *,
        traits: JsonObject | None = None,
        context: JsonObject | None = None,
        properties: JsonObject | None = None,
        region: str = "TR",
    ) -> list[Ref]:
        """The identities that a message names, the highest-ranked first; none twice.

        Traits count in identify calls only: other calls repeat what a browser remembers, and
        the traits of a group are not those of a person.
        """
        found: list[Ref] = []
        told = traits if type_ == "identify" else None
        if not told and not context and not (properties and self._looks_in_properties):
            return self._by_ids(user_id, anonymous_id, region)
        for namespace, root, path in self._places:
            raw: JsonValue
            if root == "userId":
                raw = user_id
            elif root == "anonymousId":
                raw = anonymous_id
            elif root == "traits":
                raw = _at(told, path) if told else None
            elif root == "context":
                raw = _at(context, path) if context else None
            else:
                raw = _at(properties, path) if properties else None
            if raw is not None:
                value = self.value(namespace, raw, region)
                if value is not None:
                    found.append((namespace, value))
        if context and "externalIds" in context:
            self._add_external(found, context["externalIds"], region)
        elif self._may_repeat:
            found = list(dict.fromkeys(found))
        return found

    def _by_ids(self, user_id: str | None, anonymous_id: str | None, region: str) -> list[Ref]:
        """The identities of the many messages in which only the two ids can name anybody."""
        found: list[Ref] = []
        for namespace, is_user in self._plain_places:
            raw = user_id if is_user else anonymous_id
            if raw is not None:
                value = self.value(namespace, raw, region)
                if value is not None:
                    found.append((namespace, value))
        return list(dict.fromkeys(found)) if self._may_repeat else found

    def links(
        self,
        found: Sequence[Ref],
        strength: Strength,
        *,
        previous_id: str | None = None,
        anonymous_id: str | None = None,
    ) -> Sequence[Link]:
        """What a message claims: its highest-ranked identity is one person with each other one.

        ``previous_id`` is given for alias calls only. Identities that stand in links but not in
        ``found`` are not attested by the message.
        """
        if len(found) < 2 and previous_id is None:
            return NO_LINKS
        links = [Link(found[0], other, ClaimKind.MESSAGE) for other in found[1:]]
        if previous_id is not None:
            links.extend(self._alias(found, previous_id, anonymous_id, strength))
        return links

    def value(self, namespace: str, raw: JsonValue, region: str = "TR") -> str | None:
        """What a raw value becomes; None when it names nobody."""
        if type(raw) is not str:
            text = _text(raw)
            if text is None:
                return None
            raw = text
        key = (namespace, raw, region)
        try:
            return self._known[key]
        except KeyError:
            pass
        if len(self._known) >= _CACHED_VALUES:
            self._known = {}
        value = self._known[key] = self._normalise(namespace, raw, region)
        return value

    def _normalise(self, namespace: str, raw: str, region: str) -> str | None:
        if len(raw) > MAX_VALUE_CHARS or "\x00" in raw:
            return None
        normaliser = self._rules.of(namespace).normaliser
        own = self._normalisers.get(normaliser)
        value = own(raw, region) if own else normalise_plain(normaliser, raw)
        if value is None or self._rules.is_blocked(namespace, value):
            return None
        return value

    def _add_external(self, found: list[Ref], external: JsonValue, region: str) -> None:
        """Add ``context.externalIds`` and put everything in the order of rank."""
        if not isinstance(external, list):
            return
        for entry in external[:_MAX_EXTERNAL_IDS]:
            if isinstance(entry, dict) and entry.get("collection", "users") in ("users", None):
                namespace = external_namespace(entry.get("type"))
                raw = entry.get("id")
                if namespace is None or raw is None or entry.get("encoding") not in (None, "none"):
                    continue
                if EXTERNAL_IDS in self._rules.of(namespace).from_:
                    value = self.value(namespace, raw, region)
                    if value is not None:
                        found.append((namespace, value))
        rank = self._rules.rank
        found[:] = sorted(dict.fromkeys(found), key=lambda ref: (rank(ref[0]), ref[0]))

    def _alias(
        self,
        found: Sequence[Ref],
        previous_id: str,
        anonymous_id: str | None,
        strength: Strength,
    ) -> Iterator[Link]:
        """What an alias call claims. Whose kind the former id is the call does not say.

        A server may name a former user id. A browser is believed for an anonymous id at most,
        because its key is public and its library is known to overwrite the new id by the old.
        """
        current = next((ref for ref in found if ref[0] == USER_ID), None)
        former = self.value(USER_ID, previous_id)
        if current is None or former == current[1]:
            return
        if former is not None and strength is Strength.STRONG and previous_id != anonymous_id:
            yield Link(current, (USER_ID, former), ClaimKind.ALIAS)
        former = self.value(ANONYMOUS_ID, previous_id)
        if former is not None:
            yield Link(current, (ANONYMOUS_ID, former), ClaimKind.ALIAS)


def external_namespace(type_: JsonValue) -> str | None:
    """The namespace that an external id's type names; None when it cannot be one.

    >>> external_namespace("Braze_ID"), external_namespace("a b"), external_namespace(7)
    ('braze_id', None, None)
    """
    if not isinstance(type_, str):
        return None
    name = type_.strip().lower()
    return name if _NAMESPACE_NAME.fullmatch(name) else None


def _at(value: JsonValue, path: tuple[str, ...]) -> JsonValue:
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def _text(raw: JsonValue) -> str | None:
    """Numbers are ids too; whole floats lose their ``.0``. Nothing else is."""
    if isinstance(raw, bool):
        return None
    if isinstance(raw, str):
        return str(raw)
    if isinstance(raw, int):
        return str(raw)
    if isinstance(raw, float) and raw.is_integer():
        return str(int(raw))
    return None
