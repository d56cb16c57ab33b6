"""Summaries of two samples are compared as the samples themselves would be, held against SciPy and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from segwise.labels.revisions import samples

RNG = np.random.default_rng(7)


def brief(values: np.ndarray) -> dict[str, object]:
    return samples.numbers(values.astype(float), np.arange(len(values)))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (RNG.normal(size=400), RNG.normal(0.4, 1, size=900)),
        (RNG.lognormal(size=300), RNG.lognormal(0.2, 2, size=300)),
        (RNG.poisson(2, 500), RNG.poisson(3, 500)),
        (RNG.random(400) < 0.3, RNG.random(400) < 0.6),
        (RNG.normal(size=50), RNG.normal(9, 1, size=50)),
    ],
)
def test_the_distance_is_kolmogorov_and_smirnovs_to_the_step_of_the_summary(a: np.ndarray, b: np.ndarray) -> None:
    expected = stats.ks_2samp(a.astype(float), b.astype(float), method="asymp")
    found = samples.distance(brief(a), brief(b))
    assert found == pytest.approx(float(expected.statistic), abs=0.04)


def test_equal_samples_have_no_distance() -> None:
    values = RNG.poisson(3, 200)
    assert samples.distance(brief(values), brief(values)) == 0


@pytest.mark.parametrize("distance", [0.1, 0.2, 0.35])
def test_the_chance_of_a_distance_between_independent_values_is_scipys(distance: float) -> None:
    a, b = {"effective": 60.0}, {"effective": 90.0}
    exact = float(stats.kstwo.sf(distance, 36))  # n m / (n + m) = 36
    assert samples.distance_chance(distance, a, b) == pytest.approx(exact, rel=0.15, abs=0.002)


def test_independent_values_count_one_by_one_and_copies_in_a_clump_as_one() -> None:
    values = RNG.normal(size=40)
    assert samples.effective_size(values, np.arange(40)) == 40
    copies, clumps = np.repeat(values, 5), np.repeat(np.arange(40), 5)
    assert samples.effective_size(copies, clumps) == pytest.approx(40)
    assert samples.effective_size(RNG.permutation(copies), clumps) > 120
    assert samples.effective_size(copies, np.zeros(200, dtype=int)) == 1


def test_clumps_weigh_as_much_as_the_variance_of_their_means_says() -> None:
    """The effective size is the one at which the mean is as uncertain as it really is."""
    rng, size = np.random.default_rng(1), 10
    means, found = [], []
    for _ in range(200):
        values = np.repeat(rng.normal(size=60), size) + rng.normal(0, 1, size=60 * size)  # correlation 1/2
        means.append(values.mean())
        found.append(samples.effective_size(values, np.repeat(np.arange(60), size)))
    assert np.median(found) == pytest.approx(2 / np.var(means), rel=0.2)


def test_the_stability_index_is_its_formula() -> None:
    a = samples.shares(pd.Series(["x"] * 60 + ["y"] * 40), np.arange(100))
    b = samples.shares(pd.Series(["x"] * 30 + ["y"] * 70), np.arange(100))
    p, q = np.array([60.5, 40.5]) / 101, np.array([30.5, 70.5]) / 101
    assert samples.stability(a, b) == pytest.approx(float(np.sum((p - q) * np.log(p / q))))
    assert samples.stability(a, a) == 0
    assert samples.stability(a, {"counts": {"x": 100}}) > 1


def test_the_chance_of_a_stability_index_is_that_of_chi_square() -> None:
    a = samples.shares(pd.Series(["x"] * 300 + ["y"] * 300), np.arange(600))
    b = samples.shares(pd.Series(["x"] * 270 + ["y"] * 330), np.arange(600))
    table = np.array([[300, 300], [270, 330]])
    expected = stats.chi2_contingency(table, correction=False)
    assert samples.stability_chance(samples.stability(a, b), a, b) == pytest.approx(float(expected.pvalue), rel=0.05)


def test_words_that_a_clump_shares_count_once_per_clump() -> None:
    words = pd.Series(np.repeat(["x", "y", "x", "x", "y"], 8))
    assert samples.shares(words, np.repeat(np.arange(5), 8))["effective"] == pytest.approx(5, abs=0.5)


def test_holm_adjusts_as_by_hand() -> None:
    assert samples.holm(np.array([0.01, 0.04, 0.03])).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert samples.holm(np.array([])).tolist() == []
