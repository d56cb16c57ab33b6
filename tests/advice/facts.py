"""Profiles of small synthetic data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from segwise.advice.histograms import histograms
from segwise.advice.measure import measure
from segwise.advice.profile import profile
from segwise.dataset import coco
from segwise.dataset.params import ProfileParams
from tests.factory import annotation, write_labels

PARAMS = ProfileParams()


def facts(root: Path, params: ProfileParams = PARAMS) -> dict[str, Any]:
    """The profile of the data set in `root`, as the stage writes it."""
    dataset = coco.read(root)
    measured = [measure(record, dataset.classes, dataset.pixels(record), params) for record in dataset.images]
    return {**profile(dataset, measured, [False] * len(measured), params), "histograms": histograms(measured)}


def write_grid(
    root: Path,
    diameter: int,
    *,
    num_images: int = 10,
    size: tuple[int, int] = (160, 200),
    colours: dict[str, tuple[int, int, int]] | None = None,
    stuff: tuple[str, ...] = (),
    attributes: tuple[dict[str, str], ...] = ({},),
) -> Path:
    """Images of four discs of one diameter, well apart, of the classes of `colours` in turn, on dark grey.

    Classes in `stuff` are regions. Image i has `attributes[i % n]` and is a group of its own.
    """
    colours = colours or {"disc": (180, 180, 180)}
    rng = np.random.default_rng(0)
    (root / "images").mkdir(parents=True)
    images, annotations = [], []
    for index in range(num_images):
        pixels = np.full((*size, 3), 40, dtype=np.int16)
        for number, mask in enumerate(_discs(size, diameter, rng)):
            category = (number + index) % len(colours)
            pixels[mask] = list(colours.values())[category]
            annotations.append(annotation(mask, len(annotations) + 1, index + 1, category + 1))
        noisy = np.clip(pixels + rng.integers(-2, 3, (*size, 1)), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(root / "images" / f"{index:02}.png")
        entry = {"id": index + 1, "file_name": f"{index:02}.png", "height": size[0], "width": size[1]}
        images.append({**entry, **attributes[index % len(attributes)]})
    classes = [{"id": i, "name": name, "isthing": int(name not in stuff)} for i, name in enumerate(colours, start=1)]
    write_labels(root, {"images": images, "annotations": annotations, "categories": classes})
    return root


def _discs(size: tuple[int, int], diameter: int, rng: np.random.Generator) -> list[NDArray[np.bool_]]:
    rows, columns = np.mgrid[: size[0], : size[1]]
    half = (size[0] // 2, size[1] // 2)
    masks = []
    for top, left in ((0, 0), (0, half[1]), (half[0], 0), half):
        y, x = (
            start + rng.uniform(diameter / 2 + 1, n - diameter / 2 - 1)
            for start, n in ((top, half[0]), (left, half[1]))
        )
        masks.append((rows - y) ** 2 + (columns - x) ** 2 <= (diameter / 2) ** 2)
    return masks
