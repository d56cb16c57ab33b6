"""A cascade: the cheap model's answer, or, where the trigger fires, the instance model's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from segwise.decision.params import Decision
from segwise.errors import IntegrityError, UsageError
from segwise.predict.answer import as_json
from segwise.predict.cascade import Cascade, read_cascade
from segwise.predict.predictor import Predictor
from segwise.types import Objects, Prediction
from tests.predict.cascades import counted, write_tiny_cascade
from tests.predict.test_predictor import picture

FEW = "num_objects"  # pictures hold six discs
IMAGE, _ = picture()


def load(folder: Path) -> Cascade:
    found = Predictor.load(folder)
    assert isinstance(found, Cascade)
    return found


def same(one: Prediction | Objects, other: Prediction | Objects) -> bool:
    if isinstance(one, Prediction) and isinstance(other, Prediction):
        return np.array_equal(one.class_map, other.class_map) and same(one.objects, other.objects)
    assert isinstance(one, Objects) and isinstance(other, Objects)
    return np.array_equal(one.boxes_xyxy, other.boxes_xyxy) and np.array_equal(one.scores, other.scores)


@pytest.mark.parametrize("cheap", ["semantic", "hybrid"])
def test_below_the_threshold_the_cheap_model_answers_and_the_instance_network_never_runs(
    tmp_path: Path, cheap: str
) -> None:
    folder = write_tiny_cascade(tmp_path, FEW, 100, cheap)
    cascade, alone = load(folder), Predictor.load_network(folder / "cheap")
    runs = counted(cascade)
    found = cascade.predict(IMAGE)
    assert not found.escalated
    assert len(found.objects) > 2
    assert same(found, alone.predict(IMAGE))
    assert [r.runs for r in runs] == [1, 0]
    served, candidates = cascade.both(IMAGE)
    assert same(served, found)
    assert same(candidates, alone.predict(IMAGE, all_candidates=True).objects)
    assert [r.runs for r in runs] == [2, 0]


@pytest.mark.parametrize("cheap", ["semantic", "hybrid"])
def test_what_the_cheap_model_does_not_serve_the_cascade_does_not_serve(tmp_path: Path, cheap: str) -> None:
    folder = write_tiny_cascade(tmp_path, FEW, 1000, cheap, point={"min_score": 0.8, "min_area_px": 1})
    image = IMAGE.copy()
    image[:50][image[:50] > 100] = 112  # the upper discs are hardly brighter than the limit
    served, candidates = load(folder).both(image)
    alone = Predictor.load_network(folder / "cheap")
    assert 0 < len(served.objects) < len(candidates)
    assert same(served, alone.predict(image))
    assert same(candidates, alone.predict(image, all_candidates=True).objects)


def test_a_score_at_the_threshold_escalates(tmp_path: Path) -> None:
    assert load(write_tiny_cascade(tmp_path, "0.25", 0.25)).predict(IMAGE).escalated
    assert not load(write_tiny_cascade(tmp_path, "0.25", 0.250001)).predict(IMAGE).escalated


def test_from_the_threshold_on_the_instance_model_answers_and_each_network_runs_once(tmp_path: Path) -> None:
    folder = write_tiny_cascade(tmp_path, FEW, 2)
    cascade, alone = load(folder), Predictor.load_network(folder / "instance")
    runs = counted(cascade)
    found = cascade.predict(IMAGE)
    assert found.escalated
    assert same(found, alone.predict(IMAGE))
    assert [r.runs for r in runs] == [1, 1]
    served, candidates = cascade.both(IMAGE)
    assert served.escalated and same(served, found)
    assert same(candidates, alone.predict(IMAGE, all_candidates=True).objects)
    assert len(candidates) > len(served.objects)
    assert [r.runs for r in runs] == [2, 2]


@pytest.mark.parametrize("threshold", [2, 100])
def test_what_is_served_is_what_is_evaluated(tmp_path: Path, threshold: float) -> None:
    cascade = load(write_tiny_cascade(tmp_path, FEW, threshold))
    served, candidates = cascade.both(IMAGE)
    assert same(cascade.predict(IMAGE), served)
    assert cascade.predict(IMAGE).escalated == served.escalated == (threshold == 2)
    assert same(cascade.predict(IMAGE, all_candidates=True).objects, candidates)


def test_the_images_that_meet_the_users_rule_are_escalated_and_no_others(tmp_path: Path) -> None:
    cascade = load(write_tiny_cascade(tmp_path, "count(class1) > 2 and objects(area_px > 60) > 0", 0.5))
    assert cascade.predict(IMAGE).escalated
    assert not cascade.predict(np.zeros_like(IMAGE)).escalated


def test_a_score_that_cannot_be_computed_escalates(tmp_path: Path) -> None:
    empty = np.zeros_like(IMAGE)
    assert load(write_tiny_cascade(tmp_path, "num_objects / num_objects", 2)).predict(empty).escalated
    assert not load(write_tiny_cascade(tmp_path, "num_objects / num_objects", 2)).predict(IMAGE).escalated


def test_a_refused_cascade_gives_every_image_to_the_instance_model_alone(tmp_path: Path) -> None:
    cascade = load(write_tiny_cascade(tmp_path, FEW, 1e9, refused="no image needs it"))
    runs = counted(cascade)
    assert cascade.predict(IMAGE).escalated
    assert [r.runs for r in runs] == [0, 1]
    assert json.loads((tmp_path / "cascade.json").read_text())["refused"] == "no image needs it"


def test_refused_is_written_only_where_it_was(tmp_path: Path) -> None:
    assert "refused" not in json.loads((write_tiny_cascade(tmp_path, FEW, 2) / "cascade.json").read_text())
    assert read_cascade(tmp_path).refused is None


def test_a_cascade_tells_of_itself_as_a_model_does(tmp_path: Path) -> None:
    folder = write_tiny_cascade(tmp_path, FEW, 2)
    spec, cheap = load(folder).spec, Predictor.load_network(folder / "cheap").spec
    assert (spec.approach, spec.classes, spec.value_range) == ("cascade", cheap.classes, cheap.value_range)
    assert spec.extra["cheap"]["approach"] == "hybrid"
    assert spec.extra["trigger"] == {"score": FEW, "threshold": 2, "refused": None}
    json.dumps(spec.model_dump(mode="json"))


@pytest.mark.parametrize("file", ["cheap/model.onnx", "instance/model.onnx", "cheap/model.json", "instance/model.json"])
def test_a_changed_or_missing_file_of_either_model_is_refused(tmp_path: Path, file: str) -> None:
    write_tiny_cascade(tmp_path, FEW, 2)
    path = tmp_path / file
    whole = path.read_bytes()
    path.write_bytes(whole + b"\n")
    with pytest.raises(IntegrityError):
        Predictor.load(tmp_path)
    path.unlink()
    with pytest.raises(IntegrityError):
        Predictor.load(tmp_path)


def test_models_of_other_classes_are_not_joined(tmp_path: Path) -> None:
    write_tiny_cascade(tmp_path, FEW, 2)
    cheap, instance = (Predictor.load_network(tmp_path / part) for part in ("cheap", "instance"))
    renamed = instance.spec.classes[0].model_copy(update={"name": "other"})
    instance.spec = instance.spec.model_copy(update={"classes": (renamed,)})
    with pytest.raises(IntegrityError, match="other"):
        Cascade(cheap, instance, read_cascade(tmp_path))


def test_a_rule_that_names_an_unknown_class_is_refused_when_loaded(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="`bottle`"):
        Predictor.load(write_tiny_cascade(tmp_path, "count(bottle) > 3", 0.5))


def test_zones_of_the_decision_can_be_asked_one_by_one(tmp_path: Path) -> None:
    left = [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)]
    decision = Decision.model_validate({"kind": "count", "zones": {"left": left}})
    cascade = load(write_tiny_cascade(tmp_path, "count(left)", 1, decision=decision))
    half = IMAGE.copy()
    half[:, : IMAGE.shape[1] // 2 + 12] = 20
    assert cascade.predict(IMAGE).escalated
    assert not cascade.predict(half).escalated


def test_the_answer_says_whether_a_cascade_escalated_and_nothing_for_other_models(tmp_path: Path) -> None:
    cascade = load(write_tiny_cascade(tmp_path, FEW, 2))
    for image, expected in ((IMAGE, True), (np.zeros_like(IMAGE), False)):
        found = as_json(cascade.predict(image), cascade.spec.class_infos, is_cascade=True)
        assert found["escalated"] is expected
    assert "escalated" not in as_json(cascade.cheap.predict(IMAGE), cascade.spec.class_infos)


@pytest.mark.parametrize("length", [0, 1, 40, -3])
def test_a_cascade_file_that_was_cut_off_is_damage(tmp_path: Path, length: int) -> None:
    folder = write_tiny_cascade(tmp_path, FEW, 7)
    path = folder / "cascade.json"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(IntegrityError, match=r"cascade\.json as it was written; got no JSON"):
        load(folder)
