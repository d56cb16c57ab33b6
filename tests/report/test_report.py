"""The report: one page, complete, standing alone, whatever the run left behind."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segwise.errors import IntegrityError
from segwise.gate.checks import Value
from segwise.gate.params import GateParams, SliceLimits
from segwise.gate.slices import Slice
from segwise.gate.verdict import judge
from segwise.report import charts, gallery
from segwise.report.page import Run, number, render
from segwise.stages import report
from tests.gate.made import sample, sure
from tests.report.html import outside

FIGURES = {
    "miou": 0.9, "ap": 0.5, "ap50": 0.8, "pq": 0.7, "f1": 0.85, "count_error": 0.1, "coverage_error": 0.05,
    "foreground_iou": 0.85, "num_images": 35, "num_groups": 14,
}  # fmt: skip


def a_run(**changes: Any) -> Run:
    metrics = {
        "semantic": {**FIGURES, "count_error": 0.4, "intervals": {"count_error": [0.3, 0.5], "ap": None}},
        "hybrid": {**FIGURES, "ap50": None, "intervals": {}, "slices": {"modality": {"h&e <x>": {**FIGURES}}}},
    }
    timings = {
        a: {"p50_ms": 20.0, "p95_ms": 25.0, "model_mb": 14.0, "latencies_ms": [19.0, 20.0, 25.0]} for a in metrics
    }
    values = {a: sure({**m, **timings[a]}) for a, m in metrics.items()}
    verdict = judge(values, GateParams(max_count_error=0.15, max_p50_ms=15 if changes.pop("nothing", False) else 50))
    return Run(**{"checks": verdict.full(), "metrics": metrics, "benchmark": {"approaches": timings}, **changes})


def check(html: str) -> None:
    assert outside(html) == []


def test_the_verdict_comes_first_with_its_reason() -> None:
    html = render(a_run())
    check(html)
    assert html.index("Use hybrid segmentation") < html.index("measured alike")
    assert "count error would have to fall from 40.0\u00a0% to at most 15.0\u00a0%" in html


def test_a_run_in_which_nothing_passes_says_so() -> None:
    html = render(a_run(nothing=True))
    check(html)
    assert "Nothing passes: nothing is promoted" in html


def test_a_run_without_gate_benchmark_and_data_still_has_a_page() -> None:
    html = render(Run(metrics={"instance": {"f1": 0.5}}))
    check(html)
    assert "The gate has not run." in html


def test_names_from_the_data_cannot_become_markup() -> None:
    html = render(a_run())
    assert "h&amp;e &lt;x&gt;" in html
    assert "<x>" not in html


def test_each_decision_has_a_column_and_a_refused_candidate_its_reason() -> None:
    decided = {"tolerance": "within 10 %", "error": 0.07, "used": 0.7, "met": "open"}
    metrics = {"hybrid": {**FIGURES, "decisions": {"cells": decided}}}
    html = render(Run(metrics=metrics, refused={"cascade": "instance is <no> better"}))
    check(html)
    assert "cells<br>within 10 %" in html
    assert "7.0 %<small>70 % of the tolerance: open</small>" in html
    assert html.index("<b>cascade</b>") < html.index("instance is &lt;no&gt; better")


def test_the_pages_beside_it_are_linked_where_they_are() -> None:
    html = render(a_run(pages=[("../compare/index.html", "every candidate")]))
    assert '<a href="../compare/index.html">Every candidate</a>' in html


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [("miou", 0.87654, "0.877"), ("count_error", 0.1234, "12.3 %"), ("ap", None, "–"), ("ap", math.nan, "–")],
)
def test_figures_are_shown_in_their_unit(name: str, value: float | None, text: str) -> None:
    assert number(name, value) == text


def test_a_cheaper_point_lies_further_left_and_a_smaller_error_lower() -> None:
    points = [charts.Point("a", 10, 20, None, True, True), charts.Point("b", 40, 5, (4, 6), True, False)]
    svg = charts.cost_chart(points, 15, None)
    (ax, ay), (bx, by) = (
        (float(x), float(y)) for x, y in re.findall(r'class="mark \w+" cx="([\d.]+)" cy="([\d.]+)"', svg)
    )
    assert ax < bx
    assert ay < by  # pixels grow downwards


@pytest.mark.parametrize(("rough", "step"), [(0.3, 0.5), (1.0, 1.0), (1.2, 2.0), (70, 100.0), (0, 1.0)])
def test_ticks_have_round_steps(rough: float, step: float) -> None:
    assert charts.nice_step(rough) == pytest.approx(step)


def test_labels_at_line_ends_keep_their_order_and_distance() -> None:
    assert charts.spread([100.0, 102.0, 40.0], 14, 200) == [88.0, 102.0, 40.0]
    assert charts.spread([210.0, 205.0], 14, 200) == [200.0, 186.0]


def test_the_worst_image_of_every_kind_is_shown_before_the_best() -> None:
    kinds = ["a"] * 6 + ["b"] * 3
    rows = [{"file_name": f"{i}.png", "f1": 0.1 * i, "modality": kind} for i, kind in enumerate(kinds)]
    assert gallery.choose(rows, num_best=2, num_worst=3) == ["0.png", "6.png", "1.png", "8.png", "7.png"]


def test_images_without_a_defined_f1_are_not_chosen() -> None:
    assert gallery.choose([{"file_name": "a.png", "f1": math.nan}]) == []


def test_dark_images_are_brightened_and_bright_ones_left_alone() -> None:
    dark = np.full((8, 8, 3), 30, dtype=np.uint8)
    assert gallery.brightened(dark).max() == 255
    assert gallery.brightened(np.full((8, 8, 3), 200, dtype=np.uint8)).max() == 200


def test_a_report_before_any_evaluation_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(IntegrityError, match="make run"):
        report.run()


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools 2.0.11 with NumPy 2
def test_the_stage_shows_pictures_of_test_images(
    tiny_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from segwise.dataset.params import DataParams
    from segwise.evaluation.params import EvaluateParams
    from segwise.spec import canonical_json
    from segwise.stages import evaluate
    from tests.model_folder import make_model

    monkeypatch.chdir(tmp_path)
    make_model(Path("work/calibrate/semantic"))
    names = sorted(p.name for p in (tiny_dataset / "images").iterdir())
    Path("work/split.json").write_text(canonical_json({"train": names[:6], "val": [], "test": names[6:]}))
    evaluate.run("semantic", DataParams(dir=str(tiny_dataset)), EvaluateParams(replicates=5))
    report.run()
    html = Path("work/report/index.html").read_text(encoding="utf-8")
    check(html)
    assert html.count("data:image/jpeg;base64,") >= 9


def test_the_gates_three_verdicts_and_bounds_are_on_the_page() -> None:
    values: dict[str, dict[str, Value]] = {
        "semantic": {"f1": sample(0.5), "p50_ms": 1.0},
        "hybrid": {"f1": sample(0.9, 0.6), "p50_ms": 1.0},
        "instance": {"f1": sample(0.9, 0.8), "p50_ms": 1.0},
    }
    limits = SliceLimits(min_f1=0.5)
    parts = [Slice(f"modality {name}", {"f1": sample(0.9)}, 2 * n, n, True) for name, n in (("<b>", 20), ("few", 3))]
    verdict = judge(values, GateParams(min_f1=0.7, slices=limits), None, dict.fromkeys(values, parts))
    html = render(Run(checks=verdict.full(), metrics=dict.fromkeys(values, FIGURES)))
    check(html)
    for pill in ('<span class="pill ">passes', '<span class="pill bad">fails', '<span class="pill open">not proven'):
        assert html.count(pill) == 2  # in the table and beside the checks
    assert "F1 at IoU 0.5, modality &lt;b&gt;" in html
    assert html.count('class="open">F1 at IoU 0.5<') == 1
    assert "at worst 0.6" in html and "≥ 0.700" in html
    assert html.count("Not judged: modality few (3 usable groups of 6 test images, and 11 are needed).") == 3
    assert "any of 3 candidates may win" in html
    unproven = judge({"hybrid": values["hybrid"]}, GateParams(min_f1=0.7))
    html = render(Run(checks=unproven.full(), metrics={"hybrid": FIGURES}))
    assert "Nothing is proven: nothing is promoted" in html and "<b>hybrid</b> not proven: F1" in html
