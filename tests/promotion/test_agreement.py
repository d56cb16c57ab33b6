"""How far served answers are from the trained network's, in parts of a decision's tolerance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from segwise.decision.params import Decision
from segwise.decision.score import Answers
from segwise.gate.promote_params import PromoteParams
from segwise.promotion import agreement
from tests.gate.made import make_answers

ALL, NONE = np.full(8, 5), np.zeros(8, dtype=np.int64)


def off_by_a_pixel(found: Answers) -> Answers:
    coverage = found.coverage.copy()
    coverage[0, 1] += 1 / 65536
    return replace(found, coverage=coverage)


@pytest.mark.parametrize("counts", [ALL, NONE])
@pytest.mark.parametrize("kind", ["presence", "count", "itemize"])
def test_a_limit_that_these_images_leave_undefined_is_not_held_against_a_pixel_of_rounding(
    kind: Any, counts: np.ndarray
) -> None:
    """All images show something, or none does: no specificity, or no sensitivity, and no count to be relative to."""
    decision, answers = Decision(kind=kind), make_answers(counts, counts)
    assert agreement.used_of(decision, off_by_a_pixel(answers)) == 0


def test_the_other_limits_tell_where_one_is_undefined() -> None:
    seen = ALL.copy()
    seen[0] = 0  # missed in one image of eight, and there is none to invent anything in
    decision = Decision(kind="presence", tolerance={"min_sensitivity": 0.9, "min_specificity": 0.9})
    assert agreement.used_of(decision, make_answers(ALL, seen)) == pytest.approx(0.125 / 0.1)
    assert agreement.used_of(decision, make_answers(NONE, np.arange(8) // 7)) == pytest.approx(0.125 / 0.1)


def test_what_is_counted_where_nothing_is_has_no_number() -> None:
    seen = NONE.copy()
    seen[3] = 1
    assert agreement.used_of(Decision(kind="count"), make_answers(NONE, seen)) is None
    both = Decision(kind="count", action="if count() > 3 then stop", tolerance={"relative": 0.1, "min_accuracy": 0.9})
    assert agreement.used_of(both, make_answers(NONE, seen)) is None
    assert agreement.used_of(both, make_answers(NONE, NONE)) == 0


def test_without_an_image_that_the_service_accepts_nothing_is_shown_and_the_remedy_is_told() -> None:
    asked = agreement.Asked({}, {})
    (row,) = agreement.trained(asked, None, None, [], {"n": Decision(kind="count")}, PromoteParams())  # type: ignore[arg-type]  # not looked at
    assert row.verdict == "inconclusive"
    assert "package.max_megapixels" in row.to_change
