"""A label and the prediction it is matched with, pixel by pixel: what of their outlines is in dispute."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from segwise.labels.suspects.scene import Map, Scene
from segwise.types import Mask, Objects

MOVE = 0.2  # of the diameter: how far a made-up bad outline is moved, shrunk or grown on either side together


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Both masks and the probability of their class in one window around them, each (h, w)."""

    label: Mask
    predicted: Mask
    probability: Map

    def disputed_px(self) -> int:
        """Pixels that only one of the two claims."""
        return int(np.count_nonzero(self.label ^ self.predicted))

    def features(self) -> tuple[float, float]:
        """1 − IoU, and the same with each disputed pixel weighed by the model's probability that the label errs."""
        union = max(int(np.count_nonzero(self.label | self.predicted)), 1)
        surplus, lacking = self.label & ~self.predicted, self.predicted & ~self.label
        errs = float((1 - self.probability[surplus]).sum() + self.probability[lacking].sum())
        return self.disputed_px() / union, errs / union

    def moved(self, turn: int) -> Pair:
        """The pair with its label moved right or down, shrunk or grown, in turn."""
        diameter = 2 * np.sqrt(max(int(np.count_nonzero(self.label)), 1) / np.pi)
        step = max(round(MOVE * diameter), 1)
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (step + 1 + step % 2, step + 1 + step % 2))
        mask = self.label.view(np.uint8)
        changed = (
            lambda: np.roll(mask, step, axis=1),
            lambda: cv2.erode(mask, kernel),
            lambda: np.roll(mask, step, axis=0),
            lambda: cv2.dilate(mask, kernel),
        )[turn % 4]()
        return replace(self, label=np.asarray(changed, dtype=bool))


def pair(scene: Scene, i: int, j: int) -> Pair:
    """Prediction `i` and label `j` of a scene; the window leaves room for a moved outline."""
    boxes = np.stack([scene.labels.boxes_xyxy[j], scene.predicted.boxes_xyxy[i]])
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    room = int(np.ceil(MOVE * (high - low).max())) + 2
    x0, y0 = (int(v) for v in low - room)
    x1, y1 = (int(v) for v in high + room)
    shape = (y1 - y0, x1 - x0)
    probability = np.zeros(shape, dtype=np.float32)
    height, width = scene.labels.size
    top, left, bottom, right = max(y0, 0), max(x0, 0), min(y1, height), min(x1, width)
    plane = scene.probabilities[int(scene.labels.class_ids[j])]
    probability[top - y0 : bottom - y0, left - x0 : right - x0] = plane[top:bottom, left:right]
    return Pair(_in(scene.labels, j, x0, y0, shape), _in(scene.predicted, i, x0, y0, shape), probability)


def _in(objects: Objects, index: int, x0: int, y0: int, shape: tuple[int, int]) -> Mask:
    out = np.zeros(shape, dtype=bool)
    left, top, right, bottom = (int(v) for v in objects.boxes_xyxy[index])
    out[top - y0 : bottom - y0, left - x0 : right - x0] = objects.crops[index]
    return out
