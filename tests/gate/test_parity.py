"""The parity gate: how far served answers may be from the trained network's, in the decision's units."""

from __future__ import annotations

import math
from typing import Any

import pytest

from segwise.gate import parity


def judged(used: Any, overlap: float | None = 1.0, num_images: int = 8) -> dict[str, Any]:
    rows = parity.judge({"count": used}, overlap, margin=0.05, min_overlap=0.99, num_images=num_images)
    return {row.name: row for row in rows}


@pytest.mark.parametrize(
    ("used", "verdict"),
    [(0.0, "promote"), (0.05, "promote"), (0.0501, "hold"), (None, "hold"), (math.nan, "hold"), (math.inf, "hold")],
)
def test_a_decision_may_lose_a_stated_part_of_its_tolerance_between_training_and_serving(
    used: Any, verdict: str
) -> None:
    row = judged(used)["parity.count"]
    assert row.verdict == verdict
    assert bool(row.to_change) == (verdict == "hold")
    assert row.challenger is None or math.isfinite(row.challenger)


@pytest.mark.parametrize(
    ("overlap", "verdict"),
    [(1.0, "promote"), (0.99, "promote"), (0.9899, "hold"), (None, "inconclusive"), (math.nan, "inconclusive")],
)
def test_masks_must_overlap_and_two_empty_answers_show_nothing(overlap: Any, verdict: str) -> None:
    assert judged(0.0, overlap)["parity.masks"].verdict == verdict


def test_every_decision_has_its_row() -> None:
    rows = parity.judge({"b": 0.0, "a": 1.0}, 1.0, margin=0.05, min_overlap=0.9, num_images=3)
    assert [(row.name, row.verdict) for row in rows] == [
        ("parity.a", "hold"),
        ("parity.b", "promote"),
        ("parity.masks", "promote"),
    ]
    assert "uses up 1 of the tolerance" in rows[0].to_change


def test_one_differing_byte_is_held_and_named_and_nothing_compared_shows_nothing() -> None:
    held = parity.same_bytes(["d", "a", "b", "c"], 9, "masks", "served", "answers otherwise")
    assert (held.verdict, held.challenger) == ("hold", 4.0)
    assert held.to_change == "d, a, b and 1 more: answers otherwise"
    assert parity.same_bytes([], 9, "masks", "served", "x").verdict == "promote"
    assert parity.same_bytes([], 0, "masks", "served", "x").verdict == "inconclusive"
