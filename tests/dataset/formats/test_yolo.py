"""YOLO segmentation in the layouts of Ultralytics, Roboflow, CVAT and Label Studio."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segwise.dataset.formats import yolo
from segwise.dataset.formats.folder import Folder
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
    put,
    read,
    ring,
)


def row(index: int | str = 0, polygon: list[float] | None = None) -> str:
    values = ring() if polygon is None else polygon
    shares = [v / (WIDTH, HEIGHT)[i % 2] for i, v in enumerate(values)]
    return " ".join([str(index), *(f"{v:.6f}" for v in shares)])


def one(root: Path, *rows: str, yaml: str | None = "train: images\nnames: [cell, dust]\n") -> Path:
    picture(root / "images/a.png")
    put(root / "labels/a.txt", "\n".join(rows) + "\n")
    if yaml is not None:
        put(root / "data.yaml", yaml)
    return root


def test_rows_become_masks_of_their_class(tmp_path: Path) -> None:
    delivery = read(yolo, one(tmp_path, row(0), row(1, ring(OTHER))))
    first, second = only_picture(delivery).regions
    assert [(r.class_name, r.source) for r in (first, second)] == [("cell", "line 1"), ("dust", "line 2")]
    assert np.array_equal(decoded(first), filled(BOX))
    assert np.array_equal(decoded(second), filled(OTHER))
    assert [(c.name, c.preferred_id) for c in delivery.categories] == [("cell", 1), ("dust", 2)]
    assert delivery.pictures[0].file_name == "a.png"


@pytest.mark.parametrize(
    "names",
    ["names: [cell, dust]", "names:\n  0: cell\n  1: dust", "names:\n- cell\n- dust", "names: {'1': dust, '0': cell}"],
)
def test_names_are_a_list_or_numbered(tmp_path: Path, names: str) -> None:
    delivery = read(yolo, one(tmp_path, row(1), yaml=f"train: images\nnc: 2\n{names}\n"))
    assert only_region(delivery).class_name == "dust"


@pytest.mark.parametrize("file", ["classes.txt", "obj.names"])
def test_without_a_yaml_the_names_come_from_a_text_file_or_the_user(tmp_path: Path, file: str) -> None:
    root = one(tmp_path, row(1), yaml=None)
    assert errors(read(yolo, root))[0].check == "no classes"
    assert only_region(read(yolo, root, ["x", "y"])).class_name == "y"
    put(root / file, "cell\ndust\n")
    assert only_region(read(yolo, root)).class_name == "dust"


def test_roboflows_folders_give_the_splits_whatever_its_yaml_points_to(tmp_path: Path) -> None:
    put(tmp_path / "data.yaml", "train: ../train/images\nval: ../valid/images\ntest: ../test/images\nnames: [cell]\n")
    for seed, split in enumerate(("train", "valid")):
        picture(tmp_path / split / "images/a.png", seed=seed)
        put(tmp_path / split / "labels/a.txt", row())
    delivery = read(yolo, tmp_path)
    assert [(p.split, len(p.regions)) for p in delivery.pictures] == [("train", 1), ("val", 1)]
    assert ("split missing", "") in checks(delivery)
    assert not errors(delivery)


@pytest.mark.parametrize("path", ["/datasets/coco8-seg", "../datasets/x", "."])
def test_ultralytics_layout_is_found_wherever_it_was_made(tmp_path: Path, path: str) -> None:
    put(tmp_path / "data.yaml", f"path: {path}\ntrain: images/train\nval:\n  - images/val\nnames: {{0: cell}}\n")
    for seed, split in enumerate(("train", "val")):
        picture(tmp_path / f"images/{split}/{split}.png", seed=seed)
        put(tmp_path / f"labels/{split}/{split}.txt", row())
    delivery = read(yolo, tmp_path)
    assert sorted((p.file_name, p.split, len(p.regions)) for p in delivery.pictures) == [
        ("train.png", "train", 1),
        ("val.png", "val", 1),
    ]
    assert delivery.findings == ()


def test_lists_of_paths_say_which_images_belong_to_the_set(tmp_path: Path) -> None:
    for seed, name in enumerate(("a", "b", "c")):
        picture(tmp_path / f"images/{name}.png", seed=seed)
        put(tmp_path / f"labels/{name}.txt", row())
    put(tmp_path / "data.yaml", "path: .\ntrain: train.txt\nval: val.txt\nnames: [cell]\n")
    put(tmp_path / "train.txt", "data/images/a.png\n./images/gone.png\n")
    put(tmp_path / "val.txt", "data/images/b.png\n")
    delivery = read(yolo, tmp_path)
    assert [(p.file_name, p.split) for p in delivery.pictures] == [("a.png", "train"), ("b.png", "val")]
    assert [(f.check, f.image) for f in errors(delivery)] == [("file missing", "gone.png")]
    assert ("unlabelled image", "") in checks(delivery)


def test_labels_beside_the_images_are_read(tmp_path: Path) -> None:
    picture(tmp_path / "set/a.png")
    put(tmp_path / "set/a.txt", row())
    put(tmp_path / "classes.txt", "cell\n")
    assert np.array_equal(decoded(only_region(read(yolo, tmp_path))), filled(BOX))


def test_an_image_without_a_text_file_has_no_objects(tmp_path: Path) -> None:
    root = one(tmp_path, row())
    picture(root / "images/b.png", seed=1)
    picture(root / "images/c.png", seed=2)
    put(root / "labels/c.txt", "")
    delivery = read(yolo, root)
    assert [len(p.regions) for p in delivery.pictures] == [1, 0, 0]
    assert checks(delivery) == [("no labels", "")]


def test_a_set_without_any_text_file_is_an_error_and_not_a_set_of_empty_images(tmp_path: Path) -> None:
    root = one(tmp_path)
    (root / "labels/a.txt").unlink()
    assert [f.check for f in errors(read(yolo, root))] == ["no labels"]


def test_labels_without_their_image_are_an_error(tmp_path: Path) -> None:
    put(one(tmp_path, row()) / "labels/gone.txt", row())
    assert [(f.check, f.image) for f in errors(read(yolo, tmp_path))] == [("file missing", "labels/gone")]


def test_boxes_alone_are_an_error_and_a_box_among_outlines_is_dropped(tmp_path: Path) -> None:
    box, detection = "0 0.5 0.5 0.2 0.2", "0 0.5 0.5 0.2 0.2 0.9"
    assert [f.check for f in errors(read(yolo, one(tmp_path, box, detection)))] == ["no polygons"]
    delivery = read(yolo, one(tmp_path, row(), box))
    assert [r.source for r in only_picture(delivery).regions] == ["line 1"]
    assert checks(delivery) == [("box", "dropped")]


@pytest.mark.parametrize(
    ("line", "check"),
    [
        (row(2), "unknown class"),
        (row(-1), "unknown class"),
        (row("0.5"), "unknown class"),
        (row("cell"), "structure"),
        (row("nan"), "unknown class"),
        ("0 nan 0.1 0.5 0.1 0.5 0.5", "not finite"),
        ("0 0.1 0.1 0.5 0.1 0.5 1e999", "not finite"),
        ("0 2 3 12 3 12 9 2 9", "not normalised"),
        ("0 0.1 0.1 0.5 0.1 0.5 0.5 0.5", "odd polygon"),
        ("0 0.1 0.1 0.5 0.1 0.5 0x5", "structure"),
    ],
)
def test_a_damaged_row_is_an_error_at_its_line(tmp_path: Path, line: str, check: str) -> None:
    delivery = read(yolo, one(tmp_path, row(), line))
    assert [(f.check, f.object_id) for f in errors(delivery)] == [(check, "line 2")]
    assert len(delivery.pictures[0].regions) == 1


def test_coordinates_a_little_outside_are_cut_off(tmp_path: Path) -> None:
    delivery = read(yolo, one(tmp_path, row(0, ring((-4, 3, 12, 9)))))
    assert np.array_equal(decoded(only_region(delivery)), filled((0, 3, 12, 9)))
    assert checks(delivery) == [("outside the image", "repaired")]


@pytest.mark.parametrize(
    "yaml",
    ["names: [cell\ntrain: images\n", "names: &a [cell]\ntrain: [*b]\n", "train: images\nnames: " + "[" * 3000,
     "train: images\nnames: {x: 1, <<: {y: 2}}\n", "train: images\nnames: !!python/object/apply:os.system [ls]\n"],
    ids=range(5),
)  # fmt: skip
def test_a_damaged_yaml_is_an_error(tmp_path: Path, yaml: str) -> None:
    assert errors(read(yolo, one(tmp_path, row(), yaml=yaml)))


def test_text_files_of_other_formats_are_no_yolo(tmp_path: Path) -> None:
    picture(tmp_path / "JPEGImages/2007_000032.png")
    put(tmp_path / "ImageSets/Segmentation/train.txt", "2007_000032\n2007_000039\n")
    put(tmp_path / "classes.txt", "cell\ndust\n")
    assert not yolo.looks_like(Folder(tmp_path))
