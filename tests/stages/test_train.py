from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from segwise.dataset.params import DataParams, SplitParams
from segwise.errors import IntegrityError, UsageError
from segwise.models import fit
from segwise.models.lightning import DenseTraining
from segwise.models.params import ConvertParams, DenseParams, InstanceParams
from segwise.spec import read_spec
from segwise.stages import convert, split, train
from segwise.types import IGNORE_INDEX
from tests.factory import read_labels, write_labels

TINY: dict[str, Any] = {
    "encoder": {"pretrained": "none"}, "crop_px": 64, "batch_size": 2, "steps": 4, "interval": 2, "zoom": 1.0,
    "threads": 1, "accelerator": "cpu",
}  # fmt: skip
DENSE = DenseParams(**TINY, decoder_widths=(16, 8, 8, 8))
INSTANCE = InstanceParams(
    **TINY, architecture="mask_rcnn", pyramid_width=16, box_width=32, mask_layers=1, rois_per_image=16
)
SINGLE_STAGE = InstanceParams(**TINY, architecture="fcos_mask", pyramid_width=16)
NETWORKS = [("dense", DENSE), ("instance", INSTANCE), ("instance", SINGLE_STAGE)]


@pytest.fixture
def project(tiny_dataset: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with data and split, which is the working directory."""
    monkeypatch.chdir(tiny_dataset.parent)
    split.run(DataParams(), SplitParams())
    return tiny_dataset.parent


def files(network: str) -> dict[str, bytes]:
    """What a training leaves, but for the clock's figure."""
    paths = sorted((Path("work/train") / network).iterdir())
    return {path.name: path.read_bytes() for path in paths if path.name != "minutes.json"}


@pytest.mark.parametrize(("network", "params"), NETWORKS)
def test_training_twice_gives_the_same_bytes(project: Path, network: str, params: Any) -> None:
    train.run(network, DataParams(), params)
    first = files(network)
    torch.manual_seed(99)
    train.run(network, DataParams(), params)
    assert set(first) == {"weights.safetensors", "network.json", "history.csv", "metrics.json"}
    assert files(network) == first


class KilledError(Exception):
    """Stands for a killed process."""


@pytest.mark.parametrize(
    ("network", "params"),
    [*NETWORKS, ("dense", DENSE.model_copy(update={"ema_decay": 0.9, "patience": 3}))],
    ids=["dense", "mask_rcnn", "fcos_mask", "average and patience"],
)
def test_an_interrupted_training_goes_on_to_the_same_bytes(
    project: Path, network: str, params: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    train.run(network, DataParams(), params)
    whole = files(network)

    def die(self: Any, trainer: Any, *_: Any) -> None:
        if trainer.global_step == 3:  # one step after the checkpoint
            raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(fit.ProgressLines, "on_train_batch_end", die)
        with pytest.raises(KilledError):
            train.run(network, DataParams(), params)
    assert list(Path(".segwise/checkpoints").rglob("last.ckpt"))
    steps = []
    with monkeypatch.context() as patch:
        patch.setattr(
            fit.ProgressLines, "on_train_batch_end", lambda self, trainer, *_: steps.append(trainer.global_step)
        )
        train.run(network, DataParams(), params)
    assert steps == [3, 4]
    assert files(network) == whole
    assert not list(Path(".segwise/checkpoints").rglob("*.ckpt"))


def test_other_parameters_never_resume_a_checkpoint(project: Path) -> None:
    keys = {
        train._key(p, digest, part) for p in (DENSE, INSTANCE) for digest in "ab" for part in ({"train": ["x"]}, {})
    }
    assert len(keys) == 8


def test_the_minutes_of_an_interrupted_training_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 100_000, 60))
    monkeypatch.setattr(fit.time, "monotonic", lambda: next(clock))
    watch = fit.Stopwatch()
    watch.on_train_start()
    watch.on_train_epoch_end()
    resumed = fit.Stopwatch()
    resumed.load_state_dict(watch.state_dict())
    resumed.on_train_start()
    resumed.on_train_epoch_end()
    assert (watch.minutes, resumed.minutes) == (1, 2)


def test_a_training_says_its_minutes(project: Path) -> None:
    train.run("dense", DataParams(), DENSE)
    assert json.loads(Path("work/train/dense/minutes.json").read_text())["minutes"] > 0


def test_edited_code_never_resumes_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {path.name for path in train._sources()}
    assert {"dense.py", "instance.py", "fit.py", "loader.py", "transforms.py", "targets.py"} <= names
    source = tmp_path / "dense.py"
    monkeypatch.setattr(train, "_sources", lambda: [source])
    keys = []
    for code in ("width = 1", "width = 2", "width = 1"):
        source.write_text(code)
        keys.append(train._key(DENSE, "a", {}))
    assert keys[0] == keys[2] != keys[1]


@pytest.mark.parametrize(("network", "params"), NETWORKS)
def test_a_budget_below_the_interval_is_validated_at_its_end(project: Path, network: str, params: Any) -> None:
    result = train.run(network, DataParams(), params.model_copy(update={"steps": 2, "interval": 66}))
    assert result["steps"] == 2
    assert result["val_loss"] > 0


def test_the_last_row_is_a_validation_of_the_last_step(project: Path) -> None:
    train.run("dense", DataParams(), DENSE.model_copy(update={"steps": 3, "interval": 2}))
    history = pd.read_csv("work/train/dense/history.csv")
    assert history["step"].tolist() == [2, 3]
    assert history["val_loss"].is_unique


def test_validation_measures_miou_over_all_its_pixels(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    losses = DenseTraining.losses

    def watch(self: DenseTraining, batch: dict[str, Any], network: Any) -> dict[str, torch.Tensor]:
        if not self.training:
            logits = network(batch["image"])["logits"]
            logits = torch.nn.functional.interpolate(logits, scale_factor=2, mode="bilinear")
            seen.append((logits.argmax(1), batch["class_map"]))
        return losses(self, batch, network)

    monkeypatch.setattr(DenseTraining, "losses", watch)
    result = train.run("dense", DataParams(), DENSE)
    history = pd.read_csv("work/train/dense/history.csv")["val_miou"]
    assert len(history) == 2
    for logged, part in zip(history, (seen[: len(seen) // 2], seen[len(seen) // 2 :]), strict=True):
        found, wanted = (torch.cat(maps) for maps in zip(*part, strict=True))
        ours = [((found == c) & (wanted == c)).sum() for c in (0, 1)]
        either = [(((found == c) | (wanted == c)) & (wanted != IGNORE_INDEX)).sum() for c in (0, 1)]
        assert logged == pytest.approx(float(sum(i / u for i, u in zip(ours, either, strict=True)) / 2), abs=1e-5)
    metrics = json.loads(Path("work/train/dense/metrics.json").read_text())
    assert result["val_miou"] == history.iloc[-1] == metrics["val_miou"]


def test_training_stops_early_when_validation_no_longer_improves(project: Path) -> None:
    params = DENSE.model_copy(update={"steps": 40, "interval": 1, "patience": 1, "lr": 10.0})
    assert train.run("dense", DataParams(), params)["steps"] < 40


def test_a_class_that_the_data_do_not_have_is_a_usage_error(project: Path) -> None:
    with pytest.raises(UsageError, match="nucleolus"):
        train.run("dense", DataParams(), DENSE.model_copy(update={"class_weights": {"nucleolus": 2.0}}))


def test_several_classes_train_and_export_with_a_score_each(project: Path) -> None:
    labels = read_labels(project / "data")
    labels["categories"] = [{"id": 3, "name": "a"}, {"id": 7, "name": "b"}, {"id": 9, "name": "tissue", "isthing": 0}]
    for number, annotation in enumerate(labels["annotations"]):
        annotation["category_id"] = (3, 7, 9)[number % 3]
    write_labels(project / "data", labels)
    params = DENSE.model_copy(update={"class_weights": {"b": 2.0}, "ignore_classes": ("a",), "steps": 2})
    train.run("dense", DataParams(), params)
    train.run("instance", DataParams(), INSTANCE.model_copy(update={"steps": 2}))
    for approach in ("semantic", "hybrid", "instance"):
        convert.run(approach, ConvertParams(max_abs_diff=1.0))  # type: ignore[arg-type]
        spec = read_spec(Path("work/convert") / approach)
        assert [(c.id, c.name, c.isthing) for c in spec.classes] == [
            (1, "a", True),
            (2, "b", True),
            (3, "tissue", False),
        ]


def test_an_exported_folder_carries_what_the_predictor_needs(project: Path) -> None:
    train.run("dense", DataParams(), DENSE)
    result = convert.run("hybrid", ConvertParams())
    spec = read_spec(Path("work/convert/hybrid"))
    assert (spec.approach, spec.zoom, spec.stride_px, spec.mean) == ("hybrid", 1.0, 32, (0.5, 0.5, 0.5))
    assert (spec.extra["network"], spec.extra["encoder"]) == ("dense", "tf_efficientnet_lite0")
    assert DenseParams(**spec.extra["train"]) == DENSE
    first = Path("work/convert/hybrid/model.json").read_bytes()
    convert.run("hybrid", ConvertParams())
    assert Path("work/convert/hybrid/model.json").read_bytes() == first
    assert "hybrid" in result["summary"]


def test_export_refuses_a_graph_that_answers_otherwise(project: Path) -> None:
    train.run("dense", DataParams(), DENSE)
    with pytest.raises(IntegrityError, match="within"):
        convert.run("semantic", ConvertParams(max_abs_diff=1e-12))


def test_progress_is_readable_in_a_pipe(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train.run("dense", DataParams(), DENSE)
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("train dense: step 4/4  loss ")
    assert line.endswith("0:00 left")


def test_history_has_a_row_per_interval_and_no_clock(project: Path) -> None:
    train.run("dense", DataParams(), DENSE)
    rows = Path("work/train/dense/history.csv").read_text().splitlines()
    assert rows[0].split(",")[:3] == ["step", "train_loss", "val_loss"]
    assert [row.split(",")[0] for row in rows[1:]] == ["2", "4"]
    assert json.loads(Path("work/train/dense/metrics.json").read_text())["steps"] == 4


@pytest.mark.parametrize(("network", "params"), NETWORKS)
def test_every_network_trains_in_mixed_precision(project: Path, network: str, params: Any) -> None:
    result = train.run(network, DataParams(), params.model_copy(update={"precision": "bf16-mixed", "steps": 2}))
    assert 0 < result["val_loss"] < float("inf")
