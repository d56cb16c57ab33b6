"""The label file becomes values, or a refusal that names what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from segwise.dataset import coco, finding, rle, schema
from segwise.errors import DataInvalidError
from tests.factory import make_dataset, read_labels, write_labels

SQUARE = [2.0, 3.0, 12.0, 3.0, 12.0, 13.0, 2.0, 13.0]


def test_images_are_sorted_by_name_and_classes_numbered_from_one(tiny_dataset: Path) -> None:
    document = read_labels(tiny_dataset)
    document["images"].reverse()
    document["categories"] = [{"id": 7, "name": "sheet", "isthing": 0}, {"id": 1, "name": "disc"}]
    write_labels(tiny_dataset, document)
    dataset = coco.read(tiny_dataset)
    assert [r.file_name for r in dataset.images] == sorted(r.file_name for r in dataset.images)
    assert [(c.id, c.name, c.isthing) for c in dataset.classes] == [(1, "disc", True), (2, "sheet", False)]
    assert dataset.images[1].attributes == {"modality": "histology"}


def test_group_is_the_file_name_where_none_is_given(tiny_dataset: Path) -> None:
    document = read_labels(tiny_dataset)
    del document["images"][0]["group"]
    write_labels(tiny_dataset, document)
    assert coco.read(tiny_dataset).images[0].group == "image_000.png"


@pytest.mark.parametrize("form", ["polygon", "counts", "compressed"])
def test_every_form_of_a_mask_gives_the_same_pixels(tiny_dataset: Path, form: str) -> None:
    encoded = coco_mask.merge(coco_mask.frPyObjects([SQUARE], 96, 128))
    mask = coco_mask.decode(encoded)
    runs = np.diff(np.flatnonzero(np.diff(np.concatenate([[1 - mask.T.ravel()[0]], mask.T.ravel(), [2]]))))
    shapes: dict[str, Any] = {
        "polygon": [SQUARE],
        "counts": {"size": [96, 128], "counts": [int(v) for v in runs]},
        "compressed": {"size": [96, 128], "counts": encoded["counts"].decode()},
    }
    document = read_labels(tiny_dataset)
    document["annotations"][0] |= {"segmentation": shapes[form], "area": 100, "bbox": [2, 3, 10, 10]}
    write_labels(tiny_dataset, document)
    first = coco.read(tiny_dataset).images[0].annotations[0]
    np.testing.assert_array_equal(coco_mask.decode(first.rle), mask)


def test_run_lengths_agree_with_pycocotools() -> None:
    rng = np.random.default_rng(1)
    for density in (0.01, 0.5, 0.99):
        mask = np.asfortranarray(rng.random((37, 53)) < density, dtype=np.uint8)
        runs = rle.run_lengths(coco_mask.encode(mask)["counts"].decode())
        assert runs is not None
        values = np.repeat(np.arange(len(runs)) % 2, runs)
        np.testing.assert_array_equal(values, mask.ravel(order="F"))


@pytest.mark.parametrize("counts", [None, 5, "é", "~~~", "ooooooooooo", "P", [1, -1], [1.5], [True], "5O"])
def test_damaged_run_lengths_are_refused_and_not_decoded(counts: Any) -> None:
    assert rle.run_lengths(counts) is None


CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("unknown category", "annotation", {"category_id": 9}),
    ("unknown image", "annotation", {"image_id": 900}),
    ("duplicate id", "annotation", {"id": 2}),
    ("structure", "annotation", {"id": None}),
    ("structure", "annotation", {"iscrowd": "no"}),
    ("structure", "annotation", {"segmentation": []}),
    ("structure", "annotation", {"segmentation": [["a", 1, 2, 3, 4, 5]]}),
    ("not finite", "annotation", {"segmentation": [[float("nan"), 1, 2, 3, 4, 5]]}),
    ("not finite", "annotation", {"segmentation": [[10**400, 1, 2, 3, 4, 5]]}),
    ("not finite", "annotation", {"area": float("inf")}),
    ("not finite", "annotation", {"bbox": [0, 0, 1]}),
    ("odd polygon", "annotation", {"segmentation": [[1, 2, 3, 4, 5, 6, 7]]}),
    ("few points", "annotation", {"segmentation": [[1, 2, 3, 4]]}),
    ("outside the image", "annotation", {"segmentation": [[1, 2, 300, 4, 5, 6]]}),
    ("outside the image", "annotation", {"bbox": [120, 0, 20, 10]}),
    ("RLE size", "annotation", {"segmentation": {"size": [9, 9], "counts": "1"}}),
    ("RLE size", "annotation", {"segmentation": {"size": [96, 128], "counts": [5, 5]}}),
    ("RLE damaged", "annotation", {"segmentation": {"size": [96, 128], "counts": "~"}}),
    ("zero area", "annotation", {"segmentation": {"size": [96, 128], "counts": [96 * 128]}}),
    ("structure", "image", {"file_name": "../secret.png"}),
    ("structure", "image", {"file_name": "n" * 300}),
    ("structure", "image", {"file_name": "\ud800.png"}),
    ("structure", "image", {"modality": "\ud800"}),
    ("structure", "image", {"width": 0}),
    ("structure", "image", {"height": "96"}),
    ("structure", "image", {"group": ["g"]}),
    ("duplicate id", "image", {"id": 2}),
    ("duplicate id", "image", {"file_name": "image_001.png"}),
    ("structure", "category", {"name": ""}),
]


@pytest.mark.parametrize(("check", "kind", "change"), CASES)
def test_a_broken_record_is_a_finding_and_a_refusal(
    tmp_path: Path, check: str, kind: str, change: dict[str, Any]
) -> None:
    root = make_dataset(tmp_path, num_images=2)
    document = read_labels(root)
    document[{"annotation": "annotations", "image": "images", "category": "categories"}[kind]][0] |= change
    write_labels(root, document)
    found = schema.check(coco.read_raw(root / "instances.json"))
    assert check in {f.check for f in finding.errors_in(found.findings)}
    with pytest.raises(DataInvalidError, match=r"errors?: ") as refused:
        coco.read(root)
    assert refused.value.exit_code == 4


@pytest.mark.parametrize("raw", [None, [], {}, {"images": 1, "annotations": [], "categories": []}, 7])
def test_what_is_no_coco_document_is_refused(raw: Any) -> None:
    assert finding.errors_in(schema.check(raw).findings)


@pytest.mark.parametrize("junk", [None, 3, "x", [], {}, {"id": {}}, {"id": []}, {"file_name": 5}])
def test_junk_in_the_place_of_a_record_never_stops_the_pass(junk: Any) -> None:
    raw = {"images": [junk], "annotations": [junk], "categories": [junk]}
    assert finding.errors_in(schema.check(raw).findings)


def test_an_empty_data_set_is_refused_with_what_to_do() -> None:
    found = schema.check({"images": [], "annotations": [], "categories": []}).findings
    assert "segwise import" in str(finding.refusal(found))


def test_good_records_survive_beside_broken_ones(tiny_dataset: Path) -> None:
    document = read_labels(tiny_dataset)
    document["annotations"][0]["category_id"] = 9
    checked = schema.check(document)
    assert len(checked.annotations) == len(document["annotations"]) - 1
    assert [(f.image, f.object_id) for f in checked.findings] == [("image_000.png", 1)]


@pytest.mark.parametrize("text", ["", "{", "\x00"])
def test_a_label_file_that_is_no_json_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "instances.json").write_text(text)
    with pytest.raises(DataInvalidError, match="JSON"):
        coco.read(tmp_path)


def test_a_missing_data_set_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(DataInvalidError, match="dvc pull"):
        coco.read(tmp_path / "data")


def test_records_come_in_the_order_of_the_names_asked_for(tiny_dataset: Path) -> None:
    dataset = coco.read(tiny_dataset)
    assert [r.file_name for r in coco.by_name(dataset, ["image_003.png", "image_001.png"])] == [
        "image_003.png",
        "image_001.png",
    ]
    with pytest.raises(DataInvalidError, match=r"lost\.png"):
        coco.by_name(dataset, ["lost.png"])


def test_the_factory_is_deterministic(tmp_path: Path) -> None:
    one, two = (make_dataset(tmp_path / name, seed=3) for name in ("one", "two"))
    assert json.dumps(read_labels(one)) == json.dumps(read_labels(two))
