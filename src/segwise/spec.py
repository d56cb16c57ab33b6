"""The model folder: what `convert` and `calibrate` write and the Predictor, the gate and the service read.

model.onnx    input `image` float32 (1, 3, h, w), normalised; outputs by approach, see `predict/<approach>.py`
model.json    this specification, canonical JSON
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any, Literal

from segwise.config import Section, parse
from segwise.errors import IntegrityError
from segwise.types import ClassInfo, Contrast

Approach = Literal["semantic", "hybrid", "instance"]
Candidate = Literal["semantic", "hybrid", "instance", "cascade"]
APPROACHES: tuple[Approach, ...] = ("semantic", "hybrid", "instance")  # trained, each with a network of its own
CANDIDATES: tuple[Candidate, ...] = (*APPROACHES, "cascade")  # what competes; a cascade is composed of two of them
CASCADE_FILE = "cascade.json"  # a folder that holds it is a cascade, see `predict/cascade.py`
SPLITS = ("train", "val", "test")


class ClassSpec(Section):
    """One class as stored: see `types.ClassInfo`."""

    id: int
    name: str
    isthing: bool


class ModelSpec(Section):
    """Everything the Predictor needs beside the graph.

    `zoom` enlarges the image before the network (1.5 = each side times 1.5); the network's input is padded (reflect)
    to a multiple of `stride_px`. `mean` and `std` are per channel, for pixels scaled to [0, 1].
    `contrast`: what becomes of an image's values before that, see `dataset.contrast`.
    `value_range`: the pixel values that become 0 and 255 in images of more than 8 bits (see `dataset.images`).
    `point` is the operating point: the thresholds and split parameters that `calibrate` fitted on validation;
    its keys are documented by the approach's module in `predict/`.
    `extra` says where the graph comes from: its `network`, the name of the `encoder` and the parameters of `train`.
    Of an instance network also `mask_shift_px`: see `predict/instance.py`.
    """

    approach: Candidate
    classes: tuple[ClassSpec, ...]
    zoom: float
    stride_px: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    onnx_sha256: str
    contrast: Contrast = "as_is"
    value_range: tuple[float, float] | None = None
    point: dict[str, float] = {}
    extra: dict[str, Any] = {}

    @property
    def class_infos(self) -> tuple[ClassInfo, ...]:
        return tuple(ClassInfo(c.id, c.name, c.isthing) for c in self.classes)


def canonical_json(value: Any) -> str:
    """The one text of a value: sorted keys, two-space indent, a final newline; NaN is refused."""
    return json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_whole(path: Path, text: str) -> None:
    """Put the text in the file's place, all or nothing: whoever reads it, now or after a crash, has the old or the new.

    Folders that are missing are made; a file that is there keeps its permissions.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with aside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())  # the name must not reach the disk before the text
        if path.exists():
            shutil.copymode(path, aside)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_spec(folder: Path, spec: ModelSpec) -> None:
    """Write `folder/model.json`."""
    (folder / "model.json").write_text(canonical_json(spec.model_dump(mode="json")), encoding="utf-8")


def read_spec(folder: Path) -> ModelSpec:
    """Read `folder/model.json` and check that `folder/model.onnx` is the graph it speaks of.

    Raises:
        IntegrityError: a file is missing, or the graph's bytes are others than recorded.
    """
    path, graph = folder / "model.json", folder / "model.onnx"
    for file in (path, graph):
        if not file.is_file():
            remedy = "run `dvc repro` to rebuild it"
            raise IntegrityError(f"a model folder with {file.name}", f"none in {folder}", remedy)
    spec = parse(ModelSpec, json.loads(path.read_text(encoding="utf-8")), str(path))
    digest = sha256_of(graph)
    if digest != spec.onnx_sha256:
        remedy = "restore it: `dvc repro` or `segwise rollback`"
        raise IntegrityError(f"{graph} with SHA-256 {spec.onnx_sha256}", digest, remedy)
    return spec
