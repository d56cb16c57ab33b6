"""Which images belong together: the links the label file states and those that the pixels show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from segwise.dataset.coco import ImageRecord
from segwise.dataset.similarity import overlap, similar, tiles
from segwise.types import Image

KINDS = ("group", "identical", "duplicate", "tile", "overlap")


@dataclass(frozen=True, slots=True, eq=False)
class Traits:
    """What is kept of one image's pixels; a few ten kilobytes."""

    print: similar.Fingerprint
    rim: tiles.Edges | None
    keys: overlap.Keypoints | None


@dataclass(frozen=True, slots=True, order=True)
class Link:
    """Two images, by index (`first` < `second`), that belong together, and in `said` why."""

    kind: str
    first: int
    second: int
    said: str


@dataclass(frozen=True, slots=True)
class Links:
    """All links, sorted.

    Attributes:
        near_misses: pairs that are no links but came closest to a tile or an overlap, strongest first.
        tiling: how tiles were told apart; None where they were not looked for.
    """

    all: tuple[Link, ...]
    near_misses: tuple[Link, ...] = ()
    tiling: tiles.Tiling | None = None

    def of(self, kinds: Iterable[str]) -> list[Link]:
        """The links of these kinds."""
        wanted = set(kinds)
        return [link for link in self.all if link.kind in wanted]


def traits(image: Image, kinds: Sequence[str] = KINDS) -> Traits:
    """What the search for these kinds of links needs of one image, uint8 (H, W, 3)."""
    return Traits(
        similar.fingerprint(image),
        tiles.edges(image) if "tile" in kinds else None,
        overlap.keypoints(image) if "overlap" in kinds else None,
    )


def find(
    records: Sequence[ImageRecord], seen: Sequence[Traits], kinds: Sequence[str] = KINDS, threads: int = 2
) -> Links:
    """The links of these kinds between images, given in the same order as records and as traits.

    Of n images of one group, or of equal pixels, n - 1 links are listed. Two images that show the same picture are
    neither tiles nor an overlap as well.
    """
    found, missed, tiling = list[Link](), list[Link](), None
    if "group" in kinds:
        found += given(records)
    if "identical" in kinds:
        found += _chains("identical", [t.print.content for t in seen], "the same pixels")
    if "duplicate" in kinds:
        known = {(link.first, link.second) for link in found if link.kind == "identical"}
        matches = similar.near_duplicates([t.print for t in seen])
        found += [duplicate(m) for m in matches if (m.first, m.second) not in known]
    if "tile" in kinds:
        tiling = tiles.tiling([t.rim for t in seen if t.rim])
        found += [_tile(seam) for seam in tiling.seams]
        missed += [_tile(seam) for seam in sorted(tiling.near_misses, key=lambda m: -m.score)]
    if "overlap" in kinds:
        sure, unsure = overlap.overlaps([t.keys for t in seen if t.keys], threads)
        found += [_overlap(pair) for pair in sure]
        missed += [_overlap(pair) for pair in sorted(unsure, key=lambda m: -m.inliers)]
    same = {(link.first, link.second) for link in found if link.kind in ("identical", "duplicate")}
    kept = (k for k in found if k.kind in ("group", "identical", "duplicate") or (k.first, k.second) not in same)
    return Links(tuple(sorted(kept)), tuple(missed), tiling)


def given(records: Sequence[ImageRecord]) -> list[Link]:
    """The links that the label file states by `group`."""
    return _chains("group", [r.group for r in records], "group {}")


def union(number: int, pairs: Iterable[tuple[int, int]]) -> NDArray[np.int64]:
    """The connected sets of `number` things: for each the smallest index in its set, int64 (number,)."""
    parent = list(range(number))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for a, b in pairs:
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    return np.array([root(index) for index in range(number)], dtype=np.int64)


def members(labels: NDArray[np.int64]) -> list[list[int]]:
    """The sets that `union` found, each sorted, in the order of their first members."""
    sets: dict[int, list[int]] = defaultdict(list)
    for index, label in enumerate(labels.tolist()):
        sets[label].append(index)
    return list(sets.values())


def _chains(kind: str, keys: Sequence[str], said: str) -> list[Link]:
    sets: dict[str, list[int]] = defaultdict(list)
    for index, key in enumerate(keys):
        sets[key].append(index)
    return [Link(kind, a, b, said.format(key)) for key, of in sets.items() for a, b in pairwise(of)]


def duplicate(match: similar.Match) -> Link:
    """A near-duplicate in words."""
    how = ", one mirrored or turned" if match.orientation else ""
    said = f"{match.bits} of 64 hash bits differ, correlation of the pictures {match.correlation:.3f}{how}"
    return Link("duplicate", match.first, match.second, said)


def _tile(seam: tiles.Seam) -> Link:
    side = ("right", "lower")[seam.axis], ("left", "upper")[seam.axis]
    said = f"{side[0]} edge against {side[1]} edge: correlation {seam.correlation:.3f}, step {seam.step:.2f}"
    first, second = sorted((seam.first, seam.second))
    return Link("tile", first, second, said)


def _overlap(found: overlap.Overlap) -> Link:
    said = f"{found.inliers} places agree, correlation of the pixels there {found.correlation:.3f}"
    return Link("overlap", found.first, found.second, f"{said}, {found.share:.0%} of the smaller image")
