"""One mask file per object becomes one object each, exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segwise.dataset.formats import object_masks
from segwise.dataset.formats.delivery import Delivery, Options
from segwise.dataset.formats.folder import Folder
from segwise.errors import DataInvalidError, UsageError
from tests.dataset.formats.drawn import SIZE, checks, labels, pictures, shape, shapes, write, write_image

FORMS = {"bowl": ("{0}/images/{0}.png", "{0}/masks/{1}.png"), "folders": ("images/{0}.png", "masks/{0}/{1}.png"),
         "numbers": ("images/{0}.png", "masks/{0}_{1}.png"), "words": ("images/{0}.png", "masks/{0}_mask_{1}.png"),
         "beside": ("{0}.png", "{0}_mask_{1}.png")}  # fmt: skip


def objects() -> list[np.ndarray]:  # type: ignore[type-arg]
    """Three objects; the second overlaps the first, the third has two pieces."""
    first, second, third = (labels() == n for n in (1, 2, 3))
    second[3:5, 5:12] = True
    return [first, second, third]


def deliver(root: Path, *classes: str) -> Delivery:
    return object_masks.read(Folder(root), Options(classes))


def write_set(root: Path, form: str = "bowl", name: str = "ab12") -> None:
    image, mask = FORMS[form]
    write_image(root / image.format(name))
    for number, pixels in enumerate(objects()):
        write(root / mask.format(name, number), pixels.astype(np.uint8) * 255)


@pytest.mark.parametrize("form", FORMS)
def test_every_layout_keeps_all_pixels_overlaps_and_pieces(tmp_path: Path, form: str) -> None:
    for name in ("ab12", "cd_7"):
        write_set(tmp_path, form, name)
    assert object_masks.looks_like(Folder(tmp_path))
    delivery = deliver(tmp_path, "nucleus")
    assert set(pictures(delivery)) == {"ab12.png", "cd_7.png"}
    for picture in delivery.pictures:
        assert shapes(picture) == sorted(shape("nucleus", mask) for mask in objects())
    assert checks(delivery) == []


def test_maps_under_the_images_own_names_are_another_format(tmp_path: Path) -> None:
    for name in ("a", "a_1", "a_2"):
        write_image(tmp_path / "images" / f"{name}.png")
        write(tmp_path / "masks" / f"{name}.png", labels().astype(np.uint8))
    assert not object_masks.looks_like(Folder(tmp_path))


@pytest.mark.parametrize("kind", ["ones", "deep", "palette", "white on black palette", "rgba", "alpha only", "bool"])
def test_any_way_to_write_a_mask_gives_the_same_object(tmp_path: Path, kind: str) -> None:
    mask = labels() == 1
    write_image(tmp_path / "a/images/a.png")
    file, value = tmp_path / "a/masks/x.png", mask.astype(np.uint8)
    colour = np.stack([value * 255] * 3, axis=-1)
    if kind == "bool":
        write(file, mask)
    elif kind == "deep":
        write(file, mask.astype(np.uint16) * 65535)
    elif kind == "palette":
        write(file, value, [0, 0, 0, 128, 0, 0])
    elif kind == "white on black palette":
        write(file, 1 - value, [255, 255, 255, 0, 0, 0])
    elif kind == "rgba":
        write(file, np.dstack([colour, np.full(SIZE, 255, np.uint8)]))
    elif kind == "alpha only":
        write(file, np.dstack([colour * 0, value * 255]))
    else:
        write(file, value)
    assert shapes(deliver(tmp_path).pictures[0]) == [shape("object", mask)]


def test_an_empty_mask_is_dropped_with_a_finding(tmp_path: Path) -> None:
    write_set(tmp_path)
    write(tmp_path / "ab12/masks/none.png", np.zeros(SIZE, np.uint8))
    delivery = deliver(tmp_path)
    assert len(delivery.pictures[0].regions) == 3
    assert checks(delivery) == [("zero area", "warning", "dropped")]
    assert delivery.findings[0].object_id == "ab12/masks/none.png"


def test_a_mask_of_another_size_is_an_error_with_both_sizes(tmp_path: Path) -> None:
    write_set(tmp_path)
    write(tmp_path / "ab12/masks/small.png", np.ones((12, 16), np.uint8))
    delivery = deliver(tmp_path)
    assert checks(delivery) == [("size mismatch", "error", "")]
    assert "16 × 12" in delivery.findings[0].came and "32 × 24" in delivery.findings[0].came


def test_a_smooth_edge_is_cut_at_half_and_said(tmp_path: Path) -> None:
    mask = (labels() == 3).astype(np.uint8) * 255
    mask[11, 1:5], mask[20, 1:5] = 60, 200
    write_image(tmp_path / "a/images/a.png")
    write(tmp_path / "a/masks/x.png", mask)
    delivery = deliver(tmp_path)
    assert shapes(delivery.pictures[0]) == [shape("object", mask > 127)]
    assert checks(delivery) == [("smoothed edge", "warning", "approximated")]


def test_a_map_of_ids_in_the_place_of_a_mask_is_an_error(tmp_path: Path) -> None:
    write_image(tmp_path / "a/images/a.png")
    write(tmp_path / "a/masks/x.png", labels().astype(np.uint8) * np.uint8(20))
    assert checks(deliver(tmp_path)) == [("unknown value", "error", "")]


def test_a_blurred_jpeg_is_an_error_and_a_clean_one_is_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    write_image(tmp_path / "a/images/a.png")
    noisy = np.where(rng.random(SIZE) < 0.5, 255, 0).astype(np.uint8)
    write(tmp_path / "a/masks/x.jpg", noisy, quality=40)
    delivery = deliver(tmp_path)
    assert checks(delivery) == [("lossy labels", "error", "")] and "PNG" in delivery.findings[0].remedy
    clean = np.zeros(SIZE, bool)
    clean[8:16, 8:24] = True  # whole blocks of 8 × 8 pixels
    write(tmp_path / "a/masks/x.jpg", clean.astype(np.uint8) * 255, quality=100)
    assert shapes(deliver(tmp_path).pictures[0]) == [shape("object", clean)]


def test_an_image_without_masks_is_empty_only_where_a_folder_says_so(tmp_path: Path) -> None:
    write_set(tmp_path)
    write_image(tmp_path / "empty/images/empty.png")
    (tmp_path / "empty/masks").mkdir()
    write_image(tmp_path / "new/images/new.png")
    delivery = deliver(tmp_path)
    assert {name: len(p.regions) for name, p in pictures(delivery).items()} == {"ab12.png": 3, "empty.png": 0}
    assert checks(delivery) == [("no labels", "warning", "dropped")]


def test_a_mask_without_an_image_is_an_error(tmp_path: Path) -> None:
    write_set(tmp_path)
    write(tmp_path / "gone/masks/1.png", np.ones(SIZE, np.uint8))
    assert checks(deliver(tmp_path)) == [("file missing", "error", "")]


def test_a_damaged_mask_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    write_set(tmp_path)
    (tmp_path / "ab12/masks/1.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    delivery = deliver(tmp_path)
    assert len(delivery.pictures[0].regions) == 2
    assert [(f.check, f.object_id) for f in delivery.findings] == [("file unreadable", "ab12/masks/1.png")]


def test_masks_lie_on_a_turned_photo_as_it_is_stored(tmp_path: Path) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it
    write_image(tmp_path / "a/images/a.png", exif=exif)
    write(tmp_path / "a/masks/x.png", (labels() == 1).astype(np.uint8))
    picture = deliver(tmp_path).pictures[0]
    assert (picture.height, picture.width) == SIZE[::-1]
    assert shapes(picture) == [shape("object", np.rot90(labels() == 1, -1))]


def test_two_class_names_are_refused_as_the_masks_say_nothing_of_classes(tmp_path: Path) -> None:
    write_set(tmp_path)
    with pytest.raises(UsageError, match="one class name"):
        deliver(tmp_path, "a", "b")
    with pytest.raises(DataInvalidError, match="one file per object"):
        object_masks.read(Folder(tmp_path / "ab12/images"), Options())
