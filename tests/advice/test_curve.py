"""The learning curve's arithmetic, held against laws that are known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import least_squares

from segwise.advice import curve
from segwise.advice.curve import Trials

SIZES = np.array([24.0, 48.0, 96.0, 192.0])
Values = NDArray[np.float64]


def law(sizes: Values, floor: float, scale: float, exponent: float) -> Values:
    return floor + scale * sizes**-exponent


def trials(errors: Values, sizes: Values = SIZES, draws: int = 100) -> Trials:
    """Errors (S, R) whose validation images leave nothing to chance."""
    shaped = np.repeat(sizes[: len(errors), None], errors.shape[1], axis=1)
    return Trials(shaped, errors, np.repeat(errors[None], draws, axis=0))


def noisy(random: np.random.Generator, noise: float, repeats: int = 3, scale: float = 1.5) -> Values:
    """Errors of a known law, float (S, R)."""
    return law(SIZES, 0.04, scale, 0.6)[:, None] + random.normal(0, noise, (len(SIZES), repeats))


@pytest.mark.parametrize(
    ("floor", "scale", "exponent"), [(0.05, 0.8, 0.5), (0.0, 0.3, 0.2), (0.1, 40.0, 1.5), (0.02, 1.0, 1.0)]
)
def test_a_law_without_noise_is_recovered(floor: float, scale: float, exponent: float) -> None:
    found = curve.fit(SIZES, law(SIZES, floor, scale, exponent)[None])
    assert found.floor[0] == pytest.approx(floor, abs=2e-4)
    assert found.exponent[0] == pytest.approx(exponent, rel=2e-3)
    assert found.scale[0] * found.reference ** found.exponent[0] == pytest.approx(scale, rel=1e-2)
    further = np.array([242.0, 1000.0])
    assert found.at(further)[0] == pytest.approx(law(further, floor, scale, exponent), abs=1e-4)


def test_no_other_law_is_nearer_to_noisy_errors() -> None:
    random = np.random.default_rng(3)
    errors = np.stack([noisy(random, 0.02, repeats=1)[:, 0] for _ in range(20)])
    ours = np.square(curve.fit(SIZES, errors).at(SIZES) - errors).sum(axis=1)
    for mine, one in zip(ours, errors, strict=True):
        best = min(
            2 * least_squares(
                lambda p, one=one: p[0] + p[1] * (SIZES / 192) ** -p[2] - one,
                (0.05, 0.1, start), bounds=([0, 0, curve.EXPONENTS[0]], [2, 2, curve.EXPONENTS[1]]),
            ).cost
            for start in (0.1, 0.5, 1.0, 1.9)
        )  # fmt: skip
        assert mine <= best + 1e-7


def test_a_law_never_rises_nor_falls_below_zero() -> None:
    random = np.random.default_rng(0)
    errors = random.uniform(0, 0.3, (200, 4))
    seen = curve.fit(SIZES, errors).at(np.array([1.0, 24, 50, 96, 192, 500, 1e6]))
    assert (np.diff(seen, axis=1) <= 1e-12).all()
    assert (seen >= 0).all()


def test_errors_that_rise_are_a_flat_law_at_their_mean() -> None:
    found = curve.fit(SIZES, np.array([[0.1, 0.1, 0.2, 0.2]]))
    assert found.at(np.array([24.0, 500.0]))[0] == pytest.approx([0.15, 0.15])


def test_two_sizes_leave_the_exponent_open() -> None:
    with pytest.raises(ValueError, match="sizes"):
        curve.fit(SIZES[:2], np.array([[0.2, 0.1]]))
    found = curve.worth(trials(law(SIZES[:2], 0.05, 1.0, 0.5)[:, None] + np.array([[-0.004, 0.001, 0.0, 0.003]])), 50,
                        0.9, 0)  # fmt: skip
    assert found["exponent"] is None
    today, more = law(np.array([48.0, 98.0]), 0.05, 1.0, 0.5)
    low, high = found["interval"]
    assert low < today - more < high
    assert low < found["expected"] < high


def test_the_interval_of_the_gain_holds_the_true_one_as_often_as_it_says() -> None:
    truth = float(np.diff(law(np.array([242.0, 192.0]), 0.04, 1.5, 0.6))[0])
    random = np.random.default_rng(1)
    found = [curve.worth(trials(noisy(random, 0.004)), 50, 0.9, 0)["interval"] for _ in range(150)]
    held = np.mean([low <= truth <= high for low, high in found])
    assert held >= 0.82
    assert np.median([high - low for low, high in found]) < 2 * truth  # and it says something


def test_errors_that_fall_beyond_chance_are_a_gain_and_without_noise_the_true_one() -> None:
    spread = np.array([[-1e-5, 0.0, 1e-5]])
    found = curve.worth(trials(law(SIZES, 0.02, 1.5, 0.6)[:, None] + spread), 50, 0.9, 0)
    truth = float(np.diff(law(np.array([242.0, 192.0]), 0.02, 1.5, 0.6))[0])
    assert found["verdict"] == "gain"
    assert found["expected"] == pytest.approx(truth, rel=0.01)
    assert found["interval"][0] <= found["expected"] <= found["interval"][1]
    assert found["floor"] == pytest.approx(0.02, abs=1e-3)
    assert found["error"] == pytest.approx(law(np.array([192.0]), 0.02, 1.5, 0.6)[0], abs=1e-4)


def test_a_flat_curve_is_never_called_a_gain() -> None:
    random = np.random.default_rng(5)
    for _ in range(30):
        found = curve.worth(trials(0.2 + random.normal(0, 0.01, (4, 3))), 50, 0.9, 0)
        assert found["verdict"] in ("little", "unclear")
        assert found["interval"][0] <= curve.NOTHING * found["error"]


def test_a_flat_curve_without_noise_is_worth_hardly_anything() -> None:
    found = curve.worth(trials(0.2 + np.array([[-1e-4, 0, 1e-4]] * 4)), 50, 0.9, 0)
    assert found["verdict"] == "little"
    assert found["interval"][1] < 1e-3


@pytest.mark.parametrize(("low", "high", "said"), [
    (0.02, 0.05, "gain"), (0.0, 0.05, "unclear"), (0.0, 0.01, "little"), (0.001, 0.1, "unclear"), (0.003, 0.01, "gain"),
])  # fmt: skip
def test_the_verdict_follows_the_interval(low: float, high: float, said: str) -> None:
    assert curve.verdict(low, high, 0.2) == said


@pytest.mark.parametrize("errors", [
    law(SIZES, 0.04, 1.5, 0.6)[:, None],  # one repeat: chance is not known
    law(SIZES[:2], 0.04, 1.5, 0.6)[:, None] + np.array([[0.0, 0.01]]),  # two sizes, two repeats
    np.where(np.eye(4, 3) > 0, np.nan, 0.1),
])  # fmt: skip
def test_too_little_to_tell_is_said(errors: Values) -> None:
    found = curve.worth(trials(errors), 50, 0.9, 0)
    assert found["verdict"] == "untold"
    assert found["expected"] is found["interval"] is found["band"] is None
    assert [row["num_images"] for row in found["observed"]] == SIZES[: len(errors)].tolist()


def test_draws_of_the_validation_images_widen_the_interval() -> None:
    errors = law(SIZES, 0.04, 1.5, 0.6)[:, None] + np.array([[-0.001, 0, 0.001]])
    sure = trials(errors)
    random = np.random.default_rng(2)
    unsure = Trials(sure.sizes, errors, sure.drawn * random.uniform(0.6, 1.4, (100, 1, 1)))
    narrow, wide = (np.diff(curve.worth(t, 50, 0.9, 0)["interval"])[0] for t in (sure, unsure))
    assert wide > 1.5 * narrow


def test_undefined_draws_are_left_out_until_most_are() -> None:
    errors = law(SIZES, 0.04, 1.5, 0.6)[:, None] + np.array([[-0.001, 0, 0.001]])
    drawn = trials(errors).drawn.copy()
    drawn[:30, 0, 0] = np.nan
    assert curve.worth(Trials(trials(errors).sizes, errors, drawn), 50, 0.9, 0)["verdict"] == "gain"
    drawn[:60, 0, 0] = np.nan
    assert curve.worth(Trials(trials(errors).sizes, errors, drawn), 50, 0.9, 0)["verdict"] == "untold"


def test_the_band_runs_from_the_smallest_subset_to_the_labels_asked_about_and_holds_the_law() -> None:
    found = curve.worth(trials(noisy(np.random.default_rng(4), 0.004)), 50, 0.9, 0)
    band = np.array(found["band"])
    assert (band[0, 0], band[-1, 0]) == (24, 242)
    assert (np.diff(band[:, 2]) <= 0).all()
    assert (band[:, 1] <= band[:, 3]).all()
    assert found["band"][-1][2] == pytest.approx(found["error"] - found["expected"])


def test_pooled_repeats_have_the_spread_of_means_of_few_trainings() -> None:
    random = np.random.default_rng(0)
    spreads = [curve.means(trials(random.normal(0.5, 0.1, (4, 3)), draws=400), 0).std(axis=0) for _ in range(60)]
    assert np.sqrt(np.mean(np.square(spreads))) == pytest.approx(0.1 / np.sqrt(3), rel=0.1)


def test_a_paired_difference_ignores_what_both_share() -> None:
    random = np.random.default_rng(6)
    shared, own = random.normal(0, 0.05, (4, 3)), random.normal(0, 0.001, (4, 3))
    one, other = trials(0.3 + shared), trials(0.28 + shared + own)
    rows = curve.difference(one, other, 0.9, 0)
    assert all(row["is_beyond_chance"] for row in rows)
    for row, gap in zip(rows, 0.02 - own.mean(axis=1), strict=True):
        assert row["difference"] == pytest.approx(gap)
        assert row["interval"][0] < row["difference"] < row["interval"][1]
    same = trials(0.3 + shared + own - own.mean(axis=1, keepdims=True))
    assert not any(row["is_beyond_chance"] for row in curve.difference(one, same, 0.9, 0))


def test_a_difference_of_undefined_errors_or_of_single_trainings_is_not_judged() -> None:
    single = trials(np.full((4, 1), 0.3))
    assert curve.difference(single, single, 0.9, 0)[0]["is_beyond_chance"] is None
    unknown = trials(np.full((4, 3), np.nan))
    assert curve.difference(unknown, unknown, 0.9, 0)[0]["interval"] is None
