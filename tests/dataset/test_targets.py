"""Objects and the class map come from the same annotations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pycocotools import mask as coco_mask

from segwise.dataset import coco, targets
from segwise.types import IGNORE_INDEX
from tests.factory import annotation, make_dataset, read_labels, write_labels


def square(y: int, x: int, side: int) -> np.ndarray:
    mask = np.zeros((96, 128), dtype=bool)
    mask[y : y + side, x : x + side] = True
    return mask


def test_objects_have_exactly_the_labelled_pixels(tiny_dataset: Path) -> None:
    for record in coco.read(tiny_dataset).images:
        found = targets.objects(record).masks()
        wanted = np.stack([coco_mask.decode(a.rle) for a in record.annotations]).astype(bool)
        np.testing.assert_array_equal(found, wanted)


def test_the_smaller_object_is_on_top_and_crowds_are_ignored_below(tmp_path: Path) -> None:
    root = make_dataset(tmp_path, num_images=1)
    document = read_labels(root)
    document["categories"] = [
        {"id": 1, "name": "a", "isthing": 1},
        {"id": 2, "name": "b", "isthing": 1},
        {"id": 3, "name": "c", "isthing": 0},
    ]
    document["annotations"] = [
        annotation(square(20, 20, 5), 1, 1, 2),  # small, inside 2, listed first
        annotation(square(15, 15, 30), 2, 1, 1),
        annotation(square(0, 0, 90), 3, 1, 1) | {"iscrowd": 1},
        annotation(square(40, 40, 10), 4, 1, 3),  # stuff, smaller than thing 2, below it
    ]
    write_labels(root, document)
    dataset = coco.read(root)
    found = targets.class_map(dataset.images[0], dataset.classes)
    assert [found[22, 22], found[16, 16], found[2, 2], found[42, 42], found[48, 48], found[95, 95]] == [
        2, 1, IGNORE_INDEX, 1, 3, 0,
    ]  # fmt: skip


def test_an_image_without_objects_gives_background(tmp_path: Path) -> None:
    root = make_dataset(tmp_path, num_images=1)
    write_labels(root, read_labels(root) | {"annotations": []})
    dataset = coco.read(root)
    assert len(targets.objects(dataset.images[0])) == 0
    assert not targets.class_map(dataset.images[0], dataset.classes).any()
