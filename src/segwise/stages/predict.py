"""`segwise predict PATH…`: segment images; JSON lines with every object, and overlays to look at."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from segwise import store
from segwise.dataset.images import SUFFIXES, read_image
from segwise.errors import DataInvalidError
from segwise.predict.overlay import draw, png
from segwise.predict.predictor import Predictor
from segwise.spec import ModelSpec
from segwise.types import Prediction

RESULTS, OVERLAYS = "predictions.jsonl", "overlays"


def run(paths: list[Path], model: Path | None, out: Path) -> dict[str, Any]:
    """Segment files and folders of images with the model folder `model` (default: the champion's).

    Writes `out/predictions.jsonl`, one line per image, and `out/overlays/<image>.png`.
    """
    files = find_images(paths)
    predictor = Predictor.load(store.champion_model() if model is None else model)
    (out / OVERLAYS).mkdir(parents=True, exist_ok=True)
    num_objects = 0
    with (out / RESULTS).open("w", encoding="utf-8") as results:
        for name, file in _named(files):
            image = read_image(file)
            prediction = predictor.predict(image)
            num_objects += len(prediction.objects)
            results.write(json.dumps({"file": str(file), **as_json(prediction, predictor.spec)}) + "\n")
            (out / OVERLAYS / f"{name}.png").write_bytes(png(draw(image, prediction, predictor.spec.class_infos)))
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


def as_json(prediction: Prediction, spec: ModelSpec) -> dict[str, Any]:
    """Size, counts, coverage and objects (class, score, area, box, compressed COCO RLE) as plain values."""
    names = {c.id: c.name for c in spec.class_infos}
    objects = prediction.objects
    rows = zip(objects.class_ids, objects.scores, objects.areas_px, objects.boxes_xyxy, objects.rles(), strict=True)
    return {
        "size": list(objects.size),
        "counts": prediction.counts(spec.class_infos),
        "coverage": {name: round(value, 6) for name, value in prediction.coverage(spec.class_infos).items()},
        "objects": [
            {
                "class": names[int(class_id)], "score": round(float(score), 4), "area_px": int(area),
                "box_xyxy": box.tolist(), "rle": {"size": list(objects.size), "counts": rle["counts"].decode("ascii")},
            }
            for class_id, score, area, box, rle in rows
        ],
    }  # fmt: skip


def _named(files: list[Path]) -> Iterable[tuple[str, Path]]:
    """Each file with a name of its own: its stem, numbered where two share it."""
    seen: dict[str, int] = {}
    for file in files:
        seen[file.stem] = seen.get(file.stem, 0) + 1
        yield (file.stem if seen[file.stem] == 1 else f"{file.stem}_{seen[file.stem]}"), file
