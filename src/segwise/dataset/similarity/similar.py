"""Which images show the same picture: equal pixels, and near-duplicates by perceptual hash, turned or mirrored too."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence, Set
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.types import Image

SIDE = 32  # of the thumbnail that is hashed and compared, pixels
MAX_BITS = 12  # of 64: pairs further apart are not compared; unrelated pictures differ in 32 on average
MIN_CORRELATION = 0.9  # of the thumbnails, in the pair's best orientation, after what all images share is taken away
_KEEP = 8  # the lowest frequencies, per axis
_BLOCK = 512  # rows of the pair matrix at a time
_FEW = 8  # with no more images than these nothing can be told to be common to all
_FLAT = 1e-3  # a norm that rounding alone can reach

Floats = NDArray[np.float32]
Hashes = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """What is kept of an image to compare it with others.

    Attributes:
        content: SHA-256 of the size and the RGB pixels, hex: equal for equal pixels in whatever file format.
        hashes: uint64 (8,), the perceptual hash of the image in its 8 orientations (see `turned`).
        thumb: float32 (SIDE, SIDE), grey, mean 0, norm 1 (all 0 for a plain image).
    """

    content: str
    hashes: Hashes
    thumb: NDArray[np.float32]


@dataclass(frozen=True, slots=True, order=True)
class Match:
    """Two images, by index (`first` < `second`), that show the same picture.

    Attributes:
        bits: Hamming distance of their hashes, 0 to 64.
        correlation: of their thumbnails, at most 1.
        orientation: what was done to the second image to see the first one, 0 = nothing (see `turned`).
    """

    first: int
    second: int
    bits: int
    correlation: float
    orientation: int


def fingerprint(image: Image) -> Fingerprint:
    """The fingerprint of one image, uint8 (H, W, 3)."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    return Fingerprint(content_digest(image), perceptual_hashes(small), _normalised(small))


def content_digest(image: Image) -> str:
    """SHA-256 of an image's size and pixels, hex."""
    digest = hashlib.sha256(np.array(image.shape, dtype="<i8").tobytes())
    digest.update(image.tobytes())
    return digest.hexdigest()


def perceptual_hashes(small: NDArray[np.float32]) -> Hashes:
    """The 64-bit perceptual hash of a grey SIDE × SIDE image in its 8 orientations, uint64 (8,).

    A bit says whether one of the 8 × 8 lowest frequencies of the cosine transform is above their median (pHash: Zauner,
    "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010). Mirroring an image changes the signs of
    its odd frequencies, transposing it transposes them: one transform gives all 8.
    """
    low = np.asarray(cv2.dct(small))[:_KEEP, :_KEEP]
    odd = np.where(np.arange(_KEEP) % 2, -1, 1).astype(np.float32)
    mirrored = (low, low * odd, low * odd[:, None], low * odd * odd[:, None])
    every = np.stack([*mirrored, *(m.T for m in mirrored)]).reshape(8, -1)
    bits = every > np.median(every, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(np.uint64)[:, 0]


def turned(image: NDArray[np.float32], orientation: int) -> NDArray[np.float32]:
    """The image in one of its 8 orientations: bit 0 mirrors left-right, bit 1 top-bottom, then bit 2 transposes."""
    out = image[:, ::-1] if orientation & 1 else image
    out = out[::-1] if orientation & 2 else out
    return out.T if orientation & 4 else out


def near_duplicates(
    prints: Sequence[Fingerprint], max_bits: int = MAX_BITS, min_correlation: float = MIN_CORRELATION
) -> list[Match]:
    """The pairs that show the same picture (scaled, re-encoded, brightened, mirrored, turned by 90°), sorted.

    Pairs with close hashes are candidates; of those the thumbnails must correlate. What all images share (the same
    tray, the same dish) is taken away first, so that a fixed camera does not make every pair alike.
    """
    first, second, bits, orientation = close_hashes(np.array([p.hashes for p in prints], np.uint64), max_bits)
    pairs = zip(first.tolist(), second.tolist(), bits.tolist(), orientation.tolist(), strict=True)
    thumbs = _Thumbs(prints)
    matches = (Match(i, j, distance, thumbs.correlation(i, j, turn), turn) for i, j, distance, turn in pairs)
    return sorted(match for match in matches if match.correlation >= min_correlation)


def nearest_across(
    prints: Sequence[Fingerprint], parts: NDArray[np.int64], without: Set[tuple[int, int]] = frozenset()
) -> Match | None:
    """The pair in two different parts whose hashes are closest; among equally close ones, the pictures most alike.

    Args:
        parts: int64 (N,), each image's part; below 0 = takes no part.
        without: pairs not wanted.
    """
    hashes = np.array([p.hashes for p in prints], np.uint64).reshape(-1, 8)
    unwanted = np.array(sorted(without), np.int64).reshape(-1, 2)
    least, closest = 64, list[tuple[int, int, int]]()
    for start in range(0, len(hashes), _BLOCK):
        bits, turn = _distances(hashes[start:], slice(_BLOCK))
        own, others = parts[start : start + _BLOCK, None], parts[start:]
        bits[(own == others) | (own < 0) | (others < 0)] = 65
        bits[np.tril_indices(len(bits), 0, bits.shape[1])] = 65
        here = unwanted[(unwanted[:, 0] >= start) & (unwanted[:, 0] < start + _BLOCK)] - start
        bits[here[:, 0], here[:, 1]] = 65
        if (low := int(bits.min(initial=65))) <= least:
            closest = closest if low == least else []
            least = low
            firsts, seconds = (found[:_BLOCK] for found in np.nonzero(bits == low))
            turns = turn[firsts, seconds]
            closest += zip((firsts + start).tolist(), (seconds + start).tolist(), turns.tolist(), strict=True)
    thumbs = _Thumbs(prints)
    matches = [Match(i, j, least, thumbs.correlation(i, j, turn_), turn_) for i, j, turn_ in closest]
    return max(matches, key=lambda m: (m.correlation, -m.first, -m.second), default=None)


def close_hashes(
    hashes: Hashes, max_bits: int = MAX_BITS
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """All pairs of images whose hashes are at most `max_bits` apart.

    Args:
        hashes: uint64 (N, 8), see `perceptual_hashes`.

    Returns:
        first, second (first < second), the distance in bits, and the orientation of the second that is closest.
    """
    parts = []
    for start in range(0, len(hashes), _BLOCK):
        bits, turn = _distances(hashes[start:], slice(_BLOCK))
        i, j = np.nonzero(np.triu(bits <= max_bits, 1))
        parts.append(np.stack([i + start, j + start, bits[i, j].astype(np.int64), turn[i, j].astype(np.int64)]))
    first, second, bits_, turns = np.concatenate(parts, axis=1) if parts else np.zeros((4, 0), np.int64)
    return first, second, bits_, turns


def _distances(hashes: Hashes, rows: slice) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Bits from these images, upright, to all images in the orientation that is closest, and that orientation."""
    own = hashes[rows, :1]
    bits, turn = np.full((len(own), len(hashes)), 65, np.uint8), np.zeros((len(own), len(hashes)), np.uint8)
    for orientation in range(8):
        distance = np.bitwise_count(own ^ hashes[:, orientation])
        closer = distance < bits
        bits[closer], turn[closer] = distance[closer], orientation
    return bits, turn


class _Thumbs:
    """Correlates thumbnails after what all images share is taken away."""

    def __init__(self, prints: Sequence[Fingerprint]) -> None:
        self.all = np.array([p.thumb for p in prints], np.float32).reshape(-1, SIDE, SIDE)
        self.total = self.all.sum(axis=0)

    def correlation(self, i: int, j: int, orientation: int) -> float:
        common = shared_by_all(self.total, len(self.all), self.all[i], self.all[j])
        both = (common + turned(common, orientation)) / np.float32(2)  # the same, or a mirrored copy is unlike
        return round(correlation(self.all[i] - both, turned(self.all[j], orientation) - both), 4)


def shared_by_all(total: Floats, number: int, *but: Floats) -> Floats:
    """The mean of all pictures `but` these: what they show in the same place. 0 where there are too few to tell.

    Args:
        total: the sum of all `number` pictures, these among them, each float32 (H, W).
    """
    if number <= _FEW:
        return np.zeros_like(total)
    for picture in but:
        total = total - picture
    return np.asarray(total / (number - len(but)), dtype=np.float32)


def correlation(a: Floats, b: Floats) -> float:
    """Pearson's correlation of two float32 arrays of one shape; 0 where one of them is flat."""
    return float((_normalised(a) * _normalised(b)).sum())


def _normalised(values: Floats) -> Floats:
    """The values about their mean, with norm 1; all 0 for flat ones."""
    centred = values - values.mean()
    norm = float(np.linalg.norm(centred))
    return np.asarray(centred / norm if norm > _FLAT else np.zeros_like(centred), dtype=np.float32)
