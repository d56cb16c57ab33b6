"""The features of a cheap answer, against shapes whose figures are known, and the rules over them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from segwise.decision.answers import Answer, acts
from segwise.decision.params import Decision
from segwise.errors import UsageError
from segwise.predict import trigger
from segwise.predict.components import at_edge, num_parts, solidity, union
from segwise.types import ClassInfo, Mask, Objects, Prediction

CLASSES = (ClassInfo(1, "cell", True), ClassInfo(2, "tissue", False))
COUNT = Decision(kind="count")
SIZE = (80, 120)


def disc(row: int, column: int, radius: int = 10) -> Mask:
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    return np.asarray((rows - row) ** 2 + (columns - column) ** 2 < radius**2, dtype=bool)


def found(masks: list[Mask], scores: list[float] | None = None) -> Prediction:
    objects = Objects.from_masks(masks, [1] * len(masks), scores or [0.9] * len(masks), SIZE)
    return Prediction(union(objects), objects)


def sure(prediction: Prediction, logit: float = 8.0) -> NDArray[np.float32]:
    """Logits (1, 2, h, w) at half the size, as sure of the class map as `logit` says."""
    inside = prediction.class_map[::2, ::2] > 0
    return np.stack([np.where(inside, -logit, logit), np.where(inside, logit, -logit)])[None].astype(np.float32)


def measured(prediction: Prediction, decision: Decision = COUNT, logit: float = 8.0) -> trigger.Features:
    return trigger.measure(sure(prediction, logit), prediction, prediction.objects, decision, CLASSES[:1], 0.5)


def says(text: str, features: trigger.Features, decision: Decision = COUNT) -> float:
    return trigger.value(trigger.rule(text), features, decision, CLASSES[:1])


def test_solidity_is_area_over_hull_area() -> None:
    square, corner = np.zeros(SIZE, dtype=bool), np.zeros(SIZE, dtype=bool)
    square[10:30, 10:30] = True
    corner[40:60, 40:60] = True
    corner[40:50, 50:60] = False  # an L: of the 100 pixels cut off its hull holds 45
    assert solidity(found([square, corner]).objects).tolist() == pytest.approx([1.0, 300 / 345])
    assert solidity(found([disc(20, 20)]).objects)[0] == 1
    assert solidity(found([disc(40, 40) | disc(40, 59)]).objects)[0] == pytest.approx(0.9, abs=0.02)


def test_objects_at_the_edge_are_those_that_reach_it() -> None:
    assert at_edge(found([disc(40, 40), disc(5, 60), disc(70, 90, 15)]).objects).tolist() == [False, True, True]


def test_parts_are_counted_by_their_middles_and_what_is_too_thin_is_one() -> None:
    line = np.zeros(SIZE, dtype=bool)
    line[75, 10:60] = True
    joined = disc(30, 30) | disc(30, 48)
    assert num_parts(union(found([disc(40, 90)]).objects)) == 1
    assert num_parts(union(found([joined]).objects)) == 2
    assert num_parts(union(found([joined, disc(40, 90), line]).objects)) == 4
    assert num_parts(np.zeros(SIZE, dtype=np.uint8)) == 0


def test_two_discs_taken_for_one_are_suspected_of_a_merge_and_two_apart_are_not() -> None:
    merged = measured(found([disc(30, 30) | disc(30, 48), disc(60, 90)])).values
    split = measured(found([disc(30, 30), disc(30, 51), disc(60, 90)])).values
    assert merged["merge_suspicion"] > 0.5
    assert merged["part_excess"] == pytest.approx((3 - 2) / 2)
    assert split["merge_suspicion"] == split["part_excess"] == split["contact"] == 0
    assert split["largest"] == 1
    assert split["foreground"] == pytest.approx(3 * disc(30, 30).sum() / (SIZE[0] * SIZE[1]))


def test_objects_held_apart_by_the_split_alone_are_in_contact() -> None:
    left, right = disc(30, 30, 12), disc(30, 50, 12)
    right &= ~left
    assert measured(found([left, right, disc(60, 90)])).values["contact"] == pytest.approx(1 / 3)


def test_entropy_is_what_the_probabilities_say_in_each_place() -> None:
    prediction = found([disc(40, 40, 15)])
    values = measured(prediction, logit=0.5).values  # p = 1 / (1 + e^-1) everywhere
    p = 1 / (1 + np.exp(-1.0))
    expected = -(p * np.log2(p) + (1 - p) * np.log2(1 - p))
    for name in ("entropy", "border_entropy", "background_entropy"):
        assert values[name] == pytest.approx(expected, abs=1e-5)
    assert measured(prediction).values["entropy"] < 1e-4


def test_an_empty_answer_has_finite_features_and_nothing_to_suspect() -> None:
    values = measured(found([])).values
    assert values.keys() == trigger.FEATURES.keys()
    assert all(np.isfinite(v) for v in values.values())
    assert says("num_objects + foreground + merge_suspicion + largest + doubt", measured(found([]))) == 0


def test_weak_and_doubtful_objects_are_told() -> None:
    every = found([disc(20, 20), disc(20, 60), disc(60, 60)], [0.8, 0.6, 0.1])
    served = Prediction(every.class_map, every.objects.select(every.objects.scores > 0.5))
    values = trigger.measure(sure(served), served, every.objects, COUNT, CLASSES[:1], 0.5).values
    assert values["weak"] == pytest.approx(1 / 3)
    assert values["doubt"] == pytest.approx(0.3)


def test_the_rule_of_the_documentation_is_read_and_answered() -> None:
    text = "entropy > 0.2 or merge_suspicion > 0.1 or objects(area_px > 900 and solidity < 0.85) > 0"
    small, large = measured(found([disc(30, 30)])), measured(found([disc(40, 30, 20) | disc(40, 68, 20)]))
    assert (says(text, small), says(text, large)) == (0, 1)
    assert says("objects(edge)", measured(found([disc(5, 60), disc(40, 40)]))) == 1
    assert says("objects(1 > 0)", small) == 1


def test_counts_and_coverage_are_the_decisions() -> None:
    features = measured(found([disc(30, 30), disc(30, 90), disc(60, 60)]))
    assert says("count(cell) + 0.5", features) == 3.5
    assert says("coverage(cell)", features) == pytest.approx(features.values["foreground"])
    small = Decision.model_validate({"kind": "count", "min_area_px": 1000})
    assert says("count()", measured(found([disc(30, 30)]), small), small) == 0


@pytest.mark.parametrize("text", ["colour > 3", "objects(entropy > 1)", "count(cell", "objects()", "__import__('os')"])
def test_what_is_no_rule_over_the_cheap_answer_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        trigger.rule(text)


@pytest.mark.parametrize(("text", "expected"), [("entropy > 0.2", True), ("present(cell)", True), ("not edge", True),
                                                ("entropy + 2 * contact", False), ("count(cell)", False)])  # fmt: skip
def test_a_condition_is_told_from_a_number(text: str, expected: bool) -> None:
    assert trigger.is_condition(trigger.rule(text), COUNT, CLASSES[:1]) is expected
    assert all(not trigger.is_condition(trigger.rule(term), COUNT, CLASSES[:1]) for term in trigger.TERMS)


@pytest.mark.parametrize(("limit", "brink"), [(4, 0.98), (5, 0.6), (3, 0.98), (2, 0.6), (40, 0.0)])
def test_the_brink_is_how_little_turns_the_action_over(limit: int, brink: float) -> None:
    decision = Decision.model_validate({"kind": "count", "action": f"if count(cell) < {limit} then alert"})
    features = measured(found([disc(20, 20), disc(20, 60), disc(60, 60)]), decision)
    assert features.values["brink"] == pytest.approx(brink)
    assert measured(found([disc(20, 20)])).values["brink"] == 0  # without an action nothing can turn over


def test_a_trigger_reads_counts_as_an_action_does() -> None:
    classes = (ClassInfo(1, "cell", True), ClassInfo(2, "nut", True), ClassInfo(3, "tissue", False))
    halves = {"left": [[0, 0], [0.5, 0], [0.5, 1], [0, 1]], "right": [[0.5, 0], [1, 0], [1, 1], [0.5, 1]]}
    stated = {"kind": "presence", "classes": ["cell", "nut", "tissue"], "zones": halves}
    answer = Answer(np.array([[4, 3, 0], [1, 0, 0]]), np.full((2, 3), 0.1), np.ones((2, 3), dtype=bool), False)
    features = trigger.Features(dict.fromkeys(trigger.FEATURES, 0.0), {"area_px": np.zeros(0)}, answer)
    for text, expected in (("count(cell, nut)", 8), ("count(nut, cell, left)", 7), ("count(left, right, cell)", 5)):
        action = Decision.model_validate({**stated, "action": f"if {text} == {expected} then stop"})
        assert trigger.value(trigger.rule(text), features, action, classes) == expected
        assert acts(action, classes, answer, ("left", "right"))
    decision = Decision.model_validate(stated)
    with pytest.raises(UsageError, match="a region"):
        trigger.value(trigger.rule("count(tissue)"), features, decision, classes)
    with pytest.raises(UsageError, match="correct its trigger"):
        trigger.value(trigger.rule("count(bolt)"), features, decision, classes)
