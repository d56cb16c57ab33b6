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
from segwise.errors import DataInvalidError, UsageError
from segwise.labels.contract import baseline, suite
from segwise.labels.contract.judge import judge, num_broken
from segwise.labels.contract.rules import rules
from segwise.labels.inspection import inspect
from segwise.labels.params import ValidateParams
from segwise.params import load
from segwise.stages import validate
from tests.factory import make_dataset, read_labels, write_labels
from tests.labels.clean import make_clean

BOOK = rules(ValidateParams())


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder with data/ in it, the working directory of the test."""
    make_dataset(tmp_path / "data", num_images=4)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder with data/ that has no finding, the working directory of the test."""
    make_clean(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def change(root: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    document = read_labels(root / "data")
    edit(document)
    write_labels(root / "data", document)


def test_sound_data_gives_facts_findings_and_the_same_bytes_twice(clean: Path) -> None:
    result = validate.run(DataParams(), ValidateParams())
    assert (result["num_images"], result["num_errors"], result["num_warnings"]) == (12, 0, 0)
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
    kept = json.loads(Path(".segwise/findings.json").read_text())
    assert [row["check"] for row in kept if row["severity"] == "error"] == ["unknown category"] * 5


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


def test_findings_are_a_table_with_a_row_each_beside_the_json(clean: Path) -> None:
    change(clean, lambda document: document["annotations"][4].update(area=3, id=0))
    validate.run(DataParams(), ValidateParams())
    rows = pd.read_parquet("work/labels/findings.parquet")
    assert list(rows) == ["check", "severity", "image", "object_id", "came", "remedy", "effect"]
    assert rows["check"].tolist() == ["id zero", "stored area"]
    assert rows["object_id"].tolist() == ["0", "0"]
    assert [row["check"] for row in json.loads(Path("work/labels/findings.json").read_text())] == list(rows["check"])


def test_facts_and_data_docs_are_written_although_an_error_stops_the_stage(clean: Path) -> None:
    Path("data/images/image_001.png").unlink()
    with pytest.raises(DataInvalidError, match="file missing"):
        validate.run(DataParams(), ValidateParams())
    assert Path("work/labels/data_docs/index.html").is_file()
    assert not pd.read_parquet("work/labels/images.parquet")["is_present"].all()


def test_what_a_team_has_accepted_is_counted_and_no_longer_told(clean: Path) -> None:
    change(clean, lambda document: document["annotations"][4].update(area=3))
    found = inspect(Path("data"), BOOK)
    known = baseline.accept(
        baseline.Baseline(), found.findings, found.dataset, reason="drawn so", by="me", data_revision="r"
    )
    baseline.save(known)
    result = validate.run(DataParams(), ValidateParams(severity={"stored area": "error"}))
    assert (result["num_errors"], result["num_warnings"], result["num_accepted"], result["num_stale"]) == (0, 0, 1, 0)
    assert json.loads(Path("work/labels/findings.json").read_text()) == []


@pytest.mark.parametrize(
    "document", [[], {"images": [1], "annotations": ["x", {"id": 1}], "categories": [{"id": 1, "name": "a"}]}]
)
def test_a_label_file_of_any_other_form_is_refused_with_its_page(clean: Path, document: Any) -> None:
    write_labels(clean / "data", document)
    with pytest.raises(DataInvalidError, match="structure"):
        validate.run(DataParams(), ValidateParams())
    assert "structure" in Path(".segwise/labels.html").read_text(encoding="utf-8")


def test_a_warning_made_an_error_stops_and_one_turned_off_is_silent(clean: Path) -> None:
    change(clean, lambda document: document["annotations"][4].update(area=3))
    with pytest.raises(DataInvalidError, match="stored area"):
        validate.run(DataParams(), ValidateParams(severity={"stored area": "error"}))
    silent = ValidateParams.model_validate({"severity": {"stored area": False}})  # YAML reads a bare `off` as false
    assert silent.severity == {"stored area": "off"}
    assert validate.run(DataParams(), silent)["num_warnings"] == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"stored aera": "off"}, "did you mean `stored area`"),
        ({"nothing like it": "off"}, "checks are: "),
        ({"stored area": "fatal"}, "error, warning or off"),
        ({"stored area": True}, "error, warning or off"),
        ({"RLE damaged": "off"}, "cannot be read"),
    ],
)
def test_an_unknown_check_or_severity_is_refused_with_a_hint(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        ValidateParams(severity=given)


def test_the_output_cap_that_ships_is_what_the_instance_network_answers() -> None:
    shipped = load(Path(__file__).resolve().parents[2] / "params.yaml")
    assert shipped.validation.output_cap == shipped.train.instance.max_objects


def many(broken: int, total: int) -> pd.DataFrame:
    """Objects of two classes; of class a `broken` have no box near their mask, of class b one."""
    errors = [9.0] * broken + [0.0] * (total - broken) + [50.0]
    rows: dict[str, Any] = {"file_name": "i.png", "object_id": range(total + 1), "box_error_px": errors}
    frame = pd.DataFrame(rows | {"class_name": ["a"] * total + ["b"], "class_id": 1})
    return frame.assign(x0=0, x1=1, y0=0, y1=1)


@pytest.mark.parametrize(
    ("broken", "total", "num_findings"),
    [(10, 10, 11), (11, 300, 12), (11, 100, 2), (200, 40_000, 201), (201, 40_000, 2)],
    ids=["few are listed", "unusual ones are listed", "usual ones are one", "up to 200", "never more than 200"],
)
def test_what_is_usual_in_a_class_is_one_finding(broken: int, total: int, num_findings: int) -> None:
    rule = [r for r in BOOK if r.check == "stored box"]
    found = judge({"objects": many(broken, total)}, rule)
    assert len(found) == num_findings
    gathered = [f for f in found if f.object_id is None]
    assert [f.came.split(", such as")[0] for f in gathered] == (
        [f"{broken} of {total} 'a' objects ({broken / total:.0%})"] if num_findings == 2 else []
    )


def test_data_docs_stay_small_and_the_count_right_where_nearly_all_rows_are_broken(tmp_path: Path) -> None:
    rule = [r for r in BOOK if r.check == "stored box"]
    table = many(30_000, 40_000)
    assert suite.run({"objects": table}, rule, tmp_path / "docs") == num_broken({"objects": table}, rule)
    assert sum(p.stat().st_size for p in (tmp_path / "docs").rglob("*.html")) < 2_000_000
