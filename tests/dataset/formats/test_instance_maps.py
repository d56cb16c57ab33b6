"""Maps of object ids become one object an id, exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segwise.dataset.formats import instance_maps
from segwise.dataset.formats.delivery import Delivery, Options
from segwise.dataset.formats.folder import Folder
from segwise.errors import UsageError
from tests.dataset.formats.drawn import SIZE, checks, labels, pictures, shape, shapes, write, write_image

EXPECTED = sorted(shape("object", labels() == n) for n in (1, 2, 3))
FORMS = {
    "masks": ("images/a.png", "masks/a.png", "a.png"),
    "labels": ("images/a.png", "labels/a.tif", "a.png"),
    "instances": ("train/images/a.png", "train/instances/a.png", "train/a.png"),
    "cellpose": ("a.png", "a_cp_masks.png", "a.png"),
    "cellpose training": ("a_img.png", "a_masks.png", "a_img.png"),
    "label": ("a.png", "a_label.tif", "a.png"),
    "field": ("set01/raw.png", "set01/instances_ids.png", "set01.png"),
    "challenge": ("01/t007.tif", "01_GT/SEG/man_seg007.tif", "01/t007.tif"),
    "silver": ("02/t0007.tif", "02_ST/SEG/man_seg0007.tif", "02/t0007.tif"),
}


def deliver(root: Path, *classes: str) -> Delivery:
    return instance_maps.read(Folder(root), Options(classes))


@pytest.mark.parametrize("form", FORMS)
def test_every_layout_keeps_all_pixels(tmp_path: Path, form: str) -> None:
    image, label, name = FORMS[form]
    write_image(tmp_path / image)
    write(tmp_path / label, labels().astype(np.uint16))
    assert instance_maps.looks_like(Folder(tmp_path))
    delivery = deliver(tmp_path)
    assert list(pictures(delivery)) == [name]
    assert shapes(delivery.pictures[0]) == EXPECTED and checks(delivery) == []


@pytest.mark.parametrize("factor", [1, 80, 20_000, 16_000_000])
def test_ids_of_8_16_and_32_bits_are_kept(tmp_path: Path, factor: int) -> None:
    dtype = np.uint8 if factor < 100 else np.uint16 if factor < 30_000 else np.int32
    write_image(tmp_path / "images/a.png")
    write(tmp_path / f"masks/a.{'tif' if factor > 30_000 else 'png'}", (labels() * factor).astype(dtype))
    picture = deliver(tmp_path).pictures[0]
    assert shapes(picture) == EXPECTED
    assert [r.source for r in picture.regions] == [f"id {n * factor}" for n in (1, 2, 3)]


def test_colours_are_ids_as_coco_panoptic_writes_them(tmp_path: Path) -> None:
    numbers = labels() * 70_001
    write_image(tmp_path / "images/a.png")
    write(
        tmp_path / "masks/a.png", np.stack([numbers % 256, numbers // 256 % 256, numbers // 65536], -1).astype(np.uint8)
    )
    picture = deliver(tmp_path).pictures[0]
    assert shapes(picture) == EXPECTED
    assert [r.source for r in picture.regions] == [f"id {n * 70_001}" for n in (1, 2, 3)]


def test_palette_indices_are_ids_whatever_their_colours(tmp_path: Path) -> None:
    write_image(tmp_path / "images/a.png")
    write(tmp_path / "masks/a.png", labels().astype(np.uint8), [0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9, 9])
    assert shapes(deliver(tmp_path).pictures[0]) == EXPECTED


def test_a_sequence_of_the_challenge_is_a_group_and_gold_comes_before_silver(tmp_path: Path) -> None:
    for time in range(3):
        write_image(tmp_path / f"01/t00{time}.tif")
    write(tmp_path / "01_ST/SEG/man_seg000.tif", np.ones(SIZE, np.uint16))
    write(tmp_path / "01_GT/SEG/man_seg000.tif", labels().astype(np.uint16))
    write(tmp_path / "01_ST/SEG/man_seg001.tif", np.ones(SIZE, np.uint16))
    write(tmp_path / "01_GT/TRA/man_track000.tif", labels().astype(np.uint16))
    delivery = deliver(tmp_path)
    assert {p.file_name: (p.group, len(p.regions)) for p in delivery.pictures} == {
        "01/t000.tif": ("01", 3), "01/t001.tif": ("01", 1)}  # fmt: skip
    assert [(f.check, f.image, f.effect) for f in delivery.findings] == [("no labels", "01/t002.tif", "dropped")]


def test_a_field_with_several_pictures_takes_the_raw_one(tmp_path: Path) -> None:
    for name in ("raw.tif", "phase.png", "labeled.png", "feature_0.png"):
        write_image(tmp_path / "set1" / name)
    write(tmp_path / "set1/instances_ids.png", labels().astype(np.uint16))
    delivery = deliver(tmp_path, "cell")
    assert list(pictures(delivery)) == ["set1.tif"] and checks(delivery) == []


def test_a_map_without_objects_keeps_its_image(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_image(tmp_path / f"images/{name}.png")
        write(tmp_path / f"masks/{name}.png", (labels() * (name == "b")).astype(np.uint16))
    assert {p.file_name: len(p.regions) for p in deliver(tmp_path).pictures} == {"a.png": 0, "b.png": 3}


@pytest.mark.parametrize("value", [1, 255])
def test_maps_of_foreground_only_are_no_ids(tmp_path: Path, value: int) -> None:
    for name in ("a", "b"):
        write_image(tmp_path / f"images/{name}.png")
        write(tmp_path / f"masks/{name}.png", ((labels() > 0) * value).astype(np.uint8))
    delivery = deliver(tmp_path)
    assert checks(delivery) == [("no ids", "error", "")] and "class-maps" in delivery.findings[0].remedy


def test_one_object_an_image_is_no_foreground_map(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_image(tmp_path / f"images/{name}.png")
        write(tmp_path / f"masks/{name}.png", (labels() == 1).astype(np.uint8) * 255)
    delivery = deliver(tmp_path)
    assert checks(delivery) == [] and [len(p.regions) for p in delivery.pictures] == [1, 1]


def test_ids_in_a_jpeg_and_a_picture_in_the_place_of_a_map_are_errors(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    write_image(tmp_path / "images/a.png")
    write_image(tmp_path / "images/b.png", (64, 64))
    write(tmp_path / "masks/a.jpg", labels().astype(np.uint8))
    write(tmp_path / "masks/b.png", rng.integers(0, 256, (64, 64, 3)).astype(np.uint8))
    assert [f.check for f in deliver(tmp_path).findings] == ["lossy labels", "unknown value"]


def test_a_map_of_another_size_and_a_lonely_map_are_errors(tmp_path: Path) -> None:
    write_image(tmp_path / "images/a.png")
    write(tmp_path / "masks/a.png", labels()[:-1].astype(np.uint16))
    write(tmp_path / "masks/lonely.png", labels().astype(np.uint16))
    assert checks(deliver(tmp_path)) == [("file missing", "error", ""), ("size mismatch", "error", "")]


def test_a_class_list_makes_them_class_maps_and_two_names_are_refused(tmp_path: Path) -> None:
    write_image(tmp_path / "images/a.png")
    write(tmp_path / "masks/a.png", labels().astype(np.uint8))
    with pytest.raises(UsageError):
        deliver(tmp_path, "a", "b")
    (tmp_path / "classes.txt").write_text("a\nb\n")
    assert not instance_maps.looks_like(Folder(tmp_path))


def test_the_same_few_values_in_many_pieces_look_like_classes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in "abc":
        write_image(tmp_path / f"images/{name}.png")
        write(tmp_path / f"masks/{name}.png", rng.integers(0, 4, (6, 8)).repeat(4, 0).repeat(4, 1).astype(np.uint8))
    delivery = deliver(tmp_path)
    assert checks(delivery) == [("no ids", "warning", "")] and "class list" in delivery.findings[0].remedy


def test_a_preview_in_colours_beside_the_maps_is_not_read_and_said(tmp_path: Path) -> None:
    write_image(tmp_path / "images/a.png")
    write(tmp_path / "masks/a.png", labels().astype(np.uint16))
    write_image(tmp_path / "masks_color/a.png")
    delivery = deliver(tmp_path)
    assert shapes(delivery.pictures[0]) == EXPECTED
    assert checks(delivery) == [("second labels", "warning", "dropped")]
