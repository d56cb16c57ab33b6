"""Manifests of Ground Truth and Lookout for Vision: masks are read by colour and alpha, never by palette index."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segwise.dataset.formats import manifest
from segwise.dataset.formats.delivery import Delivery, Options
from segwise.dataset.formats.folder import Folder
from segwise.errors import DataInvalidError
from tests.dataset.formats.drawn import SIZE, Pixels, checks, labels, pictures, shape, shapes, write, write_image

GREEN = (35, 164, 54)
MAP = {"0": {"class-name": "crack", "hex-color": "#23A436"}}
TWO = {"0": {"class-name": "BACKGROUND", "hex-color": "#ffffff"}, "1": {"class-name": "crack", "hex-color": "#23a436"},
       "2": {"class-name": "stain", "hex-color": "#1f77b4"}}  # fmt: skip


def line(image: str, mask: str | None, colours: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    found = {"source-ref": f"s3://bucket/run/{image}", **more}
    if mask is None:
        return found | {"job": 0, "job-metadata": {"class-name": "normal", "type": "groundtruth/image-classification"}}
    described = {"internal-color-map": colours or MAP, "type": "groundtruth/semantic-segmentation"}
    return found | {"job-ref": f"s3://bucket/out/{mask}", "job-ref-metadata": described}


def write_set(root: Path, lines: list[dict[str, Any]], masks: dict[str, Pixels], name: str = "train.manifest") -> None:
    for record in lines:
        write_image(root / "images" / Path(record["source-ref"]).name)
    for mask, pixels in masks.items():
        write(root / "masks" / mask, pixels)
    (root / name).write_text("\n".join(map(json.dumps, lines)) + "\n")


def deliver(root: Path) -> Delivery:
    return manifest.read(Folder(root), Options())


def rgba(alpha: Pixels) -> Pixels:
    return np.dstack([np.broadcast_to(np.array(GREEN, np.uint8), (*SIZE, 3)), alpha.astype(np.uint8)])


def soft() -> Pixels:
    """Alpha of a crack with a soft edge."""
    alpha = (labels() == 3) * 255
    alpha[11, 1:5], alpha[20, 1:5] = 100, 150
    return alpha.astype(np.uint8)


@pytest.mark.parametrize("kind", ["palette", "rgba"])
def test_one_colour_in_many_strengths_is_one_class_cut_at_half(tmp_path: Path, kind: str) -> None:
    write_set(tmp_path, [line("a.jpg", "a.png")], {"a.png": rgba(soft())})
    if kind == "palette":
        levels, index = np.unique(soft(), return_inverse=True)
        index = index.reshape(SIZE) + 1  # index 0 is transparent as well, and unused
        transparency = bytes([0, *levels.tolist()])
        write(tmp_path / "masks/a.png", index.astype(np.uint8), [0, 0, 0, *GREEN * 4], transparency=transparency)
    assert manifest.looks_like(Folder(tmp_path))
    delivery = deliver(tmp_path)
    assert shapes(delivery.pictures[0]) == [shape("crack", soft() > 127)]
    assert checks(delivery) == [("smoothed edge", "warning", "approximated")]
    assert [(c.name, c.isthing, c.preferred_id) for c in delivery.categories] == [("crack", False, 1)]


def test_normal_images_are_kept_empty_and_unlabelled_ones_left_out(tmp_path: Path) -> None:
    lines = [line("a.jpg", "a.png"), line("normal.jpg", None), {"source-ref": "s3://bucket/run/new.jpg"}]
    write_set(tmp_path, lines, {"a.png": rgba((labels() == 1) * 255)})
    delivery = deliver(tmp_path)
    assert {p.file_name: len(p.regions) for p in delivery.pictures} == {"a.jpg": 1, "normal.jpg": 0}
    assert [(f.check, f.image, f.effect) for f in delivery.findings] == [("no labels", "new.jpg", "dropped")]


@pytest.mark.parametrize("kind", ["palette", "colours", "values", "mixed edge"])
def test_classes_are_told_by_colour_and_white_is_background(tmp_path: Path, kind: str) -> None:
    value = np.minimum(labels(), 2).astype(np.uint8)
    colours = np.array([(255, 255, 255), GREEN, (31, 119, 180)], np.uint8)
    write_set(tmp_path, [line("a.jpg", "a.png", TWO)], {"a.png": value if kind == "values" else colours[value]})
    if kind == "palette":
        turned = np.array([2, 1, 0], np.uint8)[value]
        write(tmp_path / "masks/a.png", turned, colours[::-1].ravel().tolist())
    if kind == "mixed edge":
        pixels = colours[value]
        pixels[2, 3] = (80, 180, 95)  # crack with a little white
        write(tmp_path / "masks/a.png", pixels)
    delivery = deliver(tmp_path)
    assert shapes(delivery.pictures[0]) == sorted([shape("crack", value == 1), shape("stain", value == 2)])
    assert [c.name for c in delivery.categories] == ["crack", "stain"]


def test_a_colour_of_no_class_is_an_error(tmp_path: Path) -> None:
    pixels = np.zeros((*SIZE, 3), np.uint8)
    pixels[4:9, 4:9] = (200, 0, 200)
    write_set(tmp_path, [line("a.jpg", "a.png")], {"a.png": pixels})
    delivery = deliver(tmp_path)
    assert checks(delivery) == [("unknown value", "error", "")] and "#C800C8" in delivery.findings[0].came


def test_two_manifests_are_two_splits_and_a_double_line_is_told(tmp_path: Path) -> None:
    mask = {"a.png": rgba((labels() == 1) * 255), "b.png": rgba((labels() == 2) * 255)}
    write_set(tmp_path, [line("a.jpg", "a.png"), line("a.jpg", "a.png")], mask)
    write_set(tmp_path, [line("b.jpg", "b.png"), line("a.jpg", "b.png")], {}, "test.manifest")
    delivery = deliver(tmp_path)
    assert {name: p.split for name, p in pictures(delivery).items()} == {"b.jpg": "test", "a.jpg": "test"}
    assert checks(delivery) == [("duplicate image", "error", ""), ("duplicate image", "error", "")]


def test_a_missing_mask_and_a_mask_that_is_the_image_are_errors(tmp_path: Path) -> None:
    write_set(tmp_path, [line("a.jpg", "gone.png"), line("b.png", "b.png")], {})
    assert checks(deliver(tmp_path)) == [("file missing", "error", ""), ("file missing", "error", "")]


@pytest.mark.parametrize("raw", ["{", "[]", '{"source-ref": 3}',
                                 '{"source-ref": "images/a.jpg", "x-ref": "m.png", "x-ref-metadata": {}}'])  # fmt: skip
def test_a_damaged_line_is_an_error_that_names_it(tmp_path: Path, raw: str) -> None:
    write_set(tmp_path, [line("a.jpg", "a.png")], {"a.png": rgba((labels() == 1) * 255)})
    with (tmp_path / "train.manifest").open("a") as file:
        file.write(raw + "\n")
    delivery = deliver(tmp_path)
    assert [(f.check, f.object_id) for f in delivery.findings] == [("structure", "train.manifest line 2")]
    assert len(delivery.pictures) == 1


def test_a_manifest_of_boxes_is_refused_and_never_read_as_empty_images(tmp_path: Path) -> None:
    boxes = {"annotations": [{"class_id": 0, "left": 1, "top": 1, "width": 5, "height": 5}]}
    write_set(tmp_path, [{"source-ref": "s3://bucket/a.jpg", "bounding-box": boxes}], {})
    with pytest.raises(DataInvalidError, match="none with a mask"):
        deliver(tmp_path)


def test_indices_count_where_the_palette_shows_other_colours_than_the_map(tmp_path: Path) -> None:
    write_set(tmp_path, [line("a.jpg", "a.png", TWO)], {})
    value = np.minimum(labels(), 2).astype(np.uint8)
    write(tmp_path / "masks/a.png", value, [90, 90, 90, 150, 0, 150, 0, 150, 150])
    assert shapes(deliver(tmp_path).pictures[0]) == sorted([shape("crack", value == 1), shape("stain", value == 2)])
