"""What all importers share: images are found and never left, shapes are checked and become exact masks."""

from __future__ import annotations

import base64
import math
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps
from pycocotools import mask as coco_mask

from segwise.dataset.formats import shapes
from segwise.dataset.formats.builder import Builder, Canvas
from segwise.dataset.formats.folder import Folder
from segwise.dataset.images import read_image
from segwise.dataset.names import is_plain
from tests.dataset.formats.made import (
    BOX,
    HEIGHT,
    OTHER,
    WIDTH,
    checks,
    decoded,
    errors,
    filled,
    noise,
    only_picture,
    only_region,
    picture,
    png_base64,
    ring,
)


def begin(root: Path, name: str = "a.png", **told: object) -> tuple[Builder, Canvas]:
    builder = Builder(Folder(root), "test")
    builder.category("thing")
    canvas = builder.image(name, **told)  # type: ignore[arg-type]
    assert canvas is not None
    return builder, canvas


@pytest.fixture
def root(tmp_path: Path) -> Path:
    picture(tmp_path / "a.png")
    return tmp_path


@pytest.mark.parametrize("orientation", range(1, 9))
def test_labels_drawn_on_the_stored_pixels_are_turned_as_pillow_turns_the_image(
    tmp_path: Path, orientation: int
) -> None:
    marked = filled(BOX).astype(np.uint8) * 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(marked).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as image:
        upright = np.asarray(ImageOps.exif_transpose(image)) > 0
    builder, canvas = begin(tmp_path, size=(HEIGHT, WIDTH))
    canvas.polygons("thing", [ring()], "shape")
    found = only_region(builder.delivery())
    if orientation >= 5:  # only these change the size, so that the label file's size says what was labelled
        assert np.array_equal(decoded(found), upright)
        assert np.array_equal(decoded(found), read_image(tmp_path / "a.png")[..., 0] > 0)
    else:
        assert np.array_equal(decoded(found), filled(BOX))
    assert ("orientation" in dict(checks(builder.delivery()))) == (orientation != 1)


@pytest.mark.parametrize("orientation", [6, 8])
def test_labels_drawn_on_the_upright_image_stay(tmp_path: Path, orientation: int) -> None:
    picture(tmp_path / "a.jpg", orientation=orientation)
    builder, canvas = begin(tmp_path, "a.jpg", size=(WIDTH, HEIGHT))
    canvas.polygons("thing", [ring()], "shape")
    found = only_picture(builder.delivery())
    assert (found.height, found.width) == (WIDTH, HEIGHT) == read_image(tmp_path / "a.jpg").shape[:2]
    assert np.array_equal(decoded(found.regions[0]), filled(BOX, width=HEIGHT, height=WIDTH))


def test_what_leaves_the_image_is_cut_off_however_far_it_reaches(root: Path) -> None:
    builder, canvas = begin(root)
    for reach in (3, 35, 1000, 1e9):
        canvas.polygons("thing", [ring((-reach, 3, 12, 9))], "shape")
    delivery = builder.delivery()
    assert checks(delivery) == [("outside the image", "repaired")] * 4
    for region in delivery.pictures[0].regions:
        assert np.array_equal(decoded(region), filled((0, 3, 12, 9)))


def test_a_far_corner_is_cut_where_its_edges_meet_the_image(root: Path) -> None:
    builder, canvas = begin(root)
    canvas.polygons("thing", [[0, 0, 40_000, 30_000, 0, 30_000]], "shape")
    inside = decoded(only_region(builder.delivery()))
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    expected = rows > columns * 0.75
    assert np.count_nonzero(inside != expected) <= WIDTH


def test_a_shape_beside_the_image_is_dropped_with_a_finding(root: Path) -> None:
    builder, canvas = begin(root)
    canvas.polygons("thing", [ring((100, 3, 112, 9))], "shape 1")
    delivery = builder.delivery()
    assert only_picture(delivery).regions == ()
    assert checks(delivery) == [("outside the image", "repaired"), ("zero area", "dropped")]
    assert delivery.findings[-1].object_id == "shape 1"


@pytest.mark.parametrize(
    ("polygon", "check"),
    [
        ([math.nan, 3, 12, 3, 12, 9], "not finite"),
        ([math.inf, 3, 12, 3, 12, 9], "not finite"),
        ([10**400, 3, 12, 3, 12, 9], "not finite"),
        ([1e300, 3, 12, 3, 12, 9], "not finite"),
        ([2, 3, 12, 3, 12, 9, 2], "odd polygon"),
        ([2, 3, "12", 3, 12, 9], "structure"),
        ([True, 3, 12, 3, 12, 9], "structure"),
        ("2 3 12 3 12 9", "structure"),
        ([[2, 3], [12, 3], [12, 9]], "structure"),
    ],
)
def test_a_damaged_polygon_is_an_error_and_no_object(root: Path, polygon: object, check: str) -> None:
    builder, canvas = begin(root)
    canvas.polygons("thing", [ring(), polygon], "shape")  # type: ignore[list-item]
    delivery = builder.delivery()
    assert checks(delivery) == [(check, "error")]
    assert delivery.pictures[0].regions == ()


def test_parts_are_joined_and_holes_are_cut_out(root: Path) -> None:
    builder, canvas = begin(root)
    canvas.polygons("thing", [ring(BOX), ring(OTHER)], "shape", holes=[ring((4, 5, 8, 7))])
    expected = filled(BOX, OTHER) & ~filled((4, 5, 8, 7))
    assert np.array_equal(decoded(only_region(builder.delivery())), expected)


def test_a_part_of_two_points_is_dropped_and_the_rest_is_kept(root: Path) -> None:
    builder, canvas = begin(root)
    canvas.polygons("thing", [ring(), [1, 1, 5, 5]], "shape")
    delivery = builder.delivery()
    assert np.array_equal(decoded(only_region(delivery)), filled(BOX))
    assert checks(delivery) == [("few points", "dropped")]


def test_an_outline_that_crosses_itself_is_named_and_one_that_touches_itself_is_not(root: Path) -> None:
    builder, canvas = begin(root)
    canvas.polygons("thing", [[2, 3, 12, 9, 12, 3, 2, 9]], "crossing")
    bridge = [2, 3, 12, 3, 12, 9, 6, 9, 6, 20, 12, 20, 12, 25, 2, 25, 2, 20, 6, 20, 6, 9, 2, 9]  # two boxes, one line
    canvas.polygons("thing", [bridge], "bridged")
    through = [
        2,
        3,
        12,
        3,
        12,
        9,
        2,
        9,
        2,
        6,
        20,
        6,
        30,
        6,
        30,
        8,
        20,
        8,
        20,
        6,
        2,
        6,
    ]  # the line crosses the first box
    canvas.polygons("thing", [through], "bridged across")
    delivery = builder.delivery()
    assert [(f.check, f.effect, f.object_id) for f in delivery.findings] == [
        ("self-intersection", "approximated", "crossing")
    ]
    assert np.array_equal(decoded(delivery.pictures[0].regions[1]), filled(BOX, (2, 20, 12, 25)))
    assert np.array_equal(decoded(delivery.pictures[0].regions[2]), filled(BOX, (20, 6, 30, 8)))


def test_crossings_are_those_that_every_pair_of_edges_shows() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        polygon = rng.uniform(0, 1e5, (int(rng.integers(4, 8)), 2))  # so large that all crossings are deep
        edges = list(zip(polygon.tolist(), np.roll(polygon, -1, axis=0).tolist(), strict=True))
        crossing = any(meet(*one, *other) for i, one in enumerate(edges) for other in edges[i + 1 :])
        assert shapes.crosses_itself(polygon) == crossing


def meet(a: list[float], b: list[float], c: list[float], d: list[float]) -> bool:
    """Whether two edges without a common end meet, by solving for the point."""
    if a in (c, d) or b in (c, d):
        return False
    along = np.array([[b[0] - a[0], c[0] - d[0]], [b[1] - a[1], c[1] - d[1]]])
    share, other = np.linalg.solve(along, np.array([c[0] - a[0], c[1] - a[1]]))
    return bool(0 < share < 1 and 0 < other < 1)


def test_an_outline_too_long_for_the_rasteriser_is_an_error() -> None:
    zigzag = [v for i in range(30_000) for v in (i % 2 * 999.0, i / 30)]
    found = shapes.clean(zigzag, 1000, 1000)
    assert found.polygons == []
    assert found.problems[-1].check == "structure"


@pytest.mark.parametrize(
    ("rle", "check"),
    [
        ({"size": [HEIGHT, WIDTH], "counts": [3, 5]}, "RLE size"),
        ({"size": [WIDTH, HEIGHT], "counts": [0, WIDTH * HEIGHT]}, "RLE size"),
        ({"size": [HEIGHT, WIDTH], "counts": [-3, 1203]}, "RLE damaged"),
        ({"size": [HEIGHT, WIDTH], "counts": [3.5, 1196.5]}, "RLE damaged"),
        ({"size": [HEIGHT, WIDTH], "counts": "oooo"}, "RLE damaged"),
        ({"size": [HEIGHT, WIDTH], "counts": "ÿ"}, "RLE damaged"),
        ({"size": [HEIGHT, WIDTH]}, "RLE damaged"),
        ({"counts": [0, WIDTH * HEIGHT]}, "RLE size"),
    ],
)
def test_damaged_run_lengths_are_an_error(root: Path, rle: dict[str, object], check: str) -> None:
    builder, canvas = begin(root)
    canvas.rle("thing", rle, "shape")
    assert checks(builder.delivery()) == [(check, "error")]


def test_compressed_and_plain_run_lengths_give_the_same_mask(root: Path) -> None:
    builder, canvas = begin(root)
    mask = filled(BOX, OTHER)
    compressed = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))["counts"].decode()
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.ravel(order="F").astype(int), [0]])))
    plain = np.diff(np.concatenate([[0], edges, [mask.size]])).tolist()
    for counts in (compressed, plain):
        canvas.rle("thing", {"size": [HEIGHT, WIDTH], "counts": counts}, "shape")
    first, second = only_picture(builder.delivery()).regions
    assert first.rle == second.rle == {"size": [HEIGHT, WIDTH], "counts": compressed}


def test_a_mask_of_another_size_is_an_error_and_an_empty_one_is_dropped(root: Path) -> None:
    builder, canvas = begin(root)
    canvas.mask("thing", filled(BOX, width=WIDTH + 1), "wide")
    canvas.mask("thing", np.zeros((HEIGHT, WIDTH), dtype=bool), "empty")
    assert checks(builder.delivery()) == [("size mismatch", "error"), ("zero area", "dropped")]


def test_a_size_that_is_neither_the_stored_nor_the_upright_one_is_an_error(root: Path) -> None:
    builder = Builder(Folder(root), "test")
    assert builder.image("a.png", size=(HEIGHT + 1, WIDTH)) is None
    assert checks(builder.delivery()) == [("size mismatch", "error")]


def test_links_that_leave_the_folder_are_errors_and_are_never_read(tmp_path: Path) -> None:
    picture(tmp_path / "elsewhere/secret.png")
    root = tmp_path / "source"
    picture(root / "a.png")
    (root / "b.png").symlink_to(tmp_path / "elsewhere/secret.png")
    (root / "images").symlink_to(tmp_path / "elsewhere")
    (root / "loop").symlink_to(root / "loop")
    builder = Builder(Folder(root), "test")
    assert builder.image("b.png") is None
    assert builder.image("images/secret.png") is None
    assert [c for c in checks(builder.delivery()) if c[0] == "link outside"] == [("link outside", "error")] * 3


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("../../etc/a.png", "a.png"),
        ("/home/me/data/a.png", "a.png"),
        ("C:\\data\\a.png", "a.png"),
        ("..\\images\\a.png", "a.png"),
        ("images/a.png", "a.png"),
        ("A.PNG", "A.PNG"),
        ("/data/local-files/?d=set/a.png", "a.png"),
    ],
)
def test_a_name_never_leads_out_of_the_data_set(root: Path, name: str, wanted: str) -> None:
    builder, canvas = begin(root, name)
    assert canvas.file_name == wanted
    assert only_picture(builder.delivery()).content == root / "a.png"


NAMES = ["..", ".", "/", "", "a\0b", "\ud800.png", "x\n.png", "../..", "a/../..", "n" * 5000]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_an_image_that_is_only_in_the_label_file_gets_a_plain_name(tmp_path: Path, name: str) -> None:
    builder = Builder(Folder(tmp_path), "test")
    assert builder.image(name, content=base64.b64decode(png_base64(noise()))) is not None
    assert is_plain(only_picture(builder.delivery()).file_name)


def test_names_that_differ_in_case_only_are_told_apart_by_content(tmp_path: Path) -> None:
    for seed, name in enumerate(("train/a.png", "val/A.png", "val/b/a.png", "test/a.png")):
        picture(tmp_path / name, seed=min(seed, 2))
    builder = Builder(Folder(tmp_path), "test")
    for name in ("train/a.png", "val/A.png", "val/b/a.png", "test/a.png"):
        assert builder.image(name, file_name=PurePosixPath(name).name) is not None
    delivery = builder.delivery()
    names = [p.file_name for p in delivery.pictures]
    assert names[0] == "a.png"
    assert len({name.casefold() for name in names}) == 4
    assert checks(delivery) == [("name clash", "repaired")] * 3


def test_an_image_is_never_another_ones_folder(tmp_path: Path) -> None:
    picture(tmp_path / "one/a.png")
    picture(tmp_path / "two/b.png", seed=1)
    builder = Builder(Folder(tmp_path), "test")
    builder.image("one/a.png", file_name="a.png")
    builder.image("two/b.png", file_name="a.png/b.png")
    first, second = builder.delivery().pictures
    assert first.file_name == "a.png"
    assert not second.file_name.startswith("a.png/")


def test_a_name_that_fits_several_files_is_an_error_and_a_path_tells_them_apart(tmp_path: Path) -> None:
    for place in ("one", "two"):
        picture(tmp_path / place / "a.png", seed=len(place))
    picture(tmp_path / "A.png", seed=9)
    folder = Folder(tmp_path)
    assert folder.find("two/a.png") == PurePosixPath("two/a.png")
    assert folder.find("a.png", near=PurePosixPath("one")) == PurePosixPath("one/a.png")
    (tmp_path / "A.png").unlink()
    builder = Builder(Folder(tmp_path), "test")
    assert builder.image("a.png") is None
    assert checks(builder.delivery()) == [("ambiguous image", "error")]


def test_case_tells_two_files_apart_that_differ_in_nothing_else(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "A.png", seed=1)
    folder = Folder(tmp_path)
    assert [str(folder.find(name)) for name in ("a.png", "A.png")] == ["a.png", "A.png"]


def test_a_name_is_found_without_its_ending_or_with_an_address_spelling(tmp_path: Path) -> None:
    picture(tmp_path / "sub/my picture.png")
    folder = Folder(tmp_path)
    assert folder.find("my picture") == folder.find("upload/my%20picture.png") == PurePosixPath("sub/my picture.png")


def test_one_file_listed_twice_is_one_image_with_each_object_once(root: Path) -> None:
    builder, canvas = begin(root)
    canvas.polygons("thing", [ring()], "first")
    again = builder.image("images/a.png")
    assert again is canvas
    again.polygons("thing", [ring()], "second")
    again.polygons("thing", [ring(OTHER)], "third")
    delivery = builder.delivery()
    assert [r.source for r in only_picture(delivery).regions] == ["first", "third"]
    assert checks(delivery) == [("duplicate image", "repaired"), ("duplicate object", "dropped")]


def test_two_names_in_different_folders_never_mean_one_file(tmp_path: Path) -> None:
    picture(tmp_path / "images/train/a.png")
    builder = Builder(Folder(tmp_path), "test")
    assert builder.image("train/a.png") is not None
    assert builder.image("val/a.png") is None
    assert checks(builder.delivery()) == [("ambiguous image", "error")]


def test_more_keys_are_kept_but_not_those_that_segwise_writes_or_that_are_no_json(root: Path) -> None:
    extra = {"id": 7, "file_name": "x", "modality": "mri", "nan": math.nan, "bad": "\ud800", "deep": {"a": [1]}}
    builder, canvas = begin(root, extra=extra)
    canvas.polygons("thing", [ring()], "shape", extra={"area": 3, "note": "n"})
    delivery = builder.delivery()
    assert only_picture(delivery).extra == {"modality": "mri", "deep": {"a": [1]}}
    assert only_region(delivery).extra == {"note": "n"}
    assert checks(delivery) == [("structure", "dropped")]


def test_a_class_needs_a_name_that_can_be_written_and_to_be_known(root: Path) -> None:
    builder, canvas = begin(root)
    builder.category("")
    builder.category("\ud800")
    canvas.polygons("unheard of", [ring()], "shape")
    assert checks(builder.delivery()) == [("structure", "error")] * 2 + [("unknown class", "error")]


def test_more_classes_than_a_class_map_can_hold_are_an_error(root: Path) -> None:
    builder, _ = begin(root)
    for number in range(300):
        builder.category(f"class {number}")
    assert checks(builder.delivery()) == [("too many classes", "error")]


def test_an_image_larger_than_any_reader_takes_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture(tmp_path / "a.png")
    monkeypatch.setattr("segwise.dataset.formats.builder.MAX_PIXELS", 100)
    builder = Builder(Folder(tmp_path), "test")
    assert builder.image("a.png") is None
    assert checks(builder.delivery()) == [("image size", "error")]


def test_images_that_nothing_names_are_counted(root: Path) -> None:
    picture(root / "b.png", seed=1)
    builder, _ = begin(root)
    builder.unused_images("label it")
    (finding,) = builder.delivery().findings
    assert finding.check == "unlabelled image"
    assert "1 image file" in finding.came and "b.png" in finding.came
    assert not errors(builder.delivery())


def area(polygon: list[float], size: int = 400) -> int:
    mask: NDArray[np.uint8] = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects([polygon], size, size)))
    return int(mask.sum())


def test_an_ellipse_has_the_area_of_the_formula_and_turns_clockwise_on_the_screen() -> None:
    assert area(shapes.ellipse(200, 200, 100, 40)) == pytest.approx(math.pi * 100 * 40, rel=0.01)
    turned = shapes.ellipse(200, 200, 100, 1, degrees=45)
    rightmost = max(range(0, len(turned), 2), key=lambda i: turned[i])
    assert turned[rightmost + 1] == pytest.approx(200 + 100 * math.sin(math.pi / 4), abs=1)


def test_a_rectangle_turns_about_its_centre() -> None:
    turned = np.array(shapes.rectangle(10, 20, 30, 24, degrees=90)).reshape(-1, 2)
    assert turned.min(axis=0) == pytest.approx([18, 12])
    assert turned.max(axis=0) == pytest.approx([22, 32])
