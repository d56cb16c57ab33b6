"""Which images show overlapping parts of one scene: crops of one photograph, neighbouring frames, shifted fields.

Keypoints that recur in another image propose a pair (a vote per pair of equal hash keys); one shift, turn and scale has
to explain enough of them, and the pixels of the overlap must then agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.dataset.similarity.similar import Floats, correlation, shared_by_all
from segwise.types import Image

SIDE = 512  # longest side in which keypoints are found, pixels
PICTURE = 4  # the pixels are compared at this much less
NUM_KEYPOINTS = 250
MAX_BITS = 48  # of 256, between two descriptors of one thing
MIN_INLIERS = 6  # keypoints, at different places, that one transform explains
PLACE_PX = 24  # side of a place
TOLERANCE_PX = 4.0  # how exactly
MIN_CORRELATION = 0.3  # of the overlap's pixels, after what all images share is taken away
MIN_OVERLAP = 0.04  # of the smaller picture
_TABLES, _KEY_BITS, _RUN, _COMMON = 8, 24, 8, 64
_PATCH_PX = 32  # what ORB looks at around a keypoint
_MIN_VOTES, _MAX_CANDIDATES = 5, 10

Common = tuple[Floats, int]


@dataclass(frozen=True, slots=True, eq=False)
class Keypoints:
    """What is kept of an image: points float32 (K, 2) as x, y; descriptors uint8 (K, 32); a small grey picture."""

    points: NDArray[np.float32]
    descriptors: NDArray[np.uint8]
    picture: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, order=True)
class Overlap:
    """Images `first` < `second` (indices) overlap.

    Attributes:
        inliers: keypoints, at different places, that one transform explains.
        correlation: of the pixels they share.
        share: of the smaller picture that is shared, 0 to 1.
    """

    first: int
    second: int
    inliers: int
    correlation: float
    share: float


def keypoints(image: Image) -> Keypoints:
    """The ORB keypoints of one image, uint8 (H, W, 3) (Rublee et al., "ORB", 2011)."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    scale = SIDE / max(grey.shape)
    if scale < 1:
        size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    size = (max(1, grey.shape[1] // PICTURE), max(1, grey.shape[0] // PICTURE))
    picture = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    if min(grey.shape) < _PATCH_PX:
        return Keypoints(np.zeros((0, 2), np.float32), np.zeros((0, 32), np.uint8), picture)
    found, descriptors = cv2.ORB.create(nfeatures=NUM_KEYPOINTS).detectAndCompute(grey, None)
    points = np.array([point.pt for point in found], np.float32).reshape(-1, 2)
    return Keypoints(points, np.asarray(np.zeros((0, 32)) if descriptors is None else descriptors, np.uint8), picture)


def overlaps(keys: Sequence[Keypoints], threads: int = 2) -> tuple[list[Overlap], list[Overlap]]:
    """The pairs of images that overlap, and those that some keypoints speak for but not enough; both sorted."""
    common = _common([key.picture for key in keys])
    pairs = candidates([key.descriptors for key in keys])
    with ThreadPoolExecutor(threads) as pool:  # OpenCV lets go of Python's lock; the order stays
        tried = [pair for pair in pool.map(lambda pair: _compared(keys, common, *pair), pairs) if pair]
    found = sorted(pair for pair in tried if _is_overlap(pair))
    return found, sorted(set(tried) - set(found))


def candidates(descriptors: Sequence[NDArray[np.uint8]]) -> list[tuple[int, int]]:
    """Pairs of images (first < second) with descriptors that are equal in some of the drawn sets of bits.

    Locality-sensitive hashing: each table keeps 24 fixed bits of the 256; equal keys in two images are a vote. Keys
    that more than 64 descriptors have are common structure and have none. An image keeps its 10 best partners.
    """
    owner = np.repeat(np.arange(len(descriptors)), [len(d) for d in descriptors])
    if not len(owner):
        return []
    every = np.concatenate(descriptors)
    draw = np.random.default_rng(0)  # fixed: which bits make a key must not depend on anything
    drawn = [draw.permutation(256)[:_KEY_BITS] for _ in range(_TABLES)]
    votes = np.concatenate([_votes(_keys(every, bits), owner, len(descriptors)) for bits in drawn])
    pairs, counts = np.unique(votes, return_counts=True)
    pairs, counts = pairs[counts >= _MIN_VOTES], counts[counts >= _MIN_VOTES]
    first, second = np.divmod(pairs, len(descriptors))
    kept = _best_partners(first, second, counts, len(descriptors))
    return list(zip(first[kept].tolist(), second[kept].tolist(), strict=True))


def _keys(descriptors: NDArray[np.uint8], bits: NDArray[np.int64]) -> NDArray[np.int64]:
    """The chosen bits of each descriptor as one number."""
    out = np.zeros(len(descriptors), np.int64)
    for place, bit in enumerate(bits.tolist()):
        out |= ((descriptors[:, bit // 8] >> (bit % 8)) & 1).astype(np.int64) << place
    return out


def _votes(keys: NDArray[np.int64], owner: NDArray[np.int64], images: int) -> NDArray[np.int64]:
    """One number, first × images + second, per pair of equal keys in two images."""
    order = np.argsort(keys, kind="stable")
    keys, owner = keys[order], owner[order]
    start = np.searchsorted(keys, keys, "left")
    rare = np.searchsorted(keys, keys, "right") - start <= _COMMON
    out = []
    for offset in range(1, _RUN):
        same = rare[:-offset] & (keys[:-offset] == keys[offset:]) & (owner[:-offset] != owner[offset:])
        out.append(np.stack([owner[:-offset][same], owner[offset:][same]]))
    pairs = np.sort(np.concatenate(out, axis=1), axis=0)
    return np.asarray(pairs[0] * images + pairs[1], np.int64)


def _best_partners(
    first: NDArray[np.int64], second: NDArray[np.int64], counts: NDArray[np.int64], images: int
) -> NDArray[np.bool_]:
    kept = np.zeros(len(first), bool)
    for own, other in ((first, second), (second, first)):
        order = np.lexsort((other, -counts, own))
        rank = np.arange(len(order)) - np.searchsorted(own[order], np.arange(images))[own[order]]
        kept[order[rank < _MAX_CANDIDATES]] = True
    return kept


def _is_overlap(pair: Overlap) -> bool:
    return pair.inliers >= MIN_INLIERS and pair.correlation >= MIN_CORRELATION and pair.share >= MIN_OVERLAP


def _compared(keys: Sequence[Keypoints], common: dict[tuple[int, ...], Common], i: int, j: int) -> Overlap | None:
    matches = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(keys[i].descriptors, keys[j].descriptors)
    close = [m for m in matches if m.distance <= MAX_BITS]
    if len(close) < MIN_INLIERS:
        return None
    here = keys[i].points[[m.queryIdx for m in close]]
    there = keys[j].points[[m.trainIdx for m in close]]
    move, inside = cv2.estimateAffinePartial2D(there, here, ransacReprojThreshold=TOLERANCE_PX)
    if move is None:
        return None
    inliers = _places(here[inside[:, 0] > 0], there[inside[:, 0] > 0])
    correlation, share = _agreement(_own(keys[i], common), _own(keys[j], common), np.asarray(move, np.float64))
    return Overlap(i, j, inliers, round(correlation, 4), round(share, 4))


def _places(here: Floats, there: Floats) -> int:
    """At how many different places points lie in both pictures: many corners of one blob are one piece of evidence."""
    return min(len(np.unique(np.floor(points / PLACE_PX), axis=0)) for points in (here, there))


def _agreement(here: Floats, there: Floats, move: NDArray[np.float64]) -> tuple[float, float]:
    """Correlation of the pixels that two pictures share, and which share of the smaller one these are."""
    small = move.copy()
    small[:, 2] /= PICTURE
    size = here.shape[::-1]
    moved = np.asarray(cv2.warpAffine(there, small, size), np.float32)
    inside = cv2.warpAffine(np.ones_like(there), small, size) > 0.99
    if inside.sum() < 16:
        return 0.0, 0.0
    share = float(inside.sum()) / min(here.size, there.size)
    return correlation(here[inside], moved[inside]), min(share, 1.0)


def _common(pictures: Sequence[NDArray[np.uint8]]) -> dict[tuple[int, ...], Common]:
    """Sum and number of the pictures of each shape, grey values about their own mean."""
    out: dict[tuple[int, ...], Common] = {}
    for picture in pictures:
        total, number = out.get(picture.shape, (np.zeros(picture.shape, np.float32), 0))
        out[picture.shape] = (total + (picture - picture.mean(dtype=np.float32)), number + 1)
    return out


def _own(key: Keypoints, common: dict[tuple[int, ...], Common]) -> Floats:
    """A picture without what the others of its shape show in the same place."""
    total, number = common[key.picture.shape]
    centred = key.picture - key.picture.mean(dtype=np.float32)
    return np.asarray(centred - shared_by_all(total, number, centred), np.float32)
