"""Validation finds what is wrong, names it, and writes facts, findings and Data Docs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from segwise.dataset import coco
from segwise.dataset.params import DataParams
from segwise.dataset.targets import objects
from segwise.errors import DataInvalidError
from segwise.labels import contract, facts, findings
from segwise.labels.inspection import inspect
from segwise.labels.params import ValidateParams
from segwise.labels.rules import rules
from segwise.stages import validate
from tests.factory import annotation, make_dataset, read_labels, write_labels

BOOK = rules(ValidateParams())


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder with data/ in it, the working directory of the test."""
    make_dataset(tmp_path / "data", num_images=4)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def change(root: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    document = read_labels(root / "data")
    edit(document)
    write_labels(root / "data", document)


def block(y: int, x: int, height: int, width: int) -> np.ndarray:
    mask = np.zeros((96, 128), dtype=bool)
    mask[y : y + height, x : x + width] = True
    return mask


def test_sound_data_gives_facts_findings_and_the_same_bytes_twice(project: Path) -> None:
    result = validate.run(DataParams(), ValidateParams())
    assert (result["num_images"], result["num_errors"], result["num_warnings"]) == (4, 0, 0)
    files = [p for p in Path("work/labels").rglob("*") if p.is_file()]
    assert Path("work/labels/data_docs/index.html") in files
    before = {p: p.read_bytes() for p in files}
    validate.run(DataParams(), ValidateParams())
    assert {p: p.read_bytes() for p in files} == before
    rows = pd.read_parquet("work/labels/objects.parquet")
    areas = np.concatenate([objects(r).areas_px for r in coco.read(Path("data")).images])
    assert rows["area_px"].tolist() == areas.tolist()


def test_an_error_stops_the_stage_and_all_findings_are_kept(project: Path) -> None:
    def edit(document: dict[str, Any]) -> None:
        for row in document["annotations"][:5]:
            row["category_id"] = 3

    change(project, edit)
    with pytest.raises(DataInvalidError) as refused:
        validate.run(DataParams(), ValidateParams())
    said = str(refused.value)
    assert "5 errors" in said
    assert "image image_000.png, object 1" in said
    assert "and 2 more" in said
    assert refused.value.exit_code == 4
    assert len(json.loads(Path(".segwise/findings.json").read_text())) == 5


@pytest.mark.parametrize(
    ("check", "damage"),
    [
        ("file missing", lambda path: path.unlink()),
        ("file unreadable", lambda path: path.write_bytes(path.read_bytes()[:-50])),
        ("file unreadable", lambda path: path.write_bytes(b"")),
        ("size mismatch", lambda path: Image.new("RGB", (128, 95)).save(path)),
    ],
)
def test_a_broken_image_file_is_an_error_with_its_name(
    project: Path, check: str, damage: Callable[[Path], Any]
) -> None:
    damage(Path("data/images/image_001.png"))
    found = [f for f in inspect(Path("data"), BOOK).findings if f.severity == "error"]
    assert [(f.check, f.image) for f in found] == [(check, "image_001.png")]
    assert found[0].remedy
    assert found[0].came


def test_missing_data_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataInvalidError, match="dvc pull data"):
        validate.run(DataParams(), ValidateParams())


def test_an_empty_data_set_is_refused(project: Path) -> None:
    change(project, lambda document: document.update(images=[], annotations=[]))
    with pytest.raises(DataInvalidError, match="empty data set"):
        validate.run(DataParams(), ValidateParams())


def test_every_rule_finds_its_row_and_great_expectations_agrees(project: Path) -> None:
    def edit(document: dict[str, Any]) -> None:
        first = [a for a in document["annotations"] if a["image_id"] == 1]
        document["annotations"] = [
            *[a for a in document["annotations"] if a["image_id"] in (1, 2)],
            annotation(block(0, 0, 1, 2), 900, 2),  # tiny
            annotation(block(90, 100, 5, 8), 901, 3),
            annotation(block(92, 100, 4, 8), 902, 3) | {"area": 50},  # 32 px, of which 3 × 8 px are 901's too
            first[0] | {"id": 903},  # duplicate
            annotation(block(0, 0, 9, 9), 904, 3) | {"segmentation": [[5, 5, 5, 5, 5, 5]], "area": 0},  # zero area
        ]
        del document["images"][2]["group"]

    change(project, edit)
    Image.new("RGB", (4, 4)).save("data/images/stray.png")
    found = inspect(Path("data"), BOOK)
    by_check = {f.check: (f.image, f.object_id) for f in found.findings}
    assert by_check["stored area"] == ("image_002.png", 902)
    assert by_check["duplicate object"] == ("image_000.png", 903)
    assert by_check["zero area"] == ("image_002.png", 904)
    assert by_check["empty image"] == ("image_003.png", None)
    assert by_check["group missing"] == ("image_002.png", None)
    assert by_check["file without labels"] == ("stray.png", None)
    assert {f.object_id for f in found.findings if f.check == "tiny area"} == {900, 904}
    assert [f.came for f in found.findings if f.check == "overlap" and f.image == "image_002.png"] == [
        "24 pixels belong to more than one object"
    ]
    counted = findings.counts(found.findings)["findings"]
    expected = contract.run(found.tables, BOOK, project / "docs")
    assert expected == {rule.check: counted.get(rule.check, 0) for rule in BOOK}


def test_overlaps_are_counted_without_crowds(project: Path) -> None:
    rows = [annotation(block(0, 0, 10, 10), 1, 1), annotation(block(5, 5, 10, 10), 2, 1)]
    rows.append(annotation(block(0, 0, 50, 50), 3, 1) | {"iscrowd": 1})
    change(project, lambda document: document.update(annotations=rows))
    total, own = facts.overlaps(objects(coco.read(Path("data")).images[0]))
    assert (total, own.tolist()) == (25, [25, 25, 0])
