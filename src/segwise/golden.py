"""Golden images: a few images in a package with what its model answered when it was packaged.

Any later load can be re-scored on them without the data: `check`. On the processor and with the libraries that the
answers were made with, the same bytes are the same answers (one thread). Other processors round otherwise: there the
answers have to agree, see MIN_EQUAL and MAX_COUNT_ERROR.

    src/golden/<n>.png           the image, RGB
    src/golden/<n>.answer.png    the class map answered
    manifest.json, `golden`      SHA-256 of class map and objects, number of objects, where it was computed
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from segwise.bundle import MODEL, read_manifest
from segwise.dataset.images import read_image
from segwise.errors import IntegrityError
from segwise.predict.footprint import cpu_name
from segwise.predict.overlay import png
from segwise.predict.predictor import Predictor
from segwise.types import ClassMap, Image, Objects, Prediction

FOLDER = "src/golden"
AT_MOST = 5
MAX_PIXELS = 1_000_000  # larger ones cost more to carry and to check than they prove
MIN_EQUAL = 0.999  # share of the class map's pixels, on another processor
MAX_COUNT_ERROR = 0.01  # of the objects, there
LIBRARIES = ("numpy", "onnxruntime", "opencv-python-headless")  # those that compute the answer
REMEDY = "go back with `segwise rollback`, or package again: `dvc repro package`"


def choose(sizes: Mapping[str, tuple[int, int]]) -> list[str]:
    """Up to AT_MOST of the named images (H, W), spread evenly over their sizes; those over MAX_PIXELS only if all are
    larger."""
    area = {name: height * width for name, (height, width) in sizes.items()}
    ordered = sorted(area, key=lambda name: (area[name], name))
    order = [name for name in ordered if area[name] <= MAX_PIXELS] or ordered[:1]
    number = min(AT_MOST, len(order))
    return [order[int((i + 0.5) * len(order) / number)] for i in range(number)]


def record(model: Path, images: Mapping[str, Image], into: Path) -> dict[str, Any]:
    """Write the images and the answers of `model` to the folder `into`; returns the manifest's section `golden`.

    Args:
        images: by the name that errors call them, uint8 (H, W, 3) RGB.
    """
    predictor = Predictor.load(model, threads=1)
    into.mkdir(parents=True, exist_ok=True)
    entries = []
    for number, (name, image) in enumerate(images.items()):
        answer = predictor.predict(image)
        (into / f"{number}.png").write_bytes(png(image))
        (into / f"{number}.answer.png").write_bytes(png(answer.class_map))
        entries.append({"image": name, **digests(answer), "num_objects": len(answer.objects)})
    return {"made_on": made_on(), "images": entries}


def check(folder: Path, ask: Callable[[Sequence[Image]], Sequence[Prediction]] | None = None) -> str:
    """Let the package in `folder` answer its golden images again; returns how they were compared, in words.

    A package without golden images (made before there were any) passes, and the words say so.

    Args:
        ask: who answers them; None = the package's model with the code of the working tree.

    Raises:
        IntegrityError: an answer is another one; the image is named.
    """
    if not (images := listed(folder)):
        return "no golden images in this package"
    is_exact = is_same_machine(folder)
    pictures = [read_image(path) for path, _ in images]
    if ask is None:
        predictor = Predictor.load(folder / MODEL, threads=1)
        answers: Sequence[Prediction] = [predictor.predict(picture) for picture in pictures]
    else:
        answers = ask(pictures)
    for (path, entry), answer in zip(images, answers, strict=True):
        stored = _class_map(path.with_suffix(".answer.png"))
        wrong = differs(entry, answer) if is_exact else disagrees(entry, stored, answer)
        if wrong:
            raise IntegrityError(f"the recorded answer to the golden image {entry['image']}", wrong, REMEDY)
    how = "byte for byte" if is_exact else "within rounding, as they were recorded on another processor or libraries"
    return f"{len(images)} golden images answered as recorded, {how}"


def digests(answer: Prediction) -> dict[str, str]:
    """SHA-256 of the answer's class map, and of its objects: classes, boxes and masks in the order of their scores."""
    return {"class_map_sha256": class_map_sha256(answer.class_map), "objects_sha256": objects_sha256(answer.objects)}


def class_map_sha256(class_map: ClassMap) -> str:
    """Of the size and the bytes of a class map, uint8 (H, W)."""
    return hashlib.sha256(repr(class_map.shape).encode() + np.ascontiguousarray(class_map).tobytes()).hexdigest()


def objects_sha256(objects: Objects) -> str:
    """Of each object's class, box and mask; scores, which are shown rounded, are left out."""
    found = hashlib.sha256(repr(objects.size).encode())
    for class_id, box, crop in zip(objects.class_ids, objects.boxes_xyxy, objects.crops, strict=True):
        found.update(repr((int(class_id), box.tolist())).encode() + np.packbits(crop).tobytes())
    return found.hexdigest()


def differs(entry: Mapping[str, Any], answer: Prediction) -> str:
    """What is not, byte for byte, as recorded; empty where all is."""
    found = digests(answer)
    parts = {"class_map_sha256": "another class map", "objects_sha256": "other objects"}
    return ", ".join(words for key, words in parts.items() if found[key] != entry[key])


def disagrees(entry: Mapping[str, Any], stored: ClassMap, answer: Prediction) -> str:
    """What is farther from the record than rounding explains; empty where nothing is."""
    if stored.shape != answer.class_map.shape:
        return f"a class map of {answer.class_map.shape}"
    equal = float(np.mean(stored == answer.class_map))
    recorded, counted = int(entry["num_objects"]), len(answer.objects)
    if equal < MIN_EQUAL:
        return f"{100 * equal:.2f} % of its pixels, less than {100 * MIN_EQUAL:g} %"
    if abs(counted - recorded) > MAX_COUNT_ERROR * recorded:
        return f"{counted} objects instead of {recorded}"
    return ""


def made_on() -> dict[str, str]:
    """What the bytes of an answer depend on beside the model: the processor and the libraries that compute."""
    return {"cpu": cpu_name(), **{name: version(name) for name in LIBRARIES}}


def is_same_machine(folder: Path) -> bool:
    """Whether the golden answers of `folder` were made on this processor with these libraries."""
    return bool(read_manifest(folder).get("golden", {}).get("made_on") == made_on())


def listed(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    """The golden images of a package, each with its entry in the manifest."""
    entries = read_manifest(folder).get("golden", {}).get("images", [])
    return [(folder / FOLDER / f"{number}.png", dict(entry)) for number, entry in enumerate(entries)]


def _class_map(path: Path) -> ClassMap:
    found = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    return np.zeros((0, 0), np.uint8) if found is None else np.asarray(found, dtype=np.uint8)
