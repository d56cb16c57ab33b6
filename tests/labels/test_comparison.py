"""Two inspected revisions side by side: what a person reads, and which images drift is measured on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segwise.dataset import integrity
from segwise.labels.contract.rules import rules
from segwise.labels.inspection import inspect
from segwise.labels.params import ValidateParams
from segwise.labels.revisions import comparison
from tests.factory import make_dataset, read_labels, write_labels

BOOK = rules(ValidateParams())


@pytest.fixture
def before(tmp_path: Path) -> Path:
    root = make_dataset(tmp_path / "before", num_images=40)
    split_groups(root, lambda document: None)
    return root


def split_groups(root: Path, edit: Callable[[dict[str, Any]], object]) -> Path:
    document = read_labels(root)
    for image in document["images"]:
        image["group"] = f"g{image['id']}"
    edit(document)
    write_labels(root, document)
    return root


def compared(before: Path, tmp_path: Path, edit: Callable[[dict[str, Any]], object]) -> comparison.Comparison:
    after = split_groups(make_dataset(tmp_path / "after", num_images=40), edit)
    hashes = integrity.file_hashes(before), integrity.file_hashes(after)
    return comparison.compare(inspect(before, BOOK), inspect(after, BOOK), *hashes)


def keep_one_in_the_first_12(document: dict[str, Any]) -> None:
    seen: set[int] = set()
    rows = document["annotations"]
    document["annotations"] = [
        a for a in rows if a["image_id"] > 12 or (a["image_id"] not in seen and not seen.add(a["image_id"]))
    ]


def test_equal_revisions_differ_in_nothing(before: Path, tmp_path: Path) -> None:
    found = compared(before, tmp_path, lambda document: None)
    assert (found.new, found.gone, found.objects, found.drift_of_changed) == ((), (), (), ())
    assert not any(shift.has_moved for shift in found.drift)
    assert "objects: 0 added, 0 removed, 0 changed" in comparison.words(found)


def test_images_whose_labels_changed_are_held_against_the_earlier_revision(before: Path, tmp_path: Path) -> None:
    found = compared(before, tmp_path, keep_one_in_the_first_12)
    moved = {shift.fact for shift in found.drift_of_changed if shift.has_moved}
    assert "objects per image" in moved
    assert found.images.changed == ()
    assert "drift of the new and changed images" in comparison.words(found)


def test_the_text_sums_up_by_image_and_class_and_is_short(before: Path, tmp_path: Path) -> None:
    found = compared(before, tmp_path, keep_one_in_the_first_12)
    lines = comparison.words(found).splitlines()
    num = len(found.objects)
    assert f"objects: 0 added, {num} removed, 0 changed" in lines
    removed = [line for line in lines if line.startswith("  removed image_")]
    assert len(removed) == comparison.SHOW
    assert all(line.endswith(" disc") for line in removed)
    assert any("more (see --json)" in line for line in lines)
    assert f"({-num:+d})" in next(line for line in lines if line.startswith("  disc"))
    assert len(found.values()["objects"]) == num
