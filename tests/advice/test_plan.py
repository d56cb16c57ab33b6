"""The plan follows from the measurements, and every planned value is one that params.yaml may hold."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from segwise.advice.amend import amended, value_of
from segwise.advice.entry import Entry, percent
from segwise.advice.plan import as_yaml, from_yaml, in_words, plan
from segwise.advice.plan_objects import approach_entry
from segwise.advice.plan_size import closed_gaps, dense_zoom, grid_iou, tiles
from segwise.dataset.params import ProfileParams
from segwise.errors import DataInvalidError
from segwise.params import load
from tests.advice.facts import PARAMS, facts, write_grid

ROOT = Path(__file__).resolve().parents[2]
Values = dict[str, Any]


def values(found: Values, params: ProfileParams = PARAMS) -> Values:
    return {entry.about: entry.value for entry in plan(found, params)}


@pytest.fixture(scope="module")
def discs(tmp_path_factory: pytest.TempPathFactory) -> Values:
    """The profile of grey discs of 20 pixels."""
    return facts(write_grid(tmp_path_factory.mktemp("discs") / "data", 20, attributes=({"kind": "a"}, {"kind": "b"})))


def resized(found: Values, thickness: float, long: float | None = None) -> Values:
    """The same profile with objects of another size."""
    out = copy.deepcopy(found)
    out["sizes"]["thickness_px"]["q05"] = out["sizes"]["box_side_px"]["q05"] = thickness
    if long:
        out["sizes"]["box_long_px"]["q95"] = out["sizes"]["box_side_px"]["q95"] = long
    return out


def test_every_planned_key_is_a_parameter_and_its_value_is_allowed(discs: Values, tmp_path: Path) -> None:
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    planned = {e.about: e.value for e in plan(discs, PARAMS) if e.is_parameter}
    assert len(planned) > 15
    (tmp_path / "params.yaml").write_text(amended(text, planned), encoding="utf-8")
    load(tmp_path / "params.yaml")
    written = yaml.safe_load((tmp_path / "params.yaml").read_text(encoding="utf-8"))
    assert {key: value_of(written, key) for key in planned} == planned


def test_the_zoom_gives_small_objects_the_iou_that_is_wanted(discs: Values) -> None:
    for thickness in (7, 9, 12, 17, 24):
        zoom, why = dense_zoom(resized(discs, thickness), ProfileParams(min_zoom=0.25, max_zoom=4))
        assert grid_iou(thickness, zoom) == pytest.approx(0.7, abs=0.06)
        assert f"IoU {grid_iou(thickness, zoom):.2f} at zoom {zoom:g}" in why


def test_the_iou_of_a_border_half_a_cell_off_is_that_of_two_discs() -> None:
    exact = (40 - 2 * 0.5 * 2 / 1) ** 2 / 40**2  # radius smaller by half a cell of stride 2
    assert grid_iou(40, 1) == pytest.approx(exact, abs=0.01)


def test_the_zoom_stays_within_the_limits_and_says_what_holds_it(discs: Values) -> None:
    assert dense_zoom(resized(discs, 2), PARAMS)[0] == 2
    zoom, why = dense_zoom(resized(discs, 90), PARAMS)
    assert zoom == 0.5 and "`profile.min_zoom` holds it" in why


def test_a_zoom_below_one_that_would_close_gaps_is_not_planned(discs: Values) -> None:
    crowded = resized(discs, 30)
    assert dense_zoom(crowded, PARAMS)[0] == 0.5
    crowded["contact"]["gap_histogram"][10] = crowded["num_objects"] // 2  # between 2.5 and 2.75 px
    assert closed_gaps(crowded, 1) == 0 and closed_gaps(crowded, 0.5) == 0.5
    zoom, why = dense_zoom(crowded, PARAMS)
    assert zoom == 0.75 and "close the gap beside 50 %" in why


def test_small_and_long_objects_that_want_different_zooms_meet_between(discs: Values) -> None:
    torn = resized(discs, 7, long=480)
    zoom, why = dense_zoom(torn, PARAMS)
    assert 352 / 480 < zoom < 40 / 3 / 7
    assert "longer than 480 px" in why
    assert dense_zoom(torn, ProfileParams(step_pixels=4 * 1024**2))[0] == 2


@pytest.mark.parametrize(("thickness", "long"), [(7, 20.0), (12, 60.0), (20, 100.0), (7, 480.0)])
def test_crops_hold_the_long_objects_and_fit_the_machine(discs: Values, thickness: float, long: float) -> None:
    found = resized(discs, thickness, long)
    found["sizes"]["image_long_px"]["q100"] = 512
    for budget in (2**18, 2**20, 2**22):
        planned = values(found, ProfileParams(step_pixels=budget))
        for network in ("dense", "instance"):
            side, batch = planned[f"train.{network}.crop_px"], planned[f"train.{network}.batch_size"]
            assert side % 32 == 0 and side**2 * batch <= budget and 4 <= batch <= 32
            zoom = planned[f"train.{network}.zoom"]
            assert side >= min(2 * long * zoom, 512 * zoom, (budget / 4) ** 0.5 - 32)


def test_a_crop_is_no_larger_than_the_largest_image(discs: Values) -> None:
    planned = values(discs)
    assert planned["train.dense.crop_px"] <= 32 * np.ceil(200 * planned["train.dense.zoom"] / 32)


def test_tiles_overlap_by_the_longest_objects(discs: Values) -> None:
    large = copy.deepcopy(discs)
    large["sizes"]["image_long_px"]["q100"] = 5000
    value = tiles(1, large, PARAMS).value
    assert value["tile_px"] == 2048 and value["overlap_px"] >= large["sizes"]["box_long_px"]["q99"]
    assert tiles(1, discs, PARAMS).value == "none"


def test_anchors_span_the_boxes_in_even_steps(discs: Values) -> None:
    found = resized(discs, 16, long=160)
    planned = values(found)
    anchors, zoom = planned["train.instance.anchor_sizes_px"], planned["train.instance.zoom"]
    steps = np.diff(np.log(anchors))
    assert anchors[0] == max(round(16 * zoom), 12) and anchors[-1] == pytest.approx(160 * zoom, rel=0.02)
    assert steps == pytest.approx(steps.mean(), rel=0.08)


def test_the_cap_has_room_above_the_fullest_image(discs: Values) -> None:
    full = copy.deepcopy(discs)
    full["objects_per_image"]["q100"] = 369
    assert values(full)["train.instance.max_objects"] == 600
    assert values(discs)["train.instance.max_objects"] == 100


def test_grey_images_get_no_changes_of_colour(discs: Values) -> None:
    planned = values(discs)
    assert planned["train.dense.augment.colour_p"] == planned["train.instance.augment.grey_p"] == 0


def test_classes_told_by_colour_keep_their_colours(tmp_path: Path) -> None:
    colours = {"red": (200, 60, 60), "green": (60, 200, 60)}
    planned = values(facts(write_grid(tmp_path / "a", 20, colours=colours)))
    assert [planned[f"train.dense.augment.{k}"] for k in ("colour_p", "grey_p", "invert_p")] == [0, 0, 0]


def test_inverting_is_for_grey_images_in_which_both_kinds_come(discs: Values) -> None:
    assert values(discs)["train.dense.augment.invert_p"] == 0
    mixed = copy.deepcopy(discs)
    mixed["pixels"].update(num_brighter=6, num_darker=4)
    assert values(mixed)["train.dense.augment.invert_p"] > 0
    mixed["pixels"]["grey_fraction"] = 0.0
    assert values(mixed)["train.dense.augment.invert_p"] == 0


@pytest.mark.parametrize(("faintest", "wanted"), [(30, "stretched"), (63, "stretched"), (65, "as_is"), (200, "as_is")])
def test_the_range_of_values_is_stretched_where_some_images_are_faint(
    discs: Values, faintest: float, wanted: str
) -> None:
    found = copy.deepcopy(discs)
    found["pixels"]["contrast"]["q05"] = faintest
    planned = values(found)
    assert planned["train.dense.contrast"] == planned["train.instance.contrast"] == wanted


def test_an_attribute_that_explains_looks_is_a_slice_and_balanced_where_uneven(tiny_dataset: Path) -> None:
    found = facts(tiny_dataset)
    assert values(found)["evaluate.slice_by"] == ["modality"]
    assert values(found)["train.dense.balance"] is None
    found["attributes"]["modality"]["histology"]["num_images"] = 60
    assert values(found)["train.dense.balance"] == "modality"


def test_an_attribute_that_explains_nothing_is_no_slice(discs: Values) -> None:
    assert values(discs)["evaluate.slice_by"] == []


def test_only_classes_of_few_pixels_are_weighted_and_the_fewer_the_more(discs: Values) -> None:
    found = copy.deepcopy(discs)
    one = found["classes"]["disc"]
    shares = {"wide": 0.3, "small": 0.02, "tiny": 0.00001}
    found["classes"] = {name: {**one, "coverage": share} for name, share in shares.items()}
    assert values(found)["train.dense.class_weights"] == {"small": 1.6, "tiny": 4.0}


def test_a_direction_is_told_with_its_strongest_signs(discs: Values) -> None:
    found = copy.deepcopy(discs)
    sign = {
        "name": "down",
        "of": "street",
        "num_groups": 30,
        "counts": True,
        "move": "up-down",
        "mean": 0.4,
        "p": 1e-20,
    }
    found["direction"]["tests"].append(sign)
    found["direction"]["safe"].update({"up-down": False, "quarter-turn": False})
    entry = next(e for e in plan(found, PARAMS) if e.about == "train.dense.augment.turns")
    assert entry.value == "left-right"
    assert "street lies 40 % of the height below the middle (mean of 30 groups, p below 1e-12)" in entry.why
    assert values(found)["free rotation"] == "a few degrees"


@pytest.mark.parametrize(
    ("touching", "overlapping", "hidden", "wanted"),
    [
        (0, 0, 0, "semantic, hybrid"),
        (0.3, 0, 0, "hybrid, instance"),
        (0.3, 9, 0, "instance, hybrid beside it"),
        (0, 0, 0.3, "instance"),
    ],
)
def test_what_tells_objects_apart_follows_from_how_they_meet(
    discs: Values, touching: float, overlapping: int, hidden: float, wanted: str
) -> None:
    found = copy.deepcopy(discs)
    found["touching_fraction"], found["contact"]["num_overlapping_much"] = touching, overlapping
    found["classes"]["disc"]["hidden_fraction"] = hidden
    assert approach_entry(found).value == wanted


def test_without_countable_classes_nothing_is_planned_for_objects(tmp_path: Path) -> None:
    planned = values(facts(write_grid(tmp_path / "a", 20, stuff=("disc",))))
    assert not [key for key in planned if key.startswith(("train.instance", "calibrate"))]
    assert planned["approaches"] == "semantic"
    assert "train.dense.class_weights" in planned


def test_the_plan_survives_its_file_and_each_reason_is_one_sentence(discs: Values) -> None:
    entries = plan(discs, PARAMS)
    assert from_yaml(as_yaml(entries), "plan.yaml") == entries
    odd = [Entry("a.b", {"x: y": 1.5, "é": None}, "It is 'so', # and: \"that\"."), Entry("c", [], "No.", False)]
    assert from_yaml(as_yaml(odd), "plan.yaml") == odd
    for entry in entries:
        assert entry.why.endswith(".") and ". " not in entry.why, entry.why


@pytest.mark.parametrize("text", ["", "parameters: 3", "[", "parameters: [{key: a}]\nsuggestions: []"])
def test_a_file_that_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(DataInvalidError, match="a plan in here"):
        from_yaml(text, "here")


def test_values_are_shown_as_parameters_hold_them() -> None:
    assert [in_words(v) for v in (None, 1.0, [1, 2], {}, {"a": 1.5}, "x")] == [
        "null",
        "1.0",
        "[1, 2]",
        "{}",
        "{a: 1.5}",
        "x",
    ]
    assert [percent(v) for v in (0, 0.0004, 0.034, 0.3)] == ["0 %", "under 0.1 %", "3.4 %", "30 %"]
