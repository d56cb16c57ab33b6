from __future__ import annotations

import numpy as np
import pytest

from segwise.evaluation.intervals import bootstrap, draws, fewest_groups


def test_the_interval_of_a_mean_agrees_with_the_normal_one() -> None:
    values = np.random.default_rng(0).normal(size=400)
    groups = [str(i) for i in range(400)]
    found = bootstrap(groups, lambda w: {"mean": float(w @ values / w.sum())}, replicates=2000, confidence=0.9, seed=1)
    low, high = found["mean"]
    spread = 1.645 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - spread, values.mean() + spread), abs=0.01)


def test_whole_groups_are_drawn() -> None:
    seen: list[np.ndarray] = []
    bootstrap(["a", "a", "b"], lambda w: seen.append(w) or {}, replicates=20, confidence=0.9, seed=0)
    assert all(w[0] == w[1] for w in seen)
    assert all(w[0] + w[2] == 2 for w in seen)


def test_the_same_seed_gives_the_same_interval_and_an_undefined_figure_none() -> None:
    def statistic(w: np.ndarray) -> dict[str, float]:
        return {"first": float(w[0]), "never": float("nan")}

    runs = [bootstrap(list("abcd"), statistic, replicates=50, confidence=0.9, seed=3) for _ in range(2)]
    assert runs[0] == runs[1]
    assert runs[0]["never"] is None


def test_fewer_groups_than_an_interval_needs_are_not_drawn_from() -> None:
    groups = [str(n) for n in range(6)]
    assert fewest_groups(0.95) == 6
    assert len(draws(groups, 20, 0, confidence=0.95)) == 20
    assert len(draws(groups[:5] * 8, 20, 0, confidence=0.95)) == 0
    assert len(draws(groups[:5] * 8, 20, 0)) == 20
