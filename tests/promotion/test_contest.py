"""Champion and challenger on the same draws: what their figures are known from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from segwise.decision.params import Decision
from segwise.evaluation.sums import Sums
from segwise.gate.params import GateParams
from segwise.promotion import contest
from tests.gate.made import make_answers, make_sums

DECISIONS = {"there": Decision(kind="presence"), "number": Decision(kind="count")}
PARAMS = GateParams(replicates=1000)


def sparse(num_labelled: int, num_groups: int = 14) -> Sums:
    """Test images of which only so many groups show anything; what is answered is right."""
    sums = make_sums(0.9, num_groups=num_groups)
    counted, pixels, matches = sums.counted.copy(), sums.pixels.copy(), sums.matches.copy()
    for values in (counted, matches):
        values[2 * num_labelled :] = 0
    pixels[2 * num_labelled :, 1] = 0
    truth = np.where(np.arange(len(sums)) < 2 * num_labelled, 3, 0)
    answers = make_answers(truth, truth)
    return replace(sums, counted=counted, pixels=pixels, matches=matches, asked=dict.fromkeys(DECISIONS, answers))


@pytest.mark.parametrize("num_labelled", [8, 10, 12])
def test_a_model_against_itself_is_promoted_where_few_groups_show_anything(num_labelled: int) -> None:
    sums = sparse(num_labelled, num_groups=20)
    found = contest.compared(sums, sums, DECISIONS, PARAMS)
    assert [(c.verdict, c.difference) for c in found] == [("promote", 0.0)] * 4


def test_fewer_groups_that_show_anything_than_a_bound_takes_prove_nothing_and_the_missing_are_told() -> None:
    sums = sparse(3)
    for found in contest.compared(sums, sums, DECISIONS, PARAMS):
        assert (found.verdict, found.more_groups) == ("inconclusive", 5)
        assert "the groups are too few for a bound" in found.words


def test_a_tolerance_without_a_decision_compares_nothing_and_is_held() -> None:
    """Nothing compared would leave time and parity alone to promote a challenger of any quality."""
    sums = make_sums(0.9)
    for margins, names in (({"tolerance_used": 0.1}, ["tolerance_used"]), ({"tolerance_used": 0.1, "f1": 0.1}, ["f1"])):
        found = contest.compared(sums, sums, {}, GateParams(replicates=200, margins=margins))
        assert [c.name for c in found] == names
        assert [c.verdict for c in found] == ["hold" if names == ["tolerance_used"] else "promote"]
