"""What a figure is at worst: levels, bounds, and how many more groups would decide."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from segwise.decision.params import Decision
from segwise.gate.bounds import Sample, quantile, worst_of
from segwise.gate.checks import Check, make_checks
from segwise.gate.misses import exact_floor
from segwise.gate.power import (
    effective_groups,
    fewest_draws,
    fewest_groups,
    further_groups,
    level,
    missing_groups,
    per_candidate,
    strength,
    weights_of,
)
from tests.gate.made import make_answers, sample


def test_with_many_groups_the_level_is_alpha_itself() -> None:
    assert level(1e9, 0.05) == pytest.approx(0.05, rel=1e-3)


@pytest.mark.parametrize(("n", "alpha"), [(14, 0.05), (40, 0.05), (94, 0.0125)])
def test_the_level_is_students_and_goes_further_for_skewed_groups(n: int, alpha: float) -> None:
    z, student = stats.norm.ppf(1 - alpha), stats.t.ppf(1 - alpha, n - 1)
    expected = stats.norm.cdf(-(student * math.sqrt(n / (n - 1)) + 3.0 * (z**2 + 2) / (6 * math.sqrt(n))))
    assert level(n, alpha) == pytest.approx(expected)
    assert level(n, alpha) > alpha / 50


def test_fewer_groups_go_deeper_but_never_deeper_than_a_fiftieth_of_alpha() -> None:
    levels = [level(n, 0.05) for n in (1.2, 4, 10, 20, 40, 200)]
    assert levels == sorted(levels)
    assert levels[0] == levels[1] == pytest.approx(0.001)
    assert level(1.0, 0.4) == level(2.0, 0.4) > level(1.0, 0.4) / 2
    assert level(2.0, 0.4) < level(3.0, 0.4)


def test_a_bound_takes_eight_groups_at_95_percent_and_more_the_surer_it_must_be() -> None:
    assert [fewest_groups(alpha) for alpha in (0.05, 0.05 / 3, 0.05 / 4, 0.5, 0.9)] == [8, 11, 12, 2, 2]
    assert worst_of(sample(0.9, 0.8, num_groups=7), 0.05, is_minimum=True) is None
    assert worst_of(sample(0.9, 0.8, num_groups=8), 0.05, is_minimum=True) is not None


def test_alpha_is_divided_by_the_number_of_candidates() -> None:
    assert per_candidate(0.05, 4) == 0.0125
    assert per_candidate(0.05, 0) == per_candidate(0.05, 1) == 0.05


def test_unequal_groups_count_as_fewer() -> None:
    groups = ["a", "a", "b", "c"]
    assert effective_groups(groups, np.array([1.0, 1.0, 2.0, 2.0])) == pytest.approx(3)
    assert effective_groups(groups, np.array([5.0, 5.0, 0.0, 0.0])) == pytest.approx(1)
    assert effective_groups(groups, np.array([3.0, 1.0, 2.0, 0.0])) == pytest.approx(36 / 20)
    assert effective_groups(groups, np.zeros(4)) == 0


def test_a_bound_is_the_order_statistic_of_its_level() -> None:
    draws = np.random.default_rng(0).permutation(np.linspace(0, 1, 1001))
    at = level(40, 0.05)
    found = worst_of(Sample(0.9, draws, 40, 40), 0.05, is_minimum=True)
    assert found == pytest.approx(math.floor(at * 1001) / 1000)
    found = worst_of(Sample(0.1, draws, 40, 40), 0.05, is_minimum=False)
    assert found == pytest.approx(1 - math.floor(at * 1001) / 1000)
    fewer = worst_of(Sample(0.9, draws, 40, 40, effective_groups=9.0), 0.05, is_minimum=True)
    assert fewer == pytest.approx(math.floor(level(9.0, 0.05) * 1001) / 1000)


def test_a_bound_is_never_better_than_the_figure_itself_or_than_an_exact_one() -> None:
    draws = np.full(1000, 0.9)
    assert worst_of(Sample(0.8, draws, 20, 20), 0.05, is_minimum=True) == 0.8
    assert worst_of(Sample(0.95, draws, 20, 20), 0.05, is_minimum=False) == 0.95
    assert worst_of(Sample(0.9, draws, 20, 20, exact=lambda _: 0.7), 0.05, is_minimum=True) == 0.7
    assert worst_of(Sample(0.9, draws, 20, 20, exact=lambda _: 0.99), 0.05, is_minimum=True) == 0.9
    assert worst_of(Sample(0.9, draws, 20, 20, exact=lambda _: 1.3), 0.05, is_minimum=False) == 1.3


def test_a_figure_without_number_or_draws_has_no_bound() -> None:
    draws = np.full(1000, 0.9)
    for value in (None, math.nan, math.inf):
        assert worst_of(Sample(value, draws, 20, 20), 0.05, is_minimum=True) is None
    assert worst_of(Sample(0.9, num_groups=20), 0.05, is_minimum=True) is None
    assert worst_of(Sample(0.9, draws, 20, 20, exact=lambda _: math.nan), 0.05, is_minimum=True) is None


@pytest.mark.parametrize("is_minimum", [True, False])
def test_undefined_draws_count_as_the_worst_there_can_be(is_minimum: bool) -> None:
    draws = np.full(1000, 0.9)
    few, many = draws.copy(), draws.copy()
    few[:5], many[:100] = np.nan, np.nan
    assert worst_of(Sample(0.9, few, 100, 100), 0.05, is_minimum=is_minimum) == 0.9
    assert worst_of(Sample(0.9, many, 100, 100), 0.05, is_minimum=is_minimum) is None
    assert quantile(many, 0.05) == -math.inf


Draws = st.lists(st.floats(0, 1), min_size=100, max_size=100)


@settings(max_examples=50, deadline=None)
@given(Draws, Draws, st.integers(8, 200), st.floats(0, 1), st.booleans())
def test_a_figure_that_is_better_in_every_draw_never_gets_a_worse_verdict(
    low: list[float], gain: list[float], num_groups: int, limit: float, is_minimum: bool
) -> None:
    words = ("hold", "inconclusive", "promote")
    name = "min_f1" if is_minimum else "max_count_error"
    worse, better = np.array(low), np.maximum(low, gain)
    if not is_minimum:
        worse, better = better, worse
    checks = [
        make_checks({name[4:]: Sample(float(d.mean()), d, num_groups, num_groups)}, {name: limit}, 0.05)[0]
        for d in (worse, better)
    ]
    assert words.index(checks[0].verdict) <= words.index(checks[1].verdict)


def reach_of(total: int, now: int, reach: float, alpha: float = 0.05) -> float:
    """The bound's distance of so many groups: the standard error times the depth of the level."""
    depth = {n: -stats.norm.ppf(level(n, alpha)) for n in (total, now)}
    return float(reach * math.sqrt(now / total) * depth[total] / depth[now])


@pytest.mark.parametrize(("now", "needed"), [(8, 0.1), (10, 0.1), (14, 0.15), (40, 0.05), (100, 0.19)])
def test_the_distance_to_the_bound_shrinks_with_the_root_of_the_groups_and_the_depth_of_its_level(
    now: int, needed: float
) -> None:
    more = further_groups(now, needed, 0.05, 0.2)
    assert more is not None
    assert reach_of(now + more, now, 0.2) <= needed < reach_of(now + more - 1, now, 0.2)
    assert now + more < now * (0.2 / needed) ** 2 + 1  # the root alone would ask for more


def test_unequal_groups_are_followed_by_unequal_ones() -> None:
    five, one = further_groups(40, 0.1, 0.05, 0.2, effective=8), further_groups(8, 0.1, 0.05, 0.2)
    assert five is not None and one is not None
    assert 5 * (one - 1) < five <= 5 * one
    assert further_groups(40, 0.1, 0.05, 0.2, effective=40) == further_groups(40, 0.1, 0.05, 0.2)


def test_an_exact_bound_has_to_be_met_by_so_many_more_as_well() -> None:
    """Without a miss a sensitivity of 0.95 takes 59 groups: 19 more than 40, not 43 as the root would have it."""

    def exact(times: float) -> float:
        return 1 - exact_floor(1.0, 40 * times, 0.05)

    assert further_groups(40, needed=0.05, alpha=0.05, reach=0.0, exact=exact) == 19
    assert further_groups(40, 0.05, 0.05, 0.2, exact=exact) == further_groups(40, 0.05, 0.05, 0.2)


def test_nothing_is_named_that_would_not_decide() -> None:
    assert further_groups(10, needed=0.1, alpha=0.05, reach=0.1) == 1
    assert further_groups(10, needed=0.0, alpha=0.05, reach=0.2) is None
    assert further_groups(10, needed=-0.1, alpha=0.05, reach=0.2) is None
    assert further_groups(10, needed=0.1, alpha=0.05, reach=math.inf) is None
    assert further_groups(10, needed=1e-9, alpha=0.05, reach=0.2) is None
    least = reach_of(1_000_000, 100, 1.0)  # a million in all is the most named
    assert further_groups(100, needed=least * 1.00001, alpha=0.05, reach=1.0) in range(999_800, 999_901)
    assert further_groups(100, needed=least * 0.99999, alpha=0.05, reach=1.0) is None


def test_groups_are_missing_for_a_bound_and_one_at_least() -> None:
    assert [missing_groups(n, 0.05) for n in (1, 3, 7, 8, 90)] == [7, 5, 1, 1, 1]


def test_groups_that_say_nothing_are_not_counted() -> None:
    groups = ["a", "a", "b", "c", "d"]
    assert strength(groups, [np.array([1.0, 1.0, 2.0, 0.0, 0.0])]) == (2, pytest.approx(2))
    assert strength(groups, [np.ones(5), np.array([4.0, 0.0, 0.0, 0.0, 0.0])]) == (1, pytest.approx(1))
    assert strength(groups, [np.array([1.0, 0.0, 1.0, 1.0, 0.0]), np.array([9.0, 0.0, 1.0, 1.0, 1.0])]) == (
        3,
        pytest.approx(144 / 84),
    )
    assert strength(groups, [np.zeros(5)]) == (0, 0)


def test_each_limit_of_a_decision_divides_by_something_of_its_own() -> None:
    answers = make_answers(np.array([3, 0, 5]), np.array([0, 0, 0]))

    def weights(kind: str, **tolerance: float) -> list[list[float]]:
        action = "if count() < 5 then repeat" if "min_accuracy" in tolerance else ""
        decision = Decision.model_validate({"kind": kind, "tolerance": tolerance, "action": action})
        return [one.tolist() for one in weights_of(decision, answers)]

    assert weights("count", relative=0.1) == weights("itemize", min_f1=0.9) == [[3, 0, 5]]
    assert weights("count", absolute=1) == weights("coverage", points=0.1) == [[1, 1, 1]]
    assert weights("count", relative=0.1, min_accuracy=0.9) == [[3, 0, 5], [1, 1, 1]]
    assert weights("presence", min_sensitivity=0.9) == [[1, 0, 1]]
    assert weights("presence", min_specificity=0.9) == [[0, 1, 0]]
    assert weights("presence") == [[1, 0, 1], [0, 1, 0]]


def test_a_level_that_so_few_draws_do_not_reach_is_no_bound() -> None:
    at = level(14, 0.05 / 3)
    fewest = fewest_draws(at)
    assert fewest * at >= 0.5 > (fewest - 1) * at
    few, enough = (Sample(0.9, np.linspace(0.8, 0.9, n), 14, 14) for n in (fewest - 1, fewest))
    assert worst_of(few, 0.05 / 3, is_minimum=True) is None
    assert worst_of(enough, 0.05 / 3, is_minimum=True) == 0.8
    (check,) = make_checks({"f1": few}, {"min_f1": 0.75}, 0.05 / 3)
    assert (check.verdict, check.more_groups) == ("inconclusive", None)
    assert "too few (`gate.replicates`)" in check.requirement()


@pytest.mark.parametrize("num_groups", [8, 14, 40])
def test_so_many_more_groups_do_decide_and_much_fewer_do_not(num_groups: int) -> None:
    """Drawn again, the figure staying what it is: passed with a quarter more than told, not with a quarter less."""
    random = np.random.default_rng(7)

    def check(number: int, limit: float) -> Check:
        scores = random.normal(0, 0.1, number)
        scores = 0.80 + 0.1 * (scores - scores.mean()) / scores.std(ddof=1)
        draws = scores[random.integers(number, size=(4000, number))].mean(axis=1)
        return make_checks({"f1": Sample(0.80, draws, number, 3 * number)}, {"min_f1": limit}, 0.05)[0]

    bound = check(num_groups, 0.5).bound
    assert bound is not None
    limit = 0.8 - (0.8 - bound) / 2
    first = check(num_groups, limit)
    assert first.verdict == "inconclusive" and first.more_groups is not None
    assert first.more_images == 3 * first.more_groups
    wanted = num_groups + first.more_groups
    assert {check(round(1.25 * wanted), limit).verdict for _ in range(5)} == {"promote"}
    assert {check(round(0.75 * wanted), limit).verdict for _ in range(5)} == {"inconclusive"}


def one(value: float | None, worst: float | None = None, name: str = "min_f1", **more: int) -> Check:
    return make_checks({name[4:]: sample(value, worst, **more)}, {name: 0.75}, 0.05)[0]


def test_three_verdicts_of_a_check() -> None:
    assert one(0.85, 0.80).verdict == "promote"
    assert one(0.85, 0.60).verdict == "inconclusive"
    assert one(0.74, 0.60).verdict == "hold"
    assert one(None).verdict == "hold"
    assert one(0.85, 0.80, num_groups=5).verdict == "inconclusive"
    assert one(0.85, 0.75, num_groups=10_000).verdict == "promote"
    assert one(0.75).verdict == "promote"


def test_what_is_measured_on_the_machine_passes_or_holds_without_a_bound() -> None:
    checks = make_checks({"p95_ms": 20.0, "model_mb": 51.0}, {"max_p95_ms": 25.0, "max_model_mb": 50.0}, 0.05)
    assert [(c.verdict, c.bound, c.confidence) for c in checks] == [("promote", None, None), ("hold", None, None)]


def test_a_figure_of_test_images_without_draws_is_not_proven() -> None:
    (check,) = make_checks({"f1": 0.99}, {"min_f1": 0.75}, 0.05)
    assert (check.verdict, check.bound) == ("inconclusive", None)
    assert (check.num_groups, check.more_groups, check.more_images) == (0, 8, 0)


def test_an_unproven_check_says_what_would_decide() -> None:
    text = one(0.85, 0.60, num_groups=20, num_images=40).requirement()
    assert text.startswith(
        "F1 at IoU 0.5 is 0.850 and not proven to be at least 0.750: with 95 % confidence it may be 0.6"
    )
    assert "more test images like these (" in text and "or a limit of 0.60" in text
    few = one(0.85, 0.80, num_groups=5, num_images=9).requirement()
    assert "5 groups are too few to tell with 95 % confidence; about 6 more test images like these (3 groups)" in few
    undefined = Sample(0.85, np.full(1000, np.nan), 20, 40)
    (check,) = make_checks({"f1": undefined}, {"min_f1": 0.75}, 0.05)
    assert "nothing can be told, since it is undefined in too many draws of the images" in check.requirement()
    assert check.more_groups is None


def test_the_limit_that_is_offered_is_one_that_the_bound_meets() -> None:
    for worst in (0.60049, 0.60051, 0.6):
        check = one(0.85, worst)
        assert check.bound is not None
        offered = float(check.requirement().rsplit("a limit of ", 1)[1].split(" ")[0])
        assert check.bound - 0.001 < offered <= check.bound + 1e-9
    check = one(0.5, 0.9, name="max_count_error")
    assert check.bound is not None
    offered = float(check.requirement().rsplit("a limit of ", 1)[1].split(" ")[0]) / 100
    assert check.bound - 1e-9 <= offered < check.bound + 0.001
    (check,) = make_checks({"tolerance_used": sample(0.9, 1.32)}, {"max_tolerance_used": 1.0}, 0.05)
    assert "or a limit of 1.4 × tolerance would be met" in check.requirement()
    (check,) = make_checks({"tolerance_used": sample(0.9, 1.12)}, {"max_tolerance_used": 1.0}, 0.05)
    assert "or a limit of 1.2 × tolerance would be met" in check.requirement()


def test_how_many_more_is_told_from_the_distances_to_limit_and_bound() -> None:
    for name, value, worst in (("min_f1", 0.85, 0.60), ("max_count_error", 0.5, 0.9)):
        check = one(value, worst, name=name, num_groups=20, num_images=50)
        assert check.bound is not None
        more = further_groups(20, abs(value - 0.75), 0.05, abs(value - check.bound))
        assert more is not None and more > 1
        assert (check.more_groups, check.more_images) == (more, math.ceil(2.5 * more))
    few = one(0.85, 0.80, num_groups=1, num_images=3)
    assert (few.more_groups, few.more_images) == (7, 21)


def test_enough_groups_whose_draws_are_undefined_need_no_more_groups() -> None:
    undefined = Sample(0.85, np.full(1000, np.nan), 8, 8)
    (check,) = make_checks({"f1": undefined}, {"min_f1": 0.75}, 0.05)
    assert (check.verdict, check.bound, check.more_groups, check.more_images) == ("inconclusive", None, None, None)


def test_a_value_on_its_limit_that_is_not_proven_would_not_be_by_more_images() -> None:
    check = one(0.75, 0.6)
    assert (check.verdict, check.more_groups, check.more_images) == ("inconclusive", None, None)
    assert "; a limit of 0.6" in check.requirement() and "more test images" not in check.requirement()


def test_a_check_of_a_slice_says_which() -> None:
    (check,) = make_checks({"f1": sample(0.5)}, {"min_f1": 0.75}, 0.05, "modality histology")
    assert check.requirement() == "F1 at IoU 0.5 on modality histology would have to rise from 0.500 to at least 0.750"
