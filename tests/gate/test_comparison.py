"""Champion against challenger: not worse, worse, or not known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from segwise.gate.comparison import VERDICTS, Compared, Figure, compare, overall
from segwise.gate.power import further_groups

RANDOM = np.random.default_rng(0)
BASE = RANDOM.normal(0.8, 0.05, 2000)


def one(champion: Any, challenger: Any, draws: Any = None, **changes: Any) -> Compared:
    pair = (BASE, BASE + (0 if challenger is None or champion is None else challenger - champion))
    values = {"margin": 0.01, "is_error": False, "num_groups": 20, **changes}
    figure = Figure("f1", champion, challenger, pair if draws is None else draws, **values)
    return compare([figure], 0.05)[0]


def test_identical_models_are_promoted_with_a_difference_of_exactly_nothing() -> None:
    for is_error in (False, True):
        found = one(0.8, 0.8, margin=0.0, is_error=is_error)
        assert (found.verdict, found.difference, found.interval, found.more_groups) == ("promote", 0, (0, 0), None)
        assert math.copysign(1, found.interval[0] if found.interval else -1) == 1
        assert found.words.startswith("measured neither better nor worse; not worse by more than 0: at worst by 0")


def test_a_better_challenger_is_promoted_and_a_worse_one_held_whatever_the_direction() -> None:
    assert one(0.8, 0.9).verdict == "promote"
    assert one(0.8, 0.7).verdict == "hold"
    assert one(0.8, 0.9, is_error=True).verdict == "hold"
    assert one(0.8, 0.7, is_error=True).verdict == "promote"
    assert one(0.8, 0.795).verdict == "promote"  # within the margin in every draw
    assert one(0.8, 0.75, margin=0.05 + 1e-9).verdict == "promote"
    assert one(0.8, 0.75, margin=0.05 - 1e-9).verdict == "hold"


def noisy(shift: float, noise: float = 0.02) -> tuple[np.ndarray, np.ndarray]:
    return BASE, BASE + shift + np.random.default_rng(1).normal(0, noise, BASE.size)


def test_not_enough_evidence_either_way_is_inconclusive() -> None:
    for shift in (0.02, 0.0, -0.02, -0.03):
        found = one(0.8, 0.8 + shift, noisy(shift))
        assert found.verdict == "inconclusive"
        assert found.more_groups is not None and found.more_groups > 0
        assert f"about {found.more_groups} more groups would decide" in found.words
    assert one(0.8, 0.9, noisy(0.1)).verdict == "promote"
    assert one(0.8, 0.7, noisy(-0.1)).verdict == "hold"


def test_the_interval_is_in_the_figures_own_direction_and_holds_the_difference() -> None:
    up, down = one(0.8, 0.9, noisy(0.1)), one(0.8, 0.9, noisy(0.1), is_error=True)
    for found in (up, down):
        assert found.interval is not None
        low, high = found.interval
        assert low < 0.1 < high and low > 0
    assert up.difference == down.difference == pytest.approx(0.1)
    assert up.interval == pytest.approx(down.interval, abs=0.02)


def test_the_pairs_decide_not_the_spread_of_each() -> None:
    """Paired differences of nothing under a spread that would drown any difference."""
    wide = np.random.default_rng(2).normal(0.8, 0.3, 2000)
    assert one(0.8, 0.81, (wide, wide + 0.01), margin=0.0).verdict == "promote"
    assert (
        one(0.8, 0.81, (wide, np.random.default_rng(3).permutation(wide) + 0.01), margin=0.0).verdict == "inconclusive"
    )


@pytest.mark.parametrize("nothing", [None, math.nan, math.inf])
def test_a_challenger_without_a_number_is_held_and_a_champion_without_one_leaves_it_open(nothing: float | None) -> None:
    held, left = one(0.8, nothing, (BASE, BASE)), one(nothing, 0.8, (BASE, BASE))
    assert (held.verdict, held.challenger, held.words) == ("hold", None, "the challenger has no number")
    assert (left.verdict, left.champion, left.words) == ("inconclusive", None, "the champion has no number")
    assert held.interval is left.interval is held.difference is left.difference is None
    assert one(None, None, (BASE, BASE)).verdict == "hold"


def test_undefined_draws_prove_nothing() -> None:
    some = BASE.copy()
    some[:400] = np.nan
    for draws in ((BASE, some), (some, BASE), (some, some)):
        for shift in (0.1, -0.1):
            found = one(0.8, 0.8 + shift, draws)
            assert (found.verdict, found.interval, found.more_groups) == ("inconclusive", None, None)
            assert "too many draws are undefined" in found.words or "it may be worse by" in found.words
    endless = np.full(BASE.size, np.inf)
    assert one(0.8, 0.9, (endless, endless)).verdict == "inconclusive"


def test_too_few_groups_or_no_draws_prove_nothing() -> None:
    found = one(0.8, 0.9, num_groups=7)
    assert (found.verdict, found.interval, found.more_groups) == ("inconclusive", None, 1)
    assert "the groups are too few for a bound" in found.words
    assert one(0.8, 0.9, num_groups=8).verdict == "promote"
    assert one(0.8, 0.9, (BASE[:0], BASE[:0])).verdict == "inconclusive"
    assert one(0.8, 0.9, (BASE, BASE[:-1])).verdict == "inconclusive"


def test_unequal_groups_widen_the_interval() -> None:
    wide, narrow = (one(0.8, 0.8, noisy(0.0), num_groups=100, effective_groups=e).interval for e in (9.0, None))
    assert wide is not None and narrow is not None
    assert wide[0] < narrow[0] and wide[1] > narrow[1]


def test_what_was_measured_is_never_outside_the_interval() -> None:
    found = one(0.8, 0.7, (BASE, BASE + 0.1))
    assert found.interval is not None and found.interval[0] == pytest.approx(-0.1)
    assert found.verdict == "inconclusive"
    found = one(0.8, 0.9, (BASE, BASE - 0.1))
    assert found.interval is not None and found.interval[1] == pytest.approx(0.1)
    assert found.verdict == "inconclusive"


def test_the_words_have_the_numbers() -> None:
    assert one(0.8, 0.9).words == "measured better by 0.1; not worse by more than 0.01: at worst by 0"
    assert one(0.8, 0.795).words == "measured worse by 0.005; not worse by more than 0.01: at worst by 0.005"
    assert one(0.8, 0.7).words == "measured worse by 0.1; worse by more than 0.01: by 0.1 at least"
    at_limit = one(0.8, 0.79, noisy(-0.01), margin=0.8 - 0.79)
    assert "no number of further groups would decide" in at_limit.words and at_limit.more_groups is None


def skewed(shift: float) -> tuple[np.ndarray, np.ndarray]:
    """Differences that reach further down than up from `shift`."""
    return BASE, BASE + shift - 0.02 * (np.random.default_rng(6).gamma(2, 1, BASE.size) - 2)


@pytest.mark.parametrize("is_error", [False, True])
@pytest.mark.parametrize("shift", [0.0, 0.005, -0.02, -0.03])
def test_how_many_more_goes_by_the_side_that_is_to_be_proven(shift: float, is_error: bool) -> None:
    """Not worse, where it was measured within the margin; worse, where it was measured beyond."""
    first, second = skewed(shift)
    sign = -1 if is_error else 1
    found = one(0.8, 0.8 + sign * shift, (sign * first, sign * second), is_error=is_error)
    assert found.verdict == "inconclusive" and found.interval is not None
    low, high = sorted(sign * end for end in found.interval)
    reach = shift - low if shift > -0.01 else high - shift
    assert found.more_groups == further_groups(20, abs(shift + 0.01), 0.05, reach)
    assert f"it may be worse by {-low:.4g}, and 0.01 is allowed: about {found.more_groups} more" in found.words


def test_the_words_tell_the_bound_on_the_side_of_the_verdict() -> None:
    held, good = one(0.8, 0.6, skewed(-0.2)), one(0.8, 0.8, skewed(0.0), margin=0.5)
    assert held.interval is not None and good.interval is not None
    assert held.words.endswith(f"worse by more than 0.01: by {-held.interval[1]:.4g} at least")
    assert good.words.endswith(f"not worse by more than 0.5: at worst by {-good.interval[0]:.4g}")
    assert held.interval[0] < held.interval[1] and good.interval[0] < good.interval[1]
    assert one(0.8, 0.9, (BASE, BASE + 0.1)).words.endswith("at worst by 0")


def test_worse_by_exactly_the_margin_at_best_is_not_proven_worse() -> None:
    worse = np.full(BASE.size, -0.25)
    worse[: BASE.size // 2] = -0.5
    nothing = np.zeros(BASE.size)
    found = one(0.75, 0.25, (nothing, worse), margin=0.25)
    assert (found.interval, found.verdict) == ((-0.5, -0.25), "inconclusive")
    assert one(0.75, 0.25, (nothing, worse), margin=0.125).verdict == "hold"
    assert one(0.75, 0.25, (nothing, worse), margin=0.5).verdict == "promote"


def test_a_bound_without_end_leaves_no_interval() -> None:
    endless = BASE.copy()
    endless[:400] = np.inf
    up, down = one(0.8, 0.9, (BASE, endless)), one(0.8, 0.85, (endless, BASE))
    assert up.interval is None and down.interval is None
    assert (down.verdict, down.more_groups) == ("inconclusive", None)
    assert "too many draws are undefined" in down.words


@pytest.mark.parametrize("seed", range(100))
def test_a_challenger_better_in_every_draw_never_gets_a_worse_verdict(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.random((2, 100)) * rng.random() + rng.random()
    gain, margin, is_error = rng.random(100) * 0.5 * rng.random(), 0.5 * rng.random(), bool(seed % 2)
    better = second + gain * (-1 if is_error else 1)
    verdicts = [
        compare([Figure("x", first.mean(), d.mean(), (first, d), margin, is_error, 20)], 0.05)[0].verdict
        for d in (second, better)
    ]
    assert VERDICTS.index(verdicts[0]) <= VERDICTS.index(verdicts[1])


def test_every_figure_is_compared_in_order() -> None:
    figures = [Figure(name, 0.8, 0.8, (BASE, BASE), 0.0, False, 20) for name in ("f1", "ap", "pq")]
    assert [c.name for c in compare(figures, 0.05)] == ["f1", "ap", "pq"]


def test_hold_beats_inconclusive_beats_promote_and_nothing_is_held() -> None:
    assert overall(["promote", "promote"]) == "promote"
    assert overall(["promote", "inconclusive"]) == "inconclusive"
    assert overall(["inconclusive", "hold", "promote"]) == "hold"
    assert overall([]) == "hold"
    assert overall(["promote", "passed"]) == "hold"
