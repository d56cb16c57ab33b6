from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from segwise.decision.params import Decision
from segwise.decision.score import Answers, exact_interval
from segwise.evaluation.decided import decided, share_interval, together
from segwise.evaluation.intervals import draws, interval


def presence(truth: list[bool], seen: list[bool]) -> Answers:
    present = np.array([truth, seen]).T[:, :, None, None]
    nothing = np.zeros((len(truth), 2, 1, 1))
    acts = np.zeros((len(truth), 2), dtype=bool)
    return Answers(nothing.astype(np.int64), nothing, present, acts, np.zeros((len(truth), 3), np.int64))


def counts(truth: list[int], seen: list[int]) -> Answers:
    values = np.array([truth, seen], dtype=np.int64).T[:, :, None, None]
    acts = np.zeros((len(truth), 2), dtype=bool)
    return Answers(values, np.zeros(values.shape), values > 0, acts, np.zeros((len(truth), 3), np.int64))


def told(decision: Decision, found: Answers, replicates: int = 200) -> dict[str, Any]:
    groups = [str(i) for i in range(len(found))]
    return decided(decision, found, draws(groups, replicates, 0), 0.9)


def test_a_presence_without_a_miss_in_few_images_is_not_proven() -> None:
    few, many = [True] * 10 + [False] * 10, [True] * 100 + [False] * 100
    decision = Decision.model_validate({"kind": "presence"})
    assert told(decision, presence(few, few))["met"] == "open"
    assert told(decision, presence(many, many))["met"] == "met"


def test_sensitivity_has_the_exact_interval() -> None:
    truth = [True] * 30 + [False] * 40
    seen = [True] * 29 + [False] * 41
    found = told(Decision.model_validate({"kind": "presence"}), presence(truth, seen))
    low, high = exact_interval(29, 30, 0.9)
    assert found["intervals"]["sensitivity"][0] <= low + 1e-6 and found["intervals"]["sensitivity"][1] >= high - 1e-6
    assert found["intervals"]["error"][1] == pytest.approx(1 - low, abs=1e-6)
    assert found["intervals"]["used"][1] == pytest.approx((1 - low) / 0.05, abs=1e-4)


def test_a_limit_that_allows_no_miss_has_an_endless_end_and_no_number_for_it() -> None:
    decision = Decision.model_validate({"kind": "presence", "tolerance": {"min_sensitivity": 1.0}})
    found = told(decision, presence([True] * 20, [True] * 20))
    assert found["intervals"]["used"] == [0.0, None]
    assert found["met"] == "open"
    broken = told(decision, presence([True] * 20, [True] * 19 + [False]))
    assert (broken["met"], broken["intervals"]["used"]) == ("missed", [None, None])


def test_a_count_within_its_tolerance_everywhere_is_met_and_beyond_it_missed() -> None:
    decision = Decision.model_validate({"kind": "count", "tolerance": {"relative": 0.1}})
    truth = [20] * 30
    assert told(decision, counts(truth, [21] * 30))["met"] == "met"
    assert told(decision, counts(truth, [24] * 30))["met"] == "missed"
    assert told(decision, counts(truth, [20, 24] * 15))["met"] == "open"


def test_without_draws_nothing_is_proven() -> None:
    found = told(Decision(kind="count"), counts([20] * 5, [20] * 5), replicates=0)
    assert (found["met"], found["error"], found["intervals"]["error"]) == ("open", 0.0, None)


def test_an_interval_with_infinite_values_ends_in_them_or_in_numbers_never_between() -> None:
    values = np.array([1.0] * 90 + [np.inf] * 10)
    assert interval(values, 0.9) == (1.0, np.inf)
    assert interval(np.array([1.0] * 99 + [np.inf]), 0.9) == (1.0, 1.0)


def acted(right: list[bool], counts_seen: int = 20) -> Answers:
    """Images of 20 objects; the action is called for in none, and comes out right in these."""
    found = counts([20] * len(right), [counts_seen] * len(right))
    acts = np.array([[False, not ok] for ok in right])
    return Answers(found.counts, found.coverage, found.present, acts, found.matches)


def of_groups(decision: Decision, found: Answers, groups: list[str], confidence: float = 0.95) -> dict[str, Any]:
    return decided(decision, found, draws(groups, 300, 0, confidence), confidence)


@pytest.mark.parametrize(("num_groups", "met"), [(1, "open"), (2, "open"), (20, "open"), (500, "met")])
def test_presence_is_proven_by_independent_groups_and_not_by_images_of_one_scene(num_groups: int, met: str) -> None:
    decision = Decision.model_validate({"kind": "presence", "tolerance": {"min_sensitivity": 0.99}})
    truth = [True] * 1000
    found = of_groups(decision, presence(truth, truth), [str(i % num_groups) for i in range(1000)])
    assert found["met"] == met
    if num_groups < 6:  # no interval of 95 % can be told of so few
        assert found["intervals"]["sensitivity"] is None
    else:
        low = 0.025 ** (1 / num_groups)  # Clopper and Pearson's, where nothing is missed
        assert found["intervals"]["sensitivity"] == [pytest.approx(low, abs=1e-6), 1.0]


@pytest.mark.parametrize(("num", "met"), [(6, "open"), (350, "open"), (370, "met")])
def test_a_few_right_actions_are_no_proof_of_a_rule(num: int, met: str) -> None:
    stated = {"kind": "count", "action": "if count() < 5 then stop", "tolerance": {"min_accuracy": 0.99}}
    found = of_groups(Decision.model_validate(stated), acted([True] * num), [str(i) for i in range(num)])
    assert found["met"] == met
    assert found["intervals"]["accuracy"][0] == pytest.approx(0.025 ** (1 / num), abs=1e-6)
    assert found["intervals"]["used"][1] == pytest.approx((1 - 0.025 ** (1 / num)) / 0.01, abs=1e-4)


def test_a_count_that_is_missed_for_certain_stays_missed_beside_an_action_that_is_right() -> None:
    stated = {
        "kind": "count",
        "action": "if count() < 5 then stop",
        "tolerance": {"min_accuracy": 0.5, "relative": 0.1},
    }
    found = of_groups(Decision.model_validate(stated), acted([True] * 30, 24), [str(i) for i in range(30)])
    assert (found["met"], found["intervals"]["used"]) == ("missed", [2.0, 2.0])


def test_uneven_groups_are_fewer_trials_than_their_number() -> None:
    groups = np.array([0] * 97 + [1, 2, 3])
    hits = np.ones(100)
    assert share_interval(hits, hits, groups, 0.9) == pytest.approx((0.05 ** (1 / (100**2 / (97**2 + 3))), 1.0))
    assert share_interval(np.zeros(3), np.zeros(3), np.arange(3), 0.9) is None


def test_the_interval_of_a_share_holds_the_true_one_where_images_of_a_group_are_alike() -> None:
    random = np.random.default_rng(0)
    held = []
    for _ in range(400):
        right = np.repeat(random.random(25) < 0.9, 8).astype(float)  # eight images of a scene, all right or all wrong
        low, high = share_interval(right, np.ones(200), np.repeat(np.arange(25), 8), 0.9) or (0, 0)
        held.append(low <= 0.9 <= high)
    assert np.mean(held) >= 0.9


def test_images_that_every_draw_holds_equally_often_are_one_group() -> None:
    groups = ["b", "a", "b", "c", "a", "d", "e", "f"]
    found = together(draws(groups, 50, 1)).tolist()
    assert len(set(zip(found, groups, strict=True))) == len(set(found)) == len(set(groups))
