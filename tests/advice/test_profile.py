"""The profile counts what is there."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from segwise.advice.histograms import binned
from segwise.advice.kinds import MAX_VALUES
from segwise.advice.measure import measure
from segwise.advice.numbers import name, quantiles
from segwise.advice.samples import choose
from segwise.dataset import coco
from segwise.dataset.params import ProfileParams
from segwise.dataset.targets import objects
from segwise.spec import canonical_json
from tests.advice.facts import PARAMS, facts, write_grid
from tests.factory import read_labels, write_labels


def test_the_sums_are_those_of_the_labels(tiny_dataset: Path) -> None:
    found = facts(tiny_dataset)
    areas = [objects(r).areas_px for r in coco.read(tiny_dataset).images]
    assert found["num_objects"] == sum(len(a) for a in areas)
    assert found["num_groups"] == 6
    assert found["image_sizes"] == {"128x96": 12}
    coverage = np.mean([a.sum() / (96 * 128) for a in areas])
    assert found["coverage"]["mean"] == pytest.approx(coverage, abs=1e-4)
    assert found["diameter_px"]["q50"] == pytest.approx(np.median(2 * np.sqrt(np.concatenate(areas) / np.pi)), abs=1e-4)
    assert found["attributes"]["modality"]["histology"]["num_images"] == 6
    assert found["classes"]["disc"]["num_images"] == 12


def test_bright_and_dark_objects_and_grey_images_are_counted(tiny_dataset: Path) -> None:
    pixels = facts(tiny_dataset)["pixels"]
    assert (pixels["num_brighter"], pixels["num_darker"]) == (6, 6)
    assert pixels["grey_fraction"] == 0


def test_an_attribute_explains_what_it_makes_different(tiny_dataset: Path) -> None:
    found = facts(tiny_dataset)
    assert found["explained"]["modality"]["brightness"] > 0.9
    assert found["explained"]["modality"]["objects"] < 0.3
    light = {kind: own["median_brightness"] for kind, own in found["attributes"]["modality"].items()}
    assert light["histology"] > light["fluorescence"] + 100


def test_regions_are_no_objects(tmp_path: Path) -> None:
    both = write_grid(tmp_path / "a", 20, colours={"disc": (180, 180, 180), "field": (90, 90, 90)}, stuff=("field",))
    found = facts(both)
    assert (found["num_objects"], found["num_regions"]) == (20, 20)
    assert found["classes"]["field"]["num_regions"] == 20
    assert found["objects_per_image"]["q100"] == 2
    assert found["classes"]["field"]["coverage"] == pytest.approx(found["classes"]["disc"]["coverage"], rel=0.05)


def test_a_data_set_without_countable_classes_has_a_profile(tmp_path: Path) -> None:
    found = facts(write_grid(tmp_path / "a", 20, stuff=("disc",)))
    assert found["num_objects"] == 0 and found["num_regions"] == 40
    assert found["diameter_px"] == {} and found["touching_fraction"] == 0
    assert "NaN" not in canonical_json(found)


def test_crowds_are_counted_apart(tmp_path: Path) -> None:
    root = write_grid(tmp_path / "a", 20)
    document = read_labels(root)
    document["annotations"][0]["iscrowd"] = 1
    write_labels(root, document)
    found = facts(root)
    assert (found["num_objects"], found["num_crowds"]) == (39, 1)


def test_a_class_under_smaller_ones_has_hidden_pixels(tmp_path: Path) -> None:
    root = write_grid(tmp_path / "a", 20, colours={"inner": (180, 180, 180), "outer": (90, 90, 90)})
    document = read_labels(root)
    first = next(a for a in document["annotations"] if a["category_id"] == 1)
    wide = np.zeros((160, 200), dtype=bool)
    wide[:80, :100] = True
    from tests.factory import annotation

    document["annotations"] = [first, annotation(wide, 99, first["image_id"], 2)]
    write_labels(root, document)
    found = facts(root)["classes"]
    assert found["outer"]["hidden_fraction"] == pytest.approx(first["area"] / 8000, abs=1e-5)
    assert found["inner"]["hidden_fraction"] == 0


def test_outlines_drawn_a_little_too_wide_do_not_overlap_much(tmp_path: Path) -> None:
    from tests.factory import annotation

    root = write_grid(tmp_path / "a", 20, num_images=1)
    document = read_labels(root)
    masks = np.zeros((4, 160, 200), dtype=bool)
    masks[0, 10:40, 10:40] = masks[1, 10:40, 39:70] = True  # one column of 30 shared
    masks[2, 60:90, 10:40] = masks[3, 60:90, 25:60] = True  # half of it shared
    document["annotations"] = [annotation(mask, i + 1, 1) for i, mask in enumerate(masks)]
    write_labels(root, document)
    contact = facts(root)["contact"]
    assert (contact["num_overlapping"], contact["num_overlapping_much"]) == (4, 2)


def test_effort_is_counts_times_rates(tmp_path: Path) -> None:
    colours = {"disc": (180, 180, 180), "field": (90, 90, 90)}
    root = write_grid(tmp_path / "a", 20, num_images=3, colours=colours, stuff=("field",))
    params = ProfileParams(minutes_per_object=2, minutes_per_class_mask=5, minutes_per_box=0.5)
    effort = facts(root, params)["effort"]
    assert effort["objects"] == {"hours": round(3 * (2 * 2 + 5) / 60, 2), "minutes_per_image": 9.0}
    assert effort["class_masks"]["minutes_per_image"] == 10.0
    assert effort["boxes"]["minutes_per_image"] == 6.0


def test_an_attribute_with_a_value_for_nearly_each_image_names_no_kinds(tmp_path: Path) -> None:
    many = tuple({"photo": f"p{i}"} for i in range(MAX_VALUES + 1))
    root = write_grid(tmp_path / "a", 12, num_images=MAX_VALUES + 1, size=(40, 60), attributes=many)
    assert facts(root)["attributes"] == {}


def test_the_figures_do_not_depend_on_the_order_of_the_label_file(tmp_path: Path) -> None:
    root = write_grid(tmp_path / "a", 20, attributes=({"kind": "x"}, {"kind": "y"}))
    first = canonical_json(facts(root))
    document = read_labels(root)
    document["images"].reverse()
    document["annotations"].reverse()
    write_labels(root, document)
    assert canonical_json(facts(root)) == first


def test_quantiles_of_nothing_are_nothing() -> None:
    assert quantiles(np.zeros(0), (0.5,)) == {}
    assert quantiles(np.array([1.0, 3.0]), (0.05, 0.5, 1.0)) == {"q05": 1.1, "q50": 2.0, "q100": 3.0, "mean": 2.0}
    assert name(0.999) == "q99.9"


@pytest.mark.parametrize("kind", [{"log": True}, {"whole": True}, {}, {"limits": (0, 100)}])
def test_every_value_falls_into_a_bin(kind: dict[str, bool]) -> None:
    values = np.random.default_rng(0).integers(1, 90, 500).astype(np.float64)
    found = binned(values, **kind)  # type: ignore[arg-type]
    assert sum(found["counts"]) == 500
    assert len(found["edges"]) == len(found["counts"]) + 1
    assert sum(binned(np.full(4, 7.0), **kind)["counts"]) == 4  # type: ignore[arg-type]


def test_no_values_have_no_bins() -> None:
    assert binned(np.zeros(0)) == {"edges": [], "counts": [], "log": False}


def test_the_samples_are_the_extremes_and_none_twice(tiny_dataset: Path) -> None:
    dataset = coco.read(tiny_dataset)
    measured = [measure(r, dataset.classes, dataset.pixels(r), PARAMS) for r in dataset.images]
    names = [r.file_name for r in dataset.images]
    chosen = choose(measured, names, 6)
    counts = [len(m.things) for m in measured]
    assert len({index for index, _ in chosen}) == 6
    by_words = {words: index for index, words in chosen}
    taken = {by_words["a usual image"], by_words["most crowded"]}
    assert counts[by_words["most objects"]] == max(n for i, n in enumerate(counts) if i not in taken)
    assert choose(measured, names, 0) == []
    assert choose([], [], 3) == []
    assert len(choose(measured, names, 50)) <= 12


def test_a_lone_image_is_measured_without_a_nearest_object(tmp_path: Path) -> None:
    root = write_grid(tmp_path / "a", 20, num_images=1)
    document = read_labels(root)
    document["annotations"] = document["annotations"][:1]
    write_labels(root, document)
    crowding = facts(root)["crowding"]
    assert crowding["alone_in_image"] == 1
    assert crowding["nearest_diameters"] == {} and crowding["clark_evans"] == {}
    assert not math.isnan(crowding["objects_per_megapixel"]["q50"])
