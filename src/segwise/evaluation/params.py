"""Parameters of `evaluate` and `benchmark`."""

from __future__ import annotations

from pydantic import Field

from segwise.config import Section


class EvaluateParams(Section):
    """The section `evaluate`; `compare` draws as it says.

    Attributes:
        slice_by: image attributes to report by, beside the crowding of images and the size of objects.
        boundary_tolerance: how far a boundary pixel may be off, fraction of the image's diagonal (BSDS: 0.0075).
        replicates: bootstrap draws, over groups. confidence: of the intervals.
    """

    slice_by: tuple[str, ...] = ("modality",)
    boundary_tolerance: float = Field(default=0.0075, gt=0, lt=1)
    replicates: int = Field(default=200, ge=0, le=10_000)
    confidence: float = Field(default=0.95, gt=0, lt=1)
    seed: int = Field(default=0, ge=0)
    threads: int = Field(default=1, ge=1, le=256)


class BenchmarkParams(Section):
    """The section `benchmark`.

    Attributes:
        threads: of ONNX Runtime, per model.
        warmup: predictions that are not timed. rounds: how often each image is timed.
        max_images: test images timed, spread evenly over their sizes. A cascade's time depends on the image: the more
            of the test split, the truer its cost.
        side_px: 0 = images as they are, what a user waits for. Otherwise each is brought to this side (crop, or
            reflection of the border), so that milliseconds of two data sets compare.
    """

    threads: int = Field(default=1, ge=1, le=256)
    warmup: int = Field(default=3, ge=0, le=100)
    rounds: int = Field(default=2, ge=1, le=100)
    max_images: int = Field(default=40, ge=1)
    side_px: int = Field(default=0, ge=0, le=8192)
