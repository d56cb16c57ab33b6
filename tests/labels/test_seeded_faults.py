"""Every fault, planted alone in clean data, is found and named; the clean data has none."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from segwise.labels.contract import suite
from segwise.labels.contract.checks import CHECKS
from segwise.labels.contract.judge import num_broken
from segwise.labels.contract.rules import rules
from segwise.labels.inspection import inspect
from segwise.labels.params import ValidateParams
from tests.factory import annotation, read_labels, write_labels
from tests.labels.clean import DISC, GROUND, HEIGHT, SQUARE, WIDTH, Document, Mask, block, disc, make_clean

BOOK = rules(ValidateParams(output_cap=12, max_imbalance=20))
NEW = 900  # the id of a planted object
IMAGE = "image_003.png"
NUMBER = 4  # its id
Edit = Callable[[Path, Document], object]


@dataclass(frozen=True)
class Fault:
    """`edit` plants it; it is found at `image` and `object_id`. `also`: other checks that rightly speak up."""

    edit: Edit
    image: str | None = IMAGE
    object_id: int | None = None
    also: frozenset[str] = frozenset()


def fault(edit: Edit, image: str | None = IMAGE, object_id: int | None = None, also: str = "") -> Fault:
    return Fault(edit, image, object_id, frozenset(also.split(", ")) - {""})


def of(document: Document, category: int, place: int = 0) -> dict[str, Any]:
    """An annotation of the image."""
    found = [a for a in document["annotations"] if (a["image_id"], a["category_id"]) == (NUMBER, category)]
    return dict(found[place]) if place < 0 else found[place]


def plant(document: Document, mask: Mask, category: int = SQUARE, number: int = NEW, **keys: Any) -> None:
    document["annotations"].append(annotation(mask, number, NUMBER, category) | keys)


def mask_of(row: dict[str, Any]) -> Mask:
    rle = row["segmentation"]
    return np.asarray(coco_mask.decode({"size": rle["size"], "counts": rle["counts"].encode()}), dtype=bool)


def clear(document: Document) -> None:
    """Room between sky and ground of the image."""
    document["annotations"] = [
        a for a in document["annotations"] if a["image_id"] != NUMBER or a["category_id"] not in (DISC, SQUARE)
    ]


def set_first(**keys: Any) -> Edit:
    return lambda root, document: of(document, SQUARE).update(keys)


def polygon(*parts: list[float]) -> Edit:
    def edit(root: Path, document: Document) -> None:
        plant(document, block(3, 3, 12))
        document["annotations"][-1] = {
            "id": NEW, "image_id": NUMBER, "category_id": SQUARE, "iscrowd": 0, "segmentation": list(parts)
        }  # fmt: skip

    return edit


def cleared(*masks: Mask, category: int = DISC) -> Edit:
    def edit(root: Path, document: Document) -> None:
        clear(document)
        for number, mask in enumerate(masks, start=NEW):
            plant(document, mask, category, number)

    return edit


def image(change: Callable[[Path, np.ndarray], object], name: str = IMAGE) -> Edit:
    def edit(root: Path, document: Document) -> None:
        path = root / "images" / name
        change(path, np.asarray(Image.open(path)))

    return edit


def copied(source: str, target: str, dim: float = 1.0) -> Edit:
    def edit(root: Path, document: Document) -> None:
        pixels = np.asarray(Image.open(root / "images" / source))
        Image.fromarray((pixels * dim).astype(np.uint8)).save(root / "images" / target)

    return edit


def semantic(change: Callable[[np.ndarray], object]) -> Edit:
    def edit(root: Path, document: Document) -> None:
        path = root / "semantic" / IMAGE
        values = np.array(Image.open(path))
        change(values)
        Image.fromarray(values).save(path)

    return edit


def picture(document: Document) -> dict[str, Any]:
    return dict_of(document["images"], NUMBER)


def dict_of(rows: list[dict[str, Any]], number: int) -> dict[str, Any]:
    return next(row for row in rows if row["id"] == number)


def new_class(count: int) -> Edit:
    def edit(root: Path, document: Document) -> None:
        document["categories"].append({"id": 5, "name": "star", "isthing": 1})
        for number in range(count):
            document["annotations"].append(annotation(block(3, 3, 12), NEW + number, 2 * number + 1, 5))

    return edit


def rim(root: Path, document: Document) -> None:
    whole = mask_of(of(document, DISC)).astype(np.uint8)
    grown = cv2.dilate(whole, np.ones((3, 3), np.uint8)).astype(bool)
    columns = np.arange(WIDTH) < np.flatnonzero(whole.any(axis=0)).mean()
    plant(document, grown & ~whole.astype(bool) & columns)


def fragment(root: Path, document: Document) -> None:
    clear(document)
    plant(document, block(30, 10, 14) | block(30, 60, 8))


def specks(root: Path, document: Document) -> None:
    row = of(document, SQUARE)
    mask = mask_of(row)
    y, x = (int(v[0]) for v in np.nonzero(mask))
    mask[y - 2, x] = True
    row.update(annotation(mask, row["id"], NUMBER, SQUARE))


def many(root: Path, document: Document) -> None:
    for number, x in enumerate(range(2, 92, 18)):
        plant(document, block(3, x, 12), number=NEW + number)


def without_annotations(root: Path, document: Document) -> None:
    document["annotations"] = [a for a in document["annotations"] if a["image_id"] != NUMBER]
    (root / "semantic" / IMAGE).unlink()


def in_ground(root: Path, document: Document) -> None:
    row = of(document, GROUND)
    row.update(annotation(mask_of(row) | block(8, 0, 10, WIDTH), row["id"], NUMBER, GROUND))
    (root / "semantic" / IMAGE).unlink()


FIRST = 35  # id of the first square of the image: ten regions an image, its fifth
SIZE = "size outlier"
FAULTS: dict[str, Fault] = {
    "structure": fault(set_first(iscrowd=7), object_id=FIRST, also="semantic map"),
    "empty data set": fault(
        lambda r, d: d.update(images=[], annotations=[]), None, also="unused class, file without labels"
    ),
    "too many classes": fault(
        lambda r, d: d["categories"].extend({"id": n, "name": f"class {n}"} for n in range(5, 256)),
        None, also="unused class",
    ),
    "duplicate id": fault(set_first(id=FIRST - 1), object_id=FIRST - 1, also="semantic map"),
    "unknown image": fault(set_first(image_id=99), None, FIRST, "semantic map"),
    "unknown category": fault(set_first(category_id=99), object_id=FIRST, also="semantic map"),
    "not finite": fault(set_first(area=float("nan")), object_id=FIRST, also="semantic map"),
    "outside the image": fault(set_first(bbox=[120, 40, 30, 10]), object_id=FIRST, also="semantic map"),
    "RLE size": fault(
        set_first(segmentation={"size": [9, 9], "counts": "l2"}), object_id=FIRST, also="semantic map"
    ),
    "RLE damaged": fault(
        set_first(segmentation={"size": [HEIGHT, WIDTH], "counts": "~"}), object_id=FIRST, also="semantic map"
    ),
    "zero area": fault(lambda r, d: plant(d, block(0, 0, 0)), object_id=NEW),
    "odd polygon": fault(polygon([3, 3, 15, 3, 15, 15, 3]), object_id=NEW),
    "few points": fault(polygon([3, 3, 15, 15]), object_id=NEW),
    "file missing": fault(image(lambda path, pixels: path.unlink())),
    "file unreadable": fault(image(lambda path, pixels: path.write_bytes(path.read_bytes()[:-50]))),
    "size mismatch": fault(image(lambda path, pixels: Image.fromarray(pixels[1:]).save(path))),
    "group across splits": fault(lambda r, d: picture(d).update(split="val")),
    "duplicate across splits": fault(copied("image_003.png", "image_010.png"), "image_010.png"),
    "near-duplicate across splits": fault(copied("image_003.png", "image_010.png", 0.7), "image_010.png"),
    "duplicate object": fault(
        lambda r, d: plant(d, mask_of(of(d, SQUARE))), object_id=NEW, also="touching objects"
    ),
    "file without labels": fault(
        image(lambda path, pixels: Image.fromarray(pixels).save(path.with_name("stray.png"))), "stray.png"
    ),
    "duplicate image": fault(copied("image_001.png", "image_003.png")),
    "near-duplicate image": fault(copied("image_001.png", "image_003.png", 0.7)),
    "blank image": fault(image(lambda path, pixels: Image.new("RGB", (WIDTH, HEIGHT)).save(path))),
    "empty image": fault(without_annotations),
    "ignored image": fault(lambda r, d: plant(d, block(0, 0, HEIGHT, WIDTH), iscrowd=1)),
    "group missing": fault(lambda r, d: picture(d).pop("group")),
    "output cap": fault(many, also="semantic map"),
    "class conflict": fault(in_ground),
    "semantic map": fault(semantic(lambda values: values[20:25].fill(GROUND))),
    "stray values": fault(semantic(lambda values: values[20, :50].fill(77))),
    "id zero": fault(set_first(id=0), object_id=0),
    "two classes": fault(
        lambda r, d: plant(d, mask_of(of(d, SQUARE)), DISC), object_id=NEW, also="semantic map"
    ),
    "overlap": fault(
        cleared(block(30, 10, 14), block(38, 14, 14), category=SQUARE), object_id=NEW + 1,
        also="touching objects, shared pixels, semantic map",
    ),
    "tiny area": fault(lambda r, d: plant(d, block(3, 3, 1, 2)), object_id=NEW, also=SIZE),
    "stored area": fault(set_first(area=10), object_id=FIRST),
    "stored box": fault(set_first(bbox=[70, 30, 12, 12]), object_id=FIRST),
    "self-intersection": fault(polygon([10, 2, 30, 16, 30, 2, 10, 16]), object_id=NEW, also="semantic map"),
    "hole lost": fault(
        polygon([4, 2, 20, 2, 20, 16, 4, 16], [8, 6, 8, 12, 14, 12, 14, 6]), object_id=NEW, also="semantic map"
    ),
    "far fragments": fault(fragment, object_id=NEW, also="semantic map, merged object"),
    "stray pixels": fault(specks, object_id=FIRST),
    "rim": fault(rim, object_id=NEW, also=SIZE),
    "cut object": fault(
        cleared(disc(50, 40, 9) & ~disc(50, 40, 5), disc(50, 40, 5)), object_id=NEW + 1,
        also=f"touching objects, semantic map, {SIZE}",
    ),
    "merged object": fault(
        cleared(disc(50, 40, 8) | disc(50, 57, 8) | block(50, 45, 2, 8)), object_id=NEW, also=f"semantic map, {SIZE}"
    ),
    "size outlier": fault(cleared(disc(48, 60, 22)), object_id=NEW, also="semantic map"),
    "unused class": fault(new_class(0), None),
    "rare class": fault(new_class(3), None, also="semantic map"),
    "imbalance": fault(new_class(1), None, also="rare class, semantic map"),
    "similar class names": fault(lambda r, d: d["categories"][1].update(name="Disc "), None),
    "touching objects": fault(cleared(disc(50, 30, 8), disc(50, 47, 8)), None, also="semantic map"),
    "shared pixels": fault(cleared(disc(50, 30, 8), disc(50, 46, 8)), None, also="touching objects, semantic map"),
}  # fmt: skip


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clean(tmp_path_factory.mktemp("clean") / "data")


@pytest.fixture
def root(clean: Path, tmp_path: Path) -> Path:
    return shutil.copytree(clean, tmp_path / "data")


def test_clean_data_has_no_finding(root: Path) -> None:
    assert inspect(root, BOOK).findings == ()


def test_every_check_has_its_fault() -> None:
    assert set(FAULTS) == set(CHECKS) - {"drift"}  # of two revisions: see test_drift


@pytest.mark.parametrize("check", FAULTS)
def test_a_planted_fault_is_found_and_named(check: str, root: Path) -> None:
    planted = FAULTS[check]
    document = read_labels(root)
    planted.edit(root, document)
    write_labels(root, document)
    found = inspect(root, BOOK).findings
    assert (check, planted.image, planted.object_id) in {(f.check, f.image, f.object_id) for f in found}
    assert {f.check for f in found} - {check} <= planted.also
    assert all(f.came and f.remedy and f.severity == CHECKS[f.check].severity for f in found)


def test_great_expectations_counts_what_the_findings_say(root: Path, tmp_path: Path) -> None:
    document = read_labels(root)
    for check in ("id zero", "stored area", "rim", "blank image", "unused class", "semantic map", "group missing"):
        FAULTS[check].edit(root, document)
    copied("image_001.png", "image_010.png")(root, document)
    write_labels(root, document)
    found = inspect(root, BOOK)
    counted = suite.run(found.tables, BOOK, tmp_path / "docs")
    assert counted == num_broken(found.tables, BOOK)
    listed = [f.check for f in found.findings]
    assert {check: listed.count(check) for check in set(listed)} == {c: n for c, n in counted.items() if n}
    assert len(set(listed)) >= 8
