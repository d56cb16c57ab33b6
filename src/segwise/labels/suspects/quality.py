"""How well the labels of a whole image agree with the model, pixel by pixel: cleanlab's score for class maps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from segwise.labels.suspects.scene import Map, is_judged
from segwise.types import ClassMap

DOUBTED = 0.1  # a pixel whose label the model gives less than this is doubted (cleanlab's own threshold)


@dataclass(frozen=True, slots=True)
class ImageQuality:
    """One image. `quality` in [0, 1], low = doubted; `doubted` is the share of its labelled pixels that are."""

    file_name: str
    quality: float
    doubted: float


def image_quality(file_name: str, class_map: ClassMap, probabilities: Map) -> ImageQuality:
    """cleanlab's label quality score of one image: the soft minimum of the probabilities of its pixels' labels.

    `class_map` is uint8 (H, W) with IGNORE_INDEX, `probabilities` float32 (K + 1, H, W). Ignored pixels are left out:
    each is given to the score as a label of which the model is certain.
    Source: Lad and Mueller, 2023, Estimating label quality and errors in semantic segmentation data via any model.
    """
    from cleanlab.segmentation.rank import (
        get_label_quality_scores,
        issues_from_scores,
    )

    judged = is_judged(class_map)
    labels = np.where(judged, class_map, 0).astype(np.int64)
    certain = np.zeros_like(probabilities)
    certain[0] = 1
    likely = np.where(judged, probabilities, certain)
    image_scores, pixel_scores = get_label_quality_scores(labels[None], likely[None], verbose=False)
    doubted = issues_from_scores(image_scores, pixel_scores, threshold=DOUBTED)[0]
    share = float(np.count_nonzero(doubted) / max(int(np.count_nonzero(judged)), 1))
    return ImageQuality(file_name, round(float(image_scores[0]), 6), round(share, 6))
