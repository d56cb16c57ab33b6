"""Label maps find their images by name."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from segwise.dataset.formats import pairs
from segwise.dataset.formats.folder import Folder


def found(root: Path, *files: str) -> pairs.Pairs:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(b"")
    return pairs.find(Folder(root), pairs.INSTANCE_WORDS)


@pytest.mark.parametrize(
    ("image", "label"),
    [
        ("images/a.jpg", "masks/a.png"),
        ("images/a.tif", "labels/a.tif"),
        ("images/cell_1.bmp", "labels/cell_1_label.tiff"),
        ("a.png", "a_cp_masks.png"),
        ("a_img.png", "a_masks.png"),
        ("train/a.jpg", "train/a_mask.png"),
        ("train/a.jpg", "train_labels/a.png"),
        ("train/a.png", "trainannot/a.png"),
        ("train/images/a.tif", "train/masks/a.tif"),
        ("images/training/a.jpg", "annotations/training/a.png"),
        ("img/a.png", "ground_truth/a.png"),
        ("images/0016E5_1.png", "labels/0016E5_1_P.png"),
        ("imgs/image_01.png", "masks/mask_01.png"),
        ("x_sat.jpg", "x_mask.png"),
    ],
)
def test_usual_names_pair(tmp_path: Path, image: str, label: str) -> None:
    assert found(tmp_path, image, label).found == ((PurePosixPath(image), PurePosixPath(label)),)


def test_the_same_name_in_two_splits_pairs_within_each(tmp_path: Path) -> None:
    names = [f"{split}/{kind}/1.png" for split in ("train", "val") for kind in ("images", "masks")]
    assert {image.parts[0]: label.parts[0] for image, label in found(tmp_path, *names).found} == {
        "train": "train",
        "val": "val",
    }


def test_what_fits_nothing_is_told(tmp_path: Path) -> None:
    rest = found(tmp_path, "images/a.png", "images/b.png", "masks/a.png", "masks/c.png", "masks/a_mask.png")
    assert [str(i) for i in rest.unlabelled] == ["images/b.png"]
    assert [str(label) for label, _ in rest.orphans] == ["masks/c.png"]
    assert [(str(i), str(label)) for i, label in rest.doubles] == [("images/a.png", "masks/a_mask.png")]


def test_two_images_that_fit_equally_well_leave_the_map_an_orphan(tmp_path: Path) -> None:
    rest = found(tmp_path, "images/a.png", "images/a.jpg", "masks/a.png")
    assert rest.found == () and [len(fitting) for _, fitting in rest.orphans] == [2]


def test_names_drop_the_folders_that_say_nothing() -> None:
    assert pairs.data_name(PurePosixPath("images/a.png")) == "a.png"
    assert pairs.data_name(PurePosixPath("b7/images/b7.png")) == "b7.png"
    assert pairs.data_name(PurePosixPath("train/images/a.png")) == "train/a.png"


def test_the_deepest_folder_that_names_a_split_counts() -> None:
    assert pairs.split_of(PurePosixPath("images/training/a.png")) == "train"
    assert pairs.split_of(PurePosixPath("valannot/a.png")) == "val"
    assert pairs.split_of(PurePosixPath("contrast/a.png")) is None
