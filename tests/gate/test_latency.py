"""The latency gate: the same model passes, a slower one is held, noise is told from slowness."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from segwise.gate import latency
from segwise.gate.latency import slowdown

LIMIT = 1.15


def times(rng: np.random.Generator, factor: float = 1.0, pairs: int = 4, noise: float = 0.08) -> Any:
    """Processes that only ever lose time: least times of 20 to 200 ms, and a neighbour's share on top."""
    base = np.array([20, 40, 40, 60, 90, 120, 160, 200], dtype=np.float64)
    per_process = 1 + 0.02 * rng.standard_normal((pairs, 1, 1))
    return factor * base[None, :, None] * per_process * (1 + rng.exponential(noise, (pairs, 8, 3)))


def test_a_model_against_itself_passes_at_least_95_of_100_times_and_a_slower_one_is_never_promoted() -> None:
    rng = np.random.default_rng(0)
    same = [slowdown(times(rng), times(rng), LIMIT).verdict for _ in range(400)]
    slower = [slowdown(times(rng), times(rng, 1.3), LIMIT).verdict for _ in range(400)]
    assert same.count("promote") >= 0.95 * 400
    assert slower.count("hold") == 400


def test_a_neighbour_that_doubles_most_answers_of_one_turn_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    champion, challenger = times(rng), times(rng)
    challenger[2] *= 2.0
    assert slowdown(champion, challenger, LIMIT).verdict == "promote"


def test_the_ratio_is_the_median_over_images_of_least_times() -> None:
    champion = np.full((2, 3, 2), 100.0)
    challenger = np.stack(
        [np.array([[110, 999], [120, 999], [200, 999]]), np.array([[999, 130], [999, 125], [999, 300]])]
    )
    found = slowdown(champion, challenger, LIMIT)
    assert found.ratio == pytest.approx(1.20)  # 110, 120 and 200 over 100
    assert found.interval == (pytest.approx(1.20), pytest.approx(1.30))
    assert found.noise == 0.0
    assert found.verdict == "hold"


def test_a_difference_within_noise_larger_than_the_margin_is_inconclusive_and_one_beyond_it_is_not() -> None:
    champion = np.full((4, 2, 1), 100.0)
    champion[::2] = 150.0  # two of its processes are half as slow again: halves differ by up to 1.5
    challenger = np.full((4, 2, 1), 130.0)
    found = slowdown(champion, challenger, LIMIT)
    assert found.noise == pytest.approx(0.5)
    assert (found.ratio, found.verdict) == (pytest.approx(1.3), "inconclusive")
    assert slowdown(champion, challenger * 1.25, LIMIT).verdict == "inconclusive"  # 1.625: 1.08 made slower by noise
    assert slowdown(champion, challenger * 1.34, LIMIT).verdict == "hold"  # 1.742, more than 1.15 × 1.5
    assert slowdown(champion, challenger * 0.8, LIMIT).verdict == "inconclusive"  # 1.04: 1.56 made faster by noise
    assert slowdown(champion, challenger * 0.58, LIMIT).verdict == "promote"  # 0.754, less than 1.15 / 1.5


def test_a_session_too_noisy_to_tell_promotes_no_slower_challenger_and_noise_within_the_margin_decides_nothing() -> (
    None
):
    champion = np.full((4, 2, 1), 100.0)
    champion[::2] = 140.0
    unlucky = np.full((4, 2, 1), 114.0)  # a challenger 1.4 times as slow, timed in the quiet turns
    assert slowdown(champion, unlucky, LIMIT).verdict == "inconclusive"
    champion[::2] = 114.0
    assert slowdown(champion, unlucky, LIMIT).verdict == "promote"
    assert slowdown(champion, np.full((4, 2, 1), 115.1), LIMIT).verdict == "hold"


def test_a_faster_challenger_is_never_judged_worse_than_a_slower_one() -> None:
    rank = {"promote": 0, "inconclusive": 1, "hold": 2}
    rng = np.random.default_rng(2)
    champion, challenger = times(rng, noise=0.3), times(rng, noise=0.3)
    verdicts = [rank[slowdown(champion, f * challenger, LIMIT).verdict] for f in np.linspace(0.5, 2.5, 60)]
    assert verdicts == sorted(verdicts)
    assert {verdicts[0], verdicts[-1]} == {0, 2}
    noisy = times(rng, noise=0.02)
    noisy[::2] *= 1.6
    verdicts = [rank[slowdown(noisy, f * challenger, LIMIT).verdict] for f in np.linspace(0.2, 4, 60)]
    assert verdicts == sorted(verdicts)
    assert set(verdicts) == {0, 1, 2}


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0, -1.0])
def test_times_that_are_none_are_held(bad: float) -> None:
    good = np.full((2, 2, 2), 5.0)
    wrong = good.copy()
    wrong[1, 1, 1] = bad
    assert slowdown(good, wrong, LIMIT).verdict == slowdown(wrong, good, LIMIT).verdict == "hold"
    assert slowdown(np.zeros((0, 2, 2)), np.zeros((0, 2, 2)), LIMIT).verdict == "hold"


def test_times_of_other_images_are_refused() -> None:
    with pytest.raises(ValueError, match="same shape"):
        slowdown(np.ones((2, 3, 1)), np.ones((2, 4, 1)), LIMIT)


def test_one_process_of_each_cannot_tell_noise_and_promotes_nothing() -> None:
    assert slowdown(np.full((1, 2, 2), 5.0), np.full((1, 2, 2), 5.0), LIMIT).verdict == "inconclusive"


def test_halves_are_every_division_once() -> None:
    assert latency.halves(4) == [([0, 1], [2, 3]), ([0, 2], [1, 3]), ([0, 3], [1, 2])]
    assert latency.halves(3) == [([0], [1]), ([0], [2]), ([1], [2])]
    assert latency.halves(1) == []
    assert len(latency.halves(6)) == 10
    assert 1 <= len(latency.halves(10)) <= latency.MAX_HALVES


def test_turns_are_balanced_so_that_drift_hits_both_alike() -> None:
    assert latency.order(4) == "ABBAABBA"
    when = [[i for i, turn in enumerate(latency.order(4)) if turn == side] for side in "AB"]
    assert sum(when[0]) == sum(when[1])


@pytest.mark.parametrize(("late", "verdict"), [(0, "promote"), (1, "promote"), (2, "hold")])
def test_the_deadline_may_be_missed_by_a_stated_share(late: int, verdict: str) -> None:
    wall = np.array([10.0] * (20 - late) + [50.1] * late)
    row = latency.deadline_row(wall, wall, 50.0, 0.05)
    assert (row.challenger, row.verdict) == (pytest.approx(late / 20), verdict)
    assert bool(row.to_change) == (verdict == "hold")
    assert latency.deadline_row(np.array([]), np.array([]), 50.0, 0.05).verdict == "hold"
    assert latency.miss_rate(np.array([50.0]), 50.0) == 0.0


def test_a_deadline_that_the_processor_would_have_kept_is_missed_by_the_machine_not_by_the_model() -> None:
    wall, cpu = np.full(20, 80.0), np.full(20, 40.0)
    row = latency.deadline_row(wall, cpu, 50.0, 0.05)
    assert (row.challenger, row.verdict) == (1.0, "inconclusive")
    assert "on the processor 0.0 % did: run it again when the machine is quieter" in row.to_change
    assert latency.deadline_row(wall, np.full(20, 50.1), 50.0, 0.05).verdict == "hold"
    assert latency.deadline_row(np.full(20, 49.0), cpu, 50.0, 0.05).verdict == "promote"


@pytest.mark.parametrize(
    ("factor", "words"), [(1.0, ""), (1.3, "at most 1.15 times the champion's time; it takes 1.30")]
)
def test_the_row_says_what_would_have_to_change(factor: float, words: str) -> None:
    champion = np.full((2, 2, 1), 10.0)
    (row,) = latency.rows(slowdown(champion, factor * champion, LIMIT), (10.0, 10.0 * factor))
    assert words in row.to_change and bool(row.to_change) == bool(words)
    assert (row.champion, row.limit, row.difference) == (10.0, LIMIT, pytest.approx(factor))


def test_percentiles_are_numpys_and_jitter_their_ratio() -> None:
    found = latency.percentiles_of(np.arange(1.0, 101.0))
    assert found == {"p50_ms": 50.5, "p95_ms": 95.05, "p99_ms": 99.01, "jitter": 1.961}
    assert set(latency.percentiles_of([]).values()) == {None}
