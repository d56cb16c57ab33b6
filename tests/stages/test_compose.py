"""compose: two calibrated models become a cascade folder, or one that says why not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segwise.dataset import coco
from segwise.dataset.params import DataParams
from segwise.decision.params import Decision
from segwise.errors import DataInvalidError, UsageError
from segwise.predict.cascade import Cascade
from segwise.predict.footprint import Footprint
from segwise.predict.params import ComposeParams
from segwise.predict.predictor import Predictor
from segwise.stages import benchmark, compose, package, suspects
from tests.factory import read_labels
from tests.predict.graphs import write_model

COUNTS = {"how_many": Decision(kind="count"), "how_much": Decision(kind="coverage")}
# the tiny hybrid answers 17 to 34 objects for 3 to 8 bright discs and one for dark ones; the tiny instance always one
EASY = ComposeParams(
    trigger="foreground < 0.5", recall=0.8, confidence=0.5, min_saving=0.0, cost_ratio=6.0, replicates=10
)


@pytest.fixture
def workplace(tiny_dataset: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository root with data/, work/split.json and two calibrated models."""
    monkeypatch.chdir(tiny_dataset.parent)
    names = sorted(image["file_name"] for image in read_labels(tiny_dataset)["images"])
    Path("work").mkdir()
    Path("work/split.json").write_text(json.dumps({"train": [], "val": names, "test": names[:2]}))
    for approach in ("hybrid", "instance"):
        write_model(Path("work/calibrate") / approach, approach)
    return tiny_dataset.parent


def composed(**changes: Any) -> dict[str, Any]:
    return compose.run(DataParams(), COUNTS, EASY.model_copy(update=changes))


def test_a_composed_folder_serves_each_image_by_the_model_that_the_rule_names(workplace: Path) -> None:
    found = composed()
    assert found["refused"] is None, found["refused"]
    cascade = Predictor.load(Path("work/calibrate/cascade"))
    assert isinstance(cascade, Cascade)
    dataset = coco.read(Path("data"))
    escalated = [cascade.predict(dataset.pixels(record)).escalated for record in dataset.images]
    assert np.mean(escalated) == pytest.approx(found["rate"])
    assert 0 < sum(escalated) < len(escalated)


def test_composing_twice_writes_the_same_bytes(workplace: Path) -> None:
    runs = []
    for _ in range(2):
        composed(trigger="auto")
        files = sorted(p for p in Path("work/calibrate/cascade").rglob("*") if p.is_file())
        runs.append({str(p): p.read_bytes() for p in files})
    assert runs[0] == runs[1]
    names = {str(Path(name).relative_to("work/calibrate/cascade")) for name in runs[0]}
    models = {f"{part}/{file}" for part in ("cheap", "instance") for file in ("model.json", "model.onnx")}
    assert names == {"cascade.json", "calibration.json", *models}


def test_a_new_price_or_tolerance_changes_nothing_that_is_served(workplace: Path) -> None:
    composed()
    before = Path("work/calibrate/cascade/cascade.json").read_bytes()
    priced = {"how_many": Decision.model_validate({"kind": "count", "price": {"miss": 9}})}
    compose.run(DataParams(), priced, EASY)
    assert Path("work/calibrate/cascade/cascade.json").read_bytes() == before


def test_too_few_validation_images_are_said_to_be_too_few_and_the_instance_model_answers(workplace: Path) -> None:
    found = composed(trigger="auto", recall=0.9, confidence=0.9)
    assert "cannot be promised" in found["refused"]
    assert found["summary"].startswith("no cascade: ")
    assert json.loads(Path("work/calibrate/cascade/cascade.json").read_text())["refused"] == found["refused"]
    image = np.full((64, 64, 3), 200, dtype=np.uint8)
    cascade, alone = (Predictor.load(Path("work/calibrate") / a) for a in ("cascade", "instance"))
    assert cascade.predict(image).objects.boxes_xyxy.tolist() == alone.predict(image).objects.boxes_xyxy.tolist()


def test_a_numeric_rule_gets_its_threshold_from_the_validation_images(workplace: Path) -> None:
    found = composed(trigger="count()")
    assert found["score"] == "count()"
    assert found["threshold"] == 17.0  # of six groups that need it, one missed would be too much
    assert found["promise"]["lower_bound"] == pytest.approx(0.5 ** (1 / 6), abs=1e-6)


def test_the_first_decision_is_served_unless_another_one_is_named(workplace: Path) -> None:
    assert composed()["decision"] == "how_many"
    assert composed(decision="how_much")["decision"] == "how_much"
    with pytest.raises(UsageError, match="how_often"):
        composed(decision="how_often")


def test_a_rule_over_what_the_cheap_answer_does_not_have_is_refused(workplace: Path) -> None:
    with pytest.raises(UsageError, match="colour"):
        composed(trigger="colour > 3")


def test_without_validation_images_the_remedy_is_said(workplace: Path) -> None:
    Path("work/split.json").write_text(json.dumps({"train": [], "val": [], "test": []}))
    with pytest.raises(DataInvalidError, match="validation split"):
        composed()


def test_a_cascade_is_timed_beside_its_models_and_a_refused_one_is_not(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a process for each is tested elsewhere
    monkeypatch.setattr(benchmark, "footprint", lambda *_: Footprint(100.0, 1000.0))
    params = benchmark.BenchmarkParams(max_images=2, rounds=1, warmup=0, side_px=64)
    composed()
    timed = benchmark.run(DataParams(), params)["approaches"]
    assert set(timed) == {"hybrid", "instance", "cascade"}
    assert timed["cascade"]["model_mb"] >= max(timed["hybrid"]["model_mb"], timed["instance"]["model_mb"])
    composed(min_saving=1.0)
    assert set(benchmark.run(DataParams(), params)["approaches"]) == {"hybrid", "instance"}


def test_a_package_tells_what_both_models_and_the_trigger_were_made_with(workplace: Path) -> None:
    composed()
    made = package.made_of(Path("work/calibrate/cascade"))
    assert made["trigger"]["score"] == EASY.trigger
    assert (made["cheap"]["zoom"], made["instance"]["zoom"]) == (1.0, 1.0)


def test_labels_can_be_doubted_by_a_cascade(workplace: Path) -> None:
    composed()
    predictor = Predictor.load(Path("work/calibrate/cascade"))
    dataset = coco.read(Path("data"))
    objects, planes = suspects.answer(predictor, dataset.pixels(dataset.images[0]))
    assert planes.shape == (2, *objects.size)
    assert np.allclose(planes.sum(axis=0), 1)
