"""Damaged label files of every format are refused with a reason or read into a sound data set."""

from __future__ import annotations

from pathlib import Path

import pytest

from segwise.dataset.formats import detect
from segwise.dataset.formats.delivery import Options
from segwise.dataset.formats.folder import Folder
from segwise.dataset.formats.shapes import decode
from segwise.dataset.formats.table import FORMATS
from tests.dataset.formats import fuzz
from tests.dataset.formats.sources import CLASSES, OBJECTS, WRITERS, mask_of, write_source

COUNT = 120  # of each format here; benchmarks/fuzz_importers.py runs as many as asked for


def test_every_format_has_a_sample() -> None:
    assert set(WRITERS) == set(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_the_sample_is_recognised_and_read_exactly(tmp_path: Path, name: str) -> None:
    folder = Folder(write_source(tmp_path / name, name))
    assert detect.detect(folder) == name
    delivery = detect.module(name).read(folder, Options())
    assert [f for f in delivery.findings if f.severity == "error" or f.effect] == []
    boxes = list(OBJECTS.values())
    assert len(delivery.pictures) == len(boxes)
    for picture, wanted in zip(sorted(delivery.pictures, key=lambda p: p.file_name), boxes, strict=True):
        named = {"cityscapes": {"cell": "person", "dust": "car"}}.get(name, {c: c for c in CLASSES})
        if name in ("object-masks", "instance-maps"):
            named = dict.fromkeys(CLASSES, "object")
        regions = [r for r in picture.regions if r.class_name in named.values()]
        assert sorted(r.class_name for r in regions) == sorted(named[b[0]] for b in wanted)
        masks = sorted(decode(r.rle).tobytes() for r in regions)
        assert masks == sorted(mask_of(b).astype(bool).tobytes() for b in wanted)


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_files_are_refused_or_read_soundly(tmp_path: Path, name: str) -> None:
    outcomes = fuzz.run(tmp_path, name, COUNT)
    assert outcomes.total() == COUNT
    assert outcomes["refused"] > COUNT // 10
