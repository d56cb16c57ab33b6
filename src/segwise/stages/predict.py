"""`segwise predict PATH…`: segment images; JSON lines with every object, and overlays to look at."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Any

from segwise import store
from segwise.dataset.images import SUFFIXES, read_image
from segwise.errors import DataInvalidError
from segwise.predict.answer import as_json
from segwise.predict.overlay import draw, png
from segwise.predict.predictor import Predictor

RESULTS, OVERLAYS = "predictions.jsonl", "overlays"


def run(paths: list[Path], model: Path | None, out: Path) -> dict[str, Any]:
    """Segment files and folders of images with the model folder `model` (default: the champion's).

    Writes `out/predictions.jsonl`, one line per image with the keys of `predict.answer.as_json` and `file`,
    and `out/overlays/<image>.png`.
    """
    files = find_images(paths)
    predictor = Predictor.load(store.champion_model() if model is None else model)
    classes, is_cascade = predictor.spec.class_infos, predictor.spec.approach == "cascade"
    (out / OVERLAYS).mkdir(parents=True, exist_ok=True)
    num_objects = 0
    with (out / RESULTS).open("w", encoding="utf-8") as results:
        for name, file in _named(files):
            image = read_image(file, value_range=predictor.spec.value_range)
            prediction = predictor.predict(image)
            num_objects += len(prediction.objects)
            answer = as_json(prediction, classes, is_cascade=is_cascade)
            results.write(json.dumps({"file": str(file), **answer}) + "\n")
            (out / OVERLAYS / f"{name}.png").write_bytes(png(draw(image, prediction, classes)))
    words = f"{len(files)} image(s), {num_objects} objects → {out / RESULTS}, pictures in {out / OVERLAYS}"
    return {"num_images": len(files), "num_objects": num_objects, "results": str(out / RESULTS), "summary": words}


def find_images(paths: Iterable[Path]) -> list[Path]:
    """The image files among `paths` and, sorted, in the folders among them.

    Raises:
        DataInvalidError: a path does not exist, or there is no image at all.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise DataInvalidError(f"an image or a folder at {path}", "nothing there", "check the path")
        inside = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
        found += inside
    if not found:
        raise DataInvalidError(
            f"images ({', '.join(SUFFIXES)})", f"none in {[str(p) for p in paths]}", "check the path"
        )
    return found


def _named(files: list[Path]) -> Iterable[tuple[str, Path]]:
    """Each file with a name of its own: its stem, numbered where two share it."""
    stems, taken = {file.stem for file in files}, set[str]()
    for file in files:
        numbered = (f"{file.stem}_{number}" for number in count(2))
        name = file.stem if file.stem not in taken else next(n for n in numbered if n not in taken | stems)
        taken.add(name)
        yield name, file
