"""Stages and effects on data that take a moment: what each starts from, does, and leaves."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segwise import bundle, registry, store
from segwise.dataset.params import DataParams, SplitParams
from segwise.evaluation.params import EvaluateParams
from segwise.evaluation.sums import write_sums
from segwise.gate.params import GateParams
from segwise.gate.row import Row
from segwise.labels.params import ValidateParams
from segwise.params import load
from segwise.predict.params import CalibrateApproach, CalibrateParams
from segwise.promotion import evidence
from segwise.promotion.evidence import Evidence
from segwise.registry import record
from segwise.spec import canonical_json, sha256_of
from segwise.stages import (
    approve,
    audit,
    calibrate,
    criteria,
    evaluate,
    export,
    gate,
    import_,
    predict,
    promote,
    rollback,
    split,
)
from tests.factory import make_dataset, read_labels
from tests.gate.made import make_sums
from tests.model_folder import make_model
from tests.packages import promote as promoted

REPO = Path(__file__).resolve().parents[2]
GATE = GateParams(replicates=100, min_miou=0.5, max_p95_ms=100)
PARAMS = load(REPO / "params.yaml").model_copy(update={"decision": {}, "gate": GATE})
QUICK = CalibrateApproach(zooms=(1.0,), sweeps=1, threads=1)
CALIBRATE = CalibrateParams(semantic=QUICK, hybrid=QUICK, instance=QUICK)
EVALUATE = EvaluateParams(replicates=20, threads=1)
OPEN = ("test_read",)  # kinds that a repeated attempt rightly records again


@dataclass(frozen=True)
class Job:
    """`make` writes what `work` starts from, in the working directory; `left` reads what it leaves.

    `is_done`: whether it has happened already, where doing it again would be something else.
    """

    name: str
    make: Callable[[], Any]
    work: Callable[[], Any]
    left: Callable[[], dict[str, Any]]
    is_done: Callable[[], bool] = lambda: False


def files(*folders: str) -> Callable[[], dict[str, Any]]:
    """Reads the bytes of every file below these, but for what `spec.write_whole` had not yet given its name."""
    return lambda: {str(p): p.read_bytes() for f in folders for p in sorted(_below(Path(f)))}


def _below(path: Path) -> list[Path]:
    found = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    return [p for p in found if not (p.name.startswith(".") and p.suffix == ".new")]


def standing() -> dict[str, Any]:
    """What the registry says, folded, and what the store holds; every part of it verified."""
    events = registry.read()
    champion, before = registry.champion(events), registry.previous(events)
    audit.run()
    return {
        "champion": champion.subject if champion else None,
        "previous": before.subject if before else None,
        "events": [(e.kind, e.subject, e.actor) for e in events if e.kind not in OPEN],
        "archives": store.archives(e.bento_sha256 for e in events if e.kind == "promote"),
        "served": bundle.verify(store.champion()[0])[0] if champion else None,
    }


# --- what they start from


def data() -> None:
    make_dataset(Path("data"))
    Path("data.dvc").write_text("outs:\n- md5: 0123abc.dir\n  path: data\n")
    images = read_labels(Path("data"))["images"]
    parts = {part: sorted(i["file_name"] for i in images if i["split"] == part) for part in ("train", "val", "test")}
    Path("work").mkdir()
    Path("registry").mkdir()
    Path("work/split.json").write_text(json.dumps(parts))


def exported() -> None:
    data()
    make_model(Path("work/convert/semantic"))


def calibrated() -> None:
    exported()
    calibrate.run("semantic", DataParams(), CALIBRATE, {})


def measured() -> None:
    calibrated()
    timing = {"p50_ms": 16, "p95_ms": 20, "model_mb": 0.1}
    Path("work/evaluate/semantic").mkdir(parents=True)
    Path("work/evaluate/semantic/metrics.json").write_text(canonical_json({"miou": 0.9}))
    write_sums(Path("work/evaluate/semantic/sums.npz"), make_sums(0.9))
    Path("work/benchmark.json").write_text(canonical_json({"approaches": {"semantic": timing}}))


def packaged() -> None:
    """A champion, and the package of another model."""
    measured()
    promoted(Path("made/a"), "a")
    _gate()
    shutil.copytree("work/calibrate/semantic", Path("made/b") / bundle.MODEL)
    pack(Path("made/b"))


def pack(folder: Path) -> None:
    """Put a folder into work/package, as the gate's winner."""
    bundle.write_manifest(folder, {"winner": "semantic", "data_md5": "0", "why": ""})
    Path("work/package").mkdir(exist_ok=True)
    shutil.copy(folder / bundle.MANIFEST, "work/package/manifest.json")
    with tarfile.open("work/package/segwise.bento", "w:xz") as tar:
        tar.add(folder, ".")


def three() -> None:
    Path("registry").mkdir()
    for text in "abc":
        promoted(Path("made") / text, text)


def delivered() -> None:
    data()
    make_dataset(Path("more"), num_images=3, seed=7)


# --- what they do


def _gate() -> None:
    gate.run(GATE)


def as_good(*_: object) -> Evidence:
    """Evidence for a promotion, made up."""
    row = Row("quality", "f1", "f1", "fraction", "promote", 0.9, 0.9, 0.0, (-0.01, 0.01), 0.02, "")
    return Evidence([row], {"noise": None}, 6)


def _promote() -> None:
    setattr(evidence, "gather", as_good)  # noqa: B010  # in a forked process: nobody else sees it
    promote.run("ada", "as good", PARAMS)


def _amend() -> None:
    softer = PARAMS.model_copy(update={"gate": PARAMS.gate.model_copy(update={"min_f1": 0.01})})
    criteria.run(softer, True, "ada", "the clinic accepts less")


def _begun() -> None:
    data()
    record.before("train", "dense", PARAMS)


def _approve() -> None:
    approve.run(sha256_of(Path("work/package/manifest.json"))[:12], "grace", "read it")


def _begin() -> None:
    if not any(e.kind == "run" for e in registry.read()):
        record.before("train", "dense", PARAMS)


def _has_left_c() -> bool:
    return registry.read()[-1].kind == "rollback"


JOBS = (
    Job("split", data, lambda: split.run(DataParams(), SplitParams()), files("work", "registry/splits.json")),
    Job("calibrate", exported, lambda: calibrate.run("semantic", DataParams(), CALIBRATE, {}), files("work")),
    Job("evaluate", calibrated, lambda: evaluate.run("semantic", DataParams(), EVALUATE), files("work")),
    Job("gate", measured, _gate, files("work")),
    Job("promote", packaged, _promote, standing),
    Job("rollback", three, lambda: rollback.run("ada", "undercounts"), standing, _has_left_c),
    Job("approve", packaged, _approve, standing),
    Job("criteria", _begun, _amend, standing),
    Job("record", data, _begin, standing),
    Job("import", delivered, lambda: import_.run(Path("more"), DataParams(), ValidateParams()), files("data")),
    Job("predict", calibrated, lambda: predict.run([Path("data/images")], Path("work/calibrate/semantic"), Path("out")),
        files("out")),
    Job("export", data, lambda: export.run("coco", Path("out"), None, DataParams()), files("out")),
    Job("audit", three, lambda: audit.run("export", format="csv", out=Path("audit.csv")), files("audit.csv")),
)  # fmt: skip
