from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from segwise.advice.ceilings.ceilings import ceilings
from segwise.advice.ceilings.params import CeilingParams
from segwise.dataset.coco import Dataset
from segwise.decision.params import Decision
from segwise.errors import UsageError
from segwise.spec import canonical_json
from segwise.types import ClassInfo
from tests.advice.ceilings.sets import SIZE, alike, box, dataset, disc, record

COUNT = {"count": Decision(kind="count")}
WATERSHED = "semantic + watershed"


def found(data: Dataset, decisions: dict[str, Decision] = COUNT, **params: Any) -> dict[str, Any]:
    values = ceilings(data, decisions, CeilingParams(replicates=20, **params), told=lambda _, items, __: items)
    canonical_json(values)  # plain values, nothing undefined but None
    return values


def error(values: dict[str, Any], name: str, decision: str = "count") -> Any:
    part = "candidates" if name in values["candidates"] else "variants"
    return values[part][name]["decisions"][decision]["error"]


def test_separated_discs_need_nothing_more_than_a_class_map() -> None:
    values = found(alike([disc(20, 20, 9), disc(20, 60, 12), disc(70, 90, 15)]))
    assert [error(values, name) for name in ("semantic", "hybrid", "instance", WATERSHED)] == [0, 0, 0, 0]
    entry = values["candidates"]["semantic"]
    assert entry["decisions"]["count"]["met"] == "met"
    assert entry["objects"]["f1"] == 1 and entry["objects"]["merge_rate"] == 0
    assert values["concentration"]["count"]["semantic"] == {
        "share_80": 0, "share_100": 0, "needed_share": 0,
        "handed_on": [[share, 0] for share in (0, 0.05, 0.1, 0.2, 0.3, 0.5, 1)],
    }  # fmt: skip
    assert values["worst"] == []


def test_touching_discs_are_one_component_and_a_split_by_shape_parts_them() -> None:
    values = found(alike([disc(40, 30, 10), disc(40, 51, 10), disc(75, 100, 10)], num=6))
    assert error(values, "semantic") == round(1 / 3, 6)
    assert error(values, WATERSHED) == error(values, "hybrid") == error(values, "instance") == 0
    objects = values["candidates"]["semantic"]["objects"]
    assert objects["merge_rate"] == round(2 / 3, 6) and objects["count_error"] == round(1 / 3, 6)
    pairs = values["safe_to_split"]
    assert pairs["num_pairs"] == 6 and pairs["is_safe"]
    assert pairs["separated"] == {"semantic": 0, "hybrid": 1, "instance": 1, WATERSHED: 1}
    worst = [entry for entry in values["worst"] if entry["candidate"] == "semantic"]
    assert [entry["file_name"] for entry in worst] == [f"{i}.png" for i in range(6)]
    assert worst[0]["truth"] == 3 and worst[0]["ceiling"] == 2
    assert {item["what"] for item in worst[0]["boxes"]} == {"merged"} and len(worst[0]["boxes"]) == 2


def test_handing_the_worst_images_on_first_meets_the_tolerance_soonest() -> None:
    alone, touching = [disc(20, 20, 9), disc(70, 90, 9)], [disc(40, 30, 10), disc(40, 51, 10)]
    images = [record(f"{i}.png", touching if i < 2 else alone) for i in range(10)]
    values = found(dataset(images))["concentration"]["count"]["semantic"]
    assert values["share_80"] == values["share_100"] == 0.2
    assert values["handed_on"][:4] == [[0, 1], [0.05, 1], [0.1, 0.5], [0.2, 0]]  # round(10 × 0.05) = 0 images
    assert values["needed_share"] == 0  # 2 of 20 objects are within 10 %


def test_two_halves_of_one_square_show_no_waist_and_are_not_safe_to_split() -> None:
    values = found(alike([box(20, 20, 40, 60), box(40, 20, 60, 60)], num=6))
    assert error(values, "semantic") == error(values, WATERSHED) == 0.5
    assert error(values, "hybrid") == 0
    assert not values["safe_to_split"]["is_safe"] and values["safe_to_split"]["safe_contact"] is None


def test_what_others_cover_is_lost_to_every_class_map_but_not_to_masks() -> None:
    covered, above = box(20, 20, 50, 40), [box(20, 20, 30, 40), box(30, 20, 40, 40), box(40, 20, 50, 40)]
    values = found(alike([covered, *above]))
    assert error(values, "hybrid") == 0.25  # three of four
    assert error(values, "instance") == 0
    assert values["output_cap"]["gone_share"] == 0.25


def test_boxes_that_overlap_more_than_the_suppression_allows_are_one_object() -> None:
    masks = [box(20, 20, 60, 40), box(25, 20, 65, 40), box(5, 60, 20, 80)]  # IoU 35 / 45
    assert error(found(alike(masks)), "instance") == round(1 / 3, 6)
    assert error(found(alike(masks), max_overlap=0.8), "instance") == 0


def test_specks_vanish_at_a_coarse_stride() -> None:
    masks = [box(x, y, x + 2, y + 2) for x in range(9, 120, 12) for y in (10, 50)]
    values = found(alike(masks), dense_zoom=0.5)
    assert error(values, "semantic") == 0
    assert error(values, "semantic@stride4") == 1
    assert values["smallest_object"]["vanished"] == {"2": 1, "4": 1}
    assert values["smallest_object"]["below_dense_cell"] == 1
    assert values["smallest_object"]["area_px"]["min"] == 4


@pytest.mark.parametrize("surplus", [0, 1, 5])
def test_an_instance_model_loses_exactly_the_objects_beyond_its_cap(surplus: int) -> None:
    masks = [disc(12 + 16 * row, 12 + 16 * column, 4 + 0.3 * column) for row in range(5) for column in range(7)]
    values = found(alike(masks), max_objects=len(masks) - surplus)
    assert error(values, "instance") == round(surplus / len(masks), 6)
    assert values["output_cap"]["lost_to_cap"] == round(surplus / len(masks), 6)
    assert values["output_cap"]["images_over"] == (surplus > 0)
    assert error(values, "hybrid") == 0


def test_regions_are_covered_by_class_maps_and_by_no_instance_model() -> None:
    classes = (ClassInfo(1, "disc", True), ClassInfo(2, "grass", False))
    images = [
        record(
            f"{i}.png", [disc(30, 30, 10), box(0, 48, 128, 96)] if i % 2 else [disc(30, 30, 10)], [1, 2][: 1 + i % 2]
        )
        for i in range(6)
    ]
    asked = {
        "cover": Decision(kind="coverage", classes=("grass",)),
        "there": Decision(kind="presence", classes=("grass",)),
    }
    values = found(dataset(images, classes), asked)
    assert error(values, "semantic", "cover") == error(values, "semantic", "there") == 0
    assert error(values, "instance", "cover") == 0.25 and error(values, "instance", "there") == 1


def test_a_band_beside_borders_is_not_asked_about() -> None:
    values = found(alike([disc(40, 40, 20)]), {"cover": Decision(kind="coverage", tolerance={"points": 0.001})})
    assert error(values, "semantic, ignore band", "cover") == 0
    assert error(values, "semantic, border off", "cover") > 0.005
    assert values["variants"]["semantic, ignore band"]["objects"]["miou"] == 1


def test_crowds_are_no_objects() -> None:
    images = [record(f"{i}.png", [disc(30, 30, 10), box(60, 60, 120, 90)], crowds=[1]) for i in range(4)]
    values = found(dataset(images))
    assert values["num_objects"] == 4
    assert error(values, "semantic") == error(values, "hybrid") == error(values, "instance") == 0


def test_the_order_of_the_images_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    images = [
        record(f"{i}.png", [disc(*rng.uniform(20, 70, 2), rng.uniform(5, 15)) for _ in range(6)], group=f"g{i // 2}")
        for i in range(8)
    ]
    asked = {"count": Decision(kind="count"), "items": Decision(kind="itemize")}
    first, second = (found(dataset(order), asked) for order in (images, images[::-1]))
    assert canonical_json(first) == canonical_json(second)
    assert first["num_images"] == 8 and first["num_groups"] == 4


def test_images_without_objects_are_answered() -> None:
    images = [record("empty.png", []), record("one.png", [disc(30, 30, 10)])]
    values = found(dataset(images), {"there": Decision(kind="presence")})
    assert [error(values, name, "there") for name in values["candidates"]] == [0, 0, 0]
    assert values["output_cap"]["max"] == 1


def test_a_count_of_regions_is_refused() -> None:
    data = dataset([record("a.png", [box(0, 0, *SIZE)])], [ClassInfo(1, "grass", False)])
    with pytest.raises(UsageError, match="countable"):
        found(data)


def test_specks_of_labels_are_dropped_where_that_counts_better() -> None:
    cell = disc(40, 60, 25)
    cell[40, 95] = cell[70, 95] = True  # two pixels that the labeller left beside the object
    values = found(alike([cell, disc(80, 15, 8)]))
    assert [error(values, name) for name in ("semantic", "hybrid", "instance", WATERSHED)] == [0, 0, 0, 0]
    assert values["candidates"]["semantic"]["point"] == {"min_area_px": 16}
