"""Where model and label disagree in one image, kind by kind, with the features that say how sure the model is.

Each kind also tells what the places would look like on which both *agree*, if the label had this very error: an object
deleted, a label moved to bare background, a class swapped, two neighbours merged, one object split, an outline moved.
`track_record.chances` compares the two. Every feature is oriented so that more is more suspicious.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.labels import outlines, regions
from segwise.labels.scene import Scene
from segwise.labels.track_record import logit
from segwise.types import Mask

Kind = Literal["missed", "phantom", "class", "merged", "split", "outline", "region"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Features = tuple[float, ...]
Found = Iterator[tuple["Place | None", Features]]  # a place in dispute, or None: the same thing where both agree

APART = 0.4  # a prediction or label covered by less than this has nothing on the other side
INSIDE = 0.6  # of an object that lies in another one
PART = 0.12  # the smallest share of the whole that counts as one of its parts


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


def disputes(scene: Scene) -> list[tuple[Kind, Place | None, Features]]:
    """All places of one image, kind by kind: those in dispute, and with None those on which both agree."""
    return [(kind, place, features) for kind in KINDS for place, features in FINDERS[kind](scene)]


def missed(scene: Scene) -> Found:
    """Predictions without a label: the model's score and their size."""
    matched = np.isin(np.arange(len(scene.predicted)), scene.partner)
    answered = scene.partner[scene.agreed]
    for i, (score, area) in enumerate(zip(scene.predicted.scores, scene.predicted.areas_px, strict=True)):
        features = (float(logit(float(score))), float(np.clip(np.log2(area / scene.typical_px), -3, 2)))
        if i in answered:
            yield None, features
        elif not matched[i] and scene.labelled[i] < APART:
            yield _place(scene, "missed", (), (i,), int(area)), features


def phantom(scene: Scene) -> Found:
    """Labels without a prediction: how sure the model is that none of the label's class lies there."""
    for j in np.flatnonzero(scene.is_counted):
        own = int(scene.labels.class_ids[j])
        if scene.partner[j] < 0 and scene.supported[j] < APART:
            features = (float(logit(1 - scene.means[j, own])), 1 - float(scene.supported[j]))
            yield _place(scene, "phantom", (int(j),), (), int(scene.labels.areas_px[j])), features
        yield from ((None, features) for features in _elsewhere(scene, int(j), own))


def wrong_class(scene: Scene) -> Found:
    """Labels whose match is of another class: the model's probability of it, and its lead."""
    if sum(c.isthing for c in scene.classes) < 2:
        return
    for j in np.flatnonzero(scene.partner >= 0):
        own, i = int(scene.labels.class_ids[j]), int(scene.partner[j])
        said = int(scene.predicted.class_ids[i])
        rivals = np.delete(scene.means[j], said)[1:]
        features = (float(logit(scene.means[j, said])), float(scene.means[j, said] - rivals.max(initial=0)))
        if said == own:
            yield None, features
        elif not (scene.same_class[:, j] & (scene.iou[:, j] >= 0.5)).any():
            yield _place(scene, "class", (int(j),), (i,), int(scene.labels.areas_px[j])), features


def merged(scene: Scene) -> Found:
    """One label, two predictions or more: the weaker one's score, its share, and how much they cover."""
    inside = scene.same_class & (scene.shared >= INSIDE * scene.predicted.areas_px[:, None])
    areas = scene.labels.areas_px
    for j in np.flatnonzero(inside.sum(axis=0) >= 2).tolist():
        parts = np.flatnonzero(inside[:, j] & (scene.shared[:, j] >= PART * areas[j]))
        if parts.size >= 2 and scene.shared[parts, j].sum() >= INSIDE * areas[j]:
            features = _joint(scene.predicted.scores[parts], scene.shared[parts, j], int(areas[j]))
            yield _place(scene, "merged", (j,), tuple(parts.tolist()), int(areas[j])), features
    for j, k in _neighbours(scene):
        pair, rows = [j, k], scene.partner[[j, k]]
        yield None, _joint(scene.predicted.scores[rows], scene.shared[rows, pair], int(areas[pair].sum()))


def split(scene: Scene) -> Found:
    """One prediction, two labels or more: its score, how much of it they cover, and how round it is."""
    inside = scene.same_class & (scene.shared >= INSIDE * scene.labels.areas_px[None, :])
    areas = scene.predicted.areas_px
    for i in np.flatnonzero(inside.sum(axis=1) >= 2).tolist():
        parts = np.flatnonzero(inside[i] & (scene.shared[i] >= PART * areas[i]))
        covered = scene.shared[i, parts].sum() / areas[i]
        if parts.size >= 2 and covered >= INSIDE:
            yield (
                _place(scene, "split", tuple(parts.tolist()), (int(i),), int(areas[i])),
                _whole(scene, int(i), covered),
            )
    for j in scene.agreed:
        i = int(scene.partner[j])
        yield None, _whole(scene, i, scene.shared[i, j] / areas[i])


def outline(scene: Scene) -> Found:
    """Matched pairs: how much of their union is in dispute, how sure the model is of it, and its score.

    A label that may be merged or split is not asked: its outline differs for that reason.
    """
    explained = {j for find in (merged, split) for place, _ in find(scene) if place for j in place.labels}
    for j in np.flatnonzero(scene.partner >= 0):
        i = int(scene.partner[j])
        if scene.same_class[i, j] and int(j) not in explained:
            pair = outlines.pair(scene, i, int(j))
            score = float(logit(float(scene.predicted.scores[i])))
            place = _place(scene, "outline", (int(j),), (i,), pair.disputed_px())
            yield place, (*pair.features(), score)
            if scene.iou[i, j] >= 0.5:
                yield None, (*pair.moved(int(j)).features(), score)


def region(scene: Scene) -> Found:
    """Areas of classes that are not counted, where the model sees another class: its probability and the extent."""
    for area in regions.regions(scene):
        features = (float(logit(area.probability)), float(np.log2(area.thickness_px)))
        place = Place("region", (), (), area.box_xyxy, area.area_px, area.label_class, area.model_class,
                      area.mask)  # fmt: skip
        yield (None if area.label_class == area.model_class else place), features


FINDERS: dict[Kind, Callable[[Scene], Found]] = {
    "missed": missed, "phantom": phantom, "class": wrong_class, "merged": merged, "split": split, "outline": outline,
    "region": region,
}  # fmt: skip


def _place(scene: Scene, kind: Kind, labels: tuple[int, ...], predicted: tuple[int, ...], area_px: int) -> Place:
    boxes = np.concatenate([scene.labels.boxes_xyxy[list(labels)], scene.predicted.boxes_xyxy[list(predicted)]])
    x0, y0 = (int(v) for v in boxes[:, :2].min(axis=0))
    x1, y1 = (int(v) for v in boxes[:, 2:].max(axis=0))
    own = int(scene.labels.class_ids[labels[0]]) if labels else 0
    said = int(scene.predicted.class_ids[predicted[0]]) if predicted else int(scene.means[labels[0]].argmax())
    return Place(kind, labels, predicted, (x0, y0, x1, y1), area_px, own, said)


def _elsewhere(scene: Scene, j: int, own: int) -> Iterator[Features]:
    """The label moved to places without any label: up to three, half an image away."""
    height, width = scene.labels.size
    x0, y0, x1, y1 = (int(v) for v in scene.labels.boxes_xyxy[j])
    for dy, dx in ((height // 2, width // 2), (height // 2, 0), (0, width // 2)):
        top, left = (y0 + dy) % max(height - (y1 - y0), 1), (x0 + dx) % max(width - (x1 - x0), 1)
        window = np.s_[top : top + y1 - y0, left : left + x1 - x0]
        crop = scene.labels.crops[j]
        if not scene.class_map[window][crop].any():
            held = float(scene.probabilities[(own, *window)][crop].mean())
            support = float((scene.predicted_map[window][crop] == own).mean())
            if support < APART:
                yield float(logit(1 - held)), 1 - support


def _neighbours(scene: Scene) -> Iterator[tuple[int, int]]:
    """Pairs of agreed labels of one class whose boxes are at most 2 px apart."""
    boxes = scene.labels.boxes_xyxy
    for place, j in enumerate(scene.agreed):
        for k in scene.agreed[place + 1 :]:
            gap = np.maximum(boxes[j, :2], boxes[k, :2]) - np.minimum(boxes[j, 2:], boxes[k, 2:])
            if gap.max() <= 2 and scene.labels.class_ids[j] == scene.labels.class_ids[k]:
                yield int(j), int(k)


def _joint(scores: NDArray[np.float32], shared: NDArray[np.int64], area_px: int) -> Features:
    order = np.argsort(-shared, kind="stable")[:2]
    weaker, balance = float(scores[order].min()), float(2 * shared[order[1]] / shared[order].sum())
    return float(logit(weaker)), balance, float(shared.sum() / area_px)


def _whole(scene: Scene, i: int, covered: float) -> Features:
    return float(logit(float(scene.predicted.scores[i]))), float(covered), solidity(scene.predicted.crops[i])


def solidity(crop: NDArray[np.bool_]) -> float:
    """The area of a mask as a share of its convex hull's, both in pixels."""
    rows, columns = np.nonzero(crop)
    hull = cv2.convexHull(np.stack([columns, rows], axis=1).astype(np.int32))
    filled = cv2.fillConvexPoly(np.zeros(crop.shape, dtype=np.uint8), hull, 1)
    return float(rows.size / max(int(np.count_nonzero(filled)), 1))
