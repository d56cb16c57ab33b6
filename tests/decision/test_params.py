"""A decision is read as it is meant, and a wrong one is refused in words that help."""

from __future__ import annotations

from typing import Any

import pytest

from segwise.config import Section, parse
from segwise.decision.params import Decision
from segwise.errors import UsageError


class File(Section):
    decision: dict[str, Decision]


def read(**keys: Any) -> Decision:
    return parse(File, {"decision": {"bottles": keys}}, "params.yaml").decision["bottles"]


@pytest.mark.parametrize(
    ("keys", "came", "remedy"),
    [
        ({"tolerance": {"relativ": 0.1}}, "decision.bottles.tolerance.relativ", "did you mean `relative`?"),
        ({"tolerance": {"min_f1": 0.1}}, "decision.bottles", "allowed here: relative, absolute, min_accuracy"),
        ({"tolerance": {"relative": 0}}, "decision.bottles.tolerance.relative: 0", "allowed here"),
        ({"tolerance": {"relative": 5}}, "decision.bottles.tolerance.relative: 5", "allowed here"),
        ({"tolerance": {"min_accuracy": 0.9}}, "decision.bottles", "if count(bottle) < 12 then alert"),
        ({"zone": {}}, "decision.bottles.zone", "did you mean `zones`?"),
        ({"zones": {"left": [[0, 0], [0.5, 0.5], [1, 1]]}}, "decision.bottles.zones", "[0.5, 0]"),
        ({"zones": {"left": []}}, "decision.bottles.zones", "[0.5, 0]"),
        ({"zones": {"left": [[0, 0], [0, 0], [0, 0]]}}, "decision.bottles.zones", "[0.5, 0]"),
        ({"zones": {"left": [[0, 0], [1.5, 0], [1, 1]]}}, "decision.bottles.zones.left.1.0: 1.5", "correct"),
        ({"action": "if counts() < 1 then alert"}, "decision.bottles.action", "count(…), coverage(…), present(…)"),
        ({"action": "count() < 1"}, "decision.bottles.action", "if count(bottle) < 12 then alert"),
        ({"operation": {"image_per_day": 9}}, "decision.bottles.operation.image_per_day", "`images_per_day`"),
    ],
)
def test_a_wrong_key_is_named_with_its_decision_and_what_to_write(keys: dict, came: str, remedy: str) -> None:
    with pytest.raises(UsageError) as refusal:
        read(kind="count", **keys)
    assert came in refusal.value.came
    assert remedy in refusal.value.remedy
    assert "Value error" not in str(refusal.value)


def test_a_wrong_kind_is_told_the_right_ones() -> None:
    with pytest.raises(UsageError, match="'coverage', 'presence', 'itemize' or 'track'"):
        read(kind="amount")


def test_without_a_limit_a_kind_has_its_own() -> None:
    assert read(kind="count").limit("relative") == 0.10
    assert read(kind="presence").limit("min_specificity") == 0.9
    assert read(kind="itemize", tolerance={"iou": 0.75}).limit("min_f1") == 0.85
    assert read(kind="count").limit("min_accuracy") is None


def test_a_stated_limit_stands_alone() -> None:
    counted = read(kind="count", tolerance={"absolute": 1})
    assert (counted.limit("absolute"), counted.limit("relative")) == (1, None)
    acted = read(kind="count", tolerance={"min_accuracy": 0.9}, action="if count() < 1 then alert")
    assert (acted.limit("min_accuracy"), acted.limit("relative")) == (0.9, None)


def test_a_zone_may_be_any_shape_with_an_area() -> None:
    zones = {"bow tie": [[0, 0], [1, 1], [1, 0], [0, 1]], "left": [[0, 0], [0.5, 0], [0.5, 1]]}
    assert read(kind="count", zones=zones).zones["left"] == ((0, 0), (0.5, 0), (0.5, 1))
