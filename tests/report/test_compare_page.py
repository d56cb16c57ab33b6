"""The page of the bake-off: the winner first, what is really best marked, and why advice and measurement part."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from segwise.decision.params import Decision
from segwise.report import kpi_rows, kpis
from segwise.report.causes import Case, Size, cause
from segwise.report.compare_page import render
from segwise.report.decision_view import Comparison, cost_of, scale_of
from segwise.report.kpis import said
from segwise.report.reconcile import beside
from tests.report.html import outside


def candidate(error: float, reach: float, cpu_s: float, **more: Any) -> dict[str, Any]:
    """A count candidate at a tolerance of 10 %."""
    low, high = max(error - reach, 0), error + reach
    met = "met" if high <= 0.1 else "missed" if low > 0.1 else "open"
    return {
        "error": error, "used": error / 0.1, "met": met, "mae": 50 * error,
        "intervals": {"error": [low, high], "used": [low / 0.1, high / 0.1]},
        "cpu_s_per_image": cpu_s, "cost_per_1000": cpu_s / 3.6 * 0.0425, "p95_ms": 1100 * cpu_s, "on_front": True,
        **more,
    }  # fmt: skip


def a_result() -> dict[str, Any]:
    difference = {"a": "hybrid", "b": "semantic", "figure": "used", "difference": -1.3, "interval": [-2, -0.8],
                  "significant": True}  # fmt: skip
    near = {"a": "hybrid", "b": "instance", "figure": "used", "difference": 0.1, "interval": [-0.2, 0.3],
            "significant": False}  # fmt: skip
    candidates = {
        "semantic": candidate(0.2, 0.04, 0.047), "hybrid": candidate(0.07, 0.02, 0.053),
        "instance": candidate(0.06, 0.02, 0.225),
    }  # fmt: skip
    own = {"kind": "count", "tolerance": "within 10 %", "winner": "hybrid", "why": "The cheapest within it.",
           "candidates": candidates, "differences": [difference, near]}  # fmt: skip
    return {"decisions": {"cells": own}, "quality": {}, "refused": {"cascade": "triggers on 90 % of the images"}}


def a_page(**changes: Any) -> Comparison:
    metrics = {
        c: {"f1": f1, "num_images": 35, "num_groups": 14, "num_objects": 2384,
            "intervals": {"f1": [f1 - 0.02, f1 + 0.02]}, "per_class": {"cell": {"f1": f1}, "<x>": {"f1": 0.1}},
            "slices": {"kind": {"h&e": {"f1": f1, "num_images": 3}}}}
        for c, f1 in (("semantic", 0.7), ("hybrid", 0.85), ("instance", 0.8))
    }  # fmt: skip
    values = {"result": a_result(), "decisions": {"cells": Decision(kind="count")}, "metrics": metrics}
    return Comparison(**{**values, **changes})


def test_the_winner_comes_first_with_its_error_its_cost_and_why_not_the_others() -> None:
    html = render(a_page())
    outside(html)
    order = ["Use hybrid", "The cheapest within it.", "7.0\u00a0%", "5.0 … 9.0", "misses it", "0.89 × the cost",
             "its error is 13.0 points larger (+8.0 … +20.0)", "4.2 × the cost",
             "its error is not told apart: −1.0 points (−3.0 … +2.0)", "triggers on 90 % of the images",
             "Error against the tolerance"]  # fmt: skip
    places = [html.index(words) for words in order]
    assert places == sorted(places)


def test_where_nothing_wins_the_nearest_candidate_is_named() -> None:
    result = a_result()
    result["decisions"]["cells"] |= {"winner": None}
    html = render(a_page(result=result))
    outside(html)
    assert "Nothing is shown to meet it yet" in html
    assert html.index("nearest to it") < html.index("<dd>instance</dd>")


def test_a_page_without_advice_benchmark_and_figures_stands() -> None:
    result = a_result()
    nothing = {"error": None, "used": None, "met": "unknown", "intervals": {}}
    result["decisions"]["cells"] |= {"winner": None, "differences": [], "candidates": {"hybrid": nothing}}
    html = render(a_page(result=result, metrics={"hybrid": {"f1": None}}))
    outside(html)
    assert "No candidate has a figure" in html


def test_the_page_loads_nothing_from_elsewhere_and_links_its_siblings_only() -> None:
    page = a_page(advice={"decisions": {"cells": {"recommend": "hybrid", "sentences": [{"text": "So <it> is."}]}}})
    html = render(page)
    assert set(outside(html)) == {"../report/index.html", "../advice/index.html"}
    assert "So &lt;it&gt; is." in html and "h&amp;e" in html and "&lt;x&gt;" in html
    assert html == render(page)


def test_several_decisions_are_listed_before_the_first_one() -> None:
    result = a_result()
    result["decisions"]["again"] = copy.deepcopy(result["decisions"]["cells"])
    html = render(a_page(result=result, decisions=dict.fromkeys(("cells", "again"), Decision(kind="count"))))
    outside(html)
    assert html.index('href="#again"') < html.index('<section id="cells">')


def test_the_cascade_is_drawn_at_every_rate_and_only_for_its_own_decision() -> None:
    curve = [{"rate": r / 4, "cost": 0.24 + r / 4, "error": 0.07, "used": 0.7} for r in range(5)]
    own = render(a_page(cascade={"decision": "cells", "curve": curve}))
    other = render(a_page(cascade={"decision": "another", "curve": curve}))
    assert own.count('class="sample"') == 5
    assert other.count('class="sample"') == 0


@pytest.mark.parametrize(
    ("stated", "key", "limit"),
    [
        ({"kind": "count", "tolerance": {"relative": 0.05}}, "error", 5),
        ({"kind": "count", "tolerance": {"relative": 0.05, "absolute": 1}}, "used", 100),
        ({"kind": "coverage"}, "error", 2),
        ({"kind": "presence"}, "used", 100),
        ({"kind": "itemize", "tolerance": {"min_f1": 0.9}}, "error", 10),
        ({"kind": "count", "tolerance": {"min_accuracy": 0.9}, "action": "if count() < 3 then stop"}, "used", 100),
    ],
)
def test_the_axis_is_the_error_where_one_limit_holds_for_it(stated: Any, key: str, limit: float) -> None:
    scale, found = scale_of(Decision(**stated))
    assert (found, scale.limit) == (key, pytest.approx(limit))


def test_costs_are_those_of_a_thousand_images() -> None:
    assert cost_of(a_result(), "hybrid")["cpu_s_per_1000"] == pytest.approx(53)


F1 = kpi_rows.Kpi("f1", "F1", "share", "high", "objects")
BIAS = kpi_rows.Kpi("bias", "bias", "signed", "zero", "counts and areas")
P50 = kpi_rows.Kpi("p50_ms", "p50", "ms", "low", "time and cost")


@pytest.mark.parametrize(
    ("kpi", "found", "ranges", "paired", "best"),
    [
        (F1, {"a": 0.8, "b": 0.9}, {"a": [0.7, 0.84], "b": [0.85, 0.95]}, {}, "b"),
        (F1, {"a": 0.8, "b": 0.9}, {"a": [0.7, 0.87], "b": [0.85, 0.95]}, {}, None),
        (F1, {"a": 0.8, "b": 0.9}, {"a": [0.7, 0.87], "b": [0.85, 0.95]}, {("f1", "a", "b"): True}, "b"),
        (F1, {"a": 0.8, "b": 0.9}, {"a": [0.7, 0.84], "b": [0.85, 0.95]}, {("f1", "b", "a"): False}, None),
        (F1, {"a": 0.8, "b": 0.9, "c": 0.9}, {"a": None, "b": None, "c": None}, {}, None),
        (F1, {"a": None, "b": 0.9}, {"a": None, "b": [0.8, 1]}, {}, None),
        (BIAS, {"a": -1.0, "b": 3.0}, {"a": [-1.5, -0.5], "b": [2, 4]}, {}, "a"),
        (P50, {"a": 47.0, "b": 53.0}, {"a": None, "b": None}, {}, "a"),
        (P50, {"a": 52.0, "b": 53.0}, {"a": None, "b": None}, {}, None),
    ],
)
def test_a_value_is_best_only_beyond_chance(kpi: kpi_rows.Kpi, found: Any, ranges: Any, paired: Any, best: Any) -> None:
    assert kpis.best_of(kpi, found, ranges, paired) == best


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(0.0712, "percent", "7.1\u00a0%"), (-0.03, "signed percent", "−3.0\u00a0%"), (2.5, "signed", "+2.50"),
     (None, "share", "–"), (0.84567, "share", "0.846"), (0.00064, "money", "0.00064"), (1234.5, "ms", "1,234")],
)  # fmt: skip
def test_figures_are_said_in_their_unit(value: float | None, unit: Any, text: str) -> None:
    assert said(value, unit) == text


def test_a_figure_that_no_candidate_has_takes_no_row() -> None:
    rows = kpis.table([F1, P50], {"a": {"f1": 0.5}, "b": {}}, {})
    assert [row["words"] for row in rows] == ["F1"]
    assert [cell["text"] for cell in rows[0]["cells"]] == ["0.500", "–"]


SIZE = Size(35, 14, 154)


COUNT = Decision(kind="count")
HASTE = Decision.model_validate({"kind": "count", "operation": {"deadline_ms": 100, "frames_per_s": 5}})


def a_case(result: dict[str, Any] | None = None, decision: Decision = COUNT, **ceilings: tuple[float, str]) -> Case:
    perfect = {c: {"error": e, "used": e / 0.1, "met": met} for c, (e, met) in ceilings.items()}
    own = (result or a_result())["decisions"]["cells"]
    return Case(decision, own, perfect, {"cascade": "triggers everywhere"}, SIZE)


def test_advice_that_names_the_winner_agrees() -> None:
    found = beside(a_case(), {"recommend": "hybrid", "sentences": [{"text": "Touching objects."}]})
    assert found.agree is True
    assert found.advice == ("Touching objects.",)
    assert "agree" in found.verdict


def test_a_missed_tolerance_under_a_met_ceiling_is_the_models_fault() -> None:
    words = cause(a_case(semantic=(0.04, "met")), "semantic")
    assert "The limit is the model, not the approach" in words
    assert "16.0\u00a0points between them" in words


def test_a_missed_ceiling_is_the_approachs_fault() -> None:
    assert "no training helps" in cause(a_case(semantic=(0.136, "missed")), "semantic")


def test_an_error_below_its_ceiling_is_explained_by_the_other_images() -> None:
    words = cause(a_case(hybrid=(0.12, "missed")), "hybrid")
    assert "all 154 images" in words and "35 test images" in words


def test_an_open_interval_says_how_many_images_would_close_it() -> None:
    result = a_result()
    result["decisions"]["cells"]["candidates"]["hybrid"] = candidate(0.08, 0.04, 0.05)
    words = cause(a_case(result), "hybrid")
    assert "about 105 more test images (42 groups)" in words  # the reach must halve: four times as many
    assert "within" in words


def test_an_error_at_the_limit_itself_promises_no_number_of_images() -> None:
    result = a_result()
    result["decisions"]["cells"]["candidates"]["hybrid"] = candidate(0.0999, 0.04, 0.05)
    assert "too near" in cause(a_case(result), "hybrid")


def test_an_error_far_from_the_limit_with_a_wide_interval_asks_for_many_images() -> None:
    result = a_result()
    result["decisions"]["cells"]["candidates"]["hybrid"] = candidate(0.01, 0.60, 0.05)
    words = cause(a_case(result), "hybrid")
    assert "more than 20 times as many test images" in words and "too near" not in words


@pytest.mark.parametrize(
    ("advised", "words"),
    [
        ("", "No advice was written"),
        ("no answer", "The labels alone allowed no answer"),
        ("cascade", "does not compete here (triggers everywhere)"),
        ("instance", "meets the tolerance, but so does hybrid at 0.24 of its cost"),
        ("semantic", "Why not semantic? The limit is the approach"),
    ],
)
def test_where_advice_and_measurement_part_the_reason_is_given(advised: str, words: str) -> None:
    case = a_case(semantic=(0.136, "missed"), hybrid=(0.05, "met"))
    found = beside(case, {"recommend": advised} if advised else {})
    assert found.agree is (False if advised in ("instance", "semantic", "cascade") else None)
    assert words in found.verdict


def test_every_candidate_with_a_ceiling_a_figure_or_a_refusal_has_a_row() -> None:
    rows = beside(a_case(semantic=(0.136, "missed"), single=(0.0, "met")), {}).rows
    assert [row.name for row in rows] == ["semantic", "hybrid", "instance", "single", "cascade"]
    assert rows[-1].words == "Refused: triggers everywhere"
    assert rows[0].ceiling == "13.6\u00a0%"


def test_the_number_of_images_asked_for_falls_with_the_distance_to_the_limit() -> None:
    asked = []
    for error in np.linspace(0.05, 0.09, 5):
        result = a_result()
        result["decisions"]["cells"]["candidates"]["hybrid"] = candidate(float(error), 0.06, 0.05)
        words = cause(a_case(result), "hybrid")
        asked.append(int(words.split("about ")[1].split(" more")[0].replace(",", "")) if "about" in words else 10**9)
    assert asked == sorted(asked)
    assert asked[0] < asked[-1]


def test_an_interval_without_an_end_stands_on_the_page() -> None:
    """A tolerance that allows no miss: any is endlessly many times the tolerance."""
    result, strict = a_result(), Decision.model_validate({"kind": "presence", "tolerance": {"min_sensitivity": 1.0}})
    own = {"error": 0.0, "used": 0.0, "met": "open", "sensitivity": 1.0, "cpu_s_per_image": 0.1, "cost_per_1000": 1.0,
           "intervals": {"used": [0.0, None], "sensitivity": [0.86, 1.0]}}  # fmt: skip
    result["decisions"]["cells"] |= {"kind": "presence", "winner": None, "candidates": {"semantic": own, "hybrid": own}}
    html = render(a_page(result=result, decisions={"cells": strict}))
    outside(html)
    assert "<dt>sensitivity</dt><dd>1.000 <small>0.860 … 1.000</small></dd>" in html


def test_a_decision_about_the_action_speaks_of_actions_and_parts_of_the_tolerance() -> None:
    stated = {"kind": "count", "tolerance": {"min_accuracy": 0.9}, "action": "if count() < 3 then stop"}
    result = a_result()
    for own, accuracy in zip(result["decisions"]["cells"]["candidates"].values(), (0.8, 0.93, 0.94), strict=True):
        own |= {"accuracy": accuracy, "used": (1 - accuracy) / 0.1}
    html = render(a_page(result=result, decisions={"cells": Decision.model_validate(stated)}))
    outside(html)
    assert "<dt>right actions</dt><dd>93.0\u00a0%" in html
    assert "its part of the tolerance is 130.0 points larger (+80.0 … +200.0)" in html


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"is_proven": True}, "Simpler is enough: hybrid costs less than instance, whose error is the smallest; the "
                              "difference is +1.0 points (−2.0 … +3.0)."),
        ({"is_proven": False}, "Not told apart: hybrid costs less than instance, whose error is the smallest; the "
                               "difference is +1.0 points (−2.0 … +3.0), and neither is proven to meet the tolerance."),
    ],
)  # fmt: skip
def test_a_cheaper_candidate_is_called_enough_only_where_it_is_proven(told: Any, words: str) -> None:
    result = a_result()
    apart = {"name": "hybrid", "than": "instance", "difference": 0.1, "interval": [-0.2, 0.3]}
    result["decisions"]["cells"]["simpler"] = {**apart, **told}
    assert words in render(a_page(result=result))


@pytest.mark.parametrize(
    ("found", "ranges", "best"),
    [
        ({"a": -5.0, "b": 5.1}, {"a": [-6, -4], "b": [4, 6]}, None),  # as far from 0 as one another
        ({"a": -1.0, "b": 5.0}, {"a": [-2, 0.5], "b": [4, 6]}, "a"),
        ({"a": -1.0, "b": -5.0}, {"a": [-2, 0.5], "b": [-6, -4]}, "a"),
        ({"a": -1.0, "b": 5.0}, {"a": [-2, 0.5], "b": [-1, 6]}, None),
    ],
)
def test_of_two_biases_the_one_nearer_to_zero_is_best_whatever_their_signs(found: Any, ranges: Any, best: Any) -> None:
    assert kpis.best_of(BIAS, found, ranges, {("bias", "a", "b"): True}) == best


def test_bias_and_limits_of_a_coverage_are_told_in_percent_as_its_error_is() -> None:
    own = {"hybrid": {"error": 0.012, "bias": -0.0042, "limits_low": -0.03, "limits_high": 0.022}}
    told = {row["words"]: row["cells"][0]["text"] for row in kpis.table(kpi_rows.of_decision("coverage"), own, {})}
    assert told["bias"] == "−0.42\u00a0%" and told["limits of agreement, low"] == "−3.0\u00a0%"
    assert kpis.table(kpi_rows.of_decision("count"), own, {})[1]["cells"][0]["text"] == "−0.00"


def test_a_late_candidate_is_told_to_be_late_and_no_dearer_alternative() -> None:
    result = a_result()
    result["decisions"]["cells"]["candidates"]["instance"] |= {
        "deadline_met": False,
        "frames_met": True,
        "p95_ms": 1034.2,
    }
    for name in ("semantic", "hybrid"):
        result["decisions"]["cells"]["candidates"][name] |= {"deadline_met": True, "frames_met": True}
    verdict = beside(a_case(result, HASTE, hybrid=(0.05, "met")), {"recommend": "instance"}).verdict
    assert verdict.startswith("They part: instance was advised, hybrid wins. Why not instance?")
    assert verdict.endswith("It is not in time: 1,034 ms at p95, asked 100.")


def test_where_what_is_advised_meets_the_tolerance_too_late_time_is_the_cause() -> None:
    result = a_result()
    result["decisions"]["cells"]["winner"] = None
    for own in result["decisions"]["cells"]["candidates"].values():
        own |= {"deadline_met": False, "frames_met": None}
    found = beside(a_case(result, HASTE, hybrid=(0.05, "met")), {"recommend": "hybrid"})
    assert "nothing measured is shown to meet the tolerance in time" in found.verdict
    assert "58.3 ms at p95, asked 100 and unknown a second, asked 5" in found.rows[1].words


def test_what_limits_an_action_is_not_its_count_error() -> None:
    stated = {"kind": "count", "tolerance": {"min_accuracy": 0.9}, "action": "if count() < 3 then stop"}
    own = {"error": 0.3, "used": 1.5, "accuracy": 0.85, "met": "missed", "intervals": {"used": [1.1, 2.0]}}
    perfect = {"error": 0.33, "used": 0.0, "accuracy": 1.0}
    case = Case(Decision.model_validate(stated), {"candidates": {"semantic": own}}, {"semantic": perfect}, {}, SIZE)
    words = cause(case, "semantic")
    assert "The limit is the model, not the approach: a perfect semantic leaves wrong actions of 0.0\u00a0%" in words
    assert "this model 15.0\u00a0%" in words and "15.0\u00a0points between them" in words
    assert beside(case, {}).rows[0].measured == "85.0\u00a0%"


def test_of_several_limits_parts_of_the_tolerance_are_set_side_by_side() -> None:
    own = {"error": 0.08, "sensitivity": 0.94, "specificity": 0.92, "used": 1.2, "met": "missed"}
    perfect = {"error": 0.04, "sensitivity": 1.0, "specificity": 0.96, "used": 0.4}
    case = Case(Decision(kind="presence"), {"candidates": {"semantic": own}}, {"semantic": perfect}, {}, SIZE)
    words = cause(case, "semantic")
    assert "a perfect semantic uses up 40.0\u00a0% of the tolerance, this model 120.0\u00a0% of the tolerance" in words
    assert beside(case, {}).rows[0].ceiling == "40.0\u00a0% of the tolerance"
