"""VGG Image Annotator: exports and projects of versions 1 to 3, and the class among the attributes."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segwise.dataset.formats import via
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
    put,
    read,
    ring,
)


def polygon(box: Box = BOX, **attributes: Any) -> dict[str, Any]:
    flat = ring(box)
    drawn = {"name": "polygon", "all_points_x": flat[::2], "all_points_y": flat[1::2]}
    return {"shape_attributes": drawn, "region_attributes": attributes}


def drawn(name: str, **numbers: Any) -> dict[str, Any]:
    return {"shape_attributes": {"name": name, **numbers}, "region_attributes": {"class": "cell"}}


def entry(*regions: Any, name: str = "a.png", **more: Any) -> dict[str, Any]:
    return {"filename": name, "size": 123, "regions": list(regions), "file_attributes": {}, **more}


def imported(root: Path, raw: Any, classes: tuple[str, ...] = (), name: str = "via_region_data.json") -> Delivery:
    if not (root / "a.png").exists():
        picture(root / "a.png")
    put(root / name, raw)
    return read(via, root, classes)


def export(*regions: Any) -> dict[str, Any]:
    return {"a.png123": entry(*regions)}


def project(*regions: Any, choices: Any = None) -> dict[str, Any]:
    return {
        "_via_settings": {"ui": {}},
        "_via_img_metadata": export(*regions),
        "_via_attributes": {"region": choices or {}, "file": {}},
        "_via_data_format_version": "2.0.10",
        "_via_image_id_list": ["a.png123"],
    }


def version_1(*regions: Any) -> dict[str, Any]:
    numbered = {str(i): region for i, region in enumerate(regions)}
    return {"a.png123": {"fileref": "", "base64_img_data": "", **entry(), "regions": numbered}}


def as_csv(*regions: Any) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(
        ["filename", "file_size", "file_attributes", "region_count", "region_id", "region_shape_attributes",
         "region_attributes"]
    )  # fmt: skip
    for i, region in enumerate(regions):
        shape, attributes = json.dumps(region["shape_attributes"]), json.dumps(region["region_attributes"])
        writer.writerow(["a.png", 123, "{}", len(regions), i, shape, attributes])
    writer.writerow(["b.png", 5, "{}", 0, 0, "{}", "{}"])
    return buffer.getvalue()


def version_3(*regions: Any) -> dict[str, Any]:
    marks = {}
    for i, region in enumerate(regions):
        shape = region["shape_attributes"]
        flat = [v for pair in zip(shape["all_points_x"], shape["all_points_y"], strict=True) for v in pair]
        marks[f"1_{i}"] = {"vid": "1", "flg": 0, "z": [], "xy": [7, *flat], "av": {"1": str(i)}}
    return {
        "project": {"pid": "p", "data_format_version": "3.1.1", "vid_list": ["1"]},
        "config": {},
        "attribute": {"1": {"aname": "class", "type": 4, "options": {"0": "cell", "1": "dust"}}},
        "file": {"1": {"fid": "1", "fname": "a.png", "type": 2, "loc": 1, "src": ""}},
        "metadata": marks,
        "view": {"1": {"fid_list": ["1"]}},
    }


@pytest.mark.parametrize(
    ("write", "name"),
    [(export, "e.json"), (project, "p.json"), (version_1, "v1.json"), (version_3, "v3.json"), (as_csv, "e.csv")],
)
def test_every_version_gives_the_same_masks_and_classes(tmp_path: Path, write: Any, name: str) -> None:
    if write is as_csv:
        picture(tmp_path / "b.png", seed=1)
    raw = write(polygon(BOX, **{"class": "cell"}), polygon(OTHER, **{"class": "dust"}))
    delivery = imported(tmp_path, raw, name=name)
    assert not errors(delivery)
    first, second = delivery.pictures[0].regions
    assert [r.class_name for r in (first, second)] == ["cell", "dust"]
    assert np.array_equal(decoded(first), filled(BOX))
    assert np.array_equal(decoded(second), filled(OTHER))
    assert [c.name for c in delivery.categories] == ["cell", "dust"]
    assert [len(p.regions) for p in delivery.pictures[1:]] == ([0] if write is as_csv else [])


def test_other_attributes_are_kept(tmp_path: Path) -> None:
    raw = export(polygon(**{"class": "cell", "note": "left", "empty": ""}))
    raw["a.png123"]["file_attributes"] = {"caption": "c", "public_domain": "", "width": "x"}
    found = only_picture(imported(tmp_path, raw))
    assert found.extra == {"caption": "c", "attribute_width": "x"}
    assert found.regions[0].extra == {"attributes": {"note": "left"}}


def many(**values: list[Any]) -> list[dict[str, Any]]:
    return [polygon(**dict(zip(values, row, strict=True))) for row in zip(*values.values(), strict=True)]


@pytest.mark.parametrize(
    ("regions", "names"),
    [
        (many(kind=["a", "b", "a", "b"], id=["1", "2", "3", "4"]), ["a", "b"]),
        (many(id=["1", "1", "1", "1"], type=["w", "x", "y", "z"]), ["w", "x", "y", "z"]),
        (many(material=[{"wood": True}, {"iron": True, "wood": False}, {"wood": True}]), ["iron", "wood"]),
        (many(name=[" balloon\n", "balloon"]), ["balloon"]),
        (many(quality=["good", "bad", "good", "bad"], label=["c", "c", "d", ""]), ["c", "d"]),
    ],
    ids=["few values", "a telling name", "ticked boxes", "stray spaces", "a telling name with a gap"],
)
def test_the_class_is_the_attribute_that_looks_like_one(tmp_path: Path, regions: list[Any], names: list[str]) -> None:
    assert [c.name for c in imported(tmp_path, export(*regions)).categories] == names


def test_an_attribute_with_a_list_to_choose_from_comes_before_free_text(tmp_path: Path) -> None:
    choices = {"part": {"type": "dropdown", "options": {"hull": "", "sail": ""}}, "a": {"type": "text"}}
    delivery = imported(tmp_path, project(*many(a=["x", "x"], part=["hull", "sail"]), choices=choices))
    assert [c.name for c in delivery.categories] == ["hull", "sail"]


def test_without_an_attribute_all_regions_are_of_one_class(tmp_path: Path) -> None:
    delivery = imported(tmp_path, export(polygon(), polygon(OTHER)))
    assert {r.class_name for r in only_picture(delivery).regions} == {"object"}
    assert checks(delivery) == [("no class", "approximated")]
    assert only_picture(imported(tmp_path, export(polygon()), ("balloon",))).regions[0].class_name == "balloon"


def test_a_region_without_a_class_among_others_with_one_is_an_error(tmp_path: Path) -> None:
    delivery = imported(tmp_path, export(polygon(**{"class": "cell"}), polygon(OTHER)))
    assert [(f.check, f.object_id) for f in errors(delivery)] == [("no class", "region 1")]


def test_circles_and_ellipses_become_polygons_and_lines_are_dropped(tmp_path: Path) -> None:
    raw = export(
        drawn("circle", cx=20, cy=15, r=10),
        drawn("ellipse", cx=20, cy=15, rx=15, ry=5, theta=np.pi / 2),
        drawn("point", cx=1, cy=1),
        drawn("polyline", all_points_x=[1, 9, 9], all_points_y=[1, 1, 9]),
    )
    delivery = imported(tmp_path, raw)
    circle, ellipse = (decoded(r) for r in only_picture(delivery).regions)
    assert circle.sum() == pytest.approx(np.pi * 100, rel=0.05)
    assert ellipse.sum() == pytest.approx(np.pi * 75, rel=0.08)
    assert np.ptp(np.nonzero(ellipse)[0]) > np.ptp(np.nonzero(ellipse)[1])
    assert sorted(checks(delivery)) == [("curve", "approximated")] * 2 + [("no area", "dropped")] * 2


def test_a_line_that_ends_where_it_began_is_an_outline(tmp_path: Path) -> None:
    flat = [*ring(), *ring()[:2]]
    raw = export(drawn("polyline", all_points_x=flat[::2], all_points_y=flat[1::2]))
    assert np.array_equal(decoded(only_region(imported(tmp_path, raw))), filled(BOX))


def test_boxes_among_outlines_become_rectangles_and_boxes_alone_are_an_error(tmp_path: Path) -> None:
    box = drawn("rect", x=2, y=3, width=10, height=6)
    delivery = imported(tmp_path, export(box, polygon(OTHER, **{"class": "cell"})))
    assert np.array_equal(decoded(only_picture(delivery).regions[0]), filled(BOX))
    assert checks(delivery) == [("box", "approximated")]
    assert [f.check for f in errors(imported(tmp_path, export(box)))] == ["no polygons"]


def test_images_without_regions_have_no_objects(tmp_path: Path) -> None:
    picture(tmp_path / "b.png", seed=1)
    raw = {**export(polygon(**{"class": "cell"})), "b.png5": entry(name="b.png")}
    assert [len(p.regions) for p in imported(tmp_path, raw).pictures] == [1, 0]


def test_the_folder_of_the_file_gives_the_split_and_tells_images_of_one_name_apart(tmp_path: Path) -> None:
    for seed, split in enumerate(("train", "val")):
        picture(tmp_path / split / "a.png", seed=seed)
        put(tmp_path / split / "via_region_data.json", export(polygon(**{"class": "cell"})))
    delivery = read(via, tmp_path)
    assert not errors(delivery)
    assert [(p.split, Path(str(p.content)).parent.name) for p in delivery.pictures] == [
        ("train", "train"),
        ("val", "val"),
    ]


def test_an_image_inside_the_file_is_taken_where_its_file_is_missing(tmp_path: Path) -> None:
    raw = {"x1": entry(polygon(), name="gone.png", base64_img_data=png_base64(noise()), fileref="")}
    picture(tmp_path / "a.png")
    found = only_picture(imported(tmp_path, raw))
    assert (found.file_name, found.width, found.height) == ("gone.png", WIDTH, HEIGHT)


@pytest.mark.parametrize(
    "region",
    ["x", {}, {"shape_attributes": {}}, {"shape_attributes": {"name": 3}},
     drawn("polygon", all_points_x=[1, 2, 3], all_points_y=[1, 2]), drawn("polygon", all_points_x=3, all_points_y=None),
     drawn("polygon", all_points_x=["a", 2, 3], all_points_y=[1, 2, 3]), drawn("circle", cx=1, cy=1),
     drawn("circle", cx=1, cy=1, r=float("nan")), drawn("rect", x=1, y=1, width="w", height=2),
     drawn("ellipse", cx=1, cy=1, rx=10**400, ry=1)],
    ids=range(11),
)  # fmt: skip
def test_a_damaged_region_is_an_error_that_names_it(tmp_path: Path, region: Any) -> None:
    delivery = imported(tmp_path, export(polygon(**{"class": "cell"}), region))
    assert [f.object_id for f in errors(delivery)] == ["region 1"]
    assert len(delivery.pictures[0].regions) == 1


@pytest.mark.parametrize(
    ("text", "name"),
    [("[]", "a.json"), ('{"_via_img_metadata": 3}', "a.json"), ('{"_via_img_metadata": {"a', "a.json"),
     ('{"k": {"filename": "", "regions": []}}', "a.json"), ('{"k": {"filename": "a.png", "regions": 3}}', "a.json"),
     ("filename,other\n", "a.csv"), ('{"metadata": {"1": 3}, "file": {}, "view": {}}', "a.json")],
)  # fmt: skip
def test_a_damaged_file_is_a_clear_error(tmp_path: Path, text: str, name: str) -> None:
    picture(tmp_path / "a.png")
    put(tmp_path / name, text)
    delivery = via.read(via.Folder(tmp_path), via.Options())
    assert {f.check for f in errors(delivery)} == {"label file"}


@pytest.mark.parametrize("kind", [["dropdown"], {"a": 1}, 3])
def test_an_attribute_whose_type_is_no_text_is_read_without_it(tmp_path: Path, kind: Any) -> None:
    raw = {
        "_via_settings": {}, "_via_img_metadata": export(polygon(kind="cell")),
        "_via_attributes": {"region": {"kind": {"type": kind}}, "file": {}},
    }  # fmt: skip
    assert only_region(imported(tmp_path, raw)).class_name == "cell"
