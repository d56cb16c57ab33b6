"""Stages that take seconds, for the benchmark alone: training, conversion, the build of a Bento, the label checks."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from segwise.dataset.params import DataParams, ProfileParams
from segwise.gate.params import PackageParams
from segwise.labels.params import ValidateParams
from segwise.models.params import ConvertParams, DenseParams
from segwise.stages import convert, package, profile, train, validate
from tests.faults.jobs import REPO, Job, data, files, measured
from tests.faults.jobs import _gate as gated

TINY: dict[str, Any] = {
    "encoder": {"pretrained": "none"}, "crop_px": 64, "batch_size": 2, "steps": 6, "interval": 2, "zoom": 1.0,
    "threads": 1, "accelerator": "cpu", "decoder_widths": (16, 8, 8, 8),
}  # fmt: skip
DENSE = DenseParams(**TINY)


def trained() -> None:
    data()
    _train()


def ready() -> None:
    measured()
    gated()
    (Path("src")).symlink_to(REPO / "src")
    shutil.copy(REPO / "bentofile.yaml", "bentofile.yaml")


def _train() -> None:
    train.run("dense", DataParams(), DENSE)


def _without_clock() -> dict[str, Any]:
    return {name: value for name, value in files("work/train")().items() if not name.endswith("minutes.json")}


def _profile() -> None:
    profile.run(DataParams(), ProfileParams())


def _labels() -> dict[str, Any]:
    return {name: value for name, value in files("work/labels")().items() if "data_docs" not in name}


HEAVY = (
    Job("validate", data, lambda: validate.run(DataParams(), ValidateParams()), _labels),
    Job("profile", data, _profile, files("work")),
    Job("train", data, _train, _without_clock),
    Job("convert", trained, lambda: convert.run("semantic", ConvertParams()), files("work/convert")),
    Job("package", ready, lambda: package.run(DataParams(), PackageParams()), files("work/package")),
)
