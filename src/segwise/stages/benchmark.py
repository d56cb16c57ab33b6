"""`segwise benchmark`: latency and memory of every calibrated model, through the Predictor, interleaved."""

from __future__ import annotations

import json
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from segwise.dataset import coco
from segwise.dataset.params import DataParams
from segwise.errors import IntegrityError
from segwise.evaluation.latency import interleaved, percentiles
from segwise.evaluation.params import BenchmarkParams
from segwise.predict.cascade import Cascade, read_cascade
from segwise.predict.footprint import peak_memory_mb
from segwise.predict.predictor import Predictor
from segwise.spec import CANDIDATES, CASCADE_FILE, canonical_json
from segwise.types import Image

ROOT, OUT = Path("work/calibrate"), Path("work/benchmark.json")
MEMORY_IMAGES = 2


def run(data: DataParams, params: BenchmarkParams) -> dict[str, Any]:
    """Read `work/calibrate/*` and the test images; write work/benchmark.json."""
    folders = _folders()
    if not folders:
        raise IntegrityError(f"a calibrated model in {ROOT}", "none", "run `dvc repro calibrate`")
    images = _images(data, params)
    predictors = {name: Predictor.load(folder, threads=params.threads) for name, folder in folders.items()}
    calls = {name: _call(predictor, images) for name, predictor in predictors.items()}
    taken = interleaved(calls, len(images), warmup=params.warmup, rounds=params.rounds, clock=time.perf_counter)
    memory = _memory(folders, images, params.threads)
    result = {
        "device": "cpu",
        "cpu": _cpu_name(),
        "threads": params.threads,
        "batch_size": 1,
        "num_images": len(images),
        "image_sizes": sorted({f"{i.shape[1]}x{i.shape[0]}" for i in images}),
        "approaches": {
            name: {
                **{key: None if value is None else round(value, 3) for key, value in percentiles(taken[name]).items()},
                "peak_memory_mb": memory[name],
                "model_mb": round(sum(graph.stat().st_size for graph in folder.rglob("model.onnx")) / 1e6, 3),
                "zoom": predictors[name].spec.zoom,
                "latencies_ms": [round(value, 3) for value in taken[name]],
            }
            for name, folder in folders.items()
        },
    }
    OUT.write_text(canonical_json(result), encoding="utf-8")
    words = ", ".join(f"{a} {v['p50_ms']:.1f}/{v['p95_ms']:.1f}" for a, v in result["approaches"].items())  # type: ignore[attr-defined]  # a dict of dicts
    return {**result, "summary": f"p50/p95 ms on {params.threads} CPU thread(s): {words}"}


def _images(data: DataParams, params: BenchmarkParams) -> list[Image]:
    dataset = coco.read(Path(data.dir))
    names = json.loads(Path("work/split.json").read_text(encoding="utf-8"))["test"]
    chosen = (
        [names[i] for i in np.unique(np.linspace(0, len(names) - 1, params.max_images).astype(int))] if names else []
    )
    images = [dataset.pixels(record) for record in coco.by_name(dataset, chosen)]
    return [fitted(image, params.side_px) if params.side_px else image for image in images]


def fitted(image: Image, side_px: int) -> Image:
    """The image's centre, side_px × side_px, at its own resolution; its reflection where it is smaller."""
    missing = [max(side_px - side, 0) for side in image.shape[:2]]
    image = np.pad(
        image, [(missing[0] // 2, -(-missing[0] // 2)), (missing[1] // 2, -(-missing[1] // 2)), (0, 0)], "symmetric"
    )
    top, left = ((side - side_px) // 2 for side in image.shape[:2])
    return np.ascontiguousarray(image[top : top + side_px, left : left + side_px])


def _folders() -> dict[str, Path]:
    """The folders of the calibrated models, and of the cascade where its calibration did not refuse it."""
    folders: dict[str, Path] = {a: ROOT / a for a in CANDIDATES if (ROOT / a / "model.json").is_file()}
    is_composed = (ROOT / "cascade" / CASCADE_FILE).is_file() and read_cascade(ROOT / "cascade").refused is None
    return {**folders, **({"cascade": ROOT / "cascade"} if is_composed else {})}


def _call(predictor: Predictor | Cascade, images: list[Image]) -> Callable[[int], object]:
    return lambda index: predictor.predict(images[index])


def _memory(folders: dict[str, Path], images: list[Image], threads: int) -> dict[str, float | None]:
    largest = max((image.shape for image in images), key=lambda shape: shape[0] * shape[1], default=None)
    if largest is None:
        return dict.fromkeys(folders)
    batch = np.stack([image for image in images if image.shape == largest][:MEMORY_IMAGES])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npy"
        np.save(path, batch)
        return {name: peak_memory_mb(model, threads, path) for name, model in folders.items()}


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    rows = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    return next((row.split(":", 1)[1].strip() for row in rows if row.startswith("model name")), platform.machine())
