"""`segwise suspects` on a tiny data set with a graph that really finds its discs: planted errors come first."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pycocotools import mask as coco_mask

from benchmarks.suspects import RATES, judge, plant, reliability
from segwise.dataset import coco
from segwise.dataset.params import DataParams
from segwise.errors import DataInvalidError, SegwiseError, UsageError
from segwise.stages import suspects
from segwise.types import ClassInfo, Objects
from tests.factory import make_dataset, read_labels, write_labels
from tests.model_folder import make_model
from tests.predict.graphs import write_model

MODEL = Path("model")
RATE = {**dict.fromkeys(RATES, 0.04), "class": 0.0}


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """40 images in data/, the bright ones in the test split with errors planted; a model that sees bright discs."""
    monkeypatch.chdir(tmp_path)
    document = read_labels(make_dataset(Path("data"), 40))
    bright = {i["id"]: i["file_name"] for i in document["images"] if i["modality"] == "fluorescence"}
    document["annotations"] = [a for a in document["annotations"] if a["image_id"] in bright]
    document, errors = plant(document, 0, RATE)
    write_labels(Path("data"), document)
    make_model(MODEL)
    dark = [i["file_name"] for i in document["images"] if i["id"] not in bright]
    Path("work").mkdir()
    Path("work/split.json").write_text(json.dumps({"train": dark, "val": [], "test": sorted(bright.values())}))
    return errors


def written() -> list[dict[str, object]]:
    return list(json.loads(Path("work/suspects/suspects.json").read_text())["suspects"])


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools 2.0.11 with NumPy 2
def test_planted_errors_rank_far_above_chance_kind_by_kind(planted: list[dict[str, object]]) -> None:
    suspects.run(DataParams(), MODEL, "test")
    figures = judge(written(), planted, len(read_labels(Path("data"))["annotations"]))
    assert figures["all"]["ap"] > 2 * figures["all"]["any_label"]
    assert figures["all"]["ap"] > 1.5 * figures["all"]["shuffled"]
    assert figures["split"]["ap"] > 2 * figures["split"]["shuffled"]
    for kind in ("missed", "phantom", "split", "outline"):  # the model joins touching discs: none looks merged to it
        assert figures[kind]["ap"] > 3 * figures[kind]["any_label"], kind


def test_a_high_score_is_right_more_often_than_a_low_one(planted: list[dict[str, object]]) -> None:
    suspects.run(DataParams(), MODEL, "test")
    rows = written()
    high, low = ([s for s in rows if (s["score"] >= 0.3) == side] for side in (True, False))  # type: ignore[operator]
    share = [np.average([r for _, _, r in cells], weights=[n for _, n, _ in cells])
             for cells in ([c for c in reliability(part, planted) if c[1]] for part in (high, low))]  # fmt: skip
    assert share[0] > 0.5 > share[1]


def test_the_tables_agree_and_are_worst_first(planted: list[dict[str, object]]) -> None:
    result = suspects.run(DataParams(), MODEL, "test", top=3)
    table, rows = pd.read_parquet("work/suspects/suspects.parquet"), written()
    assert len(table) == len(rows) == result["num_suspects"]
    assert table["score"].is_monotonic_decreasing
    assert [list(ids) for ids in table["object_ids"]] == [row["object_ids"] for row in rows]
    assert set(table["split"]) == {"test"}
    images = pd.read_parquet("work/suspects/images.parquet")
    assert images["quality"].is_monotonic_increasing and len(images) == result["num_images"] == 20
    assert Path("work/suspects/index.html").read_text().count('<li id="suspect-') == 3


def test_two_runs_write_the_same_bytes(planted: list[dict[str, object]]) -> None:
    runs = []
    for _ in range(2):
        suspects.run(DataParams(), MODEL, "test", top=5)
        runs.append({p.name: p.read_bytes() for p in Path("work/suspects").iterdir()})
    assert runs[0] == runs[1]
    assert set(runs[0]) == {"index.html", "suspects.json", "suspects.parquet", "images.parquet"}


def test_images_of_the_training_split_are_marked(planted: list[dict[str, object]]) -> None:
    suspects.run(DataParams(), MODEL, "all", top=1)
    rows = written()
    assert all(row["is_trained"] == (row["split"] == "train") for row in rows)
    assert {row["split"] for row in rows} == {"train", "test"}


@pytest.mark.parametrize("approach", ["semantic", "hybrid", "instance"])
def test_every_approach_can_be_asked(tiny_dataset: Path, monkeypatch: pytest.MonkeyPatch, approach: str) -> None:
    monkeypatch.chdir(tiny_dataset.parent)
    document = read_labels(tiny_dataset)
    document["categories"][0]["name"] = "class1"
    write_labels(tiny_dataset, document)
    write_model(MODEL, approach)
    result = suspects.run(DataParams(), MODEL, top=2)
    assert result["num_images"] == 12
    assert result["num_suspects"] == len(written()) > 0


def test_a_set_without_any_object_is_read_too(tiny_dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny_dataset.parent)
    write_labels(tiny_dataset, {**read_labels(tiny_dataset), "annotations": []})
    make_model(MODEL)
    suspects.run(DataParams(), MODEL, top=2)
    assert {row["kind"] for row in written()} == {"missed"}


def test_detections_become_probabilities_that_sum_to_one_and_are_never_certain() -> None:
    masks = np.zeros((2, 6, 8), dtype=bool)
    masks[0, :4, :4], masks[1, 2:, 2:] = True, True
    planes = suspects.detected(Objects.from_masks(list(masks), [1, 2], [0.9, 0.6], (6, 8)), 2)
    assert planes.sum(axis=0) == pytest.approx(np.ones((6, 8)))
    assert planes[:, 0, 0].argmax() == planes[:, 3, 3].argmax() == 1
    assert planes[:, 5, 7].argmax() == 2
    assert 0.9 < planes[0, 0, 7] < 1


def test_ids_stay_with_their_objects_when_an_empty_mask_is_left_out(tiny_dataset: Path) -> None:
    record = coco.read(tiny_dataset).images[0]
    first, second, *others = record.annotations
    hollow = replace(second, rle=coco_mask.encode(np.zeros((96, 128), dtype=np.uint8, order="F")))
    objects, ids = suspects.labelled(replace(record, annotations=(first, hollow, *others)))
    kept = [first, *others]
    assert ids.tolist() == [a.id for a in kept]
    assert objects.areas_px.tolist() == [a.area_px for a in kept]


def test_a_model_of_other_classes_is_refused() -> None:
    with pytest.raises(UsageError, match=r"(?s)classes cell.*trained on this data set"):
        suspects.check_classes([ClassInfo(1, "car", True)], [ClassInfo(1, "cell", True)])


def test_a_wrong_split_and_a_useless_top_are_refused_with_a_remedy(
    tiny_dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny_dataset.parent)
    make_model(MODEL)
    with pytest.raises(UsageError, match="train, val, test, all"):
        suspects.run(DataParams(), MODEL, "tset")
    with pytest.raises(DataInvalidError, match="segwise split"):
        suspects.run(DataParams(), MODEL, "test")
    with pytest.raises(UsageError, match="--top 0"):
        suspects.run(DataParams(), MODEL, top=0)
    with pytest.raises(SegwiseError, match="champion"):
        suspects.run(DataParams())
