"""Pascal VOC as the challenge, CVAT and labelme2voc write it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segwise.dataset import palette
from segwise.dataset.formats import voc
from segwise.dataset.formats.delivery import Delivery, Options
from segwise.dataset.formats.folder import Folder
from segwise.errors import DataInvalidError
from tests.dataset.formats.drawn import SIZE, Pixels, checks, labels, pictures, shape, shapes, write, write_image

PALETTE = palette.voc().ravel().tolist()
LABELMAP = "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:250,50,83::\ndog:1,2,3::\n"


def classes() -> Pixels:
    """Objects 1 and 3 are of class 1, object 2 of class 2."""
    return np.array([0, 1, 2, 1], np.uint8)[labels()]


def coloured(values: Pixels, *colours: tuple[int, int, int]) -> Pixels:
    return np.array(colours, np.uint8)[values]


def write_set(root: Path, class_map: Pixels, object_map: Pixels | None, name: str = "a", **options: object) -> None:
    write_image(root / f"JPEGImages/{name}.jpg")
    write(root / f"SegmentationClass/{name}.png", class_map, **options)  # type: ignore[arg-type]
    if object_map is not None:
        write(root / f"SegmentationObject/{name}.png", object_map, **options)  # type: ignore[arg-type]


def deliver(root: Path, *names: str) -> Delivery:
    return voc.read(Folder(root), Options(names))


def expected(first: str, second: str) -> list[tuple[str, bool, int, bytes]]:
    return sorted([shape(first, labels() == 1), shape(second, labels() == 2), shape(first, labels() == 3)])


def test_the_palette_is_that_of_the_development_kit() -> None:
    colours = [r << 16 | g << 8 | b for r, g, b in palette.voc().tolist()]
    known = {0: 0, 1: 0x800000, 2: 0x008000, 3: 0x808000, 4: 0x000080, 8: 0x400000, 20: 0x004080, 255: 0xE0E0C0}
    assert {i: colours[i] for i in known} == known and len(set(colours)) == 256


def test_palette_maps_with_objects_give_things_of_the_twenty_classes(tmp_path: Path) -> None:
    write_set(tmp_path, classes(), labels().astype(np.uint8), palette=PALETTE)
    assert voc.looks_like(Folder(tmp_path))
    delivery = deliver(tmp_path)
    assert shapes(delivery.pictures[0]) == expected("aeroplane", "bicycle")
    assert len(delivery.categories) == 20 and all(c.isthing for c in delivery.categories)
    assert checks(delivery) == [("class list", "warning", "approximated")]


@pytest.mark.parametrize("form", ["colours", "palette of the list", "grey values", "palette of VOC"])
def test_maps_with_a_list_of_classes_and_colours_are_read_by_either(tmp_path: Path, form: str) -> None:
    own = ((0, 0, 0), (250, 50, 83), (1, 2, 3))
    if form == "colours":
        ids = coloured(labels(), (0, 0, 0), (128, 0, 0), (0, 128, 0), (224, 224, 192))
        write_set(tmp_path, coloured(classes(), *own), ids)
    elif form == "grey values":
        write_set(tmp_path, classes(), labels().astype(np.uint8))
    else:
        palette = PALETTE if form == "palette of VOC" else [v for colour in own for v in colour] + [9] * 9
        write_set(tmp_path, classes(), labels().astype(np.uint8), palette=palette)
    (tmp_path / "labelmap.txt").write_text(LABELMAP)
    delivery = deliver(tmp_path)
    assert shapes(delivery.pictures[0]) == expected("cat", "dog") and checks(delivery) == []
    assert [c.name for c in delivery.categories] == ["cat", "dog"]


def test_void_is_a_crowd_of_each_class_of_the_image(tmp_path: Path) -> None:
    class_map, object_map = classes(), labels().astype(np.uint8)
    class_map[0], object_map[0] = 255, 255
    write_set(tmp_path, class_map, object_map, palette=PALETTE)
    write_set(
        tmp_path, np.where(class_map == 255, 255, 0).astype(np.uint8), np.zeros(SIZE, np.uint8), "b", palette=PALETTE
    )
    found = pictures(deliver(tmp_path, "cat", "dog"))
    void = class_map == 255
    crowds = [shape("cat", void, is_crowd=True), shape("dog", void, is_crowd=True)]
    assert shapes(found["a.jpg"]) == sorted([*expected("cat", "dog"), *crowds])
    assert shapes(found["b.jpg"]) == crowds[:1]


def test_the_colour_of_void_is_void_too(tmp_path: Path) -> None:
    values = classes()
    values[0] = 3
    write_set(tmp_path, coloured(values, (0, 0, 0), (250, 50, 83), (1, 2, 3), (224, 224, 192)), None)
    (tmp_path / "labelmap.txt").write_text(LABELMAP)
    found = shapes(deliver(tmp_path).pictures[0])
    assert found == sorted([shape("cat", classes() * (values < 3) == 1), shape("dog", values == 2),
                            shape("cat", values == 3, is_crowd=True)])  # fmt: skip


def test_without_object_maps_each_class_is_one_region_of_stuff(tmp_path: Path) -> None:
    write_set(tmp_path, classes(), None, palette=PALETTE)
    delivery = deliver(tmp_path, "cat", "dog")
    assert shapes(delivery.pictures[0]) == [shape("cat", classes() == 1), shape("dog", classes() == 2)]
    assert not any(c.isthing for c in delivery.categories)


def test_maps_that_disagree_are_told_object_by_object(tmp_path: Path) -> None:
    class_map, object_map = classes(), labels().astype(np.uint8)
    class_map[2, 3:6] = 2  # three pixels of object 1
    class_map[22, 5:9] = 2  # class pixels of no object
    object_map[22, 20:25] = 9  # an object of no class
    write_set(tmp_path, class_map, object_map, palette=PALETTE)
    delivery = deliver(tmp_path, "cat", "dog")
    lonely = np.zeros(SIZE, bool)
    lonely[22, 5:9] = True
    assert shapes(delivery.pictures[0]) == sorted([*expected("cat", "dog"), shape("dog", lonely, is_crowd=True)])
    assert [(f.check, f.severity, f.object_id) for f in delivery.findings] == [
        ("maps disagree", "warning", "object 1"), ("unknown class", "error", "object 9"),
        ("maps disagree", "warning", None)]  # fmt: skip
    assert "3 of its 48 pixels" in delivery.findings[0].came


def test_an_image_without_an_object_map_in_a_set_that_has_them_becomes_crowds(tmp_path: Path) -> None:
    write_set(tmp_path, classes(), labels().astype(np.uint8), palette=PALETTE)
    write_set(tmp_path, classes(), None, "b", palette=PALETTE)
    assert {r.is_crowd for r in pictures(deliver(tmp_path, "cat", "dog"))["b.jpg"].regions} == {True}


def test_lists_give_the_splits_and_say_what_is_missing(tmp_path: Path) -> None:
    for name in ("a", "b c", "sub/d"):
        write_set(tmp_path / "VOC2012", classes(), None, name, palette=PALETTE)
    write_image(tmp_path / "VOC2012/JPEGImages/unlabelled.jpg")
    for split, text in (
        ("train", "a\n"),
        ("val", '"b c"\nsub/d\n'),
        ("trainval", "a\nb c\nsub/d\n"),
        ("test", "gone\n"),
    ):
        path = tmp_path / f"VOC2012/ImageSets/Segmentation/{split}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    delivery = deliver(tmp_path, "cat", "dog")
    assert {p.file_name: p.split for p in delivery.pictures} == {
        "VOC2012/a.jpg": "train", "VOC2012/b c.jpg": "val", "VOC2012/sub/d.jpg": "val"}  # fmt: skip
    assert checks(delivery) == [("no labels", "warning", "dropped")] * 2


def test_class_maps_without_images_are_errors_that_name_them(tmp_path: Path) -> None:
    write(tmp_path / "SegmentationClass/a.png", classes(), PALETTE)
    finding = deliver(tmp_path, "cat", "dog").findings[0]
    assert (finding.check, finding.severity) == ("file missing", "error") and "CVAT" in finding.remedy
    with pytest.raises(DataInvalidError, match="SegmentationClass"):
        voc.read(Folder(tmp_path / "SegmentationClass"), Options())


def test_a_class_beyond_the_list_is_an_error(tmp_path: Path) -> None:
    write_set(tmp_path, classes() * np.uint8(7), None, palette=PALETTE)
    finding = deliver(tmp_path, "cat", "dog").findings[0]
    assert (finding.check, finding.severity, finding.image) == ("unknown value", "error", "a.jpg")


def test_labelme2voc_names_its_folders_and_classes_its_own_way(tmp_path: Path) -> None:
    class_map = classes()
    class_map[0] = 255
    write_image(tmp_path / "JPEGImages/a.jpg")
    write(tmp_path / "SegmentationClassPNG/a.png", class_map, PALETTE)
    write(tmp_path / "SegmentationClassVisualization/a.jpg", class_map)
    (tmp_path / "class_names.txt").write_text("_background_\ncat\ndog\n")
    delivery = deliver(tmp_path)
    assert [r.class_name for r in delivery.pictures[0].regions] == ["cat", "dog", "cat"] and checks(delivery) == []
