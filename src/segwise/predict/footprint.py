"""What a model needs from a machine at the start: peak memory and cold start, measured in a fresh process.

That process is `python -m segwise.predict.footprint FOLDER THREADS IMAGES.npz`.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from segwise.errors import SegwiseError


@dataclass(frozen=True, slots=True)
class Footprint:
    """peak_memory_mb: peak resident memory, interpreter and libraries included: what a machine must have.
    cold_start_ms: from the first import of the predictor until it has answered the first image."""

    peak_memory_mb: float
    cold_start_ms: float


def footprint(folder: Path, threads: int, images: Path) -> Footprint:
    """Of a new process that loads `folder` and predicts the images of a .npz file, each uint8 (H, W, 3) RGB.

    Raises:
        SegwiseError: the process failed.
    """
    command = [sys.executable, "-m", "segwise.predict.footprint", str(folder), str(threads), str(images)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise SegwiseError(
            f"a prediction with {folder}", f"exit {done.returncode}: {why}", "check the machine's memory"
        )
    return Footprint(**json.loads(done.stdout.splitlines()[-1]))


def cpu_name() -> str:
    """The processor's model, as the machine calls it."""
    info = Path("/proc/cpuinfo")
    rows = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    return next((row.split(":", 1)[1].strip() for row in rows if row.startswith("model name")), platform.machine())


def _peak_mb() -> float:
    status = Path("/proc/self/status")
    if status.is_file():  # ru_maxrss of a spawned process starts at its parent's peak; VmHWM is the process's own
        line = next(row for row in status.read_text().splitlines() if row.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024) if sys.platform == "darwin" else peak / 1024


def main(arguments: list[str]) -> None:
    """Load, predict, print the footprint as JSON."""
    with np.load(arguments[2], allow_pickle=False) as file:
        images = [file[name] for name in file.files]
    start = time.perf_counter()
    from segwise.predict.predictor import Predictor

    predictor = Predictor.load(Path(arguments[0]), threads=int(arguments[1]))
    cold = None
    for image in images:
        predictor.predict(image)
        cold = cold or 1000 * (time.perf_counter() - start)
    print(json.dumps(asdict(Footprint(round(_peak_mb(), 1), round(cold or 0.0, 1)))))


if __name__ == "__main__":
    main(sys.argv[1:])
