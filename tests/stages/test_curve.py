"""`segwise curve` on a tiny data set: its plumbing with graphs in place of trained networks, and one real training."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segwise.advice import cross_fit, learning, subsets, trainings
from segwise.advice.trainings import Job
from segwise.dataset import coco, targets
from segwise.dataset.params import DataParams, SplitParams
from segwise.decision.params import Decision
from segwise.errors import DataInvalidError, SegwiseError, UsageError
from segwise.evaluation.asked import of_label
from segwise.models.params import DenseParams, InstanceParams
from segwise.params import Params, load
from segwise.predict.params import CalibrateApproach, CalibrateParams
from segwise.predict.predictor import Predictor
from segwise.report import curve_page
from segwise.stages import curve, split
from segwise.stages.curve import Choices
from tests.factory import make_dataset
from tests.predict.graphs import write_model

ROOT = Path(__file__).resolve().parents[2]
TINY: dict[str, Any] = {
    "encoder": {"pretrained": "none"}, "crop_px": 64, "batch_size": 2, "steps": 3, "interval": 3, "zoom": 1.0,
    "threads": 1, "accelerator": "cpu",
}  # fmt: skip
ONE = {"object_foreground": (0.5,), "min_score": (0.0,)}
FEW = CalibrateApproach(grid={**ONE, "foreground": (0.5,), "min_area_px": (8.0, 5000.0)})
HYBRID = CalibrateApproach(grid={**FEW.grid, "method": (0.0,), "peak": (0.3,), "radius_px": (3.0,), "core": (0.5,)})
CHOICES = Choices(fractions=(0.3, 0.6, 1.0), repeats=2, seed=1)


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    """The parameters of a project of 24 images in 12 groups, 6 of them for training, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    make_dataset(Path("data"), 24)
    split.run(DataParams(), SplitParams())
    own = load(ROOT / "params.yaml")
    dense = DenseParams(**TINY, decoder_widths=(16, 8, 8, 8))
    return own.model_copy(
        update={
            "data": DataParams(),
            "decision": {"discs": Decision(kind="count"), "area": Decision(kind="coverage")},
            "train": own.train.model_copy(update={"dense": dense, "instance": InstanceParams(**TINY)}),
            "evaluate": own.evaluate.model_copy(update={"replicates": 20}),
            "calibrate": CalibrateParams(semantic=FEW, hybrid=HYBRID),
        }
    )


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """The trainings that were asked for; each leaves a graph that sees bright discs."""
    asked: list[Job] = []

    def pretend(job: Job) -> None:
        asked.append(job)
        write_model(job.model, trainings.GRAPH[job.network])

    monkeypatch.setattr(trainings, "train", pretend)
    monkeypatch.setattr(trainings, "minutes_per_training", lambda job: 2.0)
    return asked


def groups_of(names: list[str]) -> set[str]:
    return {r.group for r in coco.read(Path("data")).images if r.file_name in names}


def test_every_repeat_trains_on_nested_subsets_of_the_training_images_alone(params: Params, trained: list[Job]) -> None:
    result = curve.run("dense", params, CHOICES)
    parts = json.loads(Path("work/split.json").read_text())
    assert len(trained) == 6
    for repeat in (0, 1):
        small, middle, whole = (job.split for job in trained[3 * repeat : 3 * repeat + 3])
        assert set(small["train"]) < set(middle["train"]) < set(whole["train"]) == set(parts["train"])
        assert small["val"] == parts["val"] and small["test"] == []
        assert not groups_of(small["train"]) & groups_of(sorted(set(whole["train"]) - set(small["train"])))
    sections = [job.params["train"]["dense"] for job in trained]
    assert [section["seed"] for section in sections] == [0, 0, 0, 1, 1, 1]
    assert {section["steps"] for section in sections} == {1} == {result["steps"]}  # a third of 3
    rows = result["decisions"]["discs"]["candidates"]["hybrid"]["observed"]
    assert [row["num_images"] for row in rows] == [4, 8, 12]


def test_the_result_is_written_told_and_the_same_a_second_time_without_any_training(
    params: Params, trained: list[Job], capsys: pytest.CaptureFixture[str]
) -> None:
    result = curve.run("dense", params, CHOICES)
    told = capsys.readouterr().err
    assert "6 trainings of 6 to do, about 12.0 minutes" in told
    assert "6/6 done" in told
    files = {path.name: path.read_bytes() for path in Path("work/curve/dense").iterdir()}
    assert set(files) == {"curve.json", "index.html"}
    written = json.loads(files["curve.json"])
    assert written["decisions"].keys() == {"discs", "area"}
    assert written["decisions"]["discs"]["candidates"].keys() == {"semantic", "hybrid"}
    assert "discs (within" in result["summary"]
    curve.run("dense", params, CHOICES)
    assert len(trained) == 6
    assert "to do" not in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in Path("work/curve/dense").iterdir()} == files


def test_an_interrupted_curve_goes_on_where_it_was(
    params: Params, trained: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend = trainings.train

    def die(job: Job) -> None:
        if len(trained) == 4:
            raise KeyboardInterrupt
        pretend(job)

    with monkeypatch.context() as patch:
        patch.setattr(trainings, "train", die)
        with pytest.raises(KeyboardInterrupt):
            curve.run("dense", params, CHOICES)
    curve.run("dense", params, CHOICES)
    assert len(trained) == len({job.folder for job in trained}) == 6


def test_another_fraction_repeats_only_what_is_new_and_other_parameters_repeat_all(
    params: Params, trained: list[Job]
) -> None:
    curve.run("dense", params, replace(CHOICES, fractions=(0.3, 1.0)))
    assert len(trained) == 4
    curve.run("dense", params, CHOICES)
    assert len(trained) == 6
    curve.run("dense", params, replace(CHOICES, steps=2))
    assert len(trained) == 12


def test_a_curve_that_would_take_too_long_is_refused_before_it_starts(params: Params, trained: list[Job]) -> None:
    with pytest.raises(UsageError, match=r"at most 10 minutes of training; got about 12\.0"):
        curve.run("dense", params, replace(CHOICES, max_minutes=10.0))
    assert trained == []


@pytest.mark.parametrize(
    ("network", "choices", "error", "match"),
    [
        ("dense", replace(CHOICES, fractions=(0.01, 0.02, 1.0)), DataInvalidError, "group"),
        ("dense", replace(CHOICES, fractions=(0.5, 0.9)), UsageError, "rising"),
        ("dense", replace(CHOICES, steps=-1), UsageError, "step"),
        ("instance", replace(CHOICES, has_class_masks=True), UsageError, "class-masks"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    params: Params, trained: list[Job], network: str, choices: Choices, error: type[SegwiseError], match: str
) -> None:
    with pytest.raises(error, match=match):
        curve.run(network, params, choices)
    assert trained == []


def test_class_masks_alone_are_trained_without_the_losses_of_instance_labels(
    params: Params, trained: list[Job]
) -> None:
    result = curve.run("dense", params, replace(CHOICES, fractions=(0.3, 1.0), has_class_masks=True))
    losses = [job.params["train"]["dense"]["loss"] for job in trained]
    assert losses[0] == {"dice": 1.0, "center": 1.0, "offset": 1.0, "distance": 1.0}
    assert losses[-1] == {"dice": 1.0, "center": 0.0, "offset": 0.0, "distance": 0.0}
    found = result["decisions"]["discs"]
    assert found["candidates"].keys() == {"semantic", "hybrid", "class_masks"}
    assert found["instance_labels"]["against"] == "class_masks"


def test_the_instance_network_has_a_curve_of_its_own(params: Params, trained: list[Job]) -> None:
    result = curve.run("instance", params, CHOICES)
    assert result["decisions"]["discs"]["candidates"].keys() == {"instance"}
    assert result["decisions"]["discs"]["instance_labels"] is None
    assert Path("work/curve/instance/index.html").is_file()


def test_gains_are_set_against_the_hours_that_the_profile_says(params: Params, trained: list[Job]) -> None:
    effort = {"class_masks": {"minutes_per_image": 3.0}, "objects": {"minutes_per_image": 12.0}}
    Path("work/profile.json").write_text(json.dumps({"effort": effort}))
    found = curve.run("dense", params, CHOICES)["decisions"]["discs"]["candidates"]
    assert (found["semantic"]["hours"], found["hybrid"]["hours"]) == (2.5, 10.0)
    for values in found.values():
        assert values["gain_per_hour"]["expected"] == pytest.approx(values["expected"] / values["hours"], abs=1e-6)


def test_labels_of_images_that_are_scored_never_change_what_is_predicted_on_them(params: Params) -> None:
    data = coco.read(Path("data"))
    images = cross_fit.labelled(data, data.images[:12], params.decision)
    write_model(Path("model"), "hybrid")
    network = Predictor.load_network(Path("model"))
    here, there = subsets.halves({r.file_name: r.group for r in data.images[:12]}, 0)

    def predicted(seen: list[cross_fit.Labelled]) -> np.ndarray:
        scored = cross_fit.scored(network, seen, (here, there), {"semantic": FEW}, params.decision)["semantic"]
        return scored.answers["discs"].counts[:, 1, 0, 0]

    def with_one_label(one: cross_fit.Labelled) -> cross_fit.Labelled:
        truth = one.truth.select(np.arange(len(one.truth)) == 0)
        painted = targets.paint(truth, data.classes)
        said = {name: of_label(decision, data.classes, truth, painted) for name, decision in params.decision.items()}
        return replace(one, truth=truth, truth_map=painted, said=said)

    changed = [with_one_label(one) if one.name in here else one for one in images]
    is_here = np.array([one.name in here for one in images])
    before, after = predicted(images), predicted(changed)
    assert (before == after)[is_here].all()
    assert (before != after)[~is_here].any()


def test_one_perfect_and_one_blind_answer_add_up_to_hand_counted_errors(params: Params) -> None:
    data = coco.read(Path("data"))
    images = cross_fit.labelled(data, data.images[:2], params.decision)
    found = [cross_fit.Prediction(one.truth_map, one.truth) for one in images]
    nothing = images[1].truth.select(np.zeros(len(images[1].truth), dtype=bool))
    found[1] = cross_fit.Prediction(np.zeros_like(images[1].truth_map), nothing)
    errors = cross_fit.summed(found, images, params.decision, data.classes)[0].errors(params.decision, np.array([1, 1]))
    hit, missed = (len(one.truth) for one in images)
    seen, unseen = ((one.truth_map == 1).sum() for one in images)
    assert errors["decisions", "discs"] == pytest.approx(missed / (hit + missed))
    assert errors["decisions", "area"] == pytest.approx((images[1].truth_map == 1).mean() / 2)
    assert errors["quality", "f1"] == pytest.approx(1 - 2 * hit / (2 * hit + missed))
    assert errors["quality", "foreground_iou"] == pytest.approx(1 - seen / (seen + unseen))


@pytest.mark.parametrize("verdict", ["gain", "little", "unclear", "untold"])
def test_each_verdict_is_said_with_its_numbers(verdict: str) -> None:
    found = {"verdict": verdict, "expected": 0.021, "interval": [0.004, 0.053], "error": 0.13, "observed": []}
    words = learning.said("discs", "hybrid", found, 12.0, learning.Terms())
    assert "discs by hybrid" in words and "50 more labelled images (12.0 h as instance masks)" in words
    assert ("2.1 points (90 % interval 0.4 to 5.3)" in words) == (verdict == "gain")
    assert ("5.3 points" in words) == (verdict in ("little", "unclear"))
    assert ("cannot be told" in words) == (verdict in ("unclear", "untold"))


def test_undefined_errors_are_shown_as_such(params: Params, trained: list[Job]) -> None:
    document = json.loads(Path("data/instances.json").read_text())
    val = set(json.loads(Path("work/split.json").read_text())["val"])
    hidden = {image["id"] for image in document["images"] if image["file_name"] in val}
    document["annotations"] = [a for a in document["annotations"] if a["image_id"] not in hidden]
    Path("data/instances.json").write_text(json.dumps(document))
    result = curve.run("dense", params, CHOICES)
    found = result["decisions"]["discs"]["candidates"]["hybrid"]
    assert found["verdict"] == "untold" and found["observed"][0]["error"] is None
    assert "undefined" in curve_page.table(result) and "cannot be told" in curve_page.render(result)


def test_a_training_is_the_projects_own_on_other_labels(params: Params) -> None:
    names = json.loads(Path("work/split.json").read_text())
    [[job]] = trainings.jobs("dense", curve._document("dense", params, 2), [[names["train"][:6]]], names["val"])
    assert not job.is_done
    trainings.train(job)
    assert job.is_done and job.minutes > 0
    assert not list(job.folder.rglob("*.safetensors"))
    spec = Predictor.load_network(job.model).spec
    assert DenseParams(**spec.extra["train"]) == params.train.dense.model_copy(update={"steps": 2})
    images = cross_fit.labelled(coco.read(Path("data")), coco.read(Path("data")).images[:1], params.decision)
    outputs = Predictor.load_network(job.model).outputs(images[0].image)
    assert outputs.keys() == {"logits", "center", "offset", "distance"}


def test_a_training_that_fails_says_why(params: Params) -> None:
    document = curve._document("dense", params, 1)
    document["train"]["dense"]["zoom"] = -1
    [[job]] = trainings.jobs("dense", document, [[["image_000.png"]]], ["image_001.png"])
    with pytest.raises(SegwiseError, match=r"on 1 images to end; got exit code 2: .*zoom"):
        trainings.run(job, ["train dense"], quiet=True)
    assert not job.is_done
