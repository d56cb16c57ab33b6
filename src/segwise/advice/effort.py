"""What the labels cost: minutes by stated rates. Pure.

Rates people have published: 22 worker hours per 1,000 object outlines, 79 s each (Lin et al. 2014, Microsoft COCO,
section 4.3); 54 s each, drawn more coarsely (Jain and Grauman 2013); 7 s for a box from its four extreme points
(Papadopoulos et al. 2017); 1.5 h for every pixel of an image in 30 classes (Cordts et al. 2016, Cityscapes), 3 min a
class; a third of COCO's time with corrective clicks on a model's proposal (Benenson et al. 2019).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segwise.dataset.params import ProfileParams


def effort(objects: Sequence[int], class_masks: Sequence[int], regions: Sequence[int], rates: ProfileParams) -> Any:
    """Hours for the whole set and minutes per image, by kind of label.

    Args:
        objects, class_masks, regions: per image: countable objects, classes that occur, classes of regions that occur
            (which have no outline of their own objects and cost a class mask in every kind).
    """
    pairs = list(zip(objects, regions, strict=True))
    minutes = {
        "objects": [rates.minutes_per_object * n + rates.minutes_per_class_mask * r for n, r in pairs],
        "class_masks": [rates.minutes_per_class_mask * n for n in class_masks],
        "boxes": [rates.minutes_per_box * n + rates.minutes_per_class_mask * r for n, r in pairs],
    }
    return {kind: _sum(values) for kind, values in minutes.items()}


def _sum(minutes: Sequence[float]) -> Mapping[str, float]:
    total = sum(minutes)
    return {"hours": round(total / 60, 2), "minutes_per_image": round(total / max(len(minutes), 1), 2)}
