"""Accepted findings are recognised by what they are about: renumbered labels stay accepted, changed ones are new."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segwise.dataset import coco
from segwise.dataset.finding import Finding
from segwise.errors import IntegrityError
from segwise.labels.contract import baseline
from tests.factory import annotation, make_dataset, read_labels, write_labels

NAME = "image_000.png"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_dataset(tmp_path / "data", num_images=2)


def changed(root: Path, edit: Callable[[list[dict[str, Any]]], object]) -> coco.Dataset:
    document = read_labels(root)
    edit(document["annotations"])
    write_labels(root, document)
    return coco.read(root)


def block(y: int, x: int) -> np.ndarray:
    mask = np.zeros((96, 128), dtype=bool)
    mask[y : y + 9, x : x + 9] = True
    return mask


def renumber(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        row["id"] += 1000


def finding(number: int | None, came: str = "tiny", check: str = "tiny area", image: str | None = NAME) -> Finding:
    return Finding(check, "warning", image, number, came, "look")


def accepted(found: list[Finding], dataset: coco.Dataset) -> baseline.Baseline:
    return baseline.accept(baseline.Baseline(), found, dataset, reason="known", by="ada", data_revision="0.dir")


def test_an_accepted_finding_is_not_new_and_another_one_is(root: Path) -> None:
    dataset = coco.read(root)
    known = accepted([finding(1)], dataset)
    assert baseline.split([finding(2), finding(1)], dataset, known) == ((finding(2),), (finding(1),))


def test_labels_numbered_anew_stay_accepted(root: Path) -> None:
    known = accepted([finding(1)], coco.read(root))
    new, old = baseline.split([finding(1001)], changed(root, renumber), known)
    assert (new, old) == ((), (finding(1001),))


def test_an_object_drawn_anew_is_a_new_finding_and_the_old_one_is_stale(root: Path) -> None:
    known = accepted([finding(1)], coco.read(root))
    dataset = changed(root, lambda rows: rows.__setitem__(0, annotation(block(3, 3), 1, 1)))
    assert baseline.split([finding(1)], dataset, known) == ((finding(1),), ())
    assert [entry.object_id for entry in baseline.stale([finding(1)], dataset, known)] == ["1"]


def test_a_pair_is_a_new_finding_when_its_other_object_was_drawn_anew(root: Path) -> None:
    pair = finding(1, "20% of it lies in object 2 of the same class", "overlap")
    known = accepted([pair], coco.read(root))
    assert baseline.split([pair], coco.read(root), known)[0] == ()
    dataset = changed(root, lambda rows: rows.__setitem__(1, annotation(block(3, 3), 2, 1)))
    assert baseline.split([pair], dataset, known)[0] == (pair,)


def test_a_pair_numbered_anew_stays_accepted(root: Path) -> None:
    known = accepted([finding(1, "lies in object 2 of the same class", "overlap")], coco.read(root))
    moved = finding(1001, "lies in object 1002 of the same class", "overlap")
    assert baseline.split([moved], changed(root, renumber), known)[0] == ()


def test_one_more_copy_of_an_accepted_copy_is_new(root: Path) -> None:
    dataset = changed(root, lambda rows: rows.extend([rows[0] | {"id": 900}, rows[0] | {"id": 901}]))
    known = accepted([finding(900)], dataset)
    assert baseline.split([finding(900), finding(901)], dataset, known) == ((finding(901),), (finding(900),))


def test_a_finding_of_an_image_is_recognised_by_its_words(root: Path) -> None:
    dataset = coco.read(root)
    known = accepted([finding(None, "24 pixels")], dataset)
    assert baseline.split([finding(None, "24 pixels")], dataset, known)[0] == ()
    assert len(baseline.split([finding(None, "25 pixels")], dataset, known)[0]) == 1
    assert len(baseline.split([finding(None, "24 pixels", image="image_001.png")], dataset, known)[0]) == 1


@pytest.mark.parametrize(
    ("came", "is_new"),
    [
        ("34 of 467 images (7%), such as b.png: 3 px", False),
        ("50 of 500 images (10%), such as b.png: 3 px", False),
        ("80 of 500 images (16%), such as a.png: 3 px", True),
        ("34 of 467 'class 2' objects (7%), such as a.png: 3 px", True),
    ],
)
def test_a_finding_of_the_whole_set_stays_accepted_until_a_number_doubles(root: Path, came: str, is_new: bool) -> None:
    dataset = coco.read(root)
    known = accepted([finding(None, "34 of 467 images (7%), such as a.png: 900 px", image=None)], dataset)
    new, _ = baseline.split([finding(None, came, image=None)], dataset, known)
    assert bool(new) is is_new


def test_numbers_in_names_tell_findings_apart(root: Path) -> None:
    dataset = coco.read(root)
    known = accepted([finding(None, "class 'layer 1': 3 objects", image=None)], dataset)
    other = finding(None, "class 'layer 2': 3 objects", image=None)
    assert baseline.split([other], dataset, known)[0] == (other,)


def test_a_baseline_comes_back_from_its_file_which_has_a_line_per_finding(root: Path, tmp_path: Path) -> None:
    made = accepted([finding(2), finding(1), finding(None, "„quoted“ \n", image=None)], coco.read(root))
    made = baseline.Baseline(made.accepted, {"size": {"n": 3}}, "0.dir")
    path = tmp_path / "registry/labels.json"
    baseline.save(made, path)
    read = baseline.load(path)
    assert (set(read.accepted), read.facts, read.facts_revision) == (set(made.accepted), made.facts, "0.dir")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert sum('"reason": "known"' in line for line in lines) == 3
    assert json.loads(path.read_text(encoding="utf-8"))["facts"] == {"size": {"n": 3}}
    assert baseline.as_text(read) == baseline.as_text(made)


def test_an_absent_file_is_an_empty_baseline(tmp_path: Path) -> None:
    assert baseline.load(tmp_path / "none.json") == baseline.Baseline()


def test_the_shipped_baseline_is_empty_and_as_it_would_be_written() -> None:
    path = Path(__file__).resolve().parents[2] / baseline.PATH
    assert baseline.as_text(baseline.load(path)) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["", "[]", '{"accepted": [{"check": "x"}], "facts": {}, "facts_revision": ""}'])
def test_a_damaged_file_is_refused_with_what_restores_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "labels.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(IntegrityError, match="git checkout"):
        baseline.load(path)


def test_what_cannot_be_read_cannot_be_accepted() -> None:
    assert not any(baseline.is_acceptable(check) for check in ("file missing", "not finite", "duplicate id"))
    assert all(baseline.is_acceptable(check) for check in ("duplicate object", "overlap", "drift"))
