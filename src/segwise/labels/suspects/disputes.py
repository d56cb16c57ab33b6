"""Where model and label disagree in one image, kind by kind, with the features that say how sure the model is.

Each kind also tells what the places would look like on which both *agree*, if the label had this very error: an object
deleted, a label moved to bare background, a class swapped, two neighbours merged, one object split, an outline moved.
`track_record.chances` compares the two. Every feature is oriented so that more is more suspicious.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from segwise.labels.suspects import outlines, regions
from segwise.labels.suspects.parts import merged, split
from segwise.labels.suspects.place import KINDS, Features, Found, Kind, Place, place
from segwise.labels.suspects.scene import Scene
from segwise.labels.suspects.track_record import logit

APART = 0.4  # a prediction or label covered by less than this has nothing on the other side


def disputes(scene: Scene) -> list[tuple[Kind, Place | None, Features]]:
    """All places of one image, kind by kind: those in dispute, and with None those on which both agree."""
    return [(kind, held, features) for kind in KINDS for held, features in FINDERS[kind](scene)]


def missed(scene: Scene) -> Found:
    """Predictions without a label: the model's score and their size."""
    matched = np.isin(np.arange(len(scene.predicted)), scene.partner)
    answered = scene.partner[scene.agreed]
    for i, (score, area) in enumerate(zip(scene.predicted.scores, scene.predicted.areas_px, strict=True)):
        features = (float(logit(float(score))), float(np.clip(np.log2(area / scene.typical_px), -3, 2)))
        if i in answered:
            yield None, features
        elif not matched[i] and scene.labelled[i] < APART:
            yield place(scene, "missed", (), (i,), int(area)), features


def phantom(scene: Scene) -> Found:
    """Labels without a prediction: how sure the model is that none of the label's class lies there."""
    for j in np.flatnonzero(scene.is_counted):
        own = int(scene.labels.class_ids[j])
        if scene.partner[j] < 0 and scene.supported[j] < APART:
            features = (float(logit(1 - scene.means[j, own])), 1 - float(scene.supported[j]))
            yield place(scene, "phantom", (int(j),), (), int(scene.labels.areas_px[j])), features
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
            yield place(scene, "class", (int(j),), (i,), int(scene.labels.areas_px[j])), features


def outline(scene: Scene) -> Found:
    """Matched pairs: how much of their union is in dispute, how sure the model is of it, and its score.

    A label that may be merged or split is not asked: its outline differs for that reason.
    """
    explained = {j for find in (merged, split) for held, _ in find(scene) if held for j in held.labels}
    for j in np.flatnonzero(scene.partner >= 0):
        i = int(scene.partner[j])
        if scene.same_class[i, j] and int(j) not in explained:
            pair = outlines.pair(scene, i, int(j))
            score = float(logit(float(scene.predicted.scores[i])))
            yield place(scene, "outline", (int(j),), (i,), pair.disputed_px()), (*pair.features(), score)
            if scene.iou[i, j] >= 0.5:
                yield None, (*pair.moved(int(j)).features(), score)


def region(scene: Scene) -> Found:
    """Areas of classes that are not counted, where the model sees another class: its probability and the extent."""
    for area in regions.regions(scene):
        features = (float(logit(area.probability)), float(np.log2(area.thickness_px)))
        held = Place("region", (), (), area.box_xyxy, area.area_px, area.label_class, area.model_class,
                      area.mask)  # fmt: skip
        yield (None if area.label_class == area.model_class else held), features


FINDERS: dict[Kind, Callable[[Scene], Found]] = {
    "missed": missed, "phantom": phantom, "class": wrong_class, "merged": merged, "split": split, "outline": outline,
    "region": region,
}  # fmt: skip


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
