"""The stage: from the sums of test images to verdicts, whole sets and slices, decisions and their prices."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segwise.decision.params import Decision
from segwise.decision.score import figures as decision_figures
from segwise.errors import IntegrityError, UsageError
from segwise.evaluation.figures import figures
from segwise.evaluation.intervals import draws
from segwise.evaluation.replicates import replicated
from segwise.evaluation.sums import Sums
from segwise.gate.bounds import worst_of
from segwise.gate.misses import exact_floor
from segwise.gate.params import GateParams, SliceLimits
from segwise.gate.power import effective_groups
from segwise.stages import gate
from tests.gate.made import make_answers, make_sums, sample, write_evidence

REPLICATES = 500
COUNT = Decision.model_validate({"kind": "count", "tolerance": {"relative": 0.2}})


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(sums: Sums | dict[str, Sums], decisions: dict[str, Decision] | None = None, **params: Any) -> dict[str, Any]:
    write_evidence(Path(), sums if isinstance(sums, dict) else {"hybrid": sums})
    return gate.run(GateParams(**{"replicates": REPLICATES, **params}), decisions)


def checks_of(result: dict[str, Any], approach: str = "hybrid") -> dict[str, dict[str, Any]]:
    return {f"{c['name']} {c['part']}".strip(): c for c in result["approaches"][approach]["checks"]}


def spread_out(num_groups: int = 20, seed: int = 0) -> Sums:
    """Images of which each group has a quality of its own."""
    quality = np.random.default_rng(seed).uniform(0.6, 1.0, num_groups).repeat(2)
    return make_sums(quality, num_groups=num_groups)


def test_value_and_bound_are_those_of_the_figures_of_each_draw() -> None:
    sums = spread_out()
    result = run(sums, min_foreground_iou=0.5, min_f1=0.5, max_count_error=0.5, confidence=0.9, seed=3)
    ones = np.ones(len(sums), dtype=np.int64)
    drawn = draws(sums.groups.tolist(), REPLICATES, 3)
    for name, key in (("min_foreground_iou", "foreground_iou"), ("min_f1", "f1"), ("max_count_error", "count_error")):
        found = checks_of(result)[name]
        values = np.array([figures(sums, weights, full=False)[key] for weights in drawn])
        value = figures(sums, ones)[key]
        bound = worst_of(replace(sample(value), draws=values), 0.1, is_minimum=name.startswith("min_"))
        assert found["value"] == pytest.approx(value)
        assert found["bound"] == pytest.approx(bound)
        assert (found["num_groups"], found["confidence"], found["verdict"]) == (20, 0.9, "promote")


def test_the_verdict_takes_each_candidates_share_of_alpha() -> None:
    sums = spread_out()
    alone = checks_of(run(sums, min_f1=0.5))["min_f1"]
    three = checks_of(run(dict.fromkeys(("semantic", "hybrid", "instance"), sums), min_f1=0.5))["min_f1"]
    assert (alone["confidence"], three["confidence"]) == (0.95, pytest.approx(1 - 0.05 / 3, abs=1e-6))
    assert three["bound"] < alone["bound"]
    assert "any of 3 candidates may win, so each has 1/3 of the 5 %" in gate.run(GateParams(replicates=100))["rule"]


def test_three_verdicts_reach_the_files() -> None:
    sums = {"semantic": make_sums(0.5), "hybrid": spread_out(), "instance": make_sums(0.99)}
    result = run(sums, min_foreground_iou=0.75)
    assert result["winner"] == "instance" and result["verdict"] == "promote"
    found = {name: entry["verdict"] for name, entry in result["approaches"].items()}
    assert found == {"semantic": "hold", "hybrid": "inconclusive", "instance": "promote"}
    bare = json.loads(Path("work/gate/verdict.json").read_text())
    assert {name: entry["verdict"] for name, entry in bare["approaches"].items()} == found
    assert [c["verdict"] for c in bare["approaches"]["hybrid"]["checks"]] == ["inconclusive"]
    assert set(bare["approaches"]["hybrid"]["checks"][0]) == {"name", "passed", "verdict"}
    assert "hybrid is not proven: foreground IoU is" in result["why"]


def test_nothing_proven_is_inconclusive_and_everything_broken_is_hold() -> None:
    open_ = run(spread_out(), min_foreground_iou=0.75)
    assert (open_["winner"], open_["verdict"]) == (None, "inconclusive")
    assert open_["why"].startswith("No approach is proven to pass. hybrid is not proven: ")
    held = run(make_sums(0.5), min_foreground_iou=0.75)
    assert (held["winner"], held["verdict"]) == (None, "hold")
    assert held["why"].startswith("No approach passes. hybrid fails: ")


def test_seven_groups_prove_nothing_and_how_many_are_missing_is_told() -> None:
    result = run(make_sums(1.0, num_groups=7), min_f1=0.1)
    found = checks_of(result)["min_f1"]
    assert (found["verdict"], found["bound"], found["more_groups"], found["more_images"]) == (
        "inconclusive",
        None,
        1,
        2,
    )
    assert run(make_sums(1.0, num_groups=8), min_f1=0.1)["winner"] == "hybrid"


def test_groups_of_unequal_size_prove_less() -> None:
    """The same images in the same number of groups, by label equal or one of them with most of the objects."""
    equal = spread_out(12)
    counted = equal.counted.copy()
    counted[:2, 0] *= 30  # objects that are labelled in the first group, as many missed as before in share
    counted[:2, 1] *= 30
    groups = run(equal, max_count_error=0.9), run(replace(equal, counted=counted), max_count_error=0.9)
    gaps = [c["bound"] - c["value"] for c in (checks_of(g)["max_count_error"] for g in groups)]
    assert gaps[1] > gaps[0] > 0


def uneven(num_groups: int = 40) -> Sums:
    """Groups of unequal numbers of images, labelled pixels and objects, each unequal in its own way."""
    sums = spread_out(num_groups)
    groups = np.array([f"group_{min(i // 2, num_groups - 1) if i > 7 else i // 4:03}" for i in range(len(sums))])
    pixels, counted = sums.pixels.copy(), sums.counted.copy()
    pixels[3] *= 50
    counted[5] *= 9
    counted[9, 1] += 5
    return replace(sums, groups=groups, pixels=pixels, counted=counted)


def test_each_figure_weighs_groups_by_what_it_divides_by() -> None:
    sums = uneven()
    limits = {
        "min_miou": 0.1,
        "min_foreground_iou": 0.1,
        "min_f1": 0.1,
        "max_count_error": 9.0,
        "max_coverage_error": 1.0,
    }
    found = checks_of(run(sums, confidence=0.6, **limits))
    pixels, objects = sums.pixels[:, 1].sum(axis=1), sums.counted[:, 0, 0]
    images = np.ones(len(sums))
    bases = {"miou": pixels, "foreground_iou": pixels, "f1": objects, "count_error": objects, "coverage_error": images}
    weights = {name: effective_groups(sums.groups.tolist(), basis) for name, basis in bases.items()}
    assert len({round(w, 6) for w in weights.values()}) == 3
    drawn = draws(sums.groups.tolist(), REPLICATES, 0)
    for name, limit in limits.items():
        values = np.array([figures(sums, weight, full=False)[name[4:]] for weight in drawn])
        made = replace(sample(found[name]["value"]), draws=values, num_groups=39, effective_groups=weights[name[4:]])
        assert found[name]["bound"] == worst_of(made, 0.4, is_minimum=name.startswith("min_")), (name, limit)


@pytest.mark.parametrize(("kind", "by_objects"), [("count", True), ("itemize", True), ("coverage", False)])
def test_a_decision_weighs_groups_by_its_objects_or_by_images(kind: str, by_objects: bool) -> None:
    sums = uneven()
    truth = np.full(len(sums), 10)
    truth[3] = 90
    seen = truth - np.random.default_rng(0).integers(0, 4, len(sums))
    decision = Decision.model_validate({"kind": kind})
    answers = make_answers(truth, seen)
    found = checks_of(
        run(replace(sums, asked={"n": answers}), {"n": decision}, max_tolerance_used=99.0, confidence=0.6)
    )
    basis = truth if by_objects else np.ones(len(sums))
    effective = effective_groups(sums.groups.tolist(), basis)
    drawn = draws(sums.groups.tolist(), REPLICATES, 0)
    used = np.array([decision_figures(decision, answers, weight)["used"] for weight in drawn])
    made = replace(sample(found["max_tolerance_used"]["value"]), draws=used, num_groups=39, effective_groups=effective)
    assert found["max_tolerance_used"]["bound"] == worst_of(made, 0.4, is_minimum=False)


def test_of_several_decisions_the_most_unequal_and_the_least_sure_one_counts() -> None:
    sums = make_sums(0.9, num_groups=30, per_group=1)
    decision = Decision.model_validate({"kind": "presence", "tolerance": {"min_sensitivity": 0.5}})
    often, seldom = np.ones(30, dtype=np.int64), (np.arange(30) < 10).astype(np.int64)
    both = {"often": make_answers(often, often), "seldom": make_answers(seldom, seldom)}
    for order in (("often", "seldom"), ("seldom", "often")):
        asked_ = {f"{i} {name}": both[name] for i, name in enumerate(order)}
        found = run(replace(sums, asked=asked_), dict.fromkeys(asked_, decision), max_tolerance_used=1.0)
        bound = checks_of(found)["max_tolerance_used"]["bound"]
        assert bound == pytest.approx((1 - exact_floor(1.0, 10, 0.05)) / 0.5)
    counts = np.full(30, 10)
    heavy = counts.copy()
    heavy[0] = 500
    seen = np.random.default_rng(1).integers(7, 13, 30)
    alike = {"a": make_answers(counts, seen), "b": make_answers(heavy, heavy)}
    gaps = []
    for asked_ in ({"a": alike["a"]}, alike):
        found = run(replace(sums, asked=asked_), dict.fromkeys(asked_, COUNT), max_tolerance_used=9.0)
        gaps.append(checks_of(found)["max_tolerance_used"]["bound"])
    assert gaps[1] > gaps[0]  # the same figure and draws: the second decision is right everywhere, on unequal groups


def test_long_work_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock = iter(np.arange(0.0, 1e6, 2.0))
    monkeypatch.setattr(gate.time, "monotonic", lambda: next(clock))
    run(spread_out(), min_f1=0.5)
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["gate: hybrid: draw 2/500", "gate: hybrid: draw 5/500"]  # after 6 s, and again after 6 s
    assert len(lines) == 166


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_seed_gives_the_same_bytes(seed: int) -> None:
    texts = []
    for _ in range(2):
        run(spread_out(), min_f1=0.7, seed=seed)
        texts.append(Path("work/gate/checks.json").read_bytes())
    assert texts[0] == texts[1]


def asked(sums: Sums, seen: np.ndarray, **kind: Any) -> Sums:
    truth = np.full(len(sums), 10)
    return replace(sums, asked={"n": make_answers(truth, seen, **kind)})


def test_a_decisions_tolerance_is_held_against_its_worst_bound() -> None:
    sums = make_sums(0.9, num_groups=20)
    seen = np.where(np.arange(40) < 4, 5, 10)  # two groups of twenty are counted half
    found = checks_of(run(asked(sums, seen), {"n": COUNT}, max_tolerance_used=1.0))["max_tolerance_used"]
    assert found["value"] == pytest.approx(0.05 / 0.2)
    assert 0.25 < found["bound"] <= 1.0
    assert found["verdict"] == "promote"


def test_every_decision_must_keep_its_tolerance() -> None:
    sums = make_sums(0.9)
    good, bad = make_answers(np.full(40, 10), np.full(40, 10)), make_answers(np.full(40, 10), np.full(40, 7))
    both = {"a": COUNT, "b": COUNT}
    found = run(replace(sums, asked={"a": good, "b": bad}), both, max_tolerance_used=1.0)
    assert checks_of(found)["max_tolerance_used"]["value"] == pytest.approx(1.5)
    assert found["verdict"] == "hold"
    found = run(replace(sums, asked={"a": good, "b": good}), both, max_tolerance_used=1.0)
    assert found["verdict"] == "promote"


def test_a_tolerance_without_a_decision_is_never_met() -> None:
    found = run(make_sums(1.0), max_tolerance_used=1.0)
    assert (found["verdict"], checks_of(found)["max_tolerance_used"]["value"]) == ("hold", None)


def test_an_undefined_decision_is_never_met() -> None:
    nothing = replace(make_sums(1.0), asked={"n": make_answers(np.zeros(40), np.zeros(40))})
    assert run(nothing, {"n": COUNT}, max_tolerance_used=1.0)["verdict"] == "hold"


def test_presence_without_a_miss_is_bounded_exactly() -> None:
    sums = make_sums(0.9, num_groups=40, per_group=1)
    truth = np.tile([1, 0], 20)
    decision = Decision.model_validate(
        {"kind": "presence", "tolerance": {"min_sensitivity": 0.8, "min_specificity": 0.8}, "price": {"miss": 5}}
    )
    found = checks_of(
        run(replace(sums, asked={"n": make_answers(truth, truth)}), {"n": decision}, max_tolerance_used=1.0)
    )["max_tolerance_used"]
    assert found["value"] == 0
    assert found["bound"] == pytest.approx((1 - exact_floor(1.0, 20, 0.01)) / 0.2)
    assert found["verdict"] == "inconclusive"


def test_how_many_more_without_a_miss_goes_by_the_exact_bound() -> None:
    sums = make_sums(0.9, num_groups=40, per_group=1)
    decision = Decision.model_validate({"kind": "presence", "tolerance": {"min_sensitivity": 0.95}})
    answers = make_answers(np.ones(40, dtype=np.int64), np.ones(40, dtype=np.int64))
    found = checks_of(run(replace(sums, asked={"n": answers}), {"n": decision}, max_tolerance_used=1.0))
    assert (found["max_tolerance_used"]["verdict"], found["max_tolerance_used"]["more_groups"]) == ("inconclusive", 19)


def test_a_decision_that_was_not_asked_is_refused() -> None:
    with pytest.raises(IntegrityError, match="answers of hybrid to every decision") as caught:
        run(make_sums(0.9), {"n": COUNT}, max_tolerance_used=1.0)
    assert "dvc repro evaluate" in str(caught.value)


def test_slices_are_drawn_by_themselves_and_judged_where_they_have_enough_groups() -> None:
    quality = np.where(np.arange(60) < 40, 0.95, 0.4)
    quality[56:] = 1.0
    modality = ["fluorescence"] * 40 + ["histology"] * 16 + ["brightfield"] * 4
    sums = make_sums(quality, num_groups=30, modality=modality)
    limits = SliceLimits(min_foreground_iou=0.5, min_f1=0.5)
    result = run(sums, min_foreground_iou=0.3, slices=limits)
    found = checks_of(result)
    assert found["min_foreground_iou modality fluorescence"]["bound"] == pytest.approx(0.95)
    assert found["min_foreground_iou modality histology"]["verdict"] == "hold"
    assert found["min_f1 modality histology"]["num_groups"] == 8
    assert not any("brightfield" in name for name in found)
    assert result["approaches"]["hybrid"]["not_judged"] == {
        "modality brightfield": "2 usable groups of 4 test images, and 8 are needed"
    }
    assert result["verdict"] == "hold"


def sparse(num_labelled: int, num_groups: int = 20) -> Sums:
    """Perfect answers; only so many groups have a label."""
    sums = make_sums(1.0, num_groups=num_groups)
    counted, pixels, matches = sums.counted.copy(), sums.pixels.copy(), sums.matches.copy()
    for values in (counted, matches):
        values[2 * num_labelled :] = 0
    pixels[2 * num_labelled :, 1] = 0
    return replace(sums, counted=counted, pixels=pixels, matches=matches)


def test_groups_without_a_label_prove_nothing_about_objects() -> None:
    limits = {"min_f1": 0.1, "max_count_error": 0.9, "min_foreground_iou": 0.1, "max_coverage_error": 0.9}
    found = checks_of(run(sparse(7), **limits))
    assert {c["num_groups"] for name, c in found.items() if name != "max_coverage_error"} == {7}
    assert [c["verdict"] for c in found.values()].count("inconclusive") == 3
    assert (found["min_f1"]["bound"], found["min_f1"]["more_groups"]) == (None, 1)
    assert found["max_coverage_error"]["verdict"] == "promote"
    assert set(checks_of(run(sparse(8), **limits))) == set(found)
    assert run(sparse(8), **limits)["verdict"] == "promote"


def test_a_slice_of_few_labelled_groups_is_not_judged() -> None:
    result = run(sparse(7), min_foreground_iou=0.1, confidence=0.94, slices=SliceLimits(min_f1=0.5, min_groups=8))
    assert result["approaches"]["hybrid"]["not_judged"] == {
        "modality fluorescence": "7 usable groups of 40 test images, and 8 are needed"
    }


def test_slices_by_an_attribute_that_no_image_has_are_refused() -> None:
    limits = SliceLimits(by=("modality", "scaner"), min_f1=0.5)
    with pytest.raises(UsageError, match=r"`scaner` in gate\.slices\.by") as caught:
        run(make_sums(0.9), min_f1=0.5, slices=limits)
    assert caught.value.remedy == "they have: modality"


def test_a_slice_without_labels_is_not_judged() -> None:
    sums = make_sums(0.9, num_groups=20, modality=["a"] * 20 + ["b"] * 20)
    pixels = sums.pixels.copy()
    pixels[20:, 1] = 0
    result = run(replace(sums, pixels=pixels), min_f1=0.5, slices=SliceLimits(min_f1=0.5))
    assert result["approaches"]["hybrid"]["not_judged"] == {"modality b": "20 test images without a label"}


@pytest.mark.parametrize("column", [0, 1])
def test_a_constant_mask_never_passes_however_lax_the_limits(column: int) -> None:
    sums = make_sums(0.9)
    pixels = np.zeros_like(sums.pixels)
    pixels[:, :, column] = sums.pixels.sum(axis=2)
    result = run({"semantic": replace(sums, pixels=pixels), "hybrid": make_sums(0.9)}, max_coverage_error=1.0)
    assert result["approaches"]["semantic"]["verdict"] == "hold"
    assert result["approaches"]["semantic"]["to_change"] == [
        "it answers one class on all of every image, whatever the image shows"
    ]
    assert result["winner"] == "hybrid"
    assert checks_of(result)["max_coverage_error"]["confidence"] == 0.975  # it counts as a candidate


def test_empty_predictions_never_pass() -> None:
    sums = make_sums(0.9)
    counted = sums.counted.copy()
    counted[:, 1] = 0
    result = run(replace(sums, counted=counted), min_foreground_iou=0.1)
    assert (result["winner"], result["verdict"]) == (None, "hold")
    assert "it answers no object at all, where 800 are labelled" in result["why"]


def test_only_a_refused_candidate_is_a_verdict_too() -> None:
    folder = Path("work/evaluate/cascade")
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text('{"refused": "it saves nothing"}')
    assert gate.run(GateParams())["why"] == "No approach passes. cascade was refused: it saves nothing."


def test_precision_is_measured_where_a_limit_is_on_it() -> None:
    sums = make_sums(0.9)
    drawn = [np.ones(40, dtype=np.int64)]
    ranking = replace(
        sums.rankings[0], image=np.arange(40), matched=np.ones((4, 10, 40), dtype=bool),
        ignored=np.zeros((4, 10, 40), dtype=bool), num_truth=np.ones((40, 4), dtype=np.int64),
    )  # fmt: skip
    ranked = replace(sums, rankings=(ranking,))
    assert replicated(ranked, {}, drawn[0], drawn).value["ap50"] == pytest.approx(1.0)
    assert np.isnan(replicated(ranked, {}, drawn[0], drawn, has_precision=False).value["ap50"])
    assert checks_of(run(ranked, min_mask_ap50=0.5))["min_mask_ap50"]["verdict"] == "promote"
    assert (
        checks_of(run(ranked, min_f1=0.5, slices=SliceLimits(min_mask_ap50=0.5)))[
            "min_mask_ap50 modality fluorescence"
        ]["verdict"]
        == "promote"
    )


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_improving_any_image_never_turns_a_verdict_for_the_worse(data: st.DataObject) -> None:
    words = ("hold", "inconclusive", "promote")
    shares = st.lists(st.floats(0.3, 1), min_size=20, max_size=20)
    low = np.array(data.draw(shares))
    gain = np.where(data.draw(st.lists(st.booleans(), min_size=20, max_size=20)), np.array(data.draw(shares)), 0)
    limit = data.draw(st.floats(0.5, 0.9))
    params = {"min_foreground_iou": limit, "min_f1": limit, "max_count_error": 1 - limit, "min_pq": limit - 0.3,
              "min_miou": limit, "max_coverage_error": (1 - limit) / 5, "replicates": 150,
              "slices": SliceLimits(min_f1=limit)}  # fmt: skip
    found = [checks_of(run(make_sums(q, num_groups=10), **params)) for q in (low, np.maximum(low, gain))]
    for name, check in found[0].items():
        assert words.index(check["verdict"]) <= words.index(found[1][name]["verdict"]), name
