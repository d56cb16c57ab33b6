"""Every limit's part of the tolerance, by hand, and what is said of the one that decides."""

from __future__ import annotations

import math
from typing import Any

import pytest

from segwise.decision.limits import deciding, lack, parts, reached, strain, used
from segwise.decision.params import Decision

ACTION = "if count() < 12 then alert"


def decide(kind: str, action: str = "", **tolerance: float) -> Decision:
    return Decision.model_validate({"kind": kind, "tolerance": tolerance, "action": action})


@pytest.mark.parametrize(
    ("decision", "figures", "expected", "words"),
    [
        (decide("count", relative=0.1), {"error": 0.083, "mae": 4}, {"relative": 0.83}, "a count error of 8.3 %"),
        (decide("count", absolute=0.5), {"error": 0.43, "mae": 0.3}, {"absolute": 0.6}, "a mean count error of 0.30"),
        (decide("count", relative=0.1, absolute=1), {"error": 0.3, "mae": 0.4}, {"absolute": 0.4},
         "a mean count error of 0.40"),
        (decide("coverage", points=0.02), {"error": 0.013}, {"points": 0.65}, "a coverage error of 1.30 points"),
        (decide("presence", min_sensitivity=0.99, min_specificity=0.5),
         {"error": 0.2, "sensitivity": 0.98, "specificity": 0.8}, {"min_sensitivity": 2.0, "min_specificity": 0.4},
         "a sensitivity of 0.980"),
        (decide("itemize", min_f1=0.8), {"error": 0.1, "f1": 0.9}, {"min_f1": 0.5}, "an F1 of 0.900"),
        (decide("count", ACTION, min_accuracy=0.98), {"error": 0.2, "accuracy": 0.99}, {"min_accuracy": 0.5},
         "the right action on 99.0 % of the images"),
        (decide("count", ACTION, min_accuracy=0.98, relative=0.1), {"error": 0.09, "accuracy": 0.99},
         {"relative": 0.9, "min_accuracy": 0.5}, "a count error of 9.0 %"),
    ],
)  # fmt: skip
def test_each_limit_has_its_part_and_the_largest_is_said_in_its_unit(
    decision: Decision, figures: Any, expected: dict[str, float], words: str
) -> None:
    assert parts(decision, figures) == pytest.approx(expected)
    assert used(decision, figures) == pytest.approx(max(expected.values()))
    assert reached(decision, figures) == words


def test_what_is_undefined_decides_nothing_and_strains_as_far_as_it_can_be_told() -> None:
    decision = decide("presence", min_sensitivity=0.9, min_specificity=0.9)
    half: dict[str, Any] = {"sensitivity": 0.95, "specificity": None}
    assert math.isnan(used(decision, half))
    assert strain(decision, half) == pytest.approx(0.5)
    assert deciding(decision, half) == "min_sensitivity"
    assert used(decision, {**half, "sensitivity": 0.8}) == pytest.approx(2)
    nothing = {"sensitivity": math.nan, "specificity": None}
    assert math.isnan(strain(decision, nothing))
    assert (deciding(decision, nothing), reached(decision, nothing)) == ("", "no defined error")


def test_what_lacks_is_told_in_the_unit_of_the_limit() -> None:
    assert lack("min_f1", {"f1": 0.9}) == pytest.approx(0.1)
    assert lack("absolute", {"error": 0.4, "mae": 2.0}) == 2.0
    assert math.isnan(lack("points", {}))
