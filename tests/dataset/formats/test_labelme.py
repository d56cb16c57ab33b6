"""LabelMe JSON of versions 3 to 6 and of tools that write the same."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segwise.dataset.formats import labelme
from segwise.dataset.formats.delivery import Delivery
from tests.dataset.formats.made import (
    BOX,
    HEIGHT,
    OTHER,
    WIDTH,
    Box,
    checks,
    decoded,
    errors,
    filled,
    noise,
    only_picture,
    only_region,
    picture,
    png_base64,
    points,
    put,
    read,
)

FIRST: Box = (2, 3, 12, 9)
MISSING = object()


def shape(label: Any = "cell", box: Box = BOX, kind: Any = "polygon", **more: Any) -> dict[str, Any]:
    return {"label": label, "points": points(box), "group_id": None, "shape_type": kind, "flags": {}, **more}


def file(*shapes: Any, name: Any = "a.png", **more: Any) -> dict[str, Any]:
    return {
        "version": "5.4.1", "flags": {}, "shapes": list(shapes), "imagePath": name, "imageData": None,
        "imageHeight": HEIGHT, "imageWidth": WIDTH, **more,
    }  # fmt: skip


def imported(root: Path, raw: Any, classes: tuple[str, ...] = ()) -> Delivery:
    if not any(root.rglob("*.png")):
        picture(root / "a.png")
    put(root / "a.json", raw)
    return read(labelme, root, classes)


def test_polygons_become_masks_and_labels_keep_their_case(tmp_path: Path) -> None:
    first, second = only_picture(imported(tmp_path, file(shape("Pitting"), shape("pitting", OTHER)))).regions
    assert (first.class_name, second.class_name) == ("Pitting", "pitting")
    assert np.array_equal(decoded(first), filled(BOX))
    assert np.array_equal(decoded(second), filled(OTHER))


def test_shapes_of_one_label_and_group_are_one_object(tmp_path: Path) -> None:
    raw = file(
        shape("cell", BOX, group_id=1),
        shape("cell", OTHER, group_id=1),
        shape("dust", OTHER, group_id=1),
        shape("cell"),
    )
    joined, dust, alone = only_picture(imported(tmp_path, raw)).regions
    assert np.array_equal(decoded(joined), filled(BOX, OTHER))
    assert (dust.class_name, alone.class_name) == ("dust", "cell")


def test_the_image_inside_the_json_is_taken_where_its_file_is_missing(tmp_path: Path) -> None:
    pixels = noise(seed=3)
    delivery = imported(tmp_path, file(shape(), name="gone.png", imageData=png_base64(pixels)))
    (tmp_path / "a.json").rename(tmp_path / "b.json")
    (tmp_path / "a.png").unlink()
    delivery = read(labelme, tmp_path)
    found = only_picture(delivery)
    assert found.file_name == "gone.png"
    assert isinstance(found.content, bytes)
    assert len(found.regions) == 1


def test_an_image_file_comes_before_the_copy_inside(tmp_path: Path) -> None:
    found = only_picture(imported(tmp_path, file(shape(), imageData=png_base64(noise(seed=3)))))
    assert found.content == tmp_path / "a.png"


@pytest.mark.parametrize("data", ["%%%", 7, base64.b64encode(b"no image").decode()])
def test_a_damaged_copy_inside_is_no_crash(tmp_path: Path, data: Any) -> None:
    picture(tmp_path / "sub/other.png")
    assert errors(imported(tmp_path, file(shape(), name="gone.png", imageData=data)))


@pytest.mark.parametrize("name", ["..\\images\\a.png", "../images/a.png", "C:\\Users\\me\\a.png", "/home/me/a.png"])
def test_a_path_of_another_computer_still_finds_the_image(tmp_path: Path, name: str) -> None:
    picture(tmp_path / "images/a.png")
    assert only_picture(imported(tmp_path, file(shape(), name=name))).file_name == "a.png"


def test_a_renamed_image_is_found_by_the_name_of_its_json(tmp_path: Path) -> None:
    delivery = imported(tmp_path, file(shape(), name="before.jpg"))
    assert only_picture(delivery).file_name == "a.png"
    assert checks(delivery) == [("image renamed", "repaired")]


def test_a_stated_size_that_is_not_the_images_is_an_error(tmp_path: Path) -> None:
    assert [f.check for f in errors(imported(tmp_path, file(shape(), imageWidth=WIDTH + 1)))] == ["size mismatch"]


def test_a_stated_size_that_the_copy_inside_refutes_is_repaired(tmp_path: Path) -> None:
    delivery = imported(tmp_path, file(shape(), imageWidth=WIDTH + 1, imageData=png_base64(noise())))
    assert only_region(delivery).class_name == "cell"
    assert checks(delivery) == [("stated size", "repaired")]


def test_an_image_that_was_scaled_after_labelling_is_an_error(tmp_path: Path) -> None:
    raw = file(shape(), imageWidth=80, imageHeight=60, imageData=png_base64(noise(80, 60)))
    assert [f.check for f in errors(imported(tmp_path, raw))] == ["size mismatch"]


def test_boxes_among_outlines_become_rectangles_and_boxes_alone_are_an_error(tmp_path: Path) -> None:
    box = shape("cell", kind="rectangle", points=[[12, 9], [2, 3]])
    delivery = imported(tmp_path, file(box, shape("cell", OTHER)))
    assert np.array_equal(decoded(only_picture(delivery).regions[0]), filled(BOX))
    assert checks(delivery) == [("box", "approximated")]
    assert [f.check for f in errors(imported(tmp_path, file(box)))] == ["no polygons"]


def test_circles_become_polygons_with_a_finding(tmp_path: Path) -> None:
    delivery = imported(tmp_path, file(shape("cell", kind="circle", points=[[20, 15], [20, 25]])))
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    disc = (rows - 15) ** 2 + (columns - 20) ** 2 <= 100
    found = decoded(only_region(delivery))
    assert (found & disc).sum() / (found | disc).sum() > 0.95
    assert checks(delivery) == [("curve", "approximated")]


@pytest.mark.parametrize(("value", "mode"), [(1, np.uint8), (255, np.uint8), (True, np.bool_)])
def test_a_mask_lies_between_its_first_and_last_pixel(tmp_path: Path, value: int, mode: Any) -> None:
    patch = np.full((6, 10), value, dtype=mode)
    patch[0, 0] = 0
    raw = shape("cell", kind="mask", points=[[2, 3], [11, 8]], mask=png_base64(patch))
    expected = filled(BOX)
    expected[3, 2] = False
    assert np.array_equal(decoded(only_region(imported(tmp_path, file(raw)))), expected)


def test_a_mask_that_leaves_the_image_is_cut_off_and_joins_polygons_of_its_group(tmp_path: Path) -> None:
    mask = png_base64(np.full((6, 10), 1, dtype=np.uint8))
    raw = shape("cell", kind="mask", points=[[-4, 3], [5, 8]], mask=mask, group_id=3)
    found = only_region(imported(tmp_path, file(raw, shape("cell", OTHER, group_id=3))))
    assert np.array_equal(decoded(found), filled((0, 3, 6, 9), OTHER))


@pytest.mark.parametrize(
    "damage",
    [{"mask": "%%"}, {"mask": None}, {"mask": base64.b64encode(b"x").decode()}, {"points": [[1, 1]]},
     {"points": [[float("nan"), 1], [5, 5]]}, {"points": [["a", 1], [5, 5]]}, {"points": [[1e300, 1], [1e301, 5]]},
     {"mask": png_base64(np.ones((3000, 3000), dtype=np.uint8))}],
    ids=range(8),
)  # fmt: skip
def test_a_damaged_mask_is_an_error_or_dropped_and_never_an_object(tmp_path: Path, damage: dict[str, Any]) -> None:
    good = {"points": [[2, 3], [11, 8]], "mask": png_base64(np.ones((6, 10), dtype=np.uint8))}
    delivery = imported(tmp_path, file(shape("cell", kind="mask", **{**good, **damage})))
    assert delivery.pictures[0].regions == ()
    assert delivery.findings[0].object_id == "shape 0"


@pytest.mark.parametrize("kind", ["line", "linestrip", "point", "points"])
def test_shapes_without_an_area_are_dropped_with_a_finding(tmp_path: Path, kind: str) -> None:
    delivery = imported(tmp_path, file(shape("cell", kind=kind), shape("cell")))
    assert len(only_picture(delivery).regions) == 1
    assert checks(delivery) == [("no area", "dropped")]


@pytest.mark.parametrize("label", ["__ignore__", "_ignore_", "ignore", "DontCare"])
def test_ignored_regions_are_crowd_regions_of_the_classes_in_their_image(tmp_path: Path, label: str) -> None:
    delivery = imported(tmp_path, file(shape("b", FIRST), shape("a", FIRST), shape(label, OTHER)))
    crowd = [r for r in only_picture(delivery).regions if r.is_crowd]
    assert [r.class_name for r in crowd] == ["a", "b"]
    assert all(np.array_equal(decoded(r), filled(OTHER)) for r in crowd)
    assert [c.name for c in delivery.categories] == ["a", "b"]
    assert checks(delivery) == [("ignored region", "")]


def test_in_an_image_of_ignored_regions_only_they_are_of_the_first_class(tmp_path: Path) -> None:
    picture(tmp_path / "b.png", seed=1)
    put(tmp_path / "b.json", file(shape("z"), shape("y"), name="b.png"))
    picture(tmp_path / "a.png")
    delivery = imported(tmp_path, file(shape("ignore")))
    assert [(r.class_name, r.is_crowd) for r in delivery.pictures[0].regions] == [("y", True)]


def test_background_is_dropped_with_a_finding(tmp_path: Path) -> None:
    delivery = imported(tmp_path, file(shape("_background_", OTHER), shape("cell")))
    assert [c.name for c in delivery.categories] == ["cell"]
    assert checks(delivery) == [("no area", "dropped")]


def test_classes_are_numbered_by_name_or_as_the_user_says(tmp_path: Path) -> None:
    raw = file(shape("b"), shape("a"))
    assert [c.name for c in imported(tmp_path, raw).categories] == ["a", "b"]
    delivery = imported(tmp_path, raw, ("b", "c"))
    assert [c.name for c in delivery.categories] == ["b", "c"]
    assert [f.check for f in errors(delivery)] == ["unknown class"]


def test_flags_and_descriptions_are_kept(tmp_path: Path) -> None:
    raw = file(
        shape(flags={"occluded": True}, description="left one", difficult=False), flags={"blurry": True}, note="n"
    )
    found = only_picture(imported(tmp_path, raw))
    assert found.extra == {"blurry": True, "note": "n"}
    assert found.regions[0].extra == {
        "attributes": {"occluded": True},
        "description": "left one",
        "difficult": False,
    }


def test_an_image_without_shapes_is_kept_and_one_without_json_is_named(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png", seed=1)
    delivery = imported(tmp_path, file())
    assert [p.file_name for p in delivery.pictures] == ["a.png"]
    assert checks(delivery) == [("unlabelled image", "")]


@pytest.mark.parametrize(
    "damage",
    [{"label": None}, {"label": "  "}, {"label": ["x"]}, {"points": None}, {"points": [1, 2, 3]}, {"points": "x"},
     {"points": [["a", 1], [2, 3], [4, 5]]}, {"points": [[float("nan"), 1], [2, 3], [4, 5]]}, {"shape_type": "blob"},
     {"shape_type": {"a": 1}}, {"shape_type": "circle"}],
    ids=range(11),
)  # fmt: skip
def test_a_damaged_shape_is_an_error_that_names_it(tmp_path: Path, damage: dict[str, Any]) -> None:
    delivery = imported(tmp_path, file(shape(), {**shape(), **damage}))
    assert [f.object_id for f in errors(delivery)] == ["shape 1"]
    assert len(delivery.pictures[0].regions) == 1


@pytest.mark.parametrize("text", ['{"shapes": {}, "imagePath": "a.png"}', '{"shapes": [{"label"', "[]", ""])
def test_a_damaged_file_is_one_clear_error(tmp_path: Path, text: str) -> None:
    picture(tmp_path / "a.png")
    put(tmp_path / "a.json", text)
    delivery = labelme.read(labelme.Folder(tmp_path), labelme.Options())
    assert [f.check for f in errors(delivery)] == ["label file"]


def test_a_file_that_begins_with_a_large_image_is_known_for_labelme(tmp_path: Path) -> None:
    data = png_base64(noise(200, 200))
    assert len(data) > 65_536
    raw = {"imageData": data} | file(shape(), imageHeight=200, imageWidth=200)
    put(tmp_path / "a.json", raw | {"imageData": data})
    assert only_picture(read(labelme, tmp_path)).width == 200


@pytest.mark.parametrize("place", ["key", "flags", "earlier name"])
def test_a_group_and_a_split_beside_the_shapes_are_the_images(tmp_path: Path, place: str) -> None:
    said: dict[str, Any] = {"group": "field 3", "split": "fold 2"}
    if place == "earlier name":
        said = {f"flag_{key}": value for key, value in said.items()}
    raw = file(shape(), flags=said) if place == "flags" else file(shape(), **said)
    found = only_picture(imported(tmp_path, raw))
    assert (found.group, found.split, found.extra) == ("field 3", "fold 2", {})


def test_a_ticked_flag_of_such_a_name_stays_a_flag(tmp_path: Path) -> None:
    found = only_picture(imported(tmp_path, file(shape(), flags={"group": True, "split": False})))
    assert (found.group, found.split, found.extra) == (None, None, {"flag_group": True, "flag_split": False})
