"""`segwise benchmark`: time, CPU, memory and cold start of every candidate, through the Predictor, interleaved."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.dataset import coco
from segwise.dataset.params import DataParams
from segwise.errors import IntegrityError
from segwise.evaluation.latency import percentiles, timed
from segwise.evaluation.params import BenchmarkParams
from segwise.predict.cascade import Cascade, read_cascade
from segwise.predict.footprint import cpu_name, footprint
from segwise.predict.predictor import Predictor
from segwise.spec import CANDIDATES, CASCADE_FILE, canonical_json
from segwise.types import Image

ROOT, OUT = Path("work/calibrate"), Path("work/benchmark.json")
QUIET = 0.8  # share of the processor that a machine gives at least where nothing else runs
Candidate = Predictor | Cascade


def run(data: DataParams, params: BenchmarkParams) -> dict[str, Any]:
    """Read `work/calibrate/*` and the test images; write work/benchmark.json."""
    folders = _folders()
    if not folders:
        raise IntegrityError(f"a calibrated model in {ROOT}", "none", "run `dvc repro calibrate`")
    images = _images(data, params)
    predictors = {name: Predictor.load(folder, threads=params.threads) for name, folder in folders.items()}
    calls = {name: _call(predictor, images) for name, predictor in predictors.items()}
    clocks = (time.perf_counter, time.process_time)
    taken = timed(calls, len(images), warmup=params.warmup, rounds=params.rounds, clocks=clocks)
    escalated = [i for i, image in enumerate(images) if _is_escalated(predictors.get("cascade"), image)]
    needed = _needed(folders, images, escalated, params.threads)
    entries = {name: _entry(folder, predictors[name], taken[name]) | needed[name] for name, folder in folders.items()}
    if "cascade" in entries and images:
        entries["cascade"]["escalated_share"] = round(len(escalated) / len(images), 6)
    result = {
        "device": "cpu",
        "cpu": cpu_name(),
        "threads": params.threads,
        "batch_size": 1,
        "num_images": len(images),
        "image_sizes": sorted({f"{i.shape[1]}x{i.shape[0]}" for i in images}),
        "approaches": entries,
    }
    OUT.write_text(canonical_json(result), encoding="utf-8")
    clock_s, processor_s = np.concatenate(list(taken.values()), axis=1).sum(axis=1) if images else (0.0, 0.0)
    words = ", ".join(f"{a} {v['p50_ms']:.1f}/{v['p95_ms']:.1f}" for a, v in entries.items() if v["p50_ms"] is not None)
    given = _busy(float(processor_s), float(clock_s) * params.threads)
    return {**result, "summary": f"p50/p95 ms on {params.threads} CPU thread(s): {words}{given}"}


def _busy(processor_s: float, asked_s: float) -> str:
    """A warning where the machine gave much less of its processor than was asked for; processor seconds both."""
    if processor_s >= QUIET * asked_s:
        return ""
    share = f"{100 * processor_s / asked_s:.0f} %"
    return f"; the machine was busy and gave {share} of a processor: `dvc repro -f -s benchmark` on a quiet one"


def _entry(folder: Path, predictor: Candidate, taken: NDArray[np.float64]) -> dict[str, Any]:
    """A candidate's times, on the clock and on the CPU (float64 (2, N), seconds), and its size."""
    latencies_ms, cpu_s = (1000 * taken[0]).tolist(), taken[1]
    figures = {key: None if value is None else round(value, 3) for key, value in percentiles(latencies_ms).items()}
    return {
        **figures,
        "cpu_s_per_image": round(float(cpu_s.mean()), 6) if cpu_s.size else None,
        "model_mb": round(sum(graph.stat().st_size for graph in folder.rglob("model.onnx")) / 1e6, 3),
        "zoom": predictor.spec.zoom,
        "latencies_ms": [round(value, 3) for value in latencies_ms],
    }


def _images(data: DataParams, params: BenchmarkParams) -> list[Image]:
    """Test images, spread evenly over their sizes, so that percentiles are those of the whole split."""
    dataset = coco.read(Path(data.dir))
    names = json.loads(Path("work/split.json").read_text(encoding="utf-8"))["test"]
    records = sorted(coco.by_name(dataset, names), key=lambda r: (r.width * r.height, r.file_name))
    number = min(params.max_images, len(records))
    middles = ((np.arange(number) + 0.5) * len(records) / max(number, 1)).astype(int)
    images = [dataset.pixels(records[i]) for i in middles]
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


def _call(predictor: Candidate, images: list[Image]) -> Callable[[int], object]:
    return lambda index: predictor.predict(images[index])


def _is_escalated(cascade: Candidate | None, image: Image) -> bool:
    return cascade is not None and cascade.predict(image).escalated


def _needed(
    folders: dict[str, Path], images: list[Image], escalated: list[int], threads: int
) -> dict[str, dict[str, Any]]:
    """Peak memory and cold start of each candidate in a process of its own: on the largest image, and on the largest
    one for which the cascade asks its instance model."""
    if not images:
        return {name: dict.fromkeys(("peak_memory_mb", "cold_start_ms")) for name in folders}
    largest = [max(part, key=lambda i: images[i].size) for part in (range(len(images)), escalated) if part]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npz"
        np.savez(path, *(images[i] for i in dict.fromkeys(largest)))
        return {name: asdict(footprint(model, threads, path)) for name, model in folders.items()}
