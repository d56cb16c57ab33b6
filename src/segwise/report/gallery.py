"""Pictures for the page: which test images to show, and each approach's answer drawn on them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from segwise.dataset import targets
from segwise.dataset.coco import Dataset, ImageRecord
from segwise.predict.overlay import draw
from segwise.types import ClassInfo, Image, Prediction

SHOWN_PX = 440  # longest side of a picture on the page


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture of a row: its title, a line of figures under it, and the picture as a data URI."""

    title: str
    caption: str
    source: str


Row = tuple[str, list[Panel]]  # a title and the pictures of one image


def choose(
    rows: Sequence[dict[str, Any]], num_best: int = 2, num_worst: int = 4, slice_by: str = "modality"
) -> list[str]:
    """File names of the worst and the best images by F1, each kind of `slice_by` among the worst first.

    Args:
        rows: the rows of an approach's per_image.parquet.
    """
    ranked = sorted((r for r in rows if r["f1"] == r["f1"]), key=lambda r: (r["f1"], r["file_name"]))
    seen: dict[str, str] = {}
    for row in ranked:
        seen.setdefault(str(row.get(slice_by, "")), row["file_name"])
    worst = list(dict.fromkeys([*seen.values(), *(r["file_name"] for r in ranked)]))[:num_worst]
    best = [r["file_name"] for r in reversed(ranked) if r["file_name"] not in worst][:num_best]
    return [*worst, *best]


def row(
    record: ImageRecord,
    dataset: Dataset,
    predictors: Mapping[str, Callable[[Image], Prediction]],
    figures: Mapping[str, Mapping[str, Mapping[str, Any]]],
) -> Row:
    """One image with its labels and every approach's answer; `figures` holds per_image rows by approach and file."""
    image = dataset.pixels(record)
    truth = Prediction(targets.class_map(record, dataset.classes), targets.objects(record))
    answers = [(a, predict(image), figures[a][record.file_name]["f1"]) for a, predict in predictors.items()]
    title = ", ".join(filter(None, [record.file_name, record.attributes.get("modality")]))
    return title, panels(image, truth, answers, dataset.classes)


def panels(
    image: Image, truth: Prediction, answers: Sequence[tuple[str, Prediction, float]], classes: Sequence[ClassInfo]
) -> list[Panel]:
    """The row of one image: bare, with its labels, and with each approach's (name, prediction, F1)."""
    height, width = image.shape[:2]
    scale = 2 if max(height, width) <= SHOWN_PX // 2 + 80 else 1
    shown = brightened(image)

    def drawn(prediction: Prediction) -> str:
        return data_uri(draw(shown, prediction, classes, scale=scale))

    bare = Panel("image", f"{width} × {height}", data_uri(shown))
    labels = Panel("labels", f"{len(truth.objects)} objects", drawn(truth))
    found = [Panel(name, f"{len(p.objects)} objects, F1 {f1:.2f}", drawn(p)) for name, p, f1 in answers]
    return [bare, labels, *found]


def brightened(image: Image) -> Image:
    """A dark image stretched so that its brightest half percent is white, uint8 (H, W, 3); others as they are."""
    top = float(np.percentile(image, 99.5))
    if top >= 128:
        return image
    stretched: Image = np.clip(image * (255 / max(top, 8)), 0, 255).astype(np.uint8)
    return stretched


def data_uri(image: Any, quality: int = 82) -> str:
    """An RGB picture uint8 (H, W, 3) as a JPEG data URI, at most SHOWN_PX on its longest side."""
    shrink = min(1.0, SHOWN_PX / max(image.shape[:2]))
    if shrink < 1:
        image = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode('ascii')}"
