"""COCO JSON of every tool becomes exact masks with the ids it had, and segwise's own file comes out as it went in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from segwise.dataset.arrival.ingest import without_broken
from segwise.dataset.arrival.merge import merge
from segwise.dataset.formats import coco_json, documents
from segwise.dataset.formats.delivery import Delivery
from tests.dataset.formats.made import (
    BOX,
    HEIGHT,
    OTHER,
    WIDTH,
    checks,
    decoded,
    errors,
    filled,
    only_picture,
    only_region,
    picture,
    points,
    put,
    read,
    ring,
)
from tests.factory import make_dataset, read_labels

AREA = 60


def image(number: Any = 1, name: str = "a.png", **more: Any) -> dict[str, Any]:
    return {"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT, **more}


def annotation(
    number: Any = 1, shape: Any = None, image_id: Any = 1, category_id: Any = 1, **more: Any
) -> dict[str, Any]:
    shape = [ring()] if shape is None else shape
    return {"id": number, "image_id": image_id, "category_id": category_id, "segmentation": shape, "iscrowd": 0, **more}


def document(*annotations: Any, images: Any = None, categories: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "images": [image()] if images is None else images,
        "annotations": list(annotations),
        "categories": [{"id": 1, "name": "thing"}] if categories is None else categories,
        **more,
    }


def imported(root: Path, raw: Any, name: str = "instances.json") -> Delivery:
    if not (root / "a.png").exists():
        picture(root / "a.png")
    put(root / name, raw)
    return read(coco_json, root)


def test_polygons_parts_and_run_lengths_of_both_kinds_give_their_masks(tmp_path: Path) -> None:
    mask = filled(BOX, OTHER)
    counts = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))["counts"].decode()
    runs = [0, 5, WIDTH * HEIGHT - 5]
    delivery = imported(
        tmp_path,
        document(
            annotation(1),
            annotation(2, [ring(BOX), ring(OTHER)]),
            annotation(3, {"size": [HEIGHT, WIDTH], "counts": counts}),
            annotation(4, {"size": [HEIGHT, WIDTH], "counts": runs}, iscrowd=1),
        ),
    )
    one, parts, compressed, crowd = only_picture(delivery).regions
    assert np.array_equal(decoded(one), filled(BOX))
    assert np.array_equal(decoded(parts), mask)
    assert compressed.rle["counts"] == counts
    assert np.array_equal(decoded(crowd), filled((0, 0, 1, 5)))
    assert [r.is_crowd for r in (one, parts, compressed, crowd)] == [False, False, False, True]
    assert checks(delivery) == []


def test_ids_splits_groups_and_every_other_key_are_kept(tmp_path: Path) -> None:
    raw = document(
        annotation(900_100, score=0.5, attributes={"occluded": True}),
        images=[image(77, group="g", split="val", modality="mri", license=3)],
        categories=[{"id": 44, "name": "thing", "supercategory": "s", "isthing": 0}],
        info={"year": 2020},
        licenses=[],
    )
    raw["annotations"][0].update(image_id=77, category_id=44)
    delivery = imported(tmp_path, raw)
    found = only_picture(delivery)
    assert (found.preferred_id, found.group, found.split) == (77, "g", "val")
    assert found.extra == {"modality": "mri", "license": 3}
    assert found.regions[0].preferred_id == 900_100
    assert found.regions[0].extra == {"score": 0.5, "attributes": {"occluded": True}}
    (category,) = delivery.categories
    assert (category.preferred_id, category.isthing, category.extra) == (44, False, {"supercategory": "s"})
    assert delivery.extra == {"info": {"year": 2020}, "licenses": []}


def test_segwises_own_file_comes_out_as_it_went_in(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / "data", num_images=4)
    delivery = read(coco_json, root)
    assert delivery.findings == ()
    merged = merge(None, {}, delivery, [p.file_name for p in delivery.pictures])
    assert merged.document == read_labels(root)


def test_images_without_objects_stay_as_images_without_objects(tmp_path: Path) -> None:
    picture(tmp_path / "b.png", seed=1)
    delivery = imported(tmp_path, document(annotation(), images=[image(), image(2, "b.png")]))
    assert [len(p.regions) for p in delivery.pictures] == [1, 0]


def test_category_ids_from_zero_are_raised_by_one(tmp_path: Path) -> None:
    raw = document(annotation(category_id=0), categories=[{"id": 0, "name": "thing"}, {"id": 5, "name": "other"}])
    delivery = imported(tmp_path, raw)
    assert [(c.name, c.preferred_id) for c in delivery.categories] == [("thing", 1), ("other", 6)]
    assert only_region(delivery).class_name == "thing"


@pytest.mark.parametrize("name", ["facade", "things"])
def test_the_unused_row_that_names_roboflows_supercategory_is_dropped(tmp_path: Path, name: str) -> None:
    rows = [{"id": 0, "name": name, "supercategory": "none"}]
    rows += [{"id": i, "name": n, "supercategory": name} for i, n in enumerate(("car", "facade"), start=1)]
    delivery = imported(tmp_path, document(annotation(category_id=2), categories=rows))
    assert [(c.name, c.preferred_id) for c in delivery.categories] == [("car", 1), ("facade", 2)]
    assert only_region(delivery).class_name == "facade"
    assert checks(delivery) == [("unused category", "dropped")]


def test_a_used_category_of_id_zero_stays_even_if_it_names_a_supercategory(tmp_path: Path) -> None:
    rows = [{"id": 0, "name": "car", "supercategory": "none"}, {"id": 1, "name": "wheel", "supercategory": "car"}]
    delivery = imported(tmp_path, document(annotation(category_id=0), categories=rows))
    assert [c.name for c in delivery.categories] == ["car", "wheel"]


def test_rows_that_share_a_name_are_one_class(tmp_path: Path) -> None:
    rows = [{"id": 3, "name": "thing"}, {"id": 7, "name": "thing"}, {"id": 9, "name": "thing"}]
    delivery = imported(tmp_path, document(annotation(1, category_id=7), annotation(2, category_id=9), categories=rows))
    assert [(c.name, c.preferred_id) for c in delivery.categories] == [("thing", 7)]
    assert {r.class_name for r in only_picture(delivery).regions} == {"thing"}
    assert sorted(checks(delivery)) == [("duplicate category", "dropped"), ("duplicate category", "repaired")]


def test_images_in_sub_folders_are_found_and_missing_ones_are_errors(tmp_path: Path) -> None:
    picture(tmp_path / "valid/images/b.png", seed=1)
    raw = document(annotation(), images=[image(), image(2, "b.png"), image(3, "gone.png")])
    delivery = imported(tmp_path, raw)
    assert [(f.check, f.image) for f in errors(delivery)] == [("file missing", "gone.png")]
    assert [p.file_name for p in delivery.pictures] == ["a.png", "b.png"]


def test_each_file_of_a_roboflow_export_gives_its_split_and_finds_its_own_images(tmp_path: Path) -> None:
    for seed, split in enumerate(("train", "valid", "test")):
        picture(tmp_path / split / "a.png", seed=seed)
        put(tmp_path / split / "_annotations.coco.json", document(annotation(0), images=[image(0)]))
    for path in tmp_path.rglob("*.json"):
        raw = json.loads(path.read_text())
        raw["annotations"][0]["image_id"] = 0
        put(path, raw)
    delivery = read(coco_json, tmp_path)
    assert not errors(delivery)
    assert {p.split: Path(str(p.content)).parent.name for p in delivery.pictures} == {
        "train": "train",
        "val": "valid",
        "test": "test",
    }
    assert all(len(p.regions) == 1 for p in delivery.pictures)


def test_cocos_instances_files_are_read_and_their_siblings_are_named(tmp_path: Path) -> None:
    for seed, split in enumerate(("train2017", "val2017")):
        picture(tmp_path / split / "a.png", seed=seed)
        put(tmp_path / f"annotations/instances_{split}.json", document(annotation()))
        put(tmp_path / f"annotations/person_keypoints_{split}.json", document(annotation()))
    delivery = read(coco_json, tmp_path)
    assert not errors(delivery)
    assert [(p.split, len(p.regions)) for p in delivery.pictures] == [("train", 1), ("val", 1)]
    assert "2 other files were not read" in next(f.came for f in delivery.findings if f.check == "other file")


def test_one_image_in_two_splits_is_an_error(tmp_path: Path) -> None:
    picture(tmp_path / "images/a.png")
    for split in ("train", "val"):
        put(tmp_path / f"{split}.json", document(annotation()))
    assert [f.check for f in errors(read(coco_json, tmp_path))] == ["duplicate image"]


def test_repeated_annotation_ids_get_new_ones(tmp_path: Path) -> None:
    delivery = imported(
        tmp_path, document(annotation(5), annotation(5, [ring(OTHER)]), annotation(None, [ring(OTHER)]))
    )
    assert [r.preferred_id for r in only_picture(delivery).regions] == [5, None, None]
    assert checks(delivery) == [("duplicate id", "repaired"), ("structure", "repaired")]


def test_ids_of_text_join_what_belongs_together(tmp_path: Path) -> None:
    delivery = imported(tmp_path, document(annotation("x", image_id="img"), images=[image("img")]))
    assert only_region(delivery).preferred_id is None


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"category_id": 9}, "unknown category"),
        ({"category_id": None}, "unknown category"),
        ({"image_id": 9}, "unknown image"),
        ({"iscrowd": 2}, "structure"),
        ({"segmentation": [[float("nan"), 1, 2, 3, 4, 5]]}, "not finite"),
        ({"segmentation": [[1, 2, 3, 4, 5, 6, 7]]}, "odd polygon"),
        ({"segmentation": "polygon"}, "structure"),
        ({"segmentation": {"size": [1, 1], "counts": [1]}}, "RLE size"),
        ({"segmentation": {"size": [HEIGHT, WIDTH], "counts": "x"}}, "RLE damaged"),
    ],
)
def test_an_annotation_that_breaks_a_rule_is_an_error_and_no_object(
    tmp_path: Path, change: dict[str, Any], check: str
) -> None:
    delivery = imported(tmp_path, document(annotation(1), {**annotation(2), **change}))
    assert [(f.check, f.object_id) for f in errors(delivery)] == [(check, "annotation 2")]
    assert [r.source for r in delivery.pictures[0].regions] == ["annotation 1"]


@pytest.mark.parametrize(
    "change",
    [{"width": "40"}, {"width": 0}, {"width": float("nan")}, {"width": 41}, {"id": None}, {"id": 1.5},
     {"file_name": ""}, {"file_name": 3}],
)  # fmt: skip
def test_an_image_entry_that_breaks_a_rule_is_an_error(tmp_path: Path, change: dict[str, Any]) -> None:
    assert errors(imported(tmp_path, document(images=[{**image(), **change}])))


@pytest.mark.parametrize("change", [{"id": -1}, {"id": "1"}, {"name": ""}, {"name": None}, {"isthing": 3}])
def test_a_category_that_breaks_a_rule_is_an_error(tmp_path: Path, change: dict[str, Any]) -> None:
    assert errors(imported(tmp_path, document(categories=[{"id": 1, "name": "thing", **change}])))


@pytest.mark.parametrize(
    "shape",
    [ring(), [points()], points(), [{"size": [HEIGHT, WIDTH], "counts": [0, WIDTH * HEIGHT]}]],
    ids=["flat", "pairs", "pairs without a list", "listed RLE"],
)
def test_spellings_of_other_tools_are_read(tmp_path: Path, shape: Any) -> None:
    found = decoded(only_region(imported(tmp_path, document(annotation(1, shape)))))
    assert np.array_equal(found, np.ones_like(found) if isinstance(shape[0], dict) else filled(BOX))


def test_a_file_of_boxes_only_is_an_error_and_a_box_among_outlines_is_dropped(tmp_path: Path) -> None:
    box = annotation(2, [], bbox=[2, 3, 10, 6])
    assert [f.check for f in errors(imported(tmp_path, document(box)))] == ["no polygons"]
    delivery = imported(tmp_path, document(annotation(1), box))
    assert [r.source for r in only_picture(delivery).regions] == ["annotation 1"]
    assert checks(delivery) == [("no outline", "dropped")]


def test_stored_areas_and_boxes_that_do_not_fit_are_one_finding_for_the_file(tmp_path: Path) -> None:
    wrong = [annotation(i, area=AREA * 2, bbox=[0, 0, 39, 29]) for i in range(1, 20)]
    delivery = imported(tmp_path, document(*wrong, annotation(20, area=AREA, bbox=[2, 3, 10, 6])))
    assert checks(delivery) == [("stored area or box", "repaired")]
    assert "areas of 19, by 100%" in delivery.findings[0].came
    assert "boxes of 19" in delivery.findings[0].came


def test_areas_of_polygons_that_round_differently_are_no_finding(tmp_path: Path) -> None:
    assert imported(tmp_path, document(annotation(1, area=AREA + 9, bbox=[1.2, 2.8, 11, 7]))).findings == ()


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", '{"images": [{"id": 1, "file_name"', '{"images": [], "annotations": {}, "categories": []}',
     '{"images": [], "annotations": [], "a": ' + "[" * 100_000, '{"images": [], "annotations": [' + "9" * 5000 + "]}",
     '{"images": [], "annotations": [], "x": "\udcff"}'],
    ids=range(8),
)  # fmt: skip
def test_a_damaged_file_is_one_clear_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "instances.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    delivery = coco_json.read(documents.Folder(tmp_path), coco_json.Options())
    assert [f.check for f in errors(delivery)] == ["label file"]
    assert "instances.json" in errors(delivery)[0].came


def test_a_file_too_large_to_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_BYTES", 10)
    assert [f.check for f in errors(imported(tmp_path, document(annotation())))] == ["label file"]


def test_numbers_that_are_no_json_are_left_out_of_the_other_keys(tmp_path: Path) -> None:
    delivery = imported(tmp_path, document(annotation(1, score=float("nan"), area=float("inf"), note="n")))
    assert only_region(delivery).extra == {"note": "n"}
    assert sorted(checks(delivery)) == [("stored area or box", "repaired"), ("structure", "dropped")]


def test_json_in_utf_16_and_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    for encoding in ("utf-16", "utf-8-sig"):
        (tmp_path / "instances.json").write_bytes(json.dumps(document(annotation())).encode(encoding))
        assert len(only_picture(read(coco_json, tmp_path)).regions) == 1


def test_objects_of_an_id_that_two_images_share_go_to_neither(tmp_path: Path) -> None:
    for seed, name in enumerate(("b.png", "c.png"), start=1):
        picture(tmp_path / name, seed=seed)
    raw = document(annotation(1), annotation(2, image_id=2), annotation(3), images=[image(), image(1, "b.png")])
    raw["images"].append(image(2, "c.png"))
    delivery = imported(tmp_path, raw)
    assert [(f.check, f.image) for f in errors(delivery)] == [("duplicate id", "a.png"), ("duplicate id", "b.png")]
    kept = without_broken(delivery)
    assert not errors(kept)
    assert [(p.file_name, [r.source for r in p.regions]) for p in kept.pictures] == [("c.png", ["annotation 2"])]
    lost = [f.object_id for f in kept.findings if f.effect == "dropped" and f.object_id]
    assert lost == ["annotation 1", "annotation 3"]
    assert "unlabelled image" not in {f.check for f in kept.findings}


def test_an_image_listed_twice_under_one_id_keeps_its_objects(tmp_path: Path) -> None:
    delivery = imported(tmp_path, document(annotation(), images=[image(), image()]))
    assert [f.check for f in errors(delivery)] == ["duplicate id"]
    assert [len(p.regions) for p in without_broken(delivery).pictures] == [1]


@pytest.mark.parametrize("names", [("image_000.png", "image_001.png"), ("IMAGE_000.PNG", "image_001.png")])
@pytest.mark.parametrize("folder", [".", "deep"])
def test_class_maps_beside_segwises_own_images_are_told_apart_from_them(
    tmp_path: Path, folder: str, names: tuple[str, ...]
) -> None:
    root = make_dataset(tmp_path / folder, num_images=2)
    (root / "images/image_000.png").rename(root / "images" / names[0])
    for number in range(2):
        picture(root / f"semantic/image_00{number}.png", seed=number)
    picture(root / "semantic/stray.png", seed=9)
    delivery = read(coco_json, tmp_path)
    assert {Path(str(p.content)).parent.name for p in delivery.pictures} == {"images"}
    assert [p.file_name for p in delivery.pictures] == ["image_000.png", "image_001.png"]
    assert checks(delivery) == [("class maps", "dropped"), ("unlabelled image", "")]
    assert delivery.findings[0].came.startswith("2 class maps")
    assert "1 image files" in delivery.findings[1].came and "stray.png" in delivery.findings[1].came


def test_an_image_in_images_beside_the_label_file_comes_before_one_beside_it(tmp_path: Path) -> None:
    picture(tmp_path / "images/a.png", seed=1)
    delivery = imported(tmp_path, document(annotation(), images=[image(name="a.png")]))
    assert only_picture(delivery).content == (tmp_path / "images/a.png").resolve()
    assert only_picture(delivery).file_name == "a.png"


def test_a_path_of_another_disk_keeps_only_its_last_part_where_the_image_is_in_images(tmp_path: Path) -> None:
    picture(tmp_path / "images/a.png", seed=1)
    delivery = imported(tmp_path, document(annotation(), images=[image(name="/mnt/x/a.png")]))
    assert only_picture(delivery).file_name == "a.png"


def test_a_file_without_any_annotation_is_one_warning(tmp_path: Path) -> None:
    picture(tmp_path / "b.png", seed=1)
    delivery = imported(tmp_path, document(images=[image(), image(2, "b.png")]))
    (finding,) = delivery.findings
    assert (finding.check, finding.severity, finding.effect) == ("no objects", "warning", "")
    assert "instances.json" in finding.came and len(delivery.pictures) == 2
    assert checks(imported(tmp_path, document(images=[image(), image(2, "b.png")], categories=[]))) == []


def test_the_findings_of_an_export_are_no_other_file(tmp_path: Path) -> None:
    put(tmp_path / "findings.json", "[]\n")
    assert checks(imported(tmp_path, document(annotation()))) == []
    put(tmp_path / "findings.json", [{"check": "x"}])  # somebody else's
    assert checks(imported(tmp_path, document(annotation()))) == [("other file", "")]
