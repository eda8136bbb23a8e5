from __future__ import annotations

from pathlib import Path

from tekil.demo.shop.truth import Truth, by_person, load_truth, save_truth
from tests.demo.conftest import CONFIG, Told
from tests.demo.graph import Evidence


def test_who_is_met_twice_under_one_identity_shares_it() -> None:
    truth = Truth()
    truth.meet(1, email="a@lale.example", phone=None, user_id="")
    truth.meet(2, email="a@lale.example", user_id="C2")
    truth.meet(2, email="a@lale.example")
    assert truth.owners == {("email", "a@lale.example"): 1, ("user_id", "C2"): 2}
    assert truth.shared == {("email", "a@lale.example"): {1, 2}}
    assert truth.identities() == {("user_id", "C2"): 2}
    assert truth.people() == 1


def test_the_truth_survives_its_file(told: Told, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "truth.json"
    truth = told.shop.truth
    save_truth(path, truth, people=CONFIG.people, seed=CONFIG.seed, now=CONFIG.now)
    saved = load_truth(path)
    assert saved.truth == truth
    assert (saved.people, saved.seed, saved.now) == (CONFIG.people, CONFIG.seed, CONFIG.now)


def test_the_truth_knows_exactly_the_identities_that_were_sent(told: Told) -> None:
    evidence = Evidence()
    for batch in told.batches:
        evidence.add_batch(batch)
    evidence.add_offline(told.shop.offline)
    friends = {key for key in evidence.ids if key not in told.shop.truth.owners}
    assert friends == set()
    assert set(evidence.ids) == set(told.shop.truth.owners)


def test_everybody_has_identities_and_is_numbered(told: Told) -> None:
    groups = dict(by_person(told.shop.truth))
    assert set(groups) <= set(range(CONFIG.people))
    assert len(groups) > 0.99 * CONFIG.people
    assert sum(map(len, groups.values())) == len(told.shop.truth.identities())
    assert 2.5 < sum(map(len, groups.values())) / len(groups) < 6
