"""One place where model and label disagree: its kind, the objects on either side, and the pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from segwise.labels.suspects.scene import Scene
from segwise.types import Mask

Kind = Literal["missed", "phantom", "class", "merged", "split", "outline", "region"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Features = tuple[float, ...]
Found = Iterator[tuple["Place | None", Features]]  # a place in dispute, or None: the same thing where both agree


@dataclass(frozen=True, slots=True)
class Place:
    """One disagreement.

    Attributes:
        labels: indices of the labels in question; predicted: indices of the predictions.
        box_xyxy: around both, pixels, half-open; area_px: pixels in dispute.
        label_class, model_class: 0 = background.
        mask: of a region, bool (y1 - y0, x1 - x0).
    """

    kind: Kind
    labels: tuple[int, ...]
    predicted: tuple[int, ...]
    box_xyxy: tuple[int, int, int, int]
    area_px: int
    label_class: int
    model_class: int
    mask: Mask | None = field(default=None, compare=False, repr=False)


def place(scene: Scene, kind: Kind, labels: tuple[int, ...], predicted: tuple[int, ...], area_px: int) -> Place:
    """The place of these labels and predictions of a scene."""
    boxes = np.concatenate([scene.labels.boxes_xyxy[list(labels)], scene.predicted.boxes_xyxy[list(predicted)]])
    x0, y0 = (int(v) for v in boxes[:, :2].min(axis=0))
    x1, y1 = (int(v) for v in boxes[:, 2:].max(axis=0))
    own = int(scene.labels.class_ids[labels[0]]) if labels else 0
    said = int(scene.predicted.class_ids[predicted[0]]) if predicted else int(scene.means[labels[0]].argmax())
    return Place(kind, labels, predicted, (x0, y0, x1, y1), area_px, own, said)
