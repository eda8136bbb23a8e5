"""What a micro-batch tells about people and accounts, gathered before it is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tekil.clean.names import search_fold
from tekil.identity.graph import IdentityGraph, NodeName
from tekil.identity.model import Claim, Strength
from tekil.identity.namespaces import ADVERTISING_ID, ANONYMOUS_ID, DEVICE_ID
from tekil.identity.nodes import Node
from tekil.kit.clock import Millis
from tekil.kit.ids import AccountId, IdentityId
from tekil.kit.json import encode_text
from tekil.pipeline.prepare import Prepared
from tekil.profiles.model import TraitWrite, trait_version

NOT_SEARCHED = frozenset({ANONYMOUS_ID, DEVICE_ID, ADVERTISING_ID})
"""Namespaces of machine-made values that nobody types into a search field."""

NAME_TRAITS = frozenset({"name", "firstName", "lastName", "email", "phone", "username", "company"})
MAX_TERM_CHARS = 64
SEPARATORS = str.maketrans(dict.fromkeys("@.,;:/()[]{}\"'", " "))


def earliest_seen(messages: Iterable[Prepared]) -> dict[NodeName, Millis]:
    """Every identity that the messages name, with the earliest time that it is seen."""
    seen: dict[NodeName, Millis] = {}
    for message in messages:
        at = message.at
        for ref in message.refs:
            held = seen.get(ref)
            if held is None or at < held:
                seen[ref] = at
        for link in message.links:
            for ref in (link.left, link.right):
                held = seen.get(ref)
                if held is None or at < held:
                    seen[ref] = at
    return seen


def take_evidence(
    graph: IdentityGraph, messages: Iterable[Prepared], nodes: Mapping[NodeName, Node]
) -> None:
    """Tell the graph which identities were seen and what is claimed of them.

    From here on every message knows its nodes: what follows need not look them up again.
    """
    for message in messages:
        strong = message.strong
        message.nodes = [nodes[ref] for ref in message.refs]
        for node in message.nodes:
            if not node.attested or (strong and not node.verified):
                graph.attest(node, strong=strong)
        for link in message.links:
            a, b = nodes[link.left].identity_id, nodes[link.right].identity_id
            graph.claim(
                Claim(
                    a if a < b else b,
                    b if a < b else a,
                    link.kind,
                    Strength.STRONG if strong else Strength.WEAK,
                    message.at,
                    message.message_id,
                    message.source_id,
                )
            )


def activity(messages: Iterable[Prepared]) -> dict[IdentityId, tuple[int, int]]:
    """For each identity seen: the last time, and how many events are stored against it."""
    seen: dict[IdentityId, tuple[int, int]] = {}
    for message in messages:
        at = message.at
        events = 1
        for node in message.nodes:
            identity = node.identity_id
            last, count = seen.get(identity, (at, 0))
            seen[identity] = (at if at > last else last, count + events)
            events = 0  # the event itself belongs to the first, the highest-ranked identity
    return seen


def person_traits(messages: Iterable[Prepared]) -> list[TraitWrite]:
    """The newest value of each trait of each identity that identify calls tell."""
    newest: dict[tuple[int, str, bool], TraitWrite] = {}
    for message in messages:
        if message.type == "identify" and message.traits:
            owner = message.nodes[0].identity_id
            for trait in trait_writes(owner, message):
                keep_newest(newest, trait)
    return list(newest.values())


def trait_writes(owner_id: int, message: Prepared) -> Iterator[TraitWrite]:
    """A message's traits as they are stored for one owner."""
    version = trait_version(message.at, message.message_id)
    for name, trait in (message.traits or {}).items():
        yield TraitWrite(
            owner_id,
            name,
            message.strong,
            encode_text(trait.value),
            encode_text(trait.original) if trait.original is not None else None,
            version,
            message.at,
            message.message_id,
            message.source_id,
        )


def keep_newest(newest: dict[tuple[int, str, bool], TraitWrite], trait: TraitWrite) -> None:
    """Of two values of one trait keep the greater in the order that is the same everywhere."""
    key = (trait.owner_id, trait.name, trait.strong)
    held = newest.get(key)
    if held is None or trait.order > held.order:
        newest[key] = trait


def accounts_seen(messages: Iterable[Prepared]) -> dict[str, tuple[Millis, Millis]]:
    """Every account that the messages name, with the first and last time that it is seen."""
    seen: dict[str, tuple[Millis, Millis]] = {}
    for message in messages:
        if message.group_id is not None:
            first, last = seen.get(message.group_id, (message.at, message.at))
            seen[message.group_id] = (min(first, message.at), max(last, message.at))
    return seen


def members(
    messages: Iterable[Prepared], accounts: Mapping[str, AccountId]
) -> dict[tuple[int, int], Millis]:
    """Who belongs to which account: told by group calls alone."""
    found: dict[tuple[int, int], Millis] = {}
    for message in messages:
        if message.type == "group" and message.group_id is not None:
            key = (message.nodes[0].identity_id, accounts[message.group_id])
            held = found.get(key)
            found[key] = message.at if held is None else min(held, message.at)
    return found


def account_traits(
    messages: Iterable[Prepared], accounts: Mapping[str, AccountId]
) -> list[TraitWrite]:
    """The newest value of each trait of each account that group calls tell."""
    newest: dict[tuple[int, str, bool], TraitWrite] = {}
    for message in messages:
        if message.type == "group" and message.group_id is not None and message.traits:
            for trait in trait_writes(accounts[message.group_id], message):
                keep_newest(newest, trait)
    return list(newest.values())


def search_words(fresh: Iterable[Node], traits: Sequence[TraitWrite]) -> set[tuple[str, int]]:
    """Words by which people are found: their identities, and the words of their names."""
    words: set[tuple[str, int]] = set()
    for node in fresh:
        if node.namespace not in NOT_SEARCHED:
            words |= {(term, node.identity_id) for term in terms(node.value)}
    for trait in traits:
        if trait.name in NAME_TRAITS:
            words |= {(term, trait.owner_id) for term in terms(trait.value)}
    return words


def terms(text: str) -> set[str]:
    """The folded words of a text, and the text as a whole.

    >>> sorted(terms("Işıl Yılmaz"))
    ['isil', 'isil yilmaz', 'yilmaz']
    """
    folded = search_fold(text.replace("\x00", "")).strip('" ')
    found = {term[:MAX_TERM_CHARS] for term in folded.translate(SEPARATORS).split()}
    if folded:
        found.add(folded[:MAX_TERM_CHARS])
    return found
