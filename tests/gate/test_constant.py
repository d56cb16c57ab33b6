"""Answers that are the same everywhere never pass."""

from __future__ import annotations

import numpy as np

from segwise.gate.constant import why_constant
from tests.gate.made import make_sums

SUMS = make_sums(0.9)


def test_answers_that_follow_the_image_are_fine() -> None:
    assert why_constant(SUMS.pixels, SUMS.counted) is None
    pixels = np.zeros_like(SUMS.pixels)
    pixels[:, 0, 0] = 100
    pixels[:, 1, 1] = 1  # an object of one pixel
    assert why_constant(pixels, SUMS.counted) is None


def test_one_class_on_all_of_every_image_is_no_answer() -> None:
    for column in (0, 1):
        pixels = np.zeros_like(SUMS.pixels)
        pixels[:, :, column] = SUMS.pixels.sum(axis=2)
        assert (
            why_constant(pixels, SUMS.counted) == "it answers one class on all of every image, whatever the image shows"
        )
        pixels[1:, 1] = 0  # even if one image alone shows more than the background
        assert why_constant(pixels, SUMS.counted) is not None
    pixels[0, 0] = [5, 5]  # one image out of all that is answered with two classes
    assert why_constant(pixels, SUMS.counted) is None


def test_images_that_are_labelled_with_one_class_each_may_be_answered_so() -> None:
    pixels = np.zeros_like(SUMS.pixels)
    pixels[::2, 0, 0] = pixels[1::2, 1, 1] = 100
    assert why_constant(pixels, SUMS.counted) is None


def test_no_object_at_all_is_no_answer_where_some_are_labelled() -> None:
    counted = SUMS.counted.copy()
    counted[:, 1] = 0
    assert why_constant(SUMS.pixels, counted) == "it answers no object at all, where 800 are labelled"
    counted[0, 1] = 1
    assert why_constant(SUMS.pixels, counted) is None
    assert why_constant(SUMS.pixels, np.zeros_like(counted)) is None
    assert why_constant(SUMS.pixels, counted[:, :, :0]) is None


def test_one_class_on_every_image_is_no_answer_where_each_image_is_labelled_with_one_of_several() -> None:
    pixels = np.zeros_like(SUMS.pixels)
    pixels[::2, 0, 0], pixels[1::2, 1, 0] = 100, 100  # half of the images are all foreground, and none is answered so
    assert why_constant(pixels, SUMS.counted) == "it answers one class on all of every image, whatever the image shows"


def pattern(num_images: int = 6, sizes: tuple[int, ...] = (100,)) -> np.ndarray:
    """A mask learnt by heart, a quarter of every image, over labels that differ from image to image."""
    pixels = np.zeros((num_images, 2, 2), dtype=np.int64)
    for number, image in enumerate(pixels):
        size = sizes[number % len(sizes)]
        labelled = 10 + number
        image[1, 1], image[0, 1] = number, size // 4 - number
        image[1, 0] = labelled - number
        image[0, 0] = size - image.sum()
    return pixels


def test_the_same_mask_on_every_image_is_no_answer() -> None:
    found = "it answers the same numbers of pixels on every image of a size, whatever the image shows"
    assert why_constant(pattern(), SUMS.counted) == why_constant(pattern(6, (100, 200)), SUMS.counted) == found


def test_equal_numbers_of_pixels_may_be_chance_or_right() -> None:
    assert why_constant(pattern(2), SUMS.counted) is None  # too few of a size
    assert why_constant(pattern(4, (100, 200)), SUMS.counted) is None
    other = pattern()
    other[3] = [[70, 5], [14, 11]]
    assert why_constant(other, SUMS.counted) is None  # one image is answered otherwise
    same = np.repeat(pattern()[:1], 6, axis=0)
    assert why_constant(same, SUMS.counted) is None  # and labelled alike
    empty = pattern()
    empty[0] = [[85, 0], [15, 0]]
    assert why_constant(empty, SUMS.counted) is None  # nothing is answered on one


def test_a_pattern_in_some_sizes_only_or_with_an_image_that_is_empty_is_an_answer() -> None:
    sized = pattern(8, (100, 200))
    sized[7, 0] = [sized[7, 0].sum() - 60, 60]  # of the second size one image is answered otherwise
    assert why_constant(sized, SUMS.counted) is None
    empty = np.concatenate([pattern(), [[[35, 0], [15, 0]]]])  # and one of another size has no answer at all
    assert why_constant(empty, SUMS.counted) is None


def test_labels_that_differ_in_one_size_are_enough_to_tell_a_pattern() -> None:
    alike = np.repeat(pattern(1, (200,)), 3, axis=0)
    found = why_constant(np.concatenate([pattern(), alike]), SUMS.counted)
    assert found is not None and found.startswith("it answers the same numbers of pixels")


def test_an_answer_of_several_classes_may_lack_a_labelled_one() -> None:
    pixels = np.zeros((4, 3, 3), dtype=np.int64)
    pixels[:, 0, 0], pixels[:, 1, 1], pixels[:, 2, 1] = 50, np.arange(1, 5), 7
    assert why_constant(pixels, SUMS.counted) is None
