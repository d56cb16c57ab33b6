"""Train one network: read labels and split, fit, write weights, card, history, metrics and the minutes it took."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pandas as pd
import torch

from segwise.dataset import coco, loader
from segwise.dataset.integrity import data_digest
from segwise.dataset.params import DataParams
from segwise.dataset.transforms import Cropper, CropSpec
from segwise.errors import UsageError
from segwise.models import build, fit
from segwise.models.dense import DenseNet
from segwise.models.instance import InstanceNet
from segwise.models.lightning import DenseTraining, InstanceTraining
from segwise.models.params import DenseParams, InstanceParams
from segwise.spec import ClassSpec, canonical_json, sha256_of
from segwise.types import ClassInfo

SPLIT = Path("work/split.json")
OUT = Path("work/train")
CHECKPOINTS = Path(".segwise/checkpoints")
DRAWN_BY = ("contrast", "dense_targets", "images", "loader", "targets", "transforms")  # modules of dataset
Split = dict[str, Any]


def run(network: str, data: DataParams, params: DenseParams | InstanceParams, resume: bool = True) -> dict[str, Any]:
    """Train `network` (`dense` or `instance`). An interrupted training goes on where it was, unless `resume` is off."""
    dataset = coco.read(Path(data.dir))
    split = json.loads(SPLIT.read_text(encoding="utf-8"))
    check_classes(params, dataset.classes)
    fit.prepare(params)
    net = build.build(params, len(dataset.classes))
    loaders = _loaders(network, dataset, split, params, (net.encoder.mean, net.encoder.std))
    checkpoints = CHECKPOINTS / network / _key(params, data_digest(Path(data.dir)), split)
    if not resume:
        fit.forget(checkpoints)
    module = _training(net, params, dataset.classes)
    watch = fit.Stopwatch()
    trained, history = fit.fit(module, *loaders, params, checkpoints, f"train {network}", watch)
    metrics = {"steps": int(history[-1]["step"]), **{key: value for key, value in history[-1].items() if key != "step"}}
    if fit.is_first_process():
        _write(OUT / network, network, trained, params, dataset, history, metrics)
        (OUT / network / "minutes.json").write_text(
            canonical_json({"minutes": round(watch.minutes, 3)}), encoding="utf-8"
        )
        fit.forget(checkpoints)
    return {**metrics, "summary": f"{network}: {metrics['steps']} steps, validation loss {metrics['val_loss']:.3f}"}


def check_classes(params: DenseParams | InstanceParams, classes: Sequence[ClassInfo]) -> None:
    """Raise UsageError where the parameters name a class that the data do not have."""
    known = ["background", *(c.name for c in classes)]
    named = {"ignore_classes": params.ignore_classes, "class_weights": getattr(params, "class_weights", ())}
    for key, names in named.items():
        for name in names:
            if name not in known:
                raise UsageError("a class of the data", f"`{name}` in `{key}`", f"name one of: {', '.join(known)}")


def _training(
    net: DenseNet | InstanceNet, params: DenseParams | InstanceParams, classes: Sequence[ClassInfo]
) -> DenseTraining | InstanceTraining:
    if isinstance(params, InstanceParams):
        return InstanceTraining(cast("InstanceNet", net), params)
    names = ["background", *(c.name for c in classes)]
    weights = torch.tensor([params.class_weights.get(name, 1.0) for name in names])
    return DenseTraining(cast("DenseNet", net), params, weights if params.class_weights else None)


def _loaders(
    network: str, dataset: coco.Dataset, split: Split, params: DenseParams | InstanceParams, norm: loader.Norm
) -> tuple[Any, Any]:
    ignored = frozenset(c.id for c in dataset.classes if c.name in params.ignore_classes)
    augment = params.augment.model_dump()
    jitter, turns = augment.pop("zoom_jitter"), augment.pop("turns")
    spec = CropSpec(params.crop_px, params.zoom, jitter, augment, turns)
    crops = []
    for part in ("train", "val"):
        source = loader.Source(dataset, coco.by_name(dataset, split[part]), ignored, params.contrast)
        cropper = Cropper(spec, is_training=part == "train")
        crops.append(loader.Crops(source, cropper, cast("loader.Kind", network), norm, params.seed))
    records = crops[0].source.records
    weights = loader.attribute_weights(records, params.balance, params.balance_power) if params.balance else None
    draws = loader.Draws(len(records), min(params.interval, params.steps), params.batch_size, params.seed, weights)
    return loader.train_loader(crops[0], draws, params.workers), loader.validation_loader(crops[1], params.batch_size)


def _write(
    out: Path, name: str, net: torch.nn.Module, params: Any, dataset: coco.Dataset, history: Any, metrics: Any
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    classes = tuple(ClassSpec(id=c.id, name=c.name, isthing=c.isthing) for c in dataset.classes)
    build.save(out, net, name, params, classes, dataset.value_range)
    pd.DataFrame(history).astype({"step": int}).to_csv(out / "history.csv", index=False)
    (out / "metrics.json").write_text(canonical_json(metrics), encoding="utf-8")


def _key(params: DenseParams | InstanceParams, digest: str, split: Split) -> str:
    """What a checkpoint belongs to: the parameters that change results, the data, its split and the training's code."""
    code = {path.name: sha256_of(path) for path in _sources()}
    text = canonical_json({"params": params.model_dump(mode="json"), "data": digest, "split": split, "code": code})
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _sources() -> list[Path]:
    """The code that decides what a checkpoint holds and which crops come next."""
    data = Path(loader.__file__).parent
    return [*sorted(Path(build.__file__).parent.glob("*.py")), *(data / f"{name}.py" for name in DRAWN_BY)]
