"""The time of a package in a fresh process, with the code and the model that it serves.

That process is this file, run as `python -P timing.py MODEL THREADS WARMUP ROUNDS IMAGES.npz` with the package's own
`src/` first on the path: what is timed is the packaged Predictor, not the one of the working tree.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MODEL = "model"  # beside segwise/ in a package's src/


@dataclass(frozen=True, slots=True, eq=False)
class Timed:
    """One process. `wall_ms`, `cpu_ms`: float64 (images, rounds), of predict alone, the warm-up left out.

    `cold_start_ms`: from the first import of the predictor until the first answer; `peak_memory_mb`: resident,
    interpreter and libraries included.
    """

    wall_ms: NDArray[np.float64]
    cpu_ms: NDArray[np.float64]
    cold_start_ms: float
    peak_memory_mb: float


def timed(source: Path, images: Path, *, warmup: int, rounds: int, threads: int = 1, timeout_s: float = 600.0) -> Timed:
    """Time the package whose `src/` folder is `source` on the images of a .npz file, each uint8 (H, W, 3) RGB.

    Raises:
        SegwiseError: the process failed or took longer than `timeout_s`.
    """
    from segwise.errors import SegwiseError

    numbers = [str(n) for n in (threads, warmup, rounds)]
    command = [sys.executable, "-P", str(Path(__file__).resolve()), str(source / MODEL), *numbers, str(images)]
    env = {**os.environ, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1", "OMP_WAIT_POLICY": "passive"}
    remedy = "run it again when the machine is quieter; `segwise doctor` looks for what else runs"
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False, env=env)
    except subprocess.TimeoutExpired as error:
        raise SegwiseError(f"{source} to be timed within {timeout_s:g} s", "no end", remedy) from error
    if done.returncode:
        why = " ".join(done.stderr.strip().splitlines()[-2:]) or "no message"
        raise SegwiseError(f"a prediction with {source}", f"exit {done.returncode}: {why}", remedy)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    wall, cpu = (np.array(found[key], dtype=np.float64) for key in ("wall_ms", "cpu_ms"))
    return Timed(wall, cpu, float(found["cold_start_ms"]), float(found["peak_memory_mb"]))


def _peak_mb() -> float:
    status = Path("/proc/self/status")
    if status.is_file():  # ru_maxrss of a spawned process starts at its parent's peak; VmHWM is the process's own
        line = next(row for row in status.read_text().splitlines() if row.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024) if sys.platform == "darwin" else peak / 1024


def main(arguments: list[str]) -> None:
    """Load, warm up, time every image in turn, print what was measured as JSON."""
    folder, threads, warmup, rounds = arguments[0], *map(int, arguments[1:4])
    with np.load(arguments[4], allow_pickle=False) as file:
        images = [file[name] for name in file.files]
    start = time.perf_counter()
    from segwise.predict.predictor import Predictor

    predictor = Predictor.load(Path(folder), threads=threads)
    predictor.predict(images[0])
    cold = 1000 * (time.perf_counter() - start)
    for index in range(warmup):
        predictor.predict(images[index % len(images)])
    wall, cpu = np.empty((2, len(images), rounds))
    for number in range(rounds):
        for index, image in enumerate(images):
            since, used = time.perf_counter(), time.process_time()
            predictor.predict(image)
            wall[index, number] = 1000 * (time.perf_counter() - since)
            cpu[index, number] = 1000 * (time.process_time() - used)
    found = {"wall_ms": wall.round(4).tolist(), "cpu_ms": cpu.round(4).tolist()}
    print(json.dumps({**found, "cold_start_ms": round(cold, 1), "peak_memory_mb": round(_peak_mb(), 1)}))


if __name__ == "__main__":
    main(sys.argv[1:])
