"""What the ceilings assume of the models: parameters, some of them what the trainings are told."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field

from segwise.config import Section

Unit = Annotated[float, Field(ge=0, le=1)]


class CeilingParams(Section):
    """Assumptions of the ceilings.

    Attributes:
        dense_zoom, instance_zoom: enlargement of the images before the networks; not stated in params.yaml, they are
            those of `train`, see `assuming`.
        max_objects, max_overlap: most objects of an image, and the box IoU above which two of a class are one; likewise
            those of `train.instance`.
        mask_side: cells of an instance mask along each side of its box.
        band_px: how fuzzy a labelled border is, image pixels.
        replicates, confidence, seed: of the bootstrap over groups (`evaluate`).
        num_worst: images shown of each candidate and decision.
    """

    dense_zoom: Annotated[float, Field(gt=0)] = 1.75
    instance_zoom: Annotated[float, Field(gt=0)] = 1.5
    max_objects: Annotated[int, Field(ge=1)] = 600
    max_overlap: Unit = 0.5
    mask_side: Annotated[int, Field(ge=2)] = 28
    band_px: Annotated[int, Field(ge=1, le=16)] = 1
    replicates: Annotated[int, Field(ge=0, le=10_000)] = 200
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.9
    seed: Annotated[int, Field(ge=0)] = 0
    num_worst: Annotated[int, Field(ge=0)] = 6

    def assuming(self, **trained: float) -> Self:
        """The same, with what the trainings are told where nothing is stated here. `trained`: values of its fields."""
        return self.model_copy(update={key: v for key, v in trained.items() if key not in self.model_fields_set})
