"""CVAT's XML for images and for video."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segwise.dataset.formats import cvat
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
    only_picture,
    only_region,
    picture,
    put,
    read,
    ring,
)

LABELS = "<label><name>cell</name><type>any</type></label><label><name>dust</name><type>polygon</type></label>"


def polygon(box: Box = BOX, label: str = "cell", more: str = "", inside: str = "") -> str:
    flat = ring(box)
    points = ";".join(f"{x:.2f},{y:.2f}" for x, y in zip(flat[::2], flat[1::2], strict=True))
    return (
        f'<polygon label="{label}" source="manual" occluded="0" points="{points}" z_order="0" {more}>{inside}</polygon>'
    )


def mask(pixels: np.ndarray, left: int, top: int, label: str = "cell") -> str:
    """A window of a mask, as CVAT writes it: row by row, background first."""
    flat = np.concatenate([[0], pixels.astype(int).ravel(), [-1]])
    edges = np.flatnonzero(np.diff(flat))
    runs = np.diff(np.concatenate([[0], edges])).tolist() if pixels.ravel()[0] == 0 else [0, *np.diff(edges).tolist()]
    height, width = pixels.shape
    return (
        f'<mask label="{label}" source="manual" occluded="0" rle="{", ".join(map(str, runs))}" left="{left}" '
        f'top="{top}" width="{width}" height="{height}" z_order="0"></mask>'
    )


def image(*shapes: str, name: str = "a.png", more: str = "", width: int = WIDTH) -> str:
    return f'<image id="0" name="{name}" width="{width}" height="{HEIGHT}" {more}>{"".join(shapes)}</image>'


def document(*body: str, labels: str = LABELS, meta: str = "") -> str:
    head = f"<meta><task><name>t</name>{meta}<labels>{labels}</labels></task></meta>"
    start = '<?xml version="1.0" encoding="utf-8"?>\n'
    return f"{start}<annotations><version>1.1</version>{head}{''.join(body)}</annotations>"


def imported(root: Path, text: str) -> Delivery:
    if not any(root.rglob("*.png")):
        picture(root / "images/a.png")
    put(root / "annotations.xml", text)
    return read(cvat, root)


def test_polygons_become_masks_and_the_rest_is_kept(tmp_path: Path) -> None:
    attribute = '<attribute name="age">old</attribute>'
    delivery = imported(tmp_path, document(image(polygon(), polygon(OTHER, "dust", inside=attribute))))
    first, second = only_picture(delivery).regions
    assert np.array_equal(decoded(first), filled(BOX))
    assert (second.class_name, second.source) == ("dust", "polygon 1")
    assert second.extra == {"occluded": 0, "z_order": 0, "source": "manual", "attributes": {"age": "old"}}
    assert [c.name for c in delivery.categories] == ["cell", "dust"]
    assert checks(delivery) == []


@pytest.mark.parametrize("first", [0, 1])
def test_a_mask_is_read_row_by_row_in_its_window(tmp_path: Path, first: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 2, (7, 11)).astype(bool)
    pixels[0, 0] = first
    expected = np.zeros((HEIGHT, WIDTH), dtype=bool)
    expected[4:11, 5:16] = pixels
    assert np.array_equal(decoded(only_region(imported(tmp_path, document(image(mask(pixels, 5, 4)))))), expected)


@pytest.mark.parametrize(
    "damage",
    [('left="5"', 'left="x"'), ('width="11"', 'width="10"'), ('width="11"', 'width="99999999"'), ('rle="', 'rle="-3, '),
     ('rle="', 'rle="9999999999999999, '), ('rle="', 'other="'), ('height="7"', 'height="0"')],
    ids=range(7),
)  # fmt: skip
def test_a_damaged_mask_is_an_error(tmp_path: Path, damage: tuple[str, str]) -> None:
    text = document(image(polygon(), mask(np.eye(7, 11, dtype=bool), 5, 4).replace(*damage)))
    delivery = imported(tmp_path, text)
    assert [f.object_id for f in errors(delivery)] == ["mask 1"]
    assert len(delivery.pictures[0].regions) == 1


def test_shapes_of_one_group_are_one_object(tmp_path: Path) -> None:
    parts = (
        polygon(BOX, more='group_id="4"'),
        mask(np.ones((15, 10), dtype=bool), 20, 10).replace("<mask", '<mask group_id="4"'),
    )
    assert np.array_equal(decoded(only_region(imported(tmp_path, document(image(*parts))))), filled(BOX, OTHER))
    alone = [polygon(BOX, more='group_id="0"'), polygon(OTHER, more='group_id="0"')]
    assert len(only_picture(imported(tmp_path, document(image(*alone)))).regions) == 2


def test_boxes_among_outlines_become_rectangles_and_boxes_alone_are_an_error(tmp_path: Path) -> None:
    box = '<box label="cell" occluded="0" xtl="2" ytl="3" xbr="12" ybr="9"/>'
    delivery = imported(tmp_path, document(image(box, polygon(OTHER))))
    assert np.array_equal(decoded(only_picture(delivery).regions[0]), filled(BOX))
    assert checks(delivery) == [("box", "approximated")]
    assert [f.check for f in errors(imported(tmp_path, document(image(box))))] == ["no polygons"]


def test_a_turned_box_stands_on_its_side(tmp_path: Path) -> None:
    box = '<box label="cell" xtl="10" ytl="10" xbr="20" ybr="14" rotation="90.00"/>'
    delivery = imported(tmp_path, document(image(box, polygon(OTHER))))
    assert np.array_equal(decoded(only_picture(delivery).regions[0]), filled((13, 7, 17, 17)))


def test_ellipses_become_polygons_and_lines_are_dropped(tmp_path: Path) -> None:
    shapes = ['<ellipse label="cell" cx="20" cy="15" rx="12" ry="6"/>', '<polyline label="cell" points="1,1;5,5"/>',
              '<points label="cell" points="1,1"/>', '<tag label="dust"/>']  # fmt: skip
    delivery = imported(tmp_path, document(image(*shapes)))
    assert decoded(only_region(delivery)).sum() == pytest.approx(np.pi * 72, rel=0.06)
    assert sorted(checks(delivery)) == [
        ("curve", "approximated"), ("no area", "dropped"), ("no area", "dropped"), ("tag", "dropped")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("meta", "more", "split"),
    [("<subset>Train</subset>", "", "train"), ("", 'subset="Validation"', "val"),
     ("<subset>default</subset>", "", None), ("", 'subset="mine"', "mine"),
     ("<subset>Train</subset>", 'subset="Test"', "test")],
)  # fmt: skip
def test_the_subset_is_the_split(tmp_path: Path, meta: str, more: str, split: str | None) -> None:
    assert only_picture(imported(tmp_path, document(image(polygon(), more=more), meta=meta))).split == split


def test_labels_of_points_and_skeletons_are_no_classes_unless_they_are_used(tmp_path: Path) -> None:
    labels = (
        LABELS + "<label><name>pose</name><type>skeleton</type></label><label><name>p</name><type>points</type></label>"
    )
    delivery = imported(tmp_path, document(image(polygon(), polygon(OTHER, "p")), labels=labels))
    assert [c.name for c in delivery.categories] == ["cell", "dust", "p"]


def test_a_label_that_the_task_does_not_have_is_an_error(tmp_path: Path) -> None:
    assert [f.check for f in errors(imported(tmp_path, document(image(polygon(label="x")))))] == ["unknown class"]


def test_without_a_list_of_labels_those_of_the_shapes_are_the_classes(tmp_path: Path) -> None:
    delivery = imported(tmp_path, document(image(polygon(label="b"), polygon(OTHER, "a")), labels=""))
    assert [c.name for c in delivery.categories] == ["a", "b"]


def test_images_without_shapes_stay_and_a_wrong_size_is_an_error(tmp_path: Path) -> None:
    assert only_picture(imported(tmp_path, document(image()))).regions == ()
    assert [f.check for f in errors(imported(tmp_path, document(image(width=99))))] == ["size mismatch"]


def track(*shapes: str, number: int = 0, more: str = "") -> str:
    return f'<track id="{number}" label="cell" source="manual" {more}>{"".join(shapes)}</track>'


def at(frame: int, box: Box = BOX, outside: int = 0, keyframe: int = 1) -> str:
    shape = polygon(box, more=f'frame="{frame}" outside="{outside}" keyframe="{keyframe}"')
    return shape.replace('label="cell" ', "")


def test_tracks_are_drawn_on_the_frames_where_they_are_seen(tmp_path: Path) -> None:
    for frame in range(3):
        picture(tmp_path / f"images/frame_{frame:06}.png", seed=frame)
    body = track(at(0), at(1, OTHER, keyframe=0), at(2, outside=1)), track(at(1), number=5)
    delivery = imported(tmp_path, document(*body))
    assert not errors(delivery)
    assert [len(p.regions) for p in delivery.pictures] == [1, 2, 0]
    moved = delivery.pictures[1].regions[0]
    assert np.array_equal(decoded(moved), filled(OTHER))
    assert (moved.extra["track_id"], moved.extra["keyframe"]) == ("0", 0)
    assert {p.group for p in delivery.pictures} == {"t"}
    assert checks(delivery) == [("interpolated", "approximated")]


def test_frames_that_are_no_video_frames_are_counted_in_the_order_of_their_names(tmp_path: Path) -> None:
    for seed, name in enumerate(("x_7", "x_9")):
        picture(tmp_path / f"images/{name}.png", seed=seed)
    delivery = imported(tmp_path, document(track(at(1))))
    assert [(p.file_name, len(p.regions)) for p in delivery.pictures] == [("x_7.png", 0), ("x_9.png", 1)]


def test_tracks_without_their_frames_are_an_error(tmp_path: Path) -> None:
    put(tmp_path / "annotations.xml", document(track(at(0))))
    assert [f.check for f in errors(read(cvat, tmp_path))] == ["file missing"]
    picture(tmp_path / "frame_000000.png")
    put(tmp_path / "annotations.xml", document(track(at(0), at(7))))
    assert [(f.check, f.image) for f in errors(read(cvat, tmp_path))] == [("file missing", "frame 7")]


BOMB = '<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z "&x;&x;&x;">]>'
OUTSIDE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    "text",
    [BOMB + document(image(polygon(label="&z;"))).split("\n")[1], OUTSIDE + document().split("\n")[1],
     document(image(polygon()))[:-20], document().replace("utf-8", "no-such-code"), "", "\0\0",
     "<annotations>" * 1000, document().replace("annotations>", "others>")],
    ids=range(8),
)  # fmt: skip
def test_entities_and_damage_are_one_clear_error(tmp_path: Path, text: str) -> None:
    picture(tmp_path / "a.png")
    put(tmp_path / "annotations.xml", text)
    delivery = cvat.read(cvat.Folder(tmp_path), cvat.Options())
    assert [f.check for f in errors(delivery)] == ["label file"]


@pytest.mark.parametrize("points", ["", "1,2", "1,2;3,4;5", "1,2;3,x;5,6", "1,2;3,nan;5,6", "1,2;3,1e400;5,6", "1;2;3"])
def test_damaged_points_never_become_an_object(tmp_path: Path, points: str) -> None:
    broken = f'<polygon label="cell" points="{points}"/>'
    delivery = imported(tmp_path, document(image(polygon(), broken)))
    assert [f.object_id for f in delivery.findings if f.severity == "error" or f.effect == "dropped"]
    assert len(delivery.pictures[0].regions) == 1
