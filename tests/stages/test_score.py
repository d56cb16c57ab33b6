"""`score` measures what another program predicted: how it names images, its scores, what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segwise import cli, registry
from segwise.dataset.params import DataParams
from segwise.decision.params import Decision
from segwise.errors import DataInvalidError, IntegrityError, UsageError
from segwise.evaluation.params import EvaluateParams
from segwise.spec import canonical_json
from segwise.stages import evaluate, score
from tests.factory import annotation, read_labels
from tests.model_folder import make_model

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools 2.0.11
SHIPPED = Path(__file__).resolve().parents[2] / "params.yaml"
DECISIONS = {"discs": Decision.model_validate({"kind": "count", "tolerance": {"relative": 0.1}})}
PARAMS = EvaluateParams(replicates=20, confidence=0.6)  # so that the few test images are enough


@pytest.fixture
def data(tiny_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataParams:
    """A divided data set whose `semantic` candidate is measured."""
    monkeypatch.chdir(tmp_path)
    params = DataParams(dir=str(tiny_dataset))
    names = sorted(p.name for p in (tiny_dataset / "images").iterdir())
    make_model(Path("work/calibrate/semantic"), 8.0)
    Path("work/split.json").write_text(canonical_json({"train": names[:4], "val": names[4:6], "test": names[6:]}))
    evaluate.run("semantic", params, PARAMS, DECISIONS)
    return params


def labels_as_predictions(data: DataParams, value: float = 0.9) -> list[dict[str, Any]]:
    kept = ("image_id", "category_id", "segmentation")
    return [{**{key: a[key] for key in kept}, "score": value} for a in read_labels(Path(data.dir))["annotations"]]


def inventions(data: DataParams, value: float) -> list[dict[str, Any]]:
    """One small square in the corner of every image."""
    square = np.zeros((96, 128), dtype=bool)
    square[:4, :4] = True
    rows = [annotation(square, 1, image["id"]) for image in read_labels(Path(data.dir))["images"]]
    return [{key: row[key] for key in ("image_id", "category_id", "segmentation")} | {"score": value} for row in rows]


def run(data: DataParams, rows: Any, min_score: float | None = None, name: str = "theirs") -> dict[str, Any]:
    Path("results.json").write_text(json.dumps(rows))
    return score.run(Path("results.json"), name, min_score, data, PARAMS, DECISIONS)


def test_the_labels_as_predictions_are_right_beside_every_candidate(data: DataParams) -> None:
    found = run(data, labels_as_predictions(data))
    own = found["metrics"]
    assert (own["f1"], own["ap"], own["foreground_iou"], own["count_error"]) == (1, 1, 1, 0)
    assert set(found["decisions"]["discs"]["candidates"]) == {"semantic", "theirs"}
    assert json.loads(Path("work/score/theirs/metrics.json").read_text())["metrics"]["f1"] == 1
    lines = found["summary"].splitlines()
    assert any(line.split()[:1] == ["semantic"] and "against theirs" in line for line in lines)


def test_images_may_be_named_by_file_by_stem_or_by_the_numbers_of_their_own_list(data: DataParams) -> None:
    rows, images = labels_as_predictions(data), read_labels(Path(data.dir))["images"]
    names = {image["id"]: image["file_name"] for image in images}
    by_stem = [{**row, "image_id": Path(names[row["image_id"]]).stem} for row in rows]
    by_file = [{**row, "image_id": 7, "file_name": names[row["image_id"]]} for row in rows]
    turned = {number: len(names) + 1 - number for number in names}
    renumbered = {
        "images": [{"id": turned[number], "file_name": name} for number, name in names.items()],
        "annotations": [{**row, "image_id": turned[row["image_id"]]} for row in rows],
    }
    for given in (by_stem, by_file, renumbered):
        assert run(data, given, 0.5)["metrics"]["f1"] == 1


def test_the_least_score_is_fitted_on_the_validation_images_so_that_inventions_stay_out(data: DataParams) -> None:
    rows = labels_as_predictions(data, 0.8) + inventions(data, 0.3)
    found = run(data, rows)
    assert found["is_fitted"] and 0.3 < found["min_score"] <= 0.8
    assert found["metrics"]["count_error"] == 0
    assert run(data, rows, 0.0)["metrics"]["count_error"] > 0


def test_without_predictions_on_validation_images_a_least_score_is_asked_for(data: DataParams) -> None:
    test = set(json.loads(Path("work/split.json").read_text())["test"])
    ids = {image["id"] for image in read_labels(Path(data.dir))["images"] if image["file_name"] in test}
    rows = [row for row in labels_as_predictions(data) if row["image_id"] in ids]
    with pytest.raises(UsageError, match="--min-score"):
        run(data, rows)
    assert run(data, rows, 0.5)["metrics"]["f1"] == 1


def test_an_image_without_predictions_counts_and_is_told(data: DataParams) -> None:
    rows = [row for row in labels_as_predictions(data) if row["image_id"] != 12]
    found = run(data, rows, 0.5)
    assert found["images_without_predictions"] == 1 and "1 test images have no prediction" in found["summary"]
    assert found["metrics"]["count_error"] > 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"image_id": "elsewhere"}, "elsewhere"),
        ({"category_id": 9}, "9"),
        ({"score": 1.5}, "1.5 of prediction 0"),
        ({"score": float("nan")}, "prediction 0"),
        ({"segmentation": [[1, 1, 2, 2]]}, "object 1"),
        ({"segmentation": {"size": [10, 10], "counts": "1"}}, "10"),
    ],
)
def test_a_prediction_that_cannot_be_read_is_named(data: DataParams, change: dict[str, Any], words: str) -> None:
    rows = labels_as_predictions(data)
    rows[0] |= change
    with pytest.raises(DataInvalidError, match=words):
        run(data, rows, 0.5)
    assert not Path("work/score").exists()


def test_a_file_that_is_not_there_is_told_and_no_reading_recorded(
    data: DataParams, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("registry").mkdir()
    Path("params.yaml").write_text(SHIPPED.read_text())
    assert cli.main(["score", "elsewhere.json"]) == 4
    assert "no such file" in capsys.readouterr().err
    assert not registry.read()


def test_what_is_no_list_of_predictions_is_refused(data: DataParams) -> None:
    for rows in ({"images": []}, "text", [1, 2]):
        with pytest.raises(DataInvalidError, match="a list of predictions"):
            run(data, rows, 0.5)
    with pytest.raises(UsageError, match="semantic"):
        run(data, labels_as_predictions(data), 0.5, name="semantic")
    with pytest.raises(UsageError, match="plain name"):
        run(data, labels_as_predictions(data), 0.5, name="../out")


def test_without_test_images_it_says_how_to_divide_them(data: DataParams) -> None:
    Path("work/split.json").unlink()
    with pytest.raises(IntegrityError, match="dvc repro split"):
        run(data, labels_as_predictions(data), 0.5)


def test_the_opening_of_the_test_split_is_recorded_with_what_was_measured(
    data: DataParams, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("registry").mkdir()
    text = SHIPPED.read_text().replace("  dir: data ", f"  dir: {data.dir} ").replace("nuclei_count", "discs")
    Path("params.yaml").write_text(text)
    Path("results.json").write_text(json.dumps(labels_as_predictions(data)))
    cli.main(["score", "results.json", "--name", "theirs", "--min-score", "0.5"])
    assert "theirs: predictions with a score of at least 0.5 (as given)" in capsys.readouterr().out
    (event,) = (event for event in registry.read() if event.kind == "test_read")
    assert event.subject["approach"] == "theirs" and len(event.subject["model_sha256"]) == 64
