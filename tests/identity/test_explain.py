"""Explanations agree with solutions and name the claims."""

from __future__ import annotations

import random

import networkx as nx
import pytest
from tests.identity.worlds import TIGHT, World, random_world, relabelled

from tekil.identity.explain import Explanation, explain
from tekil.identity.model import Claim, ClaimKind, Identity, RefusalReason, Strength
from tekil.identity.namespaces import DEFAULT_RULES
from tekil.identity.rules import Rulebook
from tekil.identity.solver import solve
from tekil.kit.clock import Millis
from tekil.kit.ids import IdentityId, MessageId

BOOK = Rulebook(TIGHT)


def explained(world: World, a: IdentityId, b: IdentityId) -> Explanation:
    solution = solve(world.identities, world.claims, world.separations, BOOK)
    return explain(
        a,
        b,
        identities=world.identities,
        claims=world.claims,
        separations=world.separations,
        solution=solution,
        rules=BOOK,
    )


@pytest.mark.parametrize("seed", range(6))
def test_every_pair_is_explained_by_its_shortest_chain_or_its_refusals(seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(40):
        world = random_world(dice, most=9)
        solution = solve(world.identities, world.claims, world.separations, BOOK)
        graph = nx.Graph()
        graph.add_nodes_from(solution.profile_of)
        graph.add_edges_from((c.a, c.b) for c in world.claims if c.key not in solution.refused)
        for a in solution.profile_of:
            for b in solution.profile_of:
                answer = explained(world, a, b)
                together = solution.profile_of[a] == solution.profile_of[b]
                assert answer.one_person == together == nx.has_path(graph, a, b)
                if together:
                    assert len(answer.chain) == nx.shortest_path_length(graph, a, b)
                    place = a
                    for step in answer.chain:
                        assert step.from_id == place
                        assert {step.from_id, step.to_id} == {step.claim.a, step.claim.b}
                        assert step.claim.key not in solution.refused
                        place = step.to_id
                    assert place == b
                    assert not answer.refused
                else:
                    assert not answer.chain
                    profiles = {solution.profile_of[a], solution.profile_of[b]}
                    assert {r.claim.key for r in answer.refused} == {
                        c.key
                        for c in world.claims
                        if {solution.profile_of[c.a], solution.profile_of[c.b]} == profiles
                    }


@pytest.mark.parametrize("seed", range(6))
def test_the_explanation_does_not_depend_on_ids_or_order(seed: int) -> None:
    dice = random.Random(50 + seed)
    for _ in range(20):
        world = random_world(dice, most=8)
        other = relabelled(world, dice)
        there = {v: k for k, v in other.ref().items()}
        here = world.ref()
        a, b = dice.choice(list(here)), dice.choice(list(here))
        one = explained(world, a, b)
        two = explained(other, there[here[a]], there[here[b]])
        assert [s.claim.message_id for s in one.chain] == [s.claim.message_id for s in two.chain]
        assert [(r.reason, r.claim.message_id) for r in one.refused] == [
            (r.reason, r.claim.message_id) for r in two.refused
        ]


def test_a_chain_reads_from_the_one_to_the_other() -> None:
    rules = Rulebook(DEFAULT_RULES)
    mail = Identity(IdentityId(1), "email", "e", Millis(1))
    user = Identity(IdentityId(2), "user_id", "u", Millis(1))
    rival = Identity(IdentityId(4), "user_id", "v", Millis(9))
    browser = Identity(IdentityId(3), "anonymous_id", "a", Millis(1))
    claims = [
        Claim(IdentityId(2), IdentityId(1), ClaimKind.MESSAGE, Strength.STRONG, Millis(1)),
        Claim(
            IdentityId(3),
            IdentityId(2),
            ClaimKind.MESSAGE,
            Strength.WEAK,
            Millis(2),
            MessageId("w"),
        ),
        Claim(IdentityId(4), IdentityId(3), ClaimKind.MESSAGE, Strength.WEAK, Millis(3)),
    ]
    identities = [mail, user, rival, browser]
    solution = solve(identities, claims, [], rules)

    def why(a: int, b: int) -> Explanation:
        return explain(
            IdentityId(a),
            IdentityId(b),
            identities=identities,
            claims=claims,
            separations=[],
            solution=solution,
            rules=rules,
        )

    assert [(s.from_id, s.to_id) for s in why(1, 3).chain] == [(1, 2), (2, 3)]
    assert [(s.from_id, s.to_id) for s in why(3, 1).chain] == [(3, 2), (2, 1)]
    assert why(1, 1) == Explanation(True, (), (), ())
    assert [r.reason for r in why(4, 1).refused] == [RefusalReason.LIMIT]
    with pytest.raises(KeyError):
        why(1, 77)
