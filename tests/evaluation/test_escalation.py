"""A cascade's trigger: which images need the instance model, the promise about them, and when it is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest

from segwise.decision.params import Decision
from segwise.decision.score import Answers
from segwise.evaluation.escalation import calibrate, groups_needed, hardest, lower_bound, threshold
from segwise.evaluation.learned import as_text, cross_fitted, fit
from segwise.evaluation.needs import errors, mixed, needs
from segwise.evaluation.worth import Evidence, Terms, saving

COUNT = Decision(kind="count")  # within 10 %
TERMS = Terms(recall=0.8, confidence=0.9, margin=0.25, min_saving=0.2, cost_ratio=5.0, replicates=20, seed=0)


def counted(truth: Any, seen: Any, acts: Any = None) -> Answers:
    """Answers of one zone and class from counts (I,); everything else says nothing."""
    counts = np.stack([np.asarray(truth), np.asarray(seen)], axis=1).astype(np.int64)[:, :, None, None]
    num = len(counts)
    said = np.zeros((num, 2), dtype=bool) if acts is None else np.asarray(acts)
    return Answers(counts, counts * 0.01, counts > 0, said, np.zeros((num, 3), dtype=np.int64))


def rare(num: int = 200, every: int = 5, overlap: float = 0.0) -> Evidence:
    """Every fifth image is crowded: the cheap model misses 6 of 20 there, the instance model 1 everywhere. The score is
    higher there, by more the smaller the overlap."""
    crowded = np.arange(num) % every == 0
    random = np.random.default_rng(0)
    truth = np.full(num, 20)
    scores = crowded + overlap * random.normal(size=num)
    cheap, instance = counted(truth, np.where(crowded, 14, 20)), counted(truth, np.full(num, 19))
    return Evidence(cheap, instance, tuple(f"g{i}" for i in range(num)), scores)


# --- which images need it


def test_an_image_needs_the_instance_model_where_the_cheap_one_is_beyond_the_tolerance_and_clearly_worse() -> None:
    truth = [20, 20, 20, 20, 0, 0]
    cheap = counted(truth, [18, 17, 17, 17, 1, 0])  # errors 2 3 3 3 1 0, of which 2 (and 0) are allowed
    instance = counted(truth, [20, 20, 17, 16, 0, 0])
    assert needs(COUNT, cheap, instance, 0.25).tolist() == [False, True, False, False, True, False]
    assert not needs(COUNT, cheap, instance, 1.5)[1]  # better by 3, but 1.5 × 2 is asked


def test_of_a_relative_and_an_absolute_limit_the_wider_counts() -> None:
    both = Decision.model_validate({"kind": "count", "tolerance": {"relative": 0.1, "absolute": 3}})
    assert errors(both, counted([20, 50], [23, 44]))[1].tolist() == [3, 5]


def test_where_the_tolerance_is_of_the_action_the_refusal_speaks_of_wrong_actions() -> None:
    keys = {"kind": "count", "action": "if count() < 15 then alert", "tolerance": {"min_accuracy": 0.9}}
    seen = rare()
    told = np.stack([np.zeros(200, dtype=bool), seen.cheap.counts[:, 1, 0, 0] < 15], axis=1)
    cheap = Answers(seen.cheap.counts, seen.cheap.coverage, seen.cheap.present, told, seen.cheap.matches)
    found = calibrate(
        Decision.model_validate(keys), Evidence(cheap, seen.instance, seen.groups, seen.scores), TERMS, ""
    )
    assert found["refused"] is None
    assert found["used"] == pytest.approx({"cheap": 2.0, "instance": 0.0, "cascade": 0.0}, abs=0.2)


@pytest.mark.parametrize(
    ("kind", "error", "allowed"),
    [("coverage", [0.03, 0.0], 0.02), ("presence", [0, 0], 0), ("itemize", [1 - 6 / 9, 0], 0.15)],
)
def test_each_kind_has_its_own_error_of_an_image(kind: str, error: list[float], allowed: float) -> None:
    found = counted([20, 20], [17, 20])
    found = Answers(found.counts, found.coverage, found.present, found.acts, np.array([[3, 1, 2], [0, 0, 0]]))
    got, limit = errors(Decision.model_validate({"kind": kind}), found)
    assert got == pytest.approx(error)
    assert limit == pytest.approx(allowed)


def test_a_wrong_action_needs_it_only_where_the_tolerance_is_of_the_action() -> None:
    keys: dict[str, Any] = {"kind": "count", "action": "if count() < 5 then alert"}
    wrong, right = counted([5], [5], [[True, False]]), counted([5], [5], [[True, True]])
    for tolerance, expected in (({"min_accuracy": 0.9}, True), ({}, False)):
        decision = Decision.model_validate({**keys, "tolerance": tolerance})
        assert needs(decision, wrong, right, 0.25).tolist() == [expected]


def test_a_cascades_answers_are_each_models_where_it_answered() -> None:
    both = mixed(counted([1, 2, 3], [4, 5, 6]), counted([1, 2, 3], [7, 8, 9]), np.array([False, True, False]))
    assert both.counts[:, 1, 0, 0].tolist() == [4, 8, 6]
    assert both.counts[:, 0, 0, 0].tolist() == [1, 2, 3]


# --- the promise


@pytest.mark.parametrize(("caught", "of"), [(0, 5), (5, 5), (22, 22), (18, 20), (1, 30)])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_lower_bound_is_clopper_and_pearsons(caught: int, of: int, confidence: float) -> None:
    oracle = binomtest(caught, of, alternative="greater").proportion_ci(confidence, method="exact").low
    assert lower_bound(caught, of, confidence) == pytest.approx(oracle, abs=1e-9)


@pytest.mark.parametrize(("recall", "confidence", "fewest"), [(0.9, 0.9, 22), (0.9, 0.95, 29), (0.95, 0.95, 59)])
def test_fewer_groups_than_wilks_tables_say_bear_no_promise(recall: float, confidence: float, fewest: int) -> None:
    assert groups_needed(recall, confidence) == fewest
    assert threshold(np.arange(fewest - 1.0), recall, confidence) is None
    assert threshold(np.arange(float(fewest)), recall, confidence) == 0.0


def test_a_group_is_as_easy_to_catch_as_its_hardest_needing_image() -> None:
    needing = np.array([True, True, False, True])
    assert hardest(np.array([3.0, 1.0, 0.0, 2.0]), needing, ["a", "a", "a", "b"]).tolist() == [1.0, 2.0]


@pytest.mark.parametrize("num", [14, 40, 120])
def test_the_promised_recall_holds_in_as_many_draws_as_the_confidence_says(num: int) -> None:
    random = np.random.default_rng(num)
    true = []
    for _ in range(4000):
        at = threshold(np.sort(random.random(num)), 0.8, 0.95)
        assert at is not None
        true.append(1 - at)  # the share of all scores, uniform on 0 to 1, at or above it
    kept = np.mean(np.array(true) >= 0.8)
    assert kept > 0.95 - 3 * math.sqrt(0.05 * 0.95 / 4000)
    assert np.mean(true) < 0.97  # and not by escalating everything


def test_it_holds_over_groups_of_images_that_are_alike_where_images_taken_for_independent_break_it() -> None:
    random = np.random.default_rng(1)
    kept: dict[str, list[bool]] = {"groups": [], "images": []}
    for _ in range(1000):
        scores = np.repeat(random.random(15), 6)  # six tiles of one field, one score
        everything = np.ones(scores.size, dtype=bool)
        for way, names in (("groups", np.repeat(np.arange(15), 6)), ("images", np.arange(90))):
            at = threshold(hardest(scores, everything, [str(n) for n in names]), 0.8, 0.95)
            assert at is not None
            kept[way].append(1 - at >= 0.8)
    assert np.mean(kept["groups"]) > 0.93
    assert np.mean(kept["images"]) < 0.85


def population(random: np.random.Generator, num: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Eight features, two of which say something of which images need it, a quarter of all."""
    needing = random.random(num) < 0.25
    table = random.normal(size=(num, 8))
    table[:, 0] += 1.5 * needing
    table[:, 1] -= 1.0 * needing
    return table, needing


def test_a_learned_score_keeps_the_promise_on_new_images_in_95_percent_of_draws() -> None:
    random = np.random.default_rng(2)
    new, new_needing = population(random, 20_000)
    kept, rates = [], []
    for _ in range(300):
        table, needing = population(random, 160)
        groups = [str(i) for i in range(160)]
        honest = cross_fitted(table, needing, groups, folds=5, seed=0)
        at = threshold(hardest(honest, needing, groups), 0.8, 0.95)
        if at is not None:
            escalated = fit(table, needing)(new) >= at
            kept.append(escalated[new_needing].mean() >= 0.8)
            rates.append(escalated.mean())
    assert len(kept) > 290
    assert np.mean(kept) > 0.95 - 3 * math.sqrt(0.05 * 0.95 / 300)
    assert 0.3 < np.mean(rates) < 0.6  # it separates: a coin would escalate more than 80 %


def test_what_is_known_of_a_group_does_not_change_its_own_scores() -> None:
    table, needing = population(np.random.default_rng(5), 60)
    groups = [f"g{i // 3}" for i in range(60)]
    one, other = needing.copy(), needing.copy()
    one[:3], other[:3] = [True, False, False], [False, True, True]  # a group that has some either way: the same folds
    before, after = (cross_fitted(table, flags, groups, folds=60, seed=0) for flags in (one, other))
    assert np.array_equal(before[:3], after[:3])
    assert not np.array_equal(before[3:], after[3:])


def test_a_score_fitted_on_the_images_it_is_judged_on_would_break_the_promise() -> None:
    random = np.random.default_rng(3)
    new = random.normal(size=(4000, 40))
    kept = []
    for _ in range(100):
        table, needing = random.normal(size=(120, 40)), random.random(120) < 0.4  # nothing to be learned
        line = fit(table, needing)
        at = threshold(hardest(line(table), needing, [str(i) for i in range(120)]), 0.8, 0.95)
        kept.append(at is not None and (line(new) >= at).mean() >= 0.8)
    assert np.mean(kept) < 0.85


def test_a_line_is_written_as_the_expression_it_is() -> None:
    table, needing = population(np.random.default_rng(4), 100)
    table[:, 7] = 3.0  # never changes: says nothing
    line = fit(table, needing)
    text = as_text(line, [f"x{i}" for i in range(8)])
    values = {f"x{i}": table[:, i] for i in range(8)}
    assert "x7" not in text
    assert eval(text, {}, values) == pytest.approx(line(table), abs=1e-4)
    assert line(table).mean() == pytest.approx(0, abs=1e-4)
    assert line(table)[needing].mean() > 0.5 > line(table)[~needing].mean()


def test_where_all_images_are_alike_the_line_says_nothing() -> None:
    line = fit(np.random.default_rng(0).normal(size=(10, 3)), np.zeros(10, dtype=bool))
    assert line(np.ones((2, 3))).tolist() == [0, 0]


# --- what it is worth, and refusals


def test_rare_triggers_are_accepted_with_the_saving_and_the_errors() -> None:
    found = calibrate(COUNT, rare(), TERMS, "hybrid")
    assert found["refused"] is None
    assert found["needs"] == {"images": 40, "groups": 40}
    assert found["rate"] == pytest.approx(0.2, abs=0.03)
    assert found["saving"] == pytest.approx(1 - found["rate"] - 0.2)
    assert found["promise"]["lower_bound"] >= 0.8
    assert found["used"]["cascade"] < found["used"]["instance"] == 0.5 < found["used"]["cheap"] == 0.6
    low, high = found["differences"]["cheap"]["interval"]
    assert low <= found["differences"]["cheap"]["difference"] <= high < 0


def test_the_curve_goes_from_the_cheap_model_to_the_instance_model() -> None:
    curve = calibrate(COUNT, rare(overlap=0.3), TERMS, "hybrid")["curve"]
    assert (curve[0]["rate"], curve[0]["cost"], curve[0]["error"]) == (0, 0.2, 0.06)
    assert (curve[-1]["rate"], curve[-1]["cost"], curve[-1]["error"]) == (1, 1.2, 0.05)
    assert [p["cost"] for p in curve] == sorted(p["cost"] for p in curve)
    assert min(p["error"] for p in curve) < 0.05
    assert all(p["intervals"]["error"][0] <= p["error"] <= p["intervals"]["error"][1] for p in curve)


def test_saving_is_what_remains_after_the_cheap_model_and_the_escalated_images() -> None:
    assert saving(0.2, 4.0) == pytest.approx(1 - 0.25 - 0.2)
    assert saving(1.0, 4.0) == -0.25


def test_where_no_image_needs_it_the_cheap_model_is_recommended() -> None:
    same = counted([20] * 30, [20] * 30)
    seen = Evidence(same, same, tuple(map(str, range(30))), np.zeros(30))
    found = calibrate(COUNT, seen, TERMS, "hybrid")
    assert found["threshold"] is None
    assert found["refused"].startswith("no image needs it: on none of 30 validation images")
    assert "use hybrid alone" in found["refused"]


def test_common_triggers_are_refused_with_rate_and_saving() -> None:
    found = calibrate(COUNT, rare(every=1), TERMS, "hybrid")
    assert found["refused"].startswith("triggers are too common: ")
    assert f"{100 * found['rate']:.0f} % of the images" in found["refused"]
    assert f"costs {-100 * found['saving']:.0f} % more than instance alone; at least 20 %" in found["refused"]


def test_a_promise_that_too_few_groups_would_bear_is_refused_with_both_numbers() -> None:
    found = calibrate(COUNT, rare(num=40), TERMS, "hybrid")  # 8 need it; recall .8 at .9 wants 11
    assert found["threshold"] is None
    assert "only 8 groups of validation images need it and 11 are needed" in found["refused"]
    assert f"the most is {0.1 ** (1 / 8):.2f}" in found["refused"]


def test_an_instance_model_that_is_no_better_is_refused_with_both_errors() -> None:
    seen = rare()
    worse = counted([20] * 200, np.where(np.arange(200) % 5 == 0, 17, 26))
    seen = Evidence(seen.cheap, worse, seen.groups, np.random.default_rng(0).normal(size=200))
    found = calibrate(COUNT, seen, TERMS, "hybrid")
    part = {name: f"{100 * value:.0f} %" for name, value in found["used"].items()}
    words = f"it uses {part['cascade']} of the tolerance against {part['cheap']}"
    assert f"the cascade is no better than hybrid alone: {words}" in found["refused"]


@pytest.mark.parametrize(("misses", "is_kept"), [(0, True), (15, False)])
def test_a_rule_of_the_users_is_held_to_the_promise_as_it_is(misses: int, is_kept: bool) -> None:
    seen = rare()
    says = (np.arange(200) % 5 == 0).astype(float)
    says[np.flatnonzero(says)[:misses]] = 0
    rule = Evidence(seen.cheap, seen.instance, seen.groups, says, is_rule=True)
    found = calibrate(COUNT, rule, TERMS, "hybrid")
    assert (found["refused"] is None) == is_kept
    assert is_kept or "the rule catches 25 of 40 groups" in found["refused"]


def test_a_smaller_share_of_wrong_answers_is_no_better_where_it_uses_more_of_the_tolerance() -> None:
    """The instance model finds all but 4 % of what is there, of which 1 % may be missed; the cheap one claims 8 % of
    what is not, of which 10 % may be claimed. The natural error alone would prefer the instance model."""
    stated = {"kind": "presence", "tolerance": {"min_sensitivity": 0.99, "min_specificity": 0.9}}
    truth = np.arange(200) < 100
    claimed, missed = truth | (np.arange(200) >= 192), truth & (np.arange(200) >= 4)
    present = [np.stack([truth, seen], axis=1)[:, :, None, None] for seen in (claimed, missed)]
    base = counted(truth, truth)
    cheap, instance = (Answers(base.counts, base.coverage, there, base.acts, base.matches) for there in present)
    seen = Evidence(cheap, instance, tuple(map(str, range(200))), (np.arange(200) >= 192).astype(float))
    found = calibrate(Decision.model_validate(stated), seen, TERMS, "hybrid")
    assert found["used"]["cheap"] == pytest.approx(0.8) and found["used"]["instance"] == pytest.approx(4.0)
    assert "instance is no better than hybrid alone" in found["refused"]


# --- scores that cannot be computed


def broken(which: str, value: float) -> Evidence:
    seen = rare(overlap=0.01)
    where = np.arange(200) % 5 == 0 if which == "needing" else np.arange(200) % 5 == 1
    return replace(seen, scores=np.where(where, value, seen.scores))


def at_run_time(seen: Evidence, threshold: float) -> float:
    """The share of the images that `Cascade` would escalate."""
    return float(np.mean([not score < threshold for score in seen.scores.tolist()]))


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e300])
@pytest.mark.parametrize("which", ["needing", "others"])
def test_the_rate_told_is_that_of_run_time_for_scores_that_are_no_numbers(which: str, value: float) -> None:
    seen = broken(which, value)
    found = calibrate(COUNT, seen, TERMS, "hybrid")
    assert found["rate"] == pytest.approx(at_run_time(seen, found["threshold"]))
    assert math.isfinite(found["threshold"])
    assert found["promise"]["lower_bound"] >= 0.8
    assert all(math.isfinite(value) for value in found["used"].values())


def test_where_every_score_is_undefined_every_image_is_escalated() -> None:
    seen = replace(rare(), scores=np.full(200, math.nan))
    found = calibrate(COUNT, seen, TERMS, "hybrid")
    assert (found["threshold"], found["rate"]) == (0.0, 1.0)
    assert "triggers are too common" in found["refused"]


def test_a_score_without_a_lowest_value_promises_nothing() -> None:
    found = calibrate(COUNT, broken("needing", -math.inf), TERMS, "hybrid")
    assert found["threshold"] is None
    assert "cannot be promised" in found["refused"]
