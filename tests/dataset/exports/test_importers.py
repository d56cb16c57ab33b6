"""What segwise exports it imports again: each format's exporter against its importer."""

from __future__ import annotations

import importlib
import tempfile
from collections import Counter
from pathlib import Path, PurePosixPath
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segwise.dataset.formats import detect, shapes
from segwise.dataset.formats import table as importers
from segwise.dataset.formats.delivery import Delivery, Options, Picture
from segwise.dataset.formats.folder import Folder
from segwise.dataset.params import DataParams
from segwise.stages import export
from tests.dataset.exports.sets import Labelled, box, make_set

SIZE = (9, 11)
WORDS = ("coco", "yolo", "voc", "cityscapes", "labelme")
CATEGORIES = ({"id": 1, "name": "cell"}, {"id": 2, "name": "window"})
NAMES = {1: "cell", 2: "window"}
fixed = settings(derandomize=True, deadline=None, max_examples=25, database=None)


def importer(word: str) -> ModuleType:
    return importlib.import_module(f"segwise.dataset.formats.{importers.FORMATS[word]}")


def again(word: str, root: Path, out: Path) -> Delivery:
    """Export a data set and read the export with segwise's own importer."""
    export.run(word, out, None, DataParams(dir=str(root)))
    delivery: Delivery = importer(word).read(Folder(out), Options())
    assert not [f for f in delivery.findings if f.severity == "error"]
    return delivery


def own_name(picture: Picture) -> str:
    return PurePosixPath(picture.file_name).name.replace("_leftImg8bit", "")


def rows(picture: Picture) -> Counter[tuple[str, bytes]]:
    return Counter((r.class_name, shapes.decode(r.rle).tobytes()) for r in picture.regions if not r.is_crowd)


@pytest.mark.parametrize("word", WORDS)
def test_objects_come_back_to_the_pixel(word: str) -> None:
    @fixed
    @given(arrays(np.int8, SIZE, elements=st.integers(0, 4)))
    def check(owner: np.ndarray) -> None:
        objects = [Labelled(owner == i, 1 + i % 2) for i in range(1, 5) if (owner == i).any()]
        first = Labelled(np.ones(SIZE, dtype=bool))  # every class and instance is met somewhere
        images = {"first.png": [first], "second.png": [Labelled(first.mask, 2)], "third.png": objects, "last.png": []}
        with tempfile.TemporaryDirectory() as folder:
            root = make_set(Path(folder) / "data", images, SIZE, CATEGORIES, split="train")
            delivery = again(word, root, Path(folder) / "out")
        found = {own_name(picture): rows(picture) for picture in delivery.pictures}
        assert found == {
            name: Counter((NAMES[o.category_id], o.mask.tobytes()) for o in objects) for name, objects in images.items()
        }

    check()


@pytest.mark.parametrize("word", WORDS)
def test_splits_and_classes_come_back(word: str, tmp_path: Path) -> None:
    root = make_set(tmp_path / "data", {"a.png": [Labelled(box(1, 1, 9, 9))]}, categories=CATEGORIES, split="val")
    delivery = again(word, root, tmp_path / "out")
    assert {category.name for category in delivery.categories} >= {"cell"}
    assert [picture.split for picture in delivery.pictures] == ["val"]


@pytest.mark.parametrize("word", ["coco", "voc", "cityscapes", "labelme"])
def test_ignore_regions_come_back_as_crowds(word: str, tmp_path: Path) -> None:
    crowd, cell = box(1, 1, 9, 9), box(12, 12, 20, 20)
    root = make_set(tmp_path / "data", {"a.png": [Labelled(crowd, 1, True), Labelled(cell)]}, categories=CATEGORIES)
    (picture,) = again(word, root, tmp_path / "out").pictures
    assert {shapes.decode(r.rle).tobytes() for r in picture.regions if r.is_crowd} == {crowd.tobytes()}
    assert rows(picture) == Counter([("cell", cell.tobytes())])


@pytest.mark.parametrize("word", ["coco", "cityscapes", "labelme"])
def test_groups_come_back(word: str, tmp_path: Path) -> None:
    images = {"a.png": [Labelled(box(1, 1, 9, 9))], "b.png": []}
    root = make_set(tmp_path / "data", images, categories=CATEGORIES, group="field 3")
    assert [picture.group for picture in again(word, root, tmp_path / "out").pictures] == ["field 3", "field 3"]


@pytest.mark.parametrize("word", WORDS)
def test_an_export_is_recognised_as_its_own_format(word: str, tmp_path: Path) -> None:
    root = make_set(tmp_path / "data", {"a.png": [Labelled(box(1, 1, 9, 9))]}, categories=CATEGORIES)
    export.run(word, tmp_path / "out", None, DataParams(dir=str(root)))
    assert detect.detect(Folder(tmp_path / "out")) == word


@pytest.mark.parametrize("word", ["coco", "labelme"])
def test_splits_of_any_name_come_back_and_nothing_is_added(word: str, tmp_path: Path) -> None:
    images = {"a.png": [Labelled(box(1, 1, 9, 9))], "b.png": [Labelled(box(2, 2, 9, 9))]}
    root = make_set(tmp_path / "data", images, categories=CATEGORIES, group="field 3", split="fold 2", site="x")
    delivery = again(word, root, tmp_path / "out")
    assert [(p.group, p.split, p.extra) for p in delivery.pictures] == [("field 3", "fold 2", {"site": "x"})] * 2


@pytest.mark.parametrize("word", ["coco", "labelme"])
def test_the_exports_own_findings_are_no_other_file(word: str, tmp_path: Path) -> None:
    objects = [Labelled(box(1, 1, 9, 9), is_crowd=True), Labelled(box(12, 12, 20, 20), 2)]
    root = make_set(tmp_path / "data", {"a.png": objects}, categories=CATEGORIES)
    delivery = again(word, root, tmp_path / "out")
    assert (tmp_path / "out/findings.json").is_file()
    assert "other file" not in {f.check for f in delivery.findings}
