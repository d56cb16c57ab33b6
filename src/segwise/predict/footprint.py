"""Peak memory of one model, measured in a fresh process.

That process is `python -m segwise.predict.footprint FOLDER THREADS IMAGES.npy`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from segwise.errors import SegwiseError


def peak_memory_mb(folder: Path, threads: int, images: Path) -> float:
    """Peak resident memory, MB, of a new process that loads `folder` and predicts the images of a .npy file.

    The file holds uint8 (N, H, W, 3) RGB. Interpreter and libraries are included: it is what a machine must have.

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
    return float(done.stdout.split()[-1])


def _peak_mb() -> float:
    status = Path("/proc/self/status")
    if status.is_file():  # ru_maxrss of a spawned process starts at its parent's peak; VmHWM is the process's own
        line = next(row for row in status.read_text().splitlines() if row.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024) if sys.platform == "darwin" else peak / 1024


def main(arguments: list[str]) -> None:
    """Load, predict, print the peak in MB."""
    from segwise.predict.predictor import Predictor

    predictor = Predictor.load(Path(arguments[0]), threads=int(arguments[1]))
    for image in np.load(arguments[2], allow_pickle=False):
        predictor.predict(image)
    print(round(_peak_mb(), 1))


if __name__ == "__main__":
    main(sys.argv[1:])
