"""Shares that may never be seen to fail are bounded exactly, the dearer mistake more surely."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from segwise.decision.params import Decision
from segwise.decision.score import Answers
from segwise.gate.misses import exact_floor, side_alpha, used_at_most
from tests.gate.made import make_answers

ONES, NONE = np.ones(100, dtype=np.int64), np.zeros(100, dtype=np.int64)
SINGLE = np.array([f"g{i}" for i in range(200)])
TOLERANCE = {"min_sensitivity": 0.9, "min_specificity": 0.8}


def presence(**changes: object) -> Decision:
    return Decision.model_validate({"kind": "presence", "tolerance": TOLERANCE, **changes})


def half_and_half(missed: int = 0, invented: int = 0) -> Answers:
    """100 images that show something, then 100 that do not."""
    truth = np.concatenate([ONES, NONE])
    seen = truth.copy()
    seen[:missed], seen[100 : 100 + invented] = 0, 1
    return make_answers(truth, seen)


@pytest.mark.parametrize(("hits", "trials", "alpha"), [(59, 59, 0.05), (50, 60, 0.05), (1, 10, 0.01), (0, 5, 0.05)])
def test_the_floor_is_the_least_share_that_the_binomial_test_does_not_reject(
    hits: int, trials: int, alpha: float
) -> None:
    floor = exact_floor(hits / trials, trials, alpha)
    assert floor == pytest.approx(stats.binomtest(hits, trials, alternative="greater").proportion_ci(1 - alpha).low)
    if hits:
        assert stats.binom.sf(hits - 1, trials, floor) == pytest.approx(alpha)


def test_no_miss_in_59_proves_a_sensitivity_of_95_percent_and_in_58_does_not() -> None:
    assert exact_floor(1.0, 59, 0.05) >= 0.95 > exact_floor(1.0, 58, 0.05)


def test_the_dearer_mistake_has_the_smaller_alpha_down_to_a_tenth() -> None:
    assert side_alpha(0.05, 1, 1) == side_alpha(0.05, 1, 4) == 0.05
    assert side_alpha(0.05, 4, 1) == pytest.approx(0.0125)
    assert side_alpha(0.05, 8, 2) == pytest.approx(0.0125)
    assert side_alpha(0.05, 100, 1) == side_alpha(0.05, 1, 0) == pytest.approx(0.005)
    assert side_alpha(0.05, 0, 0) == 0.05


def test_the_used_part_is_that_of_the_worse_side() -> None:
    found = used_at_most(presence(), half_and_half(missed=3, invented=5), SINGLE, 0.05)
    sides = [(1 - exact_floor(0.97, 100, 0.05)) / 0.1, (1 - exact_floor(0.95, 100, 0.05)) / 0.2]
    assert found == pytest.approx(max(sides))
    found = used_at_most(presence(), half_and_half(missed=0, invented=12), SINGLE, 0.05)
    assert found == pytest.approx((1 - exact_floor(0.88, 100, 0.05)) / 0.2)


def test_a_share_of_one_half_is_a_share() -> None:
    found = used_at_most(presence(tolerance={"min_sensitivity": 0.4}), half_and_half(missed=50), SINGLE, 0.05)
    assert found == pytest.approx((1 - exact_floor(0.5, 100, 0.05)) / 0.6)


def test_a_dear_miss_is_bounded_more_surely_and_a_dear_false_alarm_too() -> None:
    answers = half_and_half()
    cheap, dear = (used_at_most(presence(price={"miss": m}), answers, SINGLE, 0.05) for m in (1, 10))
    assert cheap == pytest.approx((1 - exact_floor(1.0, 100, 0.05)) / 0.1)
    assert dear == pytest.approx((1 - exact_floor(1.0, 100, 0.005)) / 0.1)
    alarm = presence(price={"false_alarm": 10}, tolerance={"min_specificity": 0.9})
    assert used_at_most(alarm, answers, SINGLE, 0.05) == pytest.approx((1 - exact_floor(1.0, 100, 0.005)) / 0.1)


def test_equal_groups_are_one_trial_each_of_each_side_that_they_have_answers_of() -> None:
    fours = np.array([f"g{i // 4}" for i in range(200)])
    found = used_at_most(presence(), half_and_half(), fours, 0.05)
    assert found == pytest.approx((1 - exact_floor(1.0, 25, 0.05)) / 0.1)
    mixed = np.array([f"g{i % 100}" for i in range(200)])  # each group shows something in one image, nothing in another
    assert used_at_most(presence(), half_and_half(), mixed, 0.05) == pytest.approx(
        (1 - exact_floor(1.0, 100, 0.05)) / 0.1
    )


def test_unequal_groups_are_fewer_trials_than_groups() -> None:
    """One group of 81 images and 19 of one each: 100² / (81² + 19) = 1.52 trials, not 20."""
    groups = np.array(["large"] * 81 + [f"g{i}" for i in range(19)] + [f"n{i}" for i in range(100)])
    only = presence(tolerance={"min_sensitivity": 0.9})
    found = used_at_most(only, half_and_half(), groups, 0.05)
    assert found == pytest.approx((1 - exact_floor(1.0, 100**2 / (81**2 + 19), 0.05)) / 0.1)


@pytest.mark.parametrize("spread", [0.0, 0.8, 1.3])
def test_groups_that_are_missed_whole_are_proven_no_more_often_than_alpha_however_unequal(spread: float) -> None:
    """The true sensitivity is the limit. Counting groups as trials promoted up to 18 % of such models."""
    random, limit, sets, num_groups = np.random.default_rng(0), 0.8, 500, 60
    decision = presence(tolerance={"min_sensitivity": limit})
    proven = 0
    for _ in range(sets):
        sizes = np.maximum(1, random.lognormal(1.5, spread, num_groups).round()).astype(np.int64)
        groups = np.repeat([f"g{i}" for i in range(num_groups)], sizes)
        seen = np.repeat((random.random(num_groups) < limit).astype(np.int64), sizes)
        used = used_at_most(decision, make_answers(np.ones_like(seen), seen), groups, 0.05)
        assert used is not None
        proven += used <= 1
    assert proven / sets <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / sets)


def test_as_many_times_the_groups_are_as_many_times_the_trials() -> None:
    found = used_at_most(presence(), half_and_half(), SINGLE, 0.05, times=2.5)
    assert found == pytest.approx((1 - exact_floor(1.0, 250, 0.05)) / 0.1)


def test_zones_and_classes_of_an_image_are_no_further_trials() -> None:
    present = np.ones((100, 2, 3, 1), dtype=bool)
    present[:, :, 2] = False  # one zone of three is empty in every image
    nothing = np.zeros(present.shape)
    zoned = Answers(
        nothing.astype(np.int64), nothing, present, np.zeros((100, 2), dtype=bool), np.zeros((100, 3), dtype=np.int64)
    )
    found = used_at_most(presence(), zoned, SINGLE[:100], 0.05)
    assert found == pytest.approx((1 - exact_floor(1.0, 100, 0.05)) / 0.1)


def test_only_what_is_limited_is_bounded() -> None:
    only = presence(tolerance={"min_specificity": 0.8})
    found = used_at_most(only, half_and_half(missed=50), SINGLE, 0.05)
    assert found == pytest.approx((1 - exact_floor(1.0, 100, 0.05)) / 0.2)
    counting = Decision.model_validate({"kind": "count"})
    assert used_at_most(counting, half_and_half(), SINGLE, 0.05) is None


def test_the_accuracy_of_an_action_is_a_share_as_well() -> None:
    decision = Decision.model_validate(
        {"kind": "count", "action": "if count() < 5 then repeat", "tolerance": {"min_accuracy": 0.9}}
    )
    truth = np.arange(100)
    seen = truth.copy()
    seen[:2] = 50  # two images of too few objects, not seen
    found = used_at_most(decision, make_answers(truth, seen, acts_from=5), SINGLE[:100], 0.05)
    assert found == pytest.approx((1 - exact_floor(0.98, 100, 0.05)) / 0.1)


def test_nothing_to_tell_a_share_from_proves_nothing() -> None:
    always = make_answers(ONES, ONES)
    assert used_at_most(presence(), always, SINGLE[:100], 0.05) == pytest.approx(1 / 0.2)  # specificity of no image


def test_where_no_mistake_is_allowed_none_can_be_ruled_out() -> None:
    strict = presence(tolerance={"min_sensitivity": 1.0})
    assert used_at_most(strict, half_and_half(), SINGLE, 0.05) == 1000
