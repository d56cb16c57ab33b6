"""Class maps become one region a class; values without a meaning are told, not guessed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segwise.dataset.formats import class_maps
from segwise.dataset.formats.delivery import Delivery, Options
from segwise.dataset.formats.folder import Folder
from segwise.errors import DataInvalidError, UsageError
from tests.dataset.formats.drawn import SIZE, Pixels, checks, labels, pictures, shape, shapes, write, write_image

COLOURS = np.array([[0, 0, 0], [200, 0, 0], [0, 200, 0], [0, 0, 200]], np.uint8)
TABLE = "name,r,g,b\nbackground,0,0,0\nroad,200,0,0\ncar,0,200,0\nsky,0,0,200\n"
EXPECTED = sorted(shape(name, labels() == n) for n, name in ((1, "road"), (2, "car"), (3, "sky")))


def deliver(root: Path, *classes: str) -> Delivery:
    return class_maps.read(Folder(root), Options(classes))


def write_map(root: Path, pixels: Pixels, name: str = "a", **options: object) -> None:
    write_image(root / f"images/{name}.png", pixels.shape[:2])
    write(root / f"masks/{name}.png", pixels, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "form", ["values", "deep", "palette", "other palette", "colours", "grey colours", "with alpha"]
)
def test_values_and_colours_of_any_kind_mean_the_same_classes(tmp_path: Path, form: str) -> None:
    value = labels().astype(np.uint8)
    swapped = np.array([3, 2, 1, 0], np.uint8)[value]  # a palette in another order than the list
    pixels = {
        "values": value, "deep": value.astype(np.uint16), "palette": value, "other palette": swapped,
        "colours": COLOURS[value], "grey colours": np.stack([value] * 3, -1),
        "with alpha": np.dstack([COLOURS[value], np.full(SIZE, 255, np.uint8)]),
    }[form]  # fmt: skip
    palette = {"palette": COLOURS, "other palette": COLOURS[::-1]}.get(form)
    write_map(tmp_path, pixels, palette=None if palette is None else palette.ravel().tolist())
    (tmp_path / "class_dict.csv").write_text(TABLE)
    assert class_maps.looks_like(Folder(tmp_path))
    delivery = deliver(tmp_path)
    assert shapes(delivery.pictures[0]) == EXPECTED and checks(delivery) == []
    assert [(c.name, c.isthing, c.preferred_id) for c in delivery.categories] == [
        ("road", False, 1), ("car", False, 2), ("sky", False, 3)]  # fmt: skip


def test_names_without_values_count_from_one_and_0_is_background(tmp_path: Path) -> None:
    write_map(tmp_path, labels().astype(np.uint8))
    (tmp_path / "classes.txt").write_text("road\ncar\nsky\n")
    assert shapes(deliver(tmp_path).pictures[0]) == EXPECTED


def test_codes_txt_counts_from_zero_and_void_is_ignored(tmp_path: Path) -> None:
    write_image(tmp_path / "images/a.png")
    write(tmp_path / "labels/a_P.png", labels().astype(np.uint8))
    (tmp_path / "codes.txt").write_text("Animal\nroad\nVoid\nsky\n")
    assert shapes(deliver(tmp_path).pictures[0]) == sorted([
        shape("Animal", labels() == 0), shape("road", labels() == 1), shape("sky", labels() == 3),
        shape("Animal", labels() == 2, is_crowd=True)])  # fmt: skip


def test_maps_that_seem_to_count_from_zero_are_pointed_out(tmp_path: Path) -> None:
    write_map(tmp_path, np.minimum(labels(), 2).astype(np.uint8))
    delivery = deliver(tmp_path, "road", "car", "sky")
    assert checks(delivery) == [("class list", "warning", "")] and "0 means 'road'" in delivery.findings[0].remedy


def test_255_is_ignored_where_the_list_does_not_name_it(tmp_path: Path) -> None:
    value = labels().astype(np.uint8)
    value[0] = 255
    write_map(tmp_path, value)
    found = shapes(deliver(tmp_path, "road", "car", "sky").pictures[0])
    assert found == sorted([*EXPECTED, shape("road", value == 255, is_crowd=True)])


@pytest.mark.parametrize(("top", "dtype"), [(255, np.uint8), (65535, np.uint16)])
def test_black_and_white_maps_of_one_class_are_that_class(tmp_path: Path, top: int, dtype: type) -> None:
    for name, number in (("a", 1), ("b", 2)):
        write_map(tmp_path, ((labels() == number) * top).astype(dtype), name)
    delivery = deliver(tmp_path, "crack")
    assert [shapes(p) for p in delivery.pictures] == [[shape("crack", labels() == n)] for n in (1, 2)]
    assert checks(delivery) == [("full scale", "warning", "repaired")]


def test_an_image_that_is_all_background_is_kept(tmp_path: Path) -> None:
    write_map(tmp_path, labels().astype(np.uint8))
    write_map(tmp_path, np.zeros(SIZE, np.uint8), "b")
    assert {n: len(p.regions) for n, p in pictures(deliver(tmp_path, "x", "y", "z")).items()} == {
        "a.png": 3,
        "b.png": 0,
    }


def test_a_value_outside_the_list_is_an_error_that_names_value_and_image(tmp_path: Path) -> None:
    value = labels().astype(np.uint8)
    value[0, 0] = 77
    write_map(tmp_path, value)
    finding = deliver(tmp_path, "x", "y", "z").findings[0]
    assert (finding.severity, finding.image) == ("error", "a.png") and "value 77 on 1 pixels" in finding.came


def large() -> Pixels:
    return COLOURS[labels()].repeat(4, axis=0).repeat(4, axis=1)


def test_a_few_mixed_colours_along_edges_become_the_nearer_neighbour(tmp_path: Path) -> None:
    pixels, clean = large(), large()
    pixels[8:10, 44], pixels[12:14, 43] = (60, 140, 0), (140, 60, 0)  # road | car, mostly car and mostly road
    write_map(tmp_path, pixels)
    (tmp_path / "class_dict.csv").write_text(TABLE)
    delivery = deliver(tmp_path)
    expected = [shape(name, (clean == COLOURS[n]).all(-1)) for n, name in ((1, "road"), (2, "car"), (3, "sky"))]
    assert shapes(delivery.pictures[0]) == sorted(expected)
    assert checks(delivery) == [("stray colour", "warning", "repaired")] and "4 pixels" in delivery.findings[0].came


@pytest.mark.parametrize("case", ["many", "far from every class"])
def test_other_colours_in_numbers_or_as_a_patch_are_an_error(tmp_path: Path, case: str) -> None:
    pixels = large()
    if case == "many":
        pixels[::3, 40] = pixels[::3, 60] = (10, 10, 10)
    else:
        pixels[60:66, 100:106] = (10, 10, 10)
    write_map(tmp_path, pixels)
    (tmp_path / "class_dict.csv").write_text(TABLE)
    delivery = deliver(tmp_path)
    assert checks(delivery) == [("unknown value", "error", "")] and "#0A0A0A" in delivery.findings[0].came


def test_colours_without_a_list_of_colours_and_values_in_a_jpeg_are_errors(tmp_path: Path) -> None:
    write_map(tmp_path, COLOURS[labels()])
    write_image(tmp_path / "images/b.png")
    write(tmp_path / "masks/b.jpg", (labels() * 60).astype(np.uint8))
    assert checks(deliver(tmp_path, "x", "y", "z")) == [("lossy labels", "error", ""), ("unknown value", "error", "")]


def test_splits_and_names_come_from_the_folders(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        write_image(tmp_path / split / "a.jpg")
        write(tmp_path / split / "a_mask.png", labels().astype(np.uint8))
        (tmp_path / split / "_classes.csv").write_text("Pixel Value, Class\n0, background\n1, x\n2, y\n3, z\n")
    assert {p.file_name: p.split for p in deliver(tmp_path).pictures} == {"train/a.jpg": "train", "valid/a.jpg": "val"}


def test_without_any_names_the_user_is_asked_for_them(tmp_path: Path) -> None:
    write_map(tmp_path, labels().astype(np.uint8))
    assert not class_maps.looks_like(Folder(tmp_path))
    with pytest.raises(UsageError, match="class list"):
        deliver(tmp_path)
    with pytest.raises(DataInvalidError, match="class maps with images"):
        class_maps.read(Folder(tmp_path / "images"), Options(("x",)))
