"""What a package answers with the code it carries, in a process of its own: as it will be served.

The working tree may have moved on since an old package was built. Its answers by today's code say nothing about what
its service will answer. The process is this file, run as `python -P own_code.py MODEL IMAGES.npz OUT.npz` with the
package's own `src/` first on the path.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # the process has the package's own segwise
    from segwise.types import Image, Prediction

TIMEOUT_S = 600.0


def answers(package: Path, images: Sequence[Image]) -> list[Prediction]:
    """The package's answers to images, uint8 (H, W, 3) RGB each; scores are 1, all else as served.

    Raises:
        SegwiseError: the process failed, or took longer than TIMEOUT_S.
    """
    from segwise.bundle import MODEL
    from segwise.errors import SegwiseError

    model = (package / MODEL).resolve()
    env = {**os.environ, "PYTHONPATH": str(model.parent), "PYTHONDONTWRITEBYTECODE": "1", "OMP_WAIT_POLICY": "passive"}
    remedy = "run it by hand to see why, with the package's own `src` in PYTHONPATH"
    with tempfile.TemporaryDirectory(prefix="segwise-own-code-") as name:
        asked, said = Path(name) / "images.npz", Path(name) / "answers.npz"
        np.savez(asked, *images)
        command = [sys.executable, "-P", str(Path(__file__).resolve()), str(model), str(asked), str(said)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, env=env)
        except subprocess.TimeoutExpired as error:
            raise SegwiseError(f"{package} to answer within {TIMEOUT_S:g} s", "no end", remedy) from error
        if done.returncode:
            why = " ".join(done.stderr.strip().splitlines()[-2:]) or "no message"
            raise SegwiseError(f"{package} to answer with its own code", f"exit {done.returncode}: {why}", remedy)
        with np.load(said, allow_pickle=False) as file:
            return [_prediction(file, number) for number in range(len(images))]


def _prediction(file: Any, number: int) -> Prediction:
    from segwise.types import Objects, Prediction

    class_map, ids, boxes, bits = (file[f"{name}_{number}"] for name in ("class_map", "ids", "boxes", "bits"))
    sizes = [(y1 - y0, x1 - x0) for x0, y0, x1, y1 in boxes.tolist()]
    ends = np.cumsum([height * width for height, width in sizes], dtype=np.int64)
    parts = np.split(bits, ends[:-1]) if sizes else []
    crops = tuple(part.reshape(size) for part, size in zip(parts, sizes, strict=True))
    scores, crowd = np.ones(len(crops), dtype=np.float32), np.zeros(len(crops), dtype=bool)
    return Prediction(class_map, Objects(class_map.shape, ids, scores, boxes, crops, crowd))


def _arrays(prediction: Any, number: int) -> dict[str, NDArray[Any]]:
    objects = prediction.objects
    bits = np.concatenate([crop.ravel() for crop in objects.crops] or [np.zeros(0, dtype=bool)])
    values = {"class_map": prediction.class_map, "ids": objects.class_ids, "boxes": objects.boxes_xyxy, "bits": bits}
    return {f"{name}_{number}": value for name, value in values.items()}


def main(arguments: Sequence[str]) -> None:
    """Load the model with the segwise beside it, answer every image in turn, write the answers."""
    from segwise.predict.predictor import Predictor

    model, asked, said = arguments
    with np.load(asked, allow_pickle=False) as file:
        images = [file[name] for name in file.files]
    predictor = Predictor.load(Path(model), threads=1)
    found: dict[str, Any] = {}
    for number, image in enumerate(images):
        found |= _arrays(predictor.predict(image), number)
    np.savez(said, **found)


if __name__ == "__main__":
    main(sys.argv[1:])
