"""What is exported and read back is what was labelled, or a finding says what it is not."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segwise.dataset.params import DataParams
from segwise.stages import export
from tests.dataset.exports.readers import IGNORED, READERS
from tests.dataset.exports.sets import NAMES, Labelled, make_set

SIZE = (9, 11)
EXACT = ("coco", "yolo", "labelme", "geojson")  # every mask, overlaps too
ONE_OWNER = ("voc", "cityscapes")
SPECKLES = arrays(bool, SIZE, elements=st.sampled_from([True, False, False]))
BLOCKS = arrays(bool, (3, 4)).map(lambda small: np.kron(small, np.ones((3, 3), dtype=bool))[: SIZE[0], : SIZE[1]])
PIERCED = st.builds(lambda blocks, speckles: blocks & ~speckles, BLOCKS, SPECKLES)  # parts with holes
MASK = st.one_of(SPECKLES, PIERCED).filter(np.any)
OBJECT = st.builds(Labelled, MASK, st.sampled_from(sorted(NAMES)), st.sampled_from([False] * 5 + [True]))
IMAGES = st.lists(st.lists(OBJECT, max_size=4), min_size=1, max_size=2)
fixed = settings(derandomize=True, deadline=None, max_examples=60, database=None)

Rows = dict[str, list[tuple[str, np.ndarray]]]


def exported(word: str, images: list[list[Labelled]]) -> tuple[Rows, list[dict[str, Any]]]:
    """Export and read back: the objects of each image, and the findings."""
    with tempfile.TemporaryDirectory() as folder:
        root = make_set(Path(folder) / "data", {f"{i}.png": objects for i, objects in enumerate(images)}, SIZE)
        out = Path(folder) / "out"
        export.run(word, out, None, DataParams(dir=str(root)))
        return READERS[word](out), json.loads((out / "findings.json").read_text())


def as_counts(rows: list[tuple[str, np.ndarray]]) -> Counter[tuple[str, bytes]]:
    return Counter((kind, mask.tobytes()) for kind, mask in rows)


def labelled(objects: list[Labelled]) -> list[tuple[str, np.ndarray]]:
    return [(IGNORED if o.is_crowd else NAMES[o.category_id], o.mask) for o in objects]


def union(masks: list[np.ndarray]) -> np.ndarray:
    return np.any([np.zeros(SIZE, dtype=bool), *masks], axis=0)


@pytest.mark.parametrize("word", EXACT)
def test_every_mask_comes_back_to_the_pixel_or_a_finding_says_that_it_is_gone(word: str) -> None:
    @fixed
    @given(IMAGES)
    def check(images: list[list[Labelled]]) -> None:
        found, findings = exported(word, images)
        for number, objects in enumerate(images):
            name = f"{number}.png"
            wanted, got = as_counts(labelled(objects)), as_counts(found[name])
            dropped = [f["object_id"] for f in findings if f["image"] == name and f["effect"] == "dropped"]
            assert got <= wanted
            assert (wanted - got).total() == len(set(dropped)) == len(dropped)
            assert {kind for kind, _ in wanted - got} <= {IGNORED}  # nothing but ignore regions is left out

    check()


@pytest.mark.parametrize("word", ONE_OWNER)
def test_every_pixel_that_two_objects_claim_is_counted_in_a_finding(word: str) -> None:
    @fixed
    @given(IMAGES)
    def check(images: list[list[Labelled]]) -> None:
        found, findings = exported(word, images)
        for number, objects in enumerate(images):
            name = f"{number}.png"
            claimed = [o.mask for o in objects if not o.is_crowd]
            kept = [mask for kind, mask in found[name] if kind != IGNORED]
            said = [f["came"] for f in findings if f["image"] == name and f["check"] == "overlap"]
            lost = [int(came.split(" lose ")[1].split(" px")[0]) for came in said if " lose " in came]
            assert sum(m.sum() for m in kept) + sum(lost) == sum(m.sum() for m in claimed)
            np.testing.assert_array_equal(union(kept), union(claimed))
            ignored = union([mask for kind, mask in found[name] if kind == IGNORED])
            crowds = union([o.mask for o in objects if o.is_crowd])
            np.testing.assert_array_equal(ignored, crowds & ~union(claimed))

    check()


@pytest.mark.parametrize("word", ONE_OWNER)
def test_objects_that_only_touch_come_back_to_the_pixel_and_without_a_finding(word: str) -> None:
    @fixed
    @given(arrays(np.int8, SIZE, elements=st.integers(0, 4)))
    def check(owner: np.ndarray) -> None:
        objects = [Labelled(owner == i, 1 if i < 3 else 9) for i in range(1, 5) if (owner == i).any()]
        found, findings = exported(word, [objects])
        assert as_counts(found["0.png"]) == as_counts(labelled(objects))
        assert not [f for f in findings if f["image"] == "0.png"]

    check()
