"""What changed between two data revisions is told by content: numbers alone are no change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segwise.dataset import coco
from segwise.dataset.finding import Finding
from segwise.labels.revisions import difference
from tests.factory import annotation, make_dataset, read_labels, write_labels

Rows = list[dict[str, Any]]


@pytest.fixture
def before(tmp_path: Path) -> coco.Dataset:
    return coco.read(make_dataset(tmp_path / "before", num_images=3))


def after(tmp_path: Path, edit: Callable[[dict[str, Any]], object]) -> coco.Dataset:
    root = make_dataset(tmp_path / "after", num_images=3)
    document = read_labels(root)
    edit(document)
    write_labels(root, document)
    return coco.read(root)


def changes(old: coco.Dataset, new: coco.Dataset) -> list[tuple[str, str, int]]:
    return [(c.kind, c.image, c.object_id) for c in difference.objects(old, new, {})]


def test_equal_labels_have_no_change(before: coco.Dataset, tmp_path: Path) -> None:
    assert changes(before, after(tmp_path, lambda document: None)) == []


def test_labels_numbered_anew_have_not_changed(before: coco.Dataset, tmp_path: Path) -> None:
    def edit(document: dict[str, Any]) -> None:
        for row in document["annotations"]:
            row["id"] += 1  # the ids of neighbours: the same number is now another object

    assert changes(before, after(tmp_path, edit)) == []


def test_added_removed_and_redrawn_objects_are_told_apart(before: coco.Dataset, tmp_path: Path) -> None:
    mask = np.zeros((96, 128), dtype=bool)
    mask[1:5, 1:9] = True

    def edit(document: dict[str, Any]) -> None:
        rows = document["annotations"]
        rows[0] = annotation(mask, rows[0]["id"], rows[0]["image_id"])
        del rows[1]
        rows.append(annotation(mask, 900, 2))

    assert changes(before, after(tmp_path, edit)) == [
        ("removed", "image_000.png", 2),
        ("changed", "image_000.png", 1),
        ("added", "image_001.png", 900),
    ]


def test_a_redrawn_mask_says_both_areas_and_the_overlap(before: coco.Dataset, tmp_path: Path) -> None:
    first = before.images[0].annotations[0]

    def edit(document: dict[str, Any]) -> None:
        mask = np.zeros((96, 128), dtype=bool)
        mask[0, 0] = True
        document["annotations"][0] = annotation(mask, first.id, 1)

    (change,) = difference.objects(before, after(tmp_path, edit), {})
    assert change.words == f"mask {first.area_px:.0f} → 1 px, IoU 0.000"


def test_another_class_is_a_change_with_both_names(before: coco.Dataset, tmp_path: Path) -> None:
    def edit(document: dict[str, Any]) -> None:
        document["categories"].append({"id": 2, "name": "ring", "isthing": 1})
        document["annotations"][0]["category_id"] = 2
        document["annotations"][1]["iscrowd"] = 1

    new = after(tmp_path, edit)
    words = [c.words for c in difference.objects(before, new, {})]
    assert words == ["class disc → ring", "now ignored"]
    num = sum(len(record.annotations) for record in before.images)
    assert difference.classes(before, new) == {"disc": (num, num - 2), "ring": (0, 1)}


def test_the_objects_of_a_removed_image_are_removed_and_of_a_renamed_one_are_not(
    before: coco.Dataset, tmp_path: Path
) -> None:
    def edit(document: dict[str, Any]) -> None:
        document["images"][0]["file_name"] = "new.png"

    new = after(tmp_path, edit)
    num = len(before.images[0].annotations)
    assert [kind for kind, _, _ in changes(before, new)] == ["added"] * num + ["removed"] * num
    assert difference.objects(before, new, {"new.png": "image_000.png"}) == []


def test_images_are_told_apart_by_name_and_bytes() -> None:
    names = difference.images({"a": "1", "b": "2", "c": "3", "d": "4"}, {"a": "1", "b": "9", "x": "3", "y": "5"})
    assert (names.added, names.removed, names.changed, names.renamed) == (("y",), ("d",), ("b",), (("c", "x"),))


def test_findings_are_new_gone_or_still_there(before: coco.Dataset, tmp_path: Path) -> None:
    def edit(document: dict[str, Any]) -> None:
        for row in document["annotations"]:
            row["id"] += 500

    def found(check: str, number: int) -> Finding:
        return Finding(check, "warning", "image_000.png", number, "came", "do")

    new = after(tmp_path, edit)
    old_side = (before, [found("a", 1), found("b", 2), found("b", 2)])
    new_side = (new, [found("a", 501), found("b", 502), found("c", 501)])
    assert difference.findings(old_side, new_side) == (
        (found("c", 501),),
        (found("b", 2),),
        (found("a", 501), found("b", 502)),
    )
