"""The profile counts what is there."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from segwise.advice.profile import profile, quantiles, touching_objects
from segwise.dataset import coco
from segwise.dataset.params import DataParams, ProfileParams, SplitParams
from segwise.dataset.targets import objects
from segwise.stages import profile as stage
from segwise.stages import split as split_stage


def test_the_sums_are_those_of_the_labels(tiny_dataset: Path) -> None:
    dataset = coco.read(tiny_dataset)
    found = profile(dataset, ProfileParams())
    areas = [objects(r).areas_px for r in dataset.images]
    assert found["num_objects"] == sum(len(a) for a in areas)
    assert found["num_groups"] == 6
    assert found["image_sizes"] == {"128x96": 12}
    coverage = np.mean([a.sum() / (96 * 128) for a in areas])
    assert found["coverage"]["mean"] == pytest.approx(coverage, abs=1e-4)
    assert found["diameter_px"]["q50"] == pytest.approx(np.median(2 * np.sqrt(np.concatenate(areas) / np.pi)), abs=1e-4)
    assert found["attributes"]["modality"]["histology"]["num_images"] == 6
    assert found["classes"]["disc"]["num_images"] == 12


@pytest.mark.parametrize("distance", [1, 3])
def test_touching_agrees_with_dilating_every_mask(tiny_dataset: Path, distance: int) -> None:
    touched = 0
    for record in coco.read(tiny_dataset).images:
        things = objects(record)
        masks = things.masks()
        kernel = np.ones((2 * distance + 1,) * 2)
        wide = [binary_dilation(mask, kernel) for mask in masks]
        wanted = [any((wide[i] & masks[j]).any() for j in range(len(masks)) if j != i) for i in range(len(masks))]
        assert touching_objects(things, distance).tolist() == wanted
        touched += sum(wanted)
    assert touched > 0


def test_quantiles_of_nothing_are_nothing() -> None:
    assert quantiles(np.zeros(0), (0.5,)) == {}
    assert quantiles(np.array([1.0, 3.0]), (0.05, 0.5, 1.0)) == {"q05": 1.1, "q50": 2.0, "q100": 3.0, "mean": 2.0}


def test_the_stages_write_their_files(tiny_dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny_dataset.parent)
    assert "12 images" in stage.run(DataParams(), ProfileParams())["summary"]
    assert json.loads(Path("work/profile.json").read_text())["num_images"] == 12
    result = split_stage.run(DataParams(), SplitParams())
    written = json.loads(Path("work/split.json").read_text())
    assert result["num_images"] == {name: len(written[name]) for name in ("train", "val", "test")}
    assert written["method"] == "given"
    assert written["test"] == ["image_006.png", "image_007.png"]
