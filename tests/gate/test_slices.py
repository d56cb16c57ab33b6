"""Limits that must hold in every slice that has enough groups to say anything."""

from __future__ import annotations

from segwise.gate.params import GateParams, SliceLimits
from segwise.gate.slices import Slice, enough, judge_slices
from segwise.gate.verdict import judge
from tests.gate.made import sample

LIMITS = SliceLimits(min_f1=0.7, min_groups=5)


def part(name: str, f1: float, worst: float | None = None, num_groups: int = 20, is_labelled: bool = True) -> Slice:
    found = sample(f1, worst, num_groups=num_groups, num_images=2 * num_groups)
    return Slice(f"modality {name}", {"f1": found}, 2 * num_groups, num_groups, is_labelled)


def test_a_slice_takes_as_many_groups_as_a_bound_and_at_least_those_asked_for() -> None:
    assert enough(LIMITS, 0.05) == 8
    assert enough(LIMITS, 0.2) == 5
    assert enough(SliceLimits(min_groups=30), 0.05) == 30


def test_every_slice_with_enough_groups_is_held_against_every_limit() -> None:
    limits = SliceLimits(min_f1=0.7, max_count_error=0.2)
    found = judge_slices([part("a", 0.9), part("b", 0.6)], limits, 0.05)
    assert [(c.part, c.name, c.verdict) for c in found.checks] == [
        ("modality a", "min_f1", "promote"), ("modality a", "max_count_error", "hold"),
        ("modality b", "min_f1", "hold"), ("modality b", "max_count_error", "hold"),
    ]  # fmt: skip
    assert found.not_judged == {}


def test_slices_without_enough_groups_or_labels_are_reported_and_not_passed() -> None:
    parts = [
        part("a", 0.9),
        part("b", 0.9, num_groups=7),
        part("c", 0.9, num_groups=1),
        part("d", 0.9, is_labelled=False),
    ]
    found = judge_slices(parts, LIMITS, 0.05)
    assert [c.part for c in found.checks] == ["modality a"]
    assert found.not_judged == {
        "modality b": "7 usable groups of 14 test images, and 8 are needed",
        "modality c": "1 usable group of 2 test images, and 8 are needed",
        "modality d": "40 test images without a label",
    }
    assert not found.is_blind


def test_without_limits_no_slice_is_looked_at() -> None:
    for limits in (None, SliceLimits()):
        found = judge_slices([part("a", 0.1), part("b", 0.1, num_groups=2)], limits, 0.05)
        assert (found.checks, found.not_judged, found.is_blind) == ((), {}, False)


def verdict_of(*parts: Slice) -> tuple[str, list[str], dict[str, str], str]:
    values = {"hybrid": {"f1": sample(0.9), "p50_ms": 1.0}}
    verdict = judge(values, GateParams(min_f1=0.5, slices=LIMITS), None, {"hybrid": parts})
    told = verdict.full()["approaches"]["hybrid"]
    return verdict.verdict("hybrid"), told["to_change"], told["not_judged"], verdict.bare()["why"]


def test_one_slice_that_fails_holds_the_approach_however_good_the_whole_is() -> None:
    word, to_change, _, why = verdict_of(part("a", 0.9), part("b", 0.6))
    assert word == "hold"
    assert to_change == ["F1 at IoU 0.5 on modality b would have to rise from 0.600 to at least 0.700"]
    assert why == "No approach passes: hybrid fails min_f1 on modality b."


def test_a_slice_that_cannot_be_judged_is_told_beside_a_promotion() -> None:
    word, to_change, not_judged, _ = verdict_of(part("a", 0.9), part("b", 0.2, num_groups=3))
    assert (word, to_change) == ("promote", [])
    assert list(not_judged) == ["modality b"]


def test_limits_that_no_slice_could_be_held_against_are_not_met() -> None:
    word, to_change, _, why = verdict_of(part("a", 0.9, num_groups=3), part("b", 0.9, num_groups=2))
    assert word == "inconclusive"
    (text,) = to_change
    assert text.startswith(
        "no slice can be judged: modality a has 3 usable groups of 6 test images, and 8 are needed; "
    )
    assert why == "No approach is proven to pass: hybrid is not proven in slices."


def test_an_unproven_slice_leaves_the_approach_unproven() -> None:
    word, to_change, _, why = verdict_of(part("a", 0.9, 0.5))
    assert word == "inconclusive"
    assert to_change[0].startswith("F1 at IoU 0.5 on modality a is 0.900 and not proven to be at least 0.700")
    assert why.endswith("hybrid is not proven in min_f1 on modality a.")
