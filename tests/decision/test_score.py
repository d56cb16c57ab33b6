"""A decision's figures are what is computed by hand, and `met` needs the whole interval."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from segwise.decision.answers import Answer
from segwise.decision.limits import MOST_USED, in_words
from segwise.decision.params import Decision
from segwise.decision.score import Answers, exact_interval, figures, met, stack

KINDS = ("count", "coverage", "presence", "itemize", "track")


def said(counts: Any = 0, coverage: Any = 0, present: Any = False, acts: bool = False) -> Answer:
    """An answer of one zone and one class, or of as many classes as are given."""
    row = lambda v, kind: np.atleast_2d(np.asarray(v, dtype=kind))  # noqa: E731  # three of a kind
    return Answer(row(counts, np.int64), row(coverage, np.float64), row(present, bool), acts)


def counted(*pairs: tuple[Any, Any], acts: list[tuple[bool, bool]] | None = None) -> Answers:
    acts = acts or [(False, False)] * len(pairs)
    both = [(said(t, acts=a), said(p, acts=b)) for (t, p), (a, b) in zip(pairs, acts, strict=True)]
    return stack(both, np.zeros((len(pairs), 3)))


def there(*pairs: tuple[bool, bool]) -> Answers:
    return stack([(said(present=t), said(present=p)) for t, p in pairs], np.zeros((len(pairs), 3)))


def matched(tp: int, fp: int, fn: int) -> Answers:
    return stack([(said(), said())], np.array([[tp, fp, fn]]))


def decide(kind: str, action: str = "", **tolerance: float) -> Decision:
    return Decision.model_validate({"kind": kind, "tolerance": tolerance, "action": action})


def test_count_figures_by_hand() -> None:
    got = figures(decide("count", relative=0.25), counted((10, 8), (4, 5), (0, 1), (6, 6)))
    assert got == pytest.approx(
        {
            "error": 4 / 20, "used": 0.8, "mae": 1, "mape": (0.2 + 0.25 + 0) / 3, "bias": 0, "relative_bias": 0,
            "limits_low": -1.96 * math.sqrt(6 / 4), "limits_high": 1.96 * math.sqrt(6 / 4), "exact_rate": 0.25,
            "cost": 1000 * 4 / 4,
        }
    )  # fmt: skip


def test_classes_do_not_make_good_for_one_another() -> None:
    assert figures(decide("count"), counted(([3, 1], [1, 3])))["error"] == 1


def test_a_count_needs_only_one_of_its_two_tolerances() -> None:
    few = counted((2, 3), (2, 2))  # 25 %, but half an object an image
    assert figures(decide("count", relative=0.1), few)["used"] == pytest.approx(2.5)
    assert figures(decide("count", absolute=1), few)["used"] == 0.5
    assert figures(decide("count", relative=0.1, absolute=1), few)["used"] == 0.5
    none = counted((0, 0), (0, 1))  # relative is undefined without an object
    assert figures(decide("count", relative=0.1, absolute=1), none)["used"] == 0.5
    assert math.isnan(figures(decide("count", relative=0.1), none)["used"])


def test_coverage_figures_by_hand() -> None:
    pairs = [(said(coverage=t), said(coverage=p)) for t, p in ((0.5, 0.52), (0.1, 0.06))]
    got = figures(decide("coverage", points=0.02), stack(pairs, np.zeros((2, 3))))
    assert got == pytest.approx(
        {
            "error": 0.03, "used": 1.5, "bias": -0.01, "limits_low": -0.01 - 1.96 * 0.03,
            "limits_high": -0.01 + 1.96 * 0.03, "cost": 1000 * 0.06 / 2,
        }
    )  # fmt: skip


def test_presence_figures_by_hand_and_the_worse_side_counts() -> None:
    answers = there(*[(True, True)] * 9, (True, False), *[(False, False)] * 3, (False, True))
    got = figures(decide("presence", min_sensitivity=0.95, min_specificity=0.5), answers)
    assert got == pytest.approx(
        {"error": 0.25, "used": 2, "sensitivity": 0.9, "specificity": 0.75, "cost": 1000 * 2 / 14}
    )


def test_a_limit_that_cannot_be_judged_is_not_met_but_another_may_be_missed() -> None:
    only_there = there((True, True), (True, False))  # specificity has no image to be measured on
    assert math.isnan(figures(decide("presence", min_sensitivity=0.5, min_specificity=0.5), only_there)["used"])
    assert figures(decide("presence", min_sensitivity=0.9, min_specificity=0.5), only_there)["used"] == pytest.approx(5)
    assert figures(decide("presence", min_sensitivity=0.5), only_there)["used"] == 1
    assert figures(decide("presence"), only_there)["error"] == 0.5


@pytest.mark.parametrize("kind", ["itemize", "track"])
def test_item_figures_by_hand(kind: str) -> None:
    got = figures(decide(kind, min_f1=0.8), matched(6, 2, 4))
    assert got == pytest.approx(
        {"error": 1 - 12 / 18, "used": (1 / 3) / 0.2, "f1": 12 / 18, "precision": 0.75, "recall": 0.6, "cost": 6000}
    )


def test_an_action_is_judged_by_its_accuracy_and_priced_by_its_mistakes() -> None:
    acts = [(True, True), (True, False), (False, True), (False, True), (False, False)]
    answers = counted(*[(10, 10)] * 5, acts=acts)
    decision = Decision.model_validate(
        {
            "kind": "count", "action": "if count() < 1 then stop", "price": {"miss": 10, "false_alarm": 1},
            "tolerance": {"min_accuracy": 0.8},
        }
    )  # fmt: skip
    got = figures(decision, answers)
    assert (got["accuracy"], got["cost"]) == (0.4, 1000 * (10 + 2) / 5)
    assert got["used"] == pytest.approx(3)
    assert got["error"] == 0
    assert figures(decide("count", "if count() < 1 then stop", min_accuracy=0.25), answers)["used"] == pytest.approx(
        0.8
    )
    both = decide("count", "if count() < 1 then stop", min_accuracy=0.8, relative=0.1)
    assert figures(both, answers)["used"] == pytest.approx(3)
    assert figures(decide("count", "if count() < 1 then stop"), answers)["used"] == 0


def test_a_tolerance_of_nothing_is_kept_by_no_mistake_and_broken_by_any() -> None:
    assert figures(decide("itemize", min_f1=1), matched(5, 0, 0))["used"] == 0
    few, many = (figures(decide("itemize", min_f1=1), matched(5, fp, 0))["used"] for fp in (1, 9))
    assert 1 < few < many < MOST_USED  # fewer mistakes are still better
    assert figures(decide("itemize", min_f1=0), matched(0, 1, 1))["used"] == 1


@pytest.mark.parametrize("kind", KINDS)
def test_without_images_every_figure_is_undefined_and_nothing_is_met(kind: str) -> None:
    for answers in (stack([], np.zeros((0, 3))), matched(0, 0, 0)):
        got = figures(decide(kind, "if count() < 1 then stop"), answers, np.zeros(len(answers), dtype=np.int64))
        assert all(math.isnan(value) for value in got.values())
        assert met(got["used"], None) == "unknown"


@st.composite
def answered(draw: st.DrawFn) -> Answers:
    """One to six images of two zones and two classes."""
    num = draw(st.integers(1, 6))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (num, 2, 2, 2)
    return Answers(
        random.integers(0, 6, shape), random.random(shape), random.random(shape) < 0.6,
        random.random((num, 2)) < 0.5, random.integers(0, 4, (num, 3)),
    )  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(answered(), st.sampled_from(KINDS), st.integers(0, 2**32 - 1))
def test_a_weight_is_the_image_given_that_many_times(answers: Answers, kind: str, seed: int) -> None:
    weights = np.random.default_rng(seed).integers(0, 4, len(answers))
    index = np.repeat(np.arange(len(answers)), weights)
    repeated = Answers(*(getattr(answers, key)[index] for key in ("counts", "coverage", "present", "acts", "matches")))
    decision = decide(kind, "if count() < 1 then stop")
    assert figures(decision, answers, weights) == pytest.approx(figures(decision, repeated), nan_ok=True)


@settings(max_examples=50, deadline=None)
@given(answered(), st.sampled_from(KINDS))
def test_another_mistake_never_uses_less(answers: Answers, kind: str) -> None:
    counts, coverage, present = answers.counts.copy(), answers.coverage.copy(), answers.present.copy()
    away = np.where(counts[0, 1] >= counts[0, 0], 1, -1)
    counts[0, 1] += away
    coverage[0, 1] += np.where(coverage[0, 1] >= coverage[0, 0], 0.1, -0.1)
    present[0, 1] = ~present[0, 0]
    matches = answers.matches + np.array([0, 1, 1])
    bad = replace(answers, counts=counts, coverage=coverage, present=present, matches=matches)
    before, after = figures(decide(kind), answers), figures(decide(kind), bad)
    for key in ("error", "used", "cost"):
        assert math.isnan(before[key]) or math.isnan(after[key]) or after[key] >= before[key] - 1e-12


@pytest.mark.parametrize(
    ("used", "interval", "expected"),
    [
        (0.7, (0.5, 1.0), "met"), (0.7, (0.5, 1.01), "open"), (1.5, (0.9, 2), "open"), (1.5, (1.01, 2), "missed"),
        (0.2, None, "open"), (1.5, None, "open"), (2.5, None, "missed"), (None, None, "unknown"),
        (math.nan, (0, 1), "unknown"), (0.5, (None, None), "open"), (3.0, (None, 2.0), "missed"),
        (0.5, (math.nan, 0.9), "open"), (MOST_USED, (MOST_USED, MOST_USED), "missed"),
    ],
)  # fmt: skip
def test_met_is_said_only_where_the_whole_interval_agrees(used: float, interval: Any, expected: str) -> None:
    assert met(used, interval) == expected


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (0, 12), (12, 12), (3, 12), (117, 120)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_exact_intervals_are_clopper_and_pearsons(successes: int, trials: int, confidence: float) -> None:
    expected = (0.0, 1.0)
    if trials:
        found = binomtest(successes, trials).proportion_ci(confidence, method="exact")
        expected = (found.low, found.high)
    assert exact_interval(successes, trials, confidence) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        (decide("count"), "within 10 %"),
        (decide("count", relative=0.07, absolute=1), "within 7 % or within ±1"),
        (decide("coverage", points=0.02), "within 2 points"),
        (decide("presence"), "sensitivity at least 0.95, specificity at least 0.9"),
        (decide("itemize", min_f1=0.8, iou=0.75), "F1 at least 0.8 at IoU 0.75"),
        (
            decide("count", "if count() < 1 then stop", relative=0.1, absolute=1, min_accuracy=0.975),
            "within 10 % or within ±1, the right action on at least 97.5 % of the images",
        ),
    ],
)
def test_a_tolerance_is_said_in_words(decision: Decision, words: str) -> None:
    assert in_words(decision) == words
