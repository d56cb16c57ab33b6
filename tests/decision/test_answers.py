"""What an image says to a decision: objects where their centres lie, pixels where they lie, and the action."""

from __future__ import annotations

import numpy as np
import pytest

from segwise.decision.answers import Answer, answer, check
from segwise.decision.params import Decision
from segwise.errors import UsageError
from segwise.types import ClassInfo, ClassMap, Objects

CLASSES = (
    ClassInfo(1, "nut", True),
    ClassInfo(2, "hex bolt", True),
    ClassInfo(3, "rust", False),
    ClassInfo(4, "oil", False),
)
SIZE = (20, 40)
LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
RIGHT = ((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0))


def image() -> tuple[Objects, ClassMap]:
    """Two nuts left (of 16 and 4 pixels), a bolt whose centre lies right of the middle, rust in 60 pixels right."""
    masks = np.zeros((3, *SIZE), dtype=bool)
    masks[0, :4, :4], masks[1, 10:12, :2], masks[2, 15:18, 15:28] = True, True, True
    class_map = np.zeros(SIZE, dtype=np.uint8)
    class_map[:3, 20:] = 3
    return Objects.from_masks(list(masks), [1, 1, 2], [1.0] * 3, SIZE), class_map


def say(**keys: object) -> Answer:
    return answer(Decision.model_validate(keys), CLASSES, *image())


def test_an_object_is_counted_in_the_zone_of_its_centre_by_class() -> None:
    assert say(kind="count").counts.tolist() == [[2, 1]]
    zoned = say(kind="count", zones={"left": LEFT, "right": RIGHT})
    assert zoned.counts.tolist() == [[2, 0], [0, 1]]


def test_small_objects_are_not_counted() -> None:
    assert say(kind="count", min_area_px=5).counts.tolist() == [[1, 1]]
    assert say(kind="count", min_area_px=4).counts.tolist() == [[2, 1]]


def test_coverage_is_the_share_of_the_valid_pixels_of_a_zone() -> None:
    whole = say(kind="coverage", classes=["rust"])
    assert whole.coverage.tolist() == [[60 / 800]]
    zoned = say(kind="coverage", classes=["rust"], zones={"left": LEFT, "right": RIGHT})
    assert zoned.coverage.tolist() == [[0], [60 / 400]]
    valid = np.zeros(SIZE, dtype=bool)
    valid[:6, 20:] = True
    decision = Decision(kind="coverage", classes=("rust",), zones={"left": LEFT, "right": RIGHT})
    assert answer(decision, CLASSES, *image(), valid).coverage.tolist() == [[0], [0.5]]


def test_a_region_is_present_from_the_smallest_area_on_and_a_countable_class_by_its_objects() -> None:
    asked = {"kind": "presence", "classes": ["nut", "hex bolt", "rust", "oil"]}
    assert say(**asked).present.tolist() == [[True, True, True, False]]
    assert say(**asked, min_area_px=60).present.tolist() == [[False, False, True, False]]
    assert say(**asked, min_area_px=61).present.tolist() == [[False, False, False, False]]


def test_a_region_has_no_count_even_where_it_is_given_as_an_object() -> None:
    objects, class_map = image()
    regions = Objects(SIZE, np.array([3, 3, 3]), objects.scores, objects.boxes_xyxy, objects.crops, objects.is_crowd)
    decision = Decision(kind="coverage", action="if count() > 0 then act")
    found = answer(decision, CLASSES, regions, class_map)
    assert found.counts.sum() == 0 and not found.acts


def test_an_image_without_objects_and_pixels_of_a_class_answers_with_zeros() -> None:
    none = image()[0].select(np.zeros(3, dtype=bool))
    decision = Decision(kind="count", zones={"left": LEFT}, min_area_px=3, action="if present() then act")
    found = answer(decision, CLASSES, none, np.zeros(SIZE, np.uint8))
    assert found.counts.sum() == found.coverage.sum() == found.present.sum() == found.acts == 0


@pytest.mark.parametrize(
    ("rule", "acts"),
    [
        ("count() == 3", True), ("count(nut) == 2", True), ("count('hex bolt') == 1", True),
        ("count(nut, left) == 2", True),
        ("count(left, nut) == 2", True), ("count(nut, right) == 0", True), ("count(nut, 'hex bolt') == 3", True),
        ("count(right) == 1", True), ("count(left, right) == 3", True), ("coverage(rust) == 0.075", True),
        ("coverage(rust, right) == 0.15", True), ("present(oil)", False), ("present(rust, left)", False),
        ("present(rust) and not present(oil)", True), ("count(nut) / count(nut, right) > 1", True),
        ("0 * count(nut) / count(nut, right)", False),
    ],
)  # fmt: skip
def test_the_action_is_called_for_by_its_rule(rule: str, acts: bool) -> None:
    zones = {"left": LEFT, "right": RIGHT}
    names = [c.name for c in CLASSES]
    assert say(kind="presence", classes=names, zones=zones, action=f"if {rule} then act").acts is acts


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ({"kind": "count", "classes": ["bolt"]}, "hex bolt"),
        ({"kind": "count", "classes": ["rust"]}, "coverage or presence"),
        ({"kind": "count", "action": "if count(screw) > 1 then act"}, "quotes"),
        ({"kind": "count", "action": "if count(rust) > 1 then act"}, "quotes"),  # not one of the decision's classes
        ({"kind": "coverage", "action": "if count(rust) > 1 then act"}, r"coverage\(rust\)"),
        ({"kind": "count", "action": "if count(top) > 1 then act", "zones": {"left": LEFT}}, "quotes"),
        ({"kind": "count", "zones": {"nut": LEFT}}, "rename the zone"),
    ],
)
def test_a_decision_about_what_the_data_do_not_have_is_refused_before_any_image(keys: dict, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        check({"mine": Decision.model_validate(keys)}, CLASSES)


def test_decisions_that_fit_the_data_pass() -> None:
    fits = Decision(kind="count", zones={"left": LEFT}, action="if count(nut, left) < 1 or present('hex bolt') then go")
    check({"mine": fits, "other": Decision(kind="coverage")}, CLASSES)


def test_only_countable_classes_are_asked_for_unless_coverage_is() -> None:
    assert Decision(kind="count").class_ids(CLASSES) == (1, 2)
    assert Decision(kind="coverage").class_ids(CLASSES) == (1, 2, 3, 4)
    assert Decision(kind="presence", classes=("oil", "nut", "oil")).class_ids(CLASSES) == (1, 4)
    with pytest.raises(UsageError, match="set `classes`"):
        Decision(kind="presence").class_ids(CLASSES[2:])
