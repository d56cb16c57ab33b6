"""Contact, overlap and gaps are those of the masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, distance_transform_edt

from segwise.advice.contact import FAR_PX, contacts, cropped, owners
from segwise.dataset import coco
from segwise.dataset.targets import objects
from tests.advice.shapes import boxes


@pytest.mark.parametrize("distance", [1, 3])
def test_touching_agrees_with_dilating_every_mask(tiny_dataset: Path, distance: int) -> None:
    touched = 0
    for record in coco.read(tiny_dataset).images:
        things = objects(record)
        masks = things.masks()
        wide = [binary_dilation(mask, np.ones((2 * distance + 1,) * 2)) for mask in masks]
        wanted = [any((wide[i] & masks[j]).any() for j in range(len(masks)) if j != i) for i in range(len(masks))]
        assert contacts(things, distance).touches.tolist() == wanted
        touched += sum(wanted)
    assert touched > 0


def test_gaps_agree_with_the_distance_to_all_other_masks(tiny_dataset: Path) -> None:
    near = 0
    for record in coco.read(tiny_dataset).images:
        things = objects(record)
        masks = things.masks()
        found = contacts(things, 1).gap_px
        for index, mask in enumerate(masks):
            others = np.any(np.delete(masks, index, axis=0), axis=0)
            wanted = distance_transform_edt(~others)[mask].min() - 1
            assert found[index] == (pytest.approx(wanted, abs=1e-3) if wanted <= FAR_PX else np.inf)
            near += wanted <= FAR_PX
    assert near > 5


def test_contact_is_counted_in_sides_of_pixels_and_as_a_share_of_the_border() -> None:
    found = contacts(boxes([(10, 10, 20, 20), (20, 14, 26, 30)]), 1)
    assert found.contact_px.tolist() == [6, 6]
    assert found.border_px.tolist() == [40, 2 * (6 + 16)]
    assert found.share.tolist() == pytest.approx([6 / 40, 6 / 44])
    assert found.gap_px.tolist() == [0, 0]


def test_a_meeting_at_a_corner_touches_without_a_shared_border() -> None:
    found = contacts(boxes([(10, 10, 20, 20), (20, 20, 30, 30)]), 1)
    assert found.touches.tolist() == [True, True]
    assert found.contact_px.tolist() == [0, 0]


def test_overlapping_objects_touch_and_share_pixels() -> None:
    found = contacts(boxes([(10, 10, 20, 20), (15, 15, 35, 35), (60, 40, 70, 50)]), 1)
    assert found.overlap_px.tolist() == [25, 25, 0]
    assert found.touches.tolist() == [True, True, False]
    assert found.gap_px.tolist() == [0, 0, np.inf]


def test_an_object_that_covers_another_wholly_touches_it() -> None:
    found = contacts(boxes([(12, 12, 18, 18), (10, 10, 30, 30)]), 1)
    assert found.touches.tolist() == [True, True]
    assert found.overlap_px.tolist() == [36, 36]


def test_objects_of_other_classes_do_not_touch() -> None:
    found = contacts(boxes([(10, 10, 20, 20), (20, 10, 30, 20), (12, 12, 14, 14)], [1, 2, 3]), 1)
    assert not found.touches.any()
    assert found.contact_px.sum() == found.overlap_px.sum() == 0


def test_the_gap_counts_the_free_pixels_between() -> None:
    assert contacts(boxes([(10, 10, 20, 20), (23, 10, 30, 20)]), 1).gap_px.tolist() == [3, 3]
    far = 20 + FAR_PX + 1
    assert contacts(boxes([(10, 10, 20, 20), (far, 10, far + 5, 20)]), 1).gap_px.tolist() == [np.inf, np.inf]


def test_cropping_keeps_masks_and_owners() -> None:
    things = boxes([(10, 10, 20, 20), (15, 15, 35, 35)])
    small = cropped(things)
    assert small.size == (25, 25)
    assert np.array_equal(owners(things)[0][10:35, 10:35], owners(small)[0])


def test_no_objects_have_no_contacts() -> None:
    assert contacts(boxes([]), 1).share.shape == (0,)
