from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from segwise.decision.params import Decision
from segwise.decision.score import Answers, exact_interval
from segwise.evaluation.decided import decided
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
