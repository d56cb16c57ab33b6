"""On drawn data sets with a known right answer the advice changes its mind at the right place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from segwise.advice.advise import entry
from segwise.advice.evidence import Contact, gathered
from segwise.advice.label_facts import label_facts
from segwise.advice.rules import COSTS, recommend, scaled
from segwise.decision.params import Decision
from segwise.types import ClassInfo
from tests.advice.drawn import PARAMS, advised, evidence, pairs, twice

COUNT = Decision(kind="count", tolerance={"relative": 0.1})
ITEMS = Decision(kind="itemize", tolerance={"min_f1": 0.9, "iou": 0.75})


def test_discs_apart_need_no_more_than_a_class_map_whatever_is_asked() -> None:
    apart = pairs(0.5, gap=8)
    for kind in ("count", "itemize", "coverage", "presence"):
        decision = Decision(kind=kind, tolerance={"min_sensitivity": 0.95} if kind == "presence" else {})
        found = advised(apart, decision)
        assert found["recommend"] == "semantic", kind
        assert found["ceilings"]["semantic"]["error"] < 0.02


def test_touching_discs_ask_for_hybrid_and_overlapping_ones_for_more() -> None:
    assert advised(pairs(1.0, gap=-1), COUNT)["recommend"] == "hybrid"
    assert advised(pairs(1.0, gap=-1), ITEMS)["recommend"] == "hybrid"
    hidden = advised(pairs(1.0, gap=-10), ITEMS)
    assert hidden["recommend"] == "instance" and hidden["grades"]["hybrid"] == "cannot"


def test_coverage_and_presence_stay_with_semantic_however_objects_meet() -> None:
    for gap in (-1, -10):
        for decision in (Decision(kind="coverage"), Decision(kind="presence", tolerance={"min_sensitivity": 0.95})):
            assert advised(pairs(1.0, gap), decision)["recommend"] == "semantic"


def test_the_advice_leaves_semantic_where_the_touching_pairs_use_up_the_room() -> None:
    """Of n places with one or two discs, k pairs merge: the count error is k / (n + k), the room 5 %."""
    for share in (0.02, 0.1, 0.4):
        dataset = pairs(share, gap=-1, num_images=10)
        objects = sum(len(r.annotations) for r in dataset.images)
        error = (objects - 10 * 6) / objects
        found = advised(dataset, COUNT)
        assert found["ceilings"]["semantic"]["error"] == pytest.approx(error, abs=1e-6)
        assert found["recommend"] == ("semantic" if error <= 0.05 else "hybrid")


def test_a_looser_tolerance_never_asks_for_a_dearer_approach_and_the_switch_is_solved_exactly() -> None:
    dataset = pairs(0.3, gap=-1)
    base = evidence(dataset, COUNT)
    ranks = [COSTS.index(recommend(scaled(base, f), PARAMS).recommend) for f in (0.01, 0.1, 0.5, 1, 2, 5, 20)]
    assert ranks == sorted(ranks, reverse=True) and len(set(ranks)) > 1
    change = next(c for c in entry(base, PARAMS)["would_change"] if "semantic is enough" in c["text"])
    to = change["to"]["relative"]
    for step, expected in ((1e-5, "semantic"), (-1e-5, "hybrid")):
        decision = Decision(kind="count", tolerance={"relative": to + step})
        assert advised(dataset, decision)["recommend"] == expected


def test_more_overlap_never_asks_for_a_cheaper_approach() -> None:
    ranks = [COSTS.index(advised(pairs(1.0, gap), ITEMS)["recommend"]) for gap in (6, -1, -6, -10)]
    assert ranks == sorted(ranks) and len(set(ranks)) > 1


def test_neither_the_order_of_files_nor_a_second_copy_changes_the_advice() -> None:
    dataset = pairs(0.5, gap=-1)
    turned = replace(dataset, images=dataset.images[::-1])
    assert advised(turned, COUNT) == advised(dataset, COUNT)
    assert advised(twice(dataset), COUNT)["recommend"] == advised(dataset, COUNT)["recommend"] == "hybrid"


def test_tiny_discs_can_be_covered_only_as_well_as_their_borders_are_drawn() -> None:
    """A border one pixel off adds a ring: of discs of radius 3 nearly as many pixels again."""
    tiny = advised(pairs(1.0, gap=8, radius=3), Decision(kind="coverage", tolerance={"points": 0.005}))
    large = advised(pairs(1.0, gap=8, radius=3), Decision(kind="coverage", tolerance={"points": 0.05}))
    assert tiny["recommend"] == large["recommend"] == "semantic"
    assert tiny["grades"]["semantic"] == "tight" and large["grades"]["semantic"] == "enough"
    assert not tiny["simpler_is_enough"] and large["simpler_is_enough"]


def test_regions_cannot_be_counted_and_the_labels_that_would_be_needed_are_named() -> None:
    regions = pairs(0.5, gap=8, classes=(ClassInfo(1, "disc", False),))
    found = entry(gathered("it", COUNT, label_facts(regions, COUNT, {}), Contact(), {}, 0.02), PARAMS)
    assert found["recommend"] == "no answer" and found["blockers"] == ["not countable"]
    assert "isthing: 1" in found["sentences"][0]["text"]
