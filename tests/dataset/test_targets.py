"""Objects and the class map come from the same annotations."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from segwise.dataset import coco, targets
from segwise.types import IGNORE_INDEX, ClassInfo, Objects
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


CLASSES = (ClassInfo(1, "a", True), ClassInfo(2, "b", True), ClassInfo(3, "c", False))
SIDE = 8


@st.composite
def crowded(draw: st.DrawFn) -> Objects:
    """Rectangles that overlap, of any class, crowds among them, with a hole where the draw says so."""
    masks, class_ids, is_crowd = [], [], []
    for _ in range(draw(st.integers(0, 7))):
        y, x = draw(st.integers(0, SIDE - 1)), draw(st.integers(0, SIDE - 1))
        mask = np.zeros((SIDE, SIDE), dtype=bool)
        mask[y : y + draw(st.integers(1, SIDE)), x : x + draw(st.integers(1, SIDE))] = True
        mask[draw(st.integers(0, SIDE - 1)), draw(st.integers(0, SIDE - 1))] = False
        masks.append(mask)
        class_ids.append(draw(st.sampled_from([c.id for c in CLASSES])))
        is_crowd.append(draw(st.booleans()))
    return Objects.from_masks(masks, class_ids, [1.0] * len(masks), (SIDE, SIDE), is_crowd)


def on_top(things: Objects, y: int, x: int) -> int:
    """The index of the object that owns a pixel, found by comparing all that lie there; -1 = none."""
    there = [i for i, mask in enumerate(things.masks()) if mask[y, x]]
    is_thing = {c.id: c.isthing for c in CLASSES}

    def height(i: int) -> tuple[bool, bool, int, int]:
        return not things.is_crowd[i], is_thing[int(things.class_ids[i])], -int(things.areas_px[i]), i

    return max(there, key=height, default=-1)


@given(crowded())
def test_each_pixel_is_owned_by_the_object_that_lies_on_top_of_it(things: Objects) -> None:
    found = targets.owner_map(things, CLASSES)
    assert found.dtype == np.int32
    assert found.tolist() == [[on_top(things, y, x) for x in range(SIDE)] for y in range(SIDE)]


@given(crowded())
def test_the_class_map_and_the_owner_map_agree(things: Objects) -> None:
    owner, painted = targets.owner_map(things, CLASSES), targets.paint(things, CLASSES)
    assert painted.tobytes() == painted_one_by_one(things).tobytes()
    of_object = [IGNORE_INDEX if crowd else int(c) for c, crowd in zip(things.class_ids, things.is_crowd, strict=True)]
    assert painted.tolist() == [[of_object[i] if i >= 0 else 0 for i in row] for row in owner.tolist()]


def painted_one_by_one(things: Objects) -> np.ndarray:
    """The reference: class values painted in order of rank, as maps were made before objects' own were."""
    is_thing = {c.id: c.isthing for c in CLASSES}
    out = np.zeros(things.size, dtype=np.uint8)
    rank = [
        (not crowd, is_thing[int(class_id)], -area)
        for crowd, class_id, area in zip(things.is_crowd, things.class_ids, things.areas_px.tolist(), strict=True)
    ]
    for index in sorted(range(len(things)), key=rank.__getitem__):
        x0, y0, x1, y1 = things.boxes_xyxy[index]
        value = IGNORE_INDEX if things.is_crowd[index] else things.class_ids[index]
        out[y0:y1, x0:x1][things.crops[index]] = value
    return out


def test_annotations_with_pixels_are_those_that_objects_gives(tiny_dataset: Path) -> None:
    record = coco.read(tiny_dataset).images[0]
    empty = coco_mask.encode(np.zeros((record.height, record.width), dtype=np.uint8, order="F"))
    first, *others = record.annotations
    with_empty = replace(record, annotations=(replace(first, rle=empty), *others))
    assert targets.with_pixels(with_empty) == tuple(others)
    found = targets.objects(with_empty)
    assert found.areas_px.tolist() == [coco_mask.area(a.rle) for a in others]
