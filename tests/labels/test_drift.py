"""Facts that moved are found; trifles in big data, chance in small data and unchanged data are not."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from segwise.labels.contract import baseline
from segwise.labels.revisions import drift

NAMES = ("leaf", "stem")


def tables(num_images: int, seed: int, **changes: Any) -> dict[Any, pd.DataFrame]:
    """Facts of images with about 12 objects of two classes each; `changes` move a fact by a factor."""
    rng = np.random.default_rng(seed)
    names = [f"{seed}_{i:04}.png" for i in range(num_images)]
    counts = rng.poisson(12 * changes.get("count", 1), num_images)
    files = np.repeat(names, counts)
    images = pd.DataFrame(
        {
            "file_name": names, "group": names, "width": 512, "height": 512, "num_objects": counts,
            "coverage": rng.beta(2, 5, num_images), "is_readable": True,
            "mean_value": rng.normal(90, 15, num_images) * changes.get("brightness", 1),
            "attribute_source": np.where(rng.random(num_images) < changes.get("lab", 0.5), "lab", "field"),
            "attribute_original": names,
        }
    )  # fmt: skip
    objects = pd.DataFrame(
        {
            "file_name": files,
            "class_name": np.where(rng.random(len(files)) < changes.get("leaf", 0.8), *NAMES),
            "is_crowd": False,
            "area_px": rng.lognormal(5, 0.5, len(files)) * changes.get("area", 1),
        }
    )
    return {"images": images, "objects": objects}


def found(before: dict[Any, pd.DataFrame], after: dict[Any, pd.DataFrame]) -> list[str]:
    return [f.came.split(":")[0] for f in drift.compare(drift.summary(before), after)]


def test_unchanged_data_gives_no_finding() -> None:
    same = tables(80, 0)
    assert found(same, same) == []


def test_other_data_of_the_same_kind_gives_no_finding() -> None:
    assert [found(tables(60, seed), tables(60, 100 + seed)) for seed in range(12)] == [[]] * 12


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"brightness": 1.3}, "brightness of the image (0 to 255)"),
        ({"count": 1.6}, "objects per image"),
        ({"area": 1.6}, "'leaf'"),
        ({"leaf": 0.3}, "objects by class"),
        ({"lab": 0.95}, "images by source"),
    ],
)
def test_a_fact_that_moved_is_named(change: dict[str, float], fact: str) -> None:
    assert fact in found(tables(80, 0), tables(80, 1, **change))


def test_a_finding_says_what_was_what_is_and_what_to_do() -> None:
    only = drift.compare(drift.summary(tables(80, 0)), tables(80, 1, brightness=1.5))
    assert [(f.check, f.severity, f.image, f.object_id) for f in only] == [("drift", "warning", None, None)]
    assert "before" in only[0].came
    assert "segwise labels baseline" in only[0].remedy


def test_a_trifle_in_big_data_is_no_finding() -> None:
    before, after = drift.summary(tables(3000, 0)), drift.summary(tables(3000, 1, brightness=1.03))
    shift = next(s for s in drift.shifts(before, after) if s.fact.startswith("brightness"))
    assert shift.chance is not None
    assert shift.chance < 0.01  # no chance, but small
    assert not shift.has_moved


def test_small_data_is_not_judged() -> None:
    before, after = drift.summary(tables(5, 0)), drift.summary(tables(5, 1, brightness=3))
    shift = next(s for s in drift.shifts(before, after) if s.fact.startswith("brightness"))
    assert (shift.size, shift.chance, shift.has_moved) == (None, None, False)


def test_many_images_of_few_groups_are_not_judged() -> None:
    before, after = tables(200, 0), tables(200, 1)
    for table, level in ((before, 60), (after, 120)):
        table["images"]["group"] = [f"g{i % 4}" for i in range(200)]
        table["images"]["mean_value"] = [level + i % 4 for i in range(200)]
    shift = next(
        s for s in drift.shifts(drift.summary(before), drift.summary(after)) if s.fact.startswith("brightness")
    )
    assert shift.size is None


def test_an_attribute_that_names_each_image_is_no_fact() -> None:
    assert "images by original" not in drift.summary(tables(40, 0))


def test_images_that_cannot_be_read_have_no_brightness() -> None:
    broken = tables(40, 0)
    broken["images"].loc[:9, ["is_readable", "mean_value"]] = [False, 0.0]
    assert drift.summary(broken)["brightness of the image (0 to 255)"]["n"] == 30


def test_the_summary_is_small_survives_its_file_and_an_empty_one_gives_nothing() -> None:
    made = drift.summary(tables(300, 0))
    assert json.loads(baseline.as_text(baseline.Baseline((), made)))["facts"] == made
    assert all(len(brief.get("quantiles", [])) <= 41 for brief in made.values())
    assert drift.compare({}, tables(40, 0)) == []


def test_data_without_objects_has_a_summary() -> None:
    none = tables(20, 0)
    none["objects"] = none["objects"].iloc[:0]
    assert "objects per image" in drift.summary(none)


def test_a_class_that_lost_all_its_objects_is_named() -> None:
    before, after = tables(80, 0), tables(80, 1, leaf=1)
    for side in (before, after):
        side["classes"] = pd.DataFrame({"class_name": list(NAMES)})
    assert "'stem'" in found(before, after)
