"""Charts of the bake-off say what the numbers say."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from segwise.report.agreement import bland_altman, limits, scatter
from segwise.report.front import Mark, Scale, forest, pareto

SCALE = Scale("count error", "%", 10.0)
MARKS = [
    Mark("semantic", 47, 19.7, (16, 25), "missed", False, True),
    Mark("hybrid", 53, 7.0, (3.3, 9.2), "met", True, True),
    Mark("instance", 225, 8.0, (6, 12), "open", False, False),
]


def places(svg: str, kind: str, pattern: str) -> list[tuple[float, float]]:
    return [(float(a), float(b)) for a, b in re.findall(rf'class="{kind}"[^>]*{pattern}', svg)]


def test_a_mark_beyond_the_tolerance_stands_in_the_shade_and_one_within_does_not() -> None:
    svg = forest(MARKS, SCALE)
    ((shade, _),) = places(svg, "beyond", r' x="([\d.]+)" y="([\d.]+)"')
    ((met, _),) = places(svg, "mark met", r'cx="([\d.]+)" cy="([\d.]+)"')
    ((missed, _),) = places(svg, "mark missed", r'd="M([\d.]+) ([\d.]+)l')
    assert met < shade < missed


def test_further_left_is_cheaper_and_further_down_is_better() -> None:
    svg = pareto(MARKS, SCALE, "CPU-seconds")
    ((met_x, met_y),) = places(svg, "mark met", r'cx="([\d.]+)" cy="([\d.]+)"')
    ((open_x, open_y),) = places(svg, "mark open", r'cx="([\d.]+)" cy="([\d.]+)"')
    assert met_x < open_x
    assert met_y > open_y


def test_the_stair_touches_only_candidates_that_nothing_beats() -> None:
    svg = pareto(MARKS, SCALE, "CPU-seconds")
    ((stair),) = re.findall(r'class="stair" d="([^"]+)"', svg)
    assert stair.count("V") == 2
    ((_, open_y),) = places(svg, "mark open", r'cx="([\d.]+)" cy="([\d.]+)"')
    assert f"V{open_y}" not in stair


def test_every_operating_point_of_the_cascade_is_on_its_curve() -> None:
    svg = pareto(MARKS, SCALE, "CPU-seconds", [(60, 9), (100, 7), (270, 6)])
    assert svg.count('class="sample"') == 3
    assert "polyline" not in pareto(MARKS, SCALE, "CPU-seconds")


def test_charts_without_a_candidate_are_empty_and_without_a_limit_are_not_shaded() -> None:
    assert forest([], SCALE) == pareto([], SCALE, "CPU-seconds") == ""
    assert "beyond" not in forest(MARKS, Scale("count error", "%", None))
    assert "beyond" not in pareto(MARKS, Scale("count error", "%", None), "CPU-seconds")


def test_names_cannot_become_markup() -> None:
    svg = pareto([Mark("<b>", 1, 1)], SCALE, "a & b")
    assert "<b>" not in svg
    assert "a &amp; b" in svg


def test_an_interval_without_an_end_reaches_to_the_edge_of_the_chart() -> None:
    endless, inside = Mark("semantic", 47, 5, (0, math.inf), "open"), Mark("semantic", 47, 5, (0, 6), "open")
    for chart in (lambda m: forest([m], SCALE), lambda m: pareto([m], SCALE, "CPU-seconds")):
        assert "inf" not in chart(endless)
        assert chart(endless) != chart(inside)


def test_limits_of_agreement_are_the_bias_and_two_standard_deviations() -> None:
    rng = np.random.default_rng(1)
    truth, seen = rng.integers(0, 50, size=(2, 200)).astype(float)
    gaps = seen - truth
    low, bias, high = limits(list(zip(truth, seen, strict=True)))
    assert bias == pytest.approx(gaps.mean())
    assert (low, high) == pytest.approx((gaps.mean() - 1.96 * gaps.std(), gaps.mean() + 1.96 * gaps.std()))


def test_a_perfect_count_lies_on_the_line_and_has_no_difference() -> None:
    points = [(0.0, 0.0), (10.0, 10.0), (40.0, 40.0)]
    plain, difference = scatter(points, "hybrid", 40), bland_altman(points, "hybrid", 40)
    (line,) = re.findall(r'class="equal" x1="([\d.]+)" y1="([\d.]+)" x2="([\d.]+)" y2="([\d.]+)"', plain)
    x0, y0, x1, y1 = map(float, line)
    for x, y in places(plain, "dot", r'cx="([\d.]+)" cy="([\d.]+)"'):
        assert (y - y0) / (y1 - y0) == pytest.approx((x - x0) / (x1 - x0), abs=0.01)
    assert len({y for _, y in places(difference, "dot", r'cx="([\d.]+)" cy="([\d.]+)"')}) == 1


def test_axes_of_two_candidates_end_alike_so_that_they_can_be_compared() -> None:
    first, second = scatter([(5.0, 4.0)], "a", 80), scatter([(5.0, 70.0)], "b", 80)
    assert re.findall(r"text-anchor=\"middle\">(\d+)<", first) == re.findall(r"text-anchor=\"middle\">(\d+)<", second)
