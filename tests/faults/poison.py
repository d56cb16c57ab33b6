"""Splits poisoned with pictures of the test split in train, as they may come to be there unnoticed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from segwise.dataset.params import DataParams, SplitParams
from segwise.errors import DataInvalidError
from segwise.stages import split
from tests.factory import read_labels, write_labels

WAYS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "the same pixels": lambda image: image,
    "saved as JPEG and back": lambda image: image,
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "upside down": lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    "turned by 180 degrees": lambda image: image.transpose(Image.Transpose.ROTATE_180),
    "scaled by 1.5": lambda image: image.resize((image.width * 3 // 2, image.height * 3 // 2)),
}


def poison(data: Path, way: str, number: int) -> tuple[str, str]:
    """Add the `number`-th test image to train under another name; the two names."""
    document = read_labels(data)
    tests = [image for image in document["images"] if image["split"] == "test"]
    original = tests[number % len(tests)]
    name = f"added_{number:03}.png"
    image = WAYS[way](Image.open(data / "images" / original["file_name"]))
    if "JPEG" in way:
        image.save(data / "passed.jpg", quality=85)
        image = Image.open(data / "passed.jpg").convert("RGB")
        (data / "passed.jpg").unlink()
    image.save(data / "images" / name)
    new = {**original, "id": 10_000 + number, "file_name": name, "split": "train", "group": f"new{number}",
           "width": image.width, "height": image.height}  # fmt: skip
    write_labels(data, {**document, "images": [*document["images"], new]})
    return original["file_name"], name


def is_refused(data: Path, way: str, number: int) -> bool:
    """Whether `segwise split`, run above `data`, refuses and names both in leaks.json; data/ stays poisoned."""
    names = poison(data, way, number)
    try:
        split.run(DataParams(), SplitParams())
    except DataInvalidError:
        found = json.loads(Path("work/leaks.json").read_text(encoding="utf-8"))["links"]
        across = [set(link["images"]) for kind in found.values() for link in kind["across"]]
        return set(names) in across and not Path("work/split.json").exists()
    return False
