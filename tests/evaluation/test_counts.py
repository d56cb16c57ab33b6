from __future__ import annotations

import numpy as np
import pytest

from segwise.evaluation.counts import count_metrics, coverage_metrics


def test_count_errors_of_a_case_counted_by_hand() -> None:
    figures = count_metrics(np.array([[10], [0], [30]]), np.array([[12], [1], [27]]))
    spread = 1.96 * np.std([2, 1, -3])
    assert figures == pytest.approx(
        {
            "count_mae": 2.0, "count_error": 6 / 40, "count_bias": 0.0, "count_mape": 0.15, "count_exact_rate": 0.0,
            "count_limits_low": -spread, "count_limits_high": spread,
        }
    )  # fmt: skip


def test_an_empty_image_counted_right_is_exact_and_has_no_relative_error() -> None:
    figures = count_metrics(np.array([[0]]), np.array([[0]]))
    assert figures["count_exact_rate"] == 1.0
    assert np.isnan(figures["count_error"])
    assert np.isnan(figures["count_mape"])


def test_weights_count_images_as_often_as_copies() -> None:
    truth, found = np.array([[3, 1], [5, 0], [2, 2]]), np.array([[4, 1], [5, 2], [0, 2]])
    copied = count_metrics(truth[[0, 0, 2]], found[[0, 0, 2]])
    assert count_metrics(truth, found, np.array([2, 0, 1])) == pytest.approx(copied)


def test_coverage_error_is_a_fraction_of_the_pixels() -> None:
    figures = coverage_metrics(np.array([[0.20], [0.50]]), np.array([[0.25], [0.40]]))
    limits = {"coverage_limits_low": -0.025 - 1.96 * 0.075, "coverage_limits_high": -0.025 + 1.96 * 0.075}
    assert figures == pytest.approx({"coverage_error": 0.075, "coverage_bias": -0.025, **limits})
