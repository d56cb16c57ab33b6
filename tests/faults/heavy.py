"""Stages and effects that take seconds, for the benchmark alone: from training to the pages that people read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from segwise.dataset.params import DataParams, ProfileParams
from segwise.decision.params import Decision
from segwise.evaluation.params import BenchmarkParams
from segwise.gate.params import PackageParams
from segwise.labels.params import ValidateParams
from segwise.models.params import ConvertParams, DenseParams
from segwise.predict.params import ComposeParams
from segwise.report.params import CompareParams
from segwise.spec import canonical_json
from segwise.stages import (
    advise,
    benchmark,
    compare,
    compose,
    convert,
    dossier,
    evaluate,
    package,
    profile,
    report,
    train,
    validate,
)
from tests.advice.drawn import PARAMS as ADVISE
from tests.faults.jobs import EVALUATE, REPO, Job, calibrated, data, files, measured
from tests.faults.jobs import _gate as gated
from tests.model_folder import make_model
from tests.predict.graphs import write_model
from tests.stages import test_dossier

TINY: dict[str, Any] = {
    "encoder": {"pretrained": "none"}, "crop_px": 64, "batch_size": 2, "steps": 6, "interval": 2, "zoom": 1.0,
    "threads": 1, "accelerator": "cpu", "decoder_widths": (16, 8, 8, 8),
}  # fmt: skip
DENSE = DenseParams(**TINY)
DECISIONS = {"discs": Decision.model_validate({"kind": "count", "tolerance": {"relative": 0.9}})}
EASY = ComposeParams(trigger="foreground < 0.5", recall=0.5, confidence=0.5, min_saving=0.0, replicates=10)


def profiled() -> None:
    data()
    _profile()


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


def composable() -> None:
    data()
    for approach in ("hybrid", "instance"):
        write_model(Path("work/calibrate") / approach, approach)


def compared() -> None:
    """Two measured candidates."""
    calibrated()
    make_model(Path("work/calibrate/instance"), 3.0)
    for candidate in ("semantic", "instance"):
        evaluate.run(candidate, DataParams(), EVALUATE, DECISIONS)
    timed = {"p50_ms": 45, "p95_ms": 50, "cpu_s_per_image": 0.05, "model_mb": 1.0}
    text = canonical_json({"approaches": {"semantic": timed, "instance": timed}, "threads": 1})
    Path("work/benchmark.json").write_text(text)


def filed() -> None:
    """A run with its history, as the tests of the dossier make it."""
    test_dossier.make_run()
    test_dossier.make_history()


def _timed() -> dict[str, Any]:
    """What of benchmark.json is not the clock's."""
    found = json.loads(Path("work/benchmark.json").read_text(encoding="utf-8"))
    return {"keys": sorted(found), "approaches": {name: sorted(own) for name, own in found["approaches"].items()}}


def _compare() -> None:
    compare.run(DataParams(), DECISIONS, EVALUATE, CompareParams(num_worst=2))


def _labels() -> dict[str, Any]:
    return {name: value for name, value in files("work/labels")().items() if "data_docs" not in name}


HEAVY = (
    Job("validate", data, lambda: validate.run(DataParams(), ValidateParams()), _labels),
    Job("profile", data, _profile, files("work")),
    Job("train", data, _train, _without_clock),
    Job("convert", trained, lambda: convert.run("semantic", ConvertParams()), files("work/convert")),
    Job("package", ready, lambda: package.run(DataParams(), PackageParams()), files("work/package")),
    Job("advise", profiled, lambda: advise.run(DataParams(), DECISIONS, ADVISE), files("work/advice")),
    Job("compose", composable, lambda: compose.run(DataParams(), DECISIONS, EASY), files("work/calibrate")),
    Job("benchmark", calibrated, lambda: benchmark.run(DataParams(), BenchmarkParams(rounds=1)), _timed),
    Job("compare", compared, _compare, files("work/compare")),
    Job("report", compared, report.run, files("work/report")),
    Job("dossier", filed, dossier.run, files("dossier")),
)
