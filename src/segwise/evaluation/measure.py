"""One image measured: everything that the data set's figures are sums of."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from segwise.evaluation.objects import Tally, tally
from segwise.evaluation.pixels import confusion
from segwise.evaluation.precision import Detections, detections
from segwise.types import ClassMap, Objects, Prediction


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One image's sums.

    Attributes:
        group: images that are not independent share it.
        attributes: what the image is sliced by, such as modality.
        pixels: int64 (K + 1, K + 1), true by predicted class.
        detections: by class, for average precision.
    """

    file_name: str
    group: str
    pixels: NDArray[np.int64]
    tally: Tally
    detections: tuple[Detections, ...]
    attributes: dict[str, str] = field(default_factory=dict)


def measure(
    file_name: str,
    served: Prediction,
    candidates: Objects,
    truth: Objects,
    truth_map: ClassMap,
    num_classes: int,
    *,
    group: str | None = None,
    attributes: dict[str, str] | None = None,
) -> Measured:
    """Measure one image.

    Pixels, matches and counts are of what is served; average precision, a figure about ranking, is of all candidates.
    """
    return Measured(
        file_name,
        file_name if group is None else group,
        confusion(truth_map, served.class_map, num_classes),
        tally(served.objects, truth, num_classes),
        tuple(detections(candidates, truth, class_id) for class_id in range(1, num_classes + 1)),
        dict(attributes or {}),
    )
