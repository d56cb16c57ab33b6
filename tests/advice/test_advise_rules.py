"""The rules at their boundaries, on tables of evidence."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from segwise.advice.evidence import Ceiling, Evidence, LabelFacts
from segwise.advice.params import AdviseParams
from segwise.advice.rules import (
    COSTS,
    NO_ANSWER,
    fewest_groups,
    grade,
    recommend,
    scaled,
    shared_loads,
    switches,
)

PARAMS = AdviseParams()
LABELS = LabelFacts(num_images=40, num_groups=20, per_class={"disc": 400}, positives=40, negatives=0, most_per_image=20)


def ceiling(used: float, spread: float = 0.1) -> Ceiling:
    return Ceiling(used / 10, used, used * (1 - spread), used * (1 + spread), None, None)


def evidence(semantic: float, hybrid: float, instance: float, **changes: Any) -> Evidence:
    found = {"semantic": ceiling(semantic), "hybrid": ceiling(hybrid), "instance": ceiling(instance)}
    base = Evidence("it", "count", "within 10 %", {"relative": 0.1}, LABELS, found)
    return replace(base, **changes)


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        ((0.4, 0.1, 0.0), "semantic"),  # the cheapest with room, although others are better
        ((0.5, 0.1, 0.0), "semantic"),  # exactly the room
        ((0.51, 0.1, 0.0), "hybrid"),
        ((2.0, 0.5, 0.0), "hybrid"),
        ((2.0, 0.6, 0.4), "instance"),
        ((2.0, 0.9, 0.8), "instance"),  # nothing has room: the least used, tight
        ((0.8, 0.8, 0.8), "semantic"),  # equal: the cheapest, tight
        ((0.52, 0.5, 0.5), "semantic"),  # as good as the same
        ((3.0, 2.0, 1.5), NO_ANSWER),  # not even perfect output
        ((3.0, 2.0, 1.05), NO_ANSWER),  # the interval holds the tolerance
    ],
)
def test_the_cheapest_approach_whose_ceiling_leaves_room_is_recommended(
    used: tuple[float, float, float], expected: str
) -> None:
    assert recommend(evidence(*used), PARAMS).recommend == expected


@pytest.mark.parametrize(
    ("used", "low", "high", "expected"),
    [
        (0.5, 0.4, 0.9, "enough"),
        (0.5, 0.4, 1.01, "open"),
        (0.51, 0.4, 1.0, "tight"),
        (1.0, 0.9, 1.1, "open"),
        (1.3, 0.99, 1.5, "open"),
        (1.3, 1.01, 1.5, "cannot"),
        (0.5, None, None, "enough"),
        (0.6, None, None, "tight"),
        (1.1, None, None, "cannot"),
    ],
)
def test_a_ceiling_is_graded_by_its_figure_and_its_interval(
    used: float, low: float | None, high: float | None, expected: str
) -> None:
    assert grade(Ceiling(used / 10, used, low, high), PARAMS) == expected


def test_a_cascade_is_recommended_where_only_instance_fits_and_few_images_need_it() -> None:
    few = {"semantic": ((0.0, 3.0), (0.1, 0.5), (1.0, 0.1))}
    many = {"semantic": ((0.0, 3.0), (0.1, 0.6), (0.5, 0.4), (1.0, 0.1))}
    assert recommend(evidence(3, 2, 0.1, handed_on=few), PARAMS).recommend == "cascade"
    verdict = recommend(evidence(3, 2, 0.1, handed_on=few), PARAMS)
    assert verdict.escalated == pytest.approx(0.15)
    assert verdict.saving == pytest.approx(1 - 0.15 - 47 / 225)
    assert recommend(evidence(3, 2, 0.1, handed_on=many), PARAMS).recommend == "instance"
    assert recommend(evidence(3, 0.4, 0.1, handed_on=few), PARAMS).recommend == "hybrid"


def test_a_cascade_that_asks_instance_about_no_image_is_none() -> None:
    """The cheap ceiling is within the room, but its interval is not: that is no reason for a cascade of 0 %."""
    wide = {
        **evidence(0, 0, 0.01).ceilings,
        "semantic": Ceiling(0.04, 0.4, 0.1, 1.2),
        "hybrid": Ceiling(0.04, 0.4, 0.1, 1.2),
    }
    curve = {"semantic": ((0.0, 0.4), (0.1, 0.3), (1.0, 0.01))}
    verdict = recommend(evidence(0, 0, 0, ceilings=wide, handed_on=curve), PARAMS)
    assert (verdict.recommend, verdict.escalated) == ("cascade", pytest.approx(0.15))


@pytest.mark.parametrize(
    ("changes", "blocker"),
    [
        ({"num_groups": 4}, "few groups"),
        ({"per_class": {"disc": 0}}, "no labels"),
        ({"missing": "disc is a region"}, "not countable"),
        ({"most_per_image": 1, "parts_per_label": 2.0}, "class masks"),
        ({"faults": {"duplicate object": 21}}, "contradicting labels"),
    ],
)
def test_labels_that_allow_no_answer_are_named(changes: dict[str, Any], blocker: str) -> None:
    verdict = recommend(evidence(0.1, 0.1, 0.1, labels=replace(LABELS, **changes)), PARAMS)
    assert verdict.recommend == NO_ANSWER and verdict.blockers == (blocker,)


@pytest.mark.parametrize(
    "changes",
    [
        {"num_groups": 5},
        {"most_per_image": 1, "parts_per_label": 1.9},
        {"most_per_image": 2, "parts_per_label": 9.0},
        {"faults": {"duplicate object": 20}},  # 20 of 400 are 5 %, half of the tolerance
        {"faults": {"merged object": 400}},  # a suspicion, no contradiction
    ],
)
def test_labels_on_the_other_side_of_each_boundary_allow_one(changes: dict[str, Any]) -> None:
    assert recommend(evidence(0.1, 0.1, 0.1, labels=replace(LABELS, **changes)), PARAMS).recommend == "semantic"


def test_presence_needs_images_without_it_where_a_specificity_is_asked_for() -> None:
    both = {"min_sensitivity": 0.95, "min_specificity": 0.9}
    asked: dict[str, Any] = {"kind": "presence", "limits": both}
    none = evidence(0, 0, 0, **asked, labels=replace(LABELS, positives=0, negatives=40))
    assert recommend(none, PARAMS).blockers == ("one side",)
    assert recommend(evidence(0, 0, 0, **asked), PARAMS).blockers == ("one side",)
    assert recommend(evidence(0, 0, 0, **asked | {"limits": {"min_sensitivity": 0.95}}), PARAMS).recommend == "semantic"


def test_borders_that_weigh_more_than_the_tolerance_make_coverage_tight_for_all() -> None:
    fuzzy = {"kind": "coverage", "limits": {"points": 0.02}, "variants": {"semantic, border off": ceiling(1.2)}}
    verdict = recommend(evidence(0.1, 0.1, 0.1, **fuzzy), PARAMS)
    assert verdict.recommend == "semantic" and verdict.grades["semantic"] == "tight"
    assert not verdict.is_simpler_enough


def test_an_undefined_error_is_no_answer() -> None:
    unknown = dict.fromkeys(("semantic", "hybrid", "instance"), Ceiling(None, None))
    assert recommend(evidence(0, 0, 0, ceilings=unknown), PARAMS).recommend == NO_ANSWER


def test_fewest_groups_hold_the_median_between_their_ends_often_enough() -> None:
    for confidence in (0.5, 0.75, 0.8, 0.9, 0.95, 0.99):
        n = fewest_groups(confidence)
        assert 1 - 2.0 ** (1 - n) >= confidence > 1 - 2.0 ** (2 - n)


def test_a_cheaper_load_is_shared_only_with_dearer_ones() -> None:
    assert shared_loads({"semantic": 1.05, "hybrid": 1.0, "instance": 1.2}, 0.1) == {
        "semantic": 1.0,
        "hybrid": 1.0,
        "instance": 1.2,
    }


USED = st.floats(0, 20)
CURVE = st.lists(st.floats(0, 5), min_size=3, max_size=3)


@given(USED, USED, USED, st.floats(0, 1), CURVE, st.lists(st.floats(0.01, 100), min_size=2, max_size=8))
def test_a_looser_tolerance_never_asks_for_a_dearer_approach(
    semantic: float, hybrid: float, instance: float, spread: float, rest: list[float], factors: list[float]
) -> None:
    found = {"semantic": ceiling(semantic, spread), "hybrid": ceiling(hybrid, spread)}
    curve = {"semantic": tuple(zip((0.0, 0.1, 0.5), sorted(rest, reverse=True), strict=True))}
    at = evidence(0, 0, 0, ceilings={**found, "instance": ceiling(instance, spread)}, handed_on=curve)
    ranks = [COSTS.index(recommend(scaled(at, f), PARAMS).recommend) for f in sorted(factors)]
    assert ranks == sorted(ranks, reverse=True)


@given(USED, USED, USED, st.floats(0, 1), st.floats(0.05, 20), st.integers(0, 80))
def test_the_switches_say_what_the_rules_say_at_every_tolerance(
    semantic: float, hybrid: float, instance: float, spread: float, factor: float, doubles: int
) -> None:
    found = {"semantic": ceiling(semantic, spread), "hybrid": ceiling(hybrid, spread)}
    labels = replace(LABELS, faults={"duplicate object": doubles})
    at = evidence(0, 0, 0, ceilings={**found, "instance": ceiling(instance, spread)}, labels=labels)
    steps = switches(at, PARAMS)
    assume(all(step == 0 or abs(math.log(factor / step)) > 1e-6 for step, _ in steps))
    assert [name for step, name in steps if step <= factor][-1] == recommend(scaled(at, factor), PARAMS).recommend
