"""package: build the winner's Bento, byte-reproducible; without a winner, say so in the manifest."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import yaml

from segwise import golden
from segwise.dataset import coco
from segwise.dataset.params import DataParams
from segwise.errors import IntegrityError
from segwise.gate.params import PackageParams
from segwise.packing import package
from segwise.predict.predictor import read_model
from segwise.spec import CASCADE_FILE, canonical_json
from segwise.types import Image

WORK = Path("work")


def run(data: DataParams, params: PackageParams) -> dict[str, Any]:
    """Write `work/package/manifest.json` and, if there is a winner, `work/package/segwise.bento`, which carries a few
    test images with the winner's answers (see `golden`).

    Raises:
        IntegrityError: the verdict or the winner's model folder is missing or damaged.
    """
    verdict = _read(WORK / "gate/verdict.json")
    folder = WORK / "package"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    winner = verdict["winner"]
    if winner is None:
        (folder / "manifest.json").write_text(canonical_json({"winner": None, "why": verdict["why"]}), encoding="utf-8")
        return {"winner": None, "summary": f"no package: {verdict['why']}"}
    model = WORK / "calibrate" / winner
    about = {
        "winner": winner,
        "why": verdict["why"],
        "checks": verdict["approaches"][winner]["checks"],
        "metrics": _read(WORK / "evaluate" / winner / "metrics.json"),
        "data_md5": data_revision(Path("data.dvc")),
        "params": made_of(model),
        "limits": params.model_dump(mode="json"),
    }
    with tempfile.TemporaryDirectory(prefix="segwise-package-") as name:
        scratch = Path(name)
        about["golden"] = golden.record(model, _golden_images(Path(data.dir)), scratch / "golden")
        digest = package(Path(), model, about, card(about), folder / "segwise.bento", scratch)
    size_mb = (folder / "segwise.bento").stat().st_size / 1e6
    return {"winner": winner, "digest": digest, "summary": f"{winner} packaged: {digest[:12]}, {size_mb:.1f} MB"}


def _golden_images(data: Path) -> dict[str, Image]:
    """A few images of the test split, by file name."""
    dataset = coco.read(data)
    names = _read(WORK / "split.json")["test"]
    sizes = {record.file_name: (record.height, record.width) for record in coco.by_name(dataset, names)}
    return {record.file_name: dataset.pixels(record) for record in coco.by_name(dataset, golden.choose(sizes))}


def made_of(model: Path) -> dict[str, Any]:
    """What a model folder was made with; of a cascade its trigger, and that of both models in it."""
    if (model / CASCADE_FILE).is_file():
        rule = {"trigger": _read(model / CASCADE_FILE)}
        return {**rule, **{part: made_of(model / part) for part in ("cheap", "instance")}}
    spec = read_model(model)
    return {"zoom": spec.zoom, "point": spec.point, **spec.extra}


def data_revision(path: Path) -> str | None:
    """The md5 by which DVC knows the data, None where the data is not under DVC."""
    return str(yaml.safe_load(path.read_text(encoding="utf-8"))["outs"][0]["md5"]) if path.is_file() else None


def card(about: dict[str, Any]) -> str:
    """The Bento's README."""
    return f"# segwise: {about['winner']}\n\n{about['why']}\n\nData revision: `{about['data_md5']}`. See `/model`.\n"


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise IntegrityError(f"{path}", "no such file", "run `dvc repro` to produce it")
    return dict(json.loads(path.read_text(encoding="utf-8")))
