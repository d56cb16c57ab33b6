"""The same picture is recognised however it was saved, and other pictures are not taken for it."""

from __future__ import annotations

import io

import cv2
import imagehash
import numpy as np
import pytest
from PIL import Image as PilImage

from segwise.dataset.similarity import similar
from segwise.types import Image
from tests.factory import draw_discs, paint_pixels


def scene(seed: int, modality: str = "fluorescence") -> Image:
    rng = np.random.default_rng(seed)
    return paint_pixels(draw_discs(rng), modality, rng)


def as_jpeg(image: Image) -> Image:
    buffer = io.BytesIO()
    PilImage.fromarray(image).save(buffer, "JPEG", quality=75)
    return np.array(PilImage.open(buffer), dtype=np.uint8)


def matches(images: list[Image]) -> list[similar.Match]:
    return similar.near_duplicates([similar.fingerprint(image) for image in images])


CHANGES = {
    "saved as JPEG": as_jpeg,
    "scaled down": lambda image: cv2.resize(image, (64, 48), interpolation=cv2.INTER_AREA),
    "brightened": lambda image: np.asarray(np.clip(image * 1.15 + 12, 0, 255), np.uint8),
    "mirrored": lambda image: image[:, ::-1],
    "upside down": lambda image: image[::-1],
    "turned by 90°": lambda image: np.rot90(image),
    "turned by 270° and mirrored": lambda image: np.rot90(image, 3)[:, ::-1],
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_picture_is_recognised_when_it_was(change: str) -> None:
    images = [scene(seed) for seed in range(12)]
    found = matches([*images, np.ascontiguousarray(CHANGES[change](images[3]))])
    assert [(m.first, m.second) for m in found] == [(3, 12)]


def test_different_pictures_of_one_fixed_scene_are_not_duplicates() -> None:
    tray = np.random.default_rng(0).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    tray = cv2.resize(tray, (128, 96), interpolation=cv2.INTER_CUBIC) // 2
    assert matches([np.asarray(tray + scene(seed) // 2, np.uint8) for seed in range(40)]) == []


def test_plain_images_are_no_duplicates_of_each_other() -> None:
    assert matches([np.full((40, 40, 3), grey, np.uint8) for grey in (0, 90, 255)]) == []


def test_equal_pixels_have_equal_content_and_one_changed_pixel_does_not() -> None:
    image = scene(1)
    other = image.copy()
    other[0, 0, 0] ^= 1
    digests = [similar.content_digest(i) for i in (image, image.copy(), other, image.reshape(48, 256, 3))]
    assert digests[0] == digests[1] and len(set(digests)) == 3


def test_the_hash_is_near_the_one_of_an_independent_library() -> None:
    for seed in range(8):
        image = scene(seed)
        grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (32, 32), interpolation=cv2.INTER_AREA)
        reference = np.packbits(imagehash.phash(PilImage.fromarray(grey)).hash).view(np.uint64)[0]
        own = similar.fingerprint(image).hashes[0]
        assert int(np.bitwise_count(own ^ reference)) <= 2


def test_the_hashes_of_all_orientations_are_those_of_the_turned_images() -> None:
    small = np.random.default_rng(2).random((32, 32), dtype=np.float32)
    for orientation, expected in enumerate(similar.perceptual_hashes(small)):
        turned = np.ascontiguousarray(similar.turned(small, orientation))
        assert similar.perceptual_hashes(turned)[0] == expected


def test_all_pairs_of_close_hashes_are_found_as_by_comparing_one_by_one() -> None:
    hashes = np.random.default_rng(3).integers(0, 2**63, (700, 8), dtype=np.uint64)
    hashes[600, 3] = hashes[5, 0] ^ np.uint64(7)
    first, second, bits, turn = similar.close_hashes(hashes, 16)
    expected = [
        (i, j)
        for i in range(0, 700, 5)
        for j in range(i + 1, 700)
        if min(int(a ^ hashes[i, 0]).bit_count() for a in hashes[j]) <= 16
    ]
    assert [(i, j) for i, j in zip(first.tolist(), second.tolist(), strict=True) if i % 5 == 0] == expected
    assert (5, 600) in expected
    for i, j, distance, k in zip(first, second, bits, turn, strict=True):
        assert int(hashes[i, 0] ^ hashes[j, k]).bit_count() == distance


@pytest.mark.parametrize("block", [7, 512])
def test_the_nearest_pair_in_two_parts_is_the_one_found_by_comparing_all(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(similar, "_BLOCK", block)
    prints = [similar.fingerprint(scene(seed)) for seed in range(40)]
    parts = np.random.default_rng(0).integers(-1, 3, 40)
    hashes = np.array([p.hashes for p in prints])
    bits = {
        (i, j): min(int(a ^ hashes[i, 0]).bit_count() for a in hashes[j])
        for i in range(40)
        for j in range(i + 1, 40)
        if parts[i] != parts[j] and min(parts[i], parts[j]) >= 0
    }
    nearest = similar.nearest_across(prints, parts)
    assert nearest is not None and nearest.bits == min(bits.values()) == bits[nearest.first, nearest.second]
    without = {pair for pair, distance in bits.items() if distance == nearest.bits}
    second = similar.nearest_across(prints, parts, without)
    assert second is not None and second.bits == min(d for pair, d in bits.items() if pair not in without)
    assert similar.nearest_across(prints, np.zeros(40, np.int64)) is None


def test_correlation_is_pearsons_and_0_where_nothing_varies() -> None:
    a, b = np.random.default_rng(0).normal(100, 40, (2, 30, 3)).astype(np.float32)
    assert similar.correlation(a, b) == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1], abs=1e-6)
    assert similar.correlation(a, 7 - 3 * a) == pytest.approx(-1, abs=1e-6)
    assert similar.correlation(a, np.full_like(a, 0.1)) == 0


def test_what_all_pictures_but_some_share_is_their_mean_and_nothing_of_a_few() -> None:
    pictures = np.random.default_rng(0).normal(0, 1, (9, 4, 4)).astype(np.float32)
    found = similar.shared_by_all(pictures.sum(axis=0), 9, pictures[0], pictures[5])
    np.testing.assert_allclose(found, np.delete(pictures, [0, 5], axis=0).mean(axis=0), atol=1e-6)
    assert not similar.shared_by_all(pictures[:8].sum(axis=0), 8, pictures[0]).any()
