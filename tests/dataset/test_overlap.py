"""Crops of one photograph are recognised, wherever they were cut; other photographs of one fixed scene are not."""

from __future__ import annotations

import cv2
import numpy as np

from segwise.dataset.similarity import overlap
from segwise.types import Image
from tests.dataset.textures import texture


def found(images: list[Image]) -> list[tuple[int, int]]:
    pairs, _ = overlap.overlaps([overlap.keypoints(np.ascontiguousarray(image)) for image in images])
    return [(pair.first, pair.second) for pair in pairs]


def photographs(number: int) -> list[Image]:
    return [texture(100 + seed, (300, 400), grain_px=12) for seed in range(number)]


def test_two_crops_of_one_photograph_overlap() -> None:
    photo = texture(1, (300, 400), grain_px=12)
    assert found([*photographs(8), photo[:240, :300], photo[50:, 90:]]) == [(8, 9)]


def test_a_turned_and_a_smaller_copy_overlap() -> None:
    photo = texture(2, (300, 400), grain_px=12)
    turn = cv2.getRotationMatrix2D((200, 150), 20, 1.0)
    turned = np.asarray(cv2.warpAffine(photo, turn, (400, 300), borderMode=cv2.BORDER_REFLECT), np.uint8)
    smaller = np.asarray(cv2.resize(photo, (320, 240), interpolation=cv2.INTER_AREA), np.uint8)
    assert found([photo, *photographs(4), turned]) == [(0, 5)]
    assert found([photo, *photographs(4), smaller]) == [(0, 5)]


def test_different_photographs_do_not_overlap() -> None:
    assert found(photographs(25)) == []


def test_a_background_that_all_images_share_is_no_overlap() -> None:
    tray, rng = texture(5, (200, 260), grain_px=10), np.random.default_rng(0)
    images = []
    for seed in range(20):
        image = np.clip(tray + rng.normal(0, 3, tray.shape), 0, 255).astype(np.uint8)
        image[60:140, 80:180] = texture(300 + seed, (80, 100), grain_px=10)
        images.append(image)
    assert found(images) == []


def test_many_corners_of_one_object_are_one_piece_of_evidence() -> None:
    object_ = texture(6, (20, 20), grain_px=3)
    images = []
    for seed in range(2):
        image = np.full((200, 200, 3), 40, np.uint8) + texture(700 + seed, (200, 200), grain_px=60) // 8
        image[40 + 60 * seed : 60 + 60 * seed, 90:110] = object_
        images.append(image)
    assert found(images) == []


def test_images_without_corners_have_no_overlap() -> None:
    assert found([np.full((40, 50, 3), grey, np.uint8) for grey in (0, 0, 128)]) == []
    assert overlap.overlaps([]) == ([], [])


def test_the_number_of_threads_changes_nothing() -> None:
    photo = texture(1, (300, 400), grain_px=12)
    keys = [overlap.keypoints(np.ascontiguousarray(i)) for i in (photo[:200], photo[80:], *photographs(5))]
    assert overlap.overlaps(keys, threads=1) == overlap.overlaps(keys, threads=4)
