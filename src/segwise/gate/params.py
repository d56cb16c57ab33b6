"""The sections `gate` and `package` of params.yaml. Light: importing this imports nothing heavy."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from segwise.config import Section
from segwise.spec import Candidate

Compared = Literal[
    "tolerance_used", "miou", "foreground_iou", "mask_ap", "mask_ap50", "pq", "f1", "count_error", "coverage_error"
]
MARGINS: dict[Compared, float] = {"tolerance_used": 0.1, "foreground_iou": 0.02, "f1": 0.02}

Fraction = Annotated[float, Field(ge=0, le=1)]
Error = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]


class Thresholds(Section):
    """One optional limit per check; a check without a limit is not made. `min_*` fail below, `max_*` fail above.

    Qualities are fractions (0.8, not 80); the count error is a fraction of the labelled objects, the coverage
    error of the pixels (0.15 = 15 %); all measured on test. `max_tolerance_used` is about the stated decisions: the
    part of its tolerance that the error of the worst one may use up, 1 = all of it.
    """

    max_tolerance_used: Error | None = None
    min_miou: Fraction | None = None
    min_foreground_iou: Fraction | None = None
    min_mask_ap: Fraction | None = None
    min_mask_ap50: Fraction | None = None
    min_pq: Fraction | None = None
    min_f1: Fraction | None = None
    max_count_error: Error | None = None
    max_coverage_error: Error | None = None
    max_p50_ms: Positive | None = None
    max_p95_ms: Positive | None = None
    max_model_mb: Positive | None = None
    max_peak_memory_mb: Positive | None = None


class SliceLimits(Section):
    """Limits that must hold in every slice of the test images that can be judged.

    Attributes:
        by: image attributes; their values are the slices.
        min_groups: a slice of fewer groups, or of fewer than a bound needs at the gate's confidence, is not judged.
    """

    by: Annotated[tuple[str, ...], Field(min_length=1)] = ("modality",)
    min_groups: Annotated[int, Field(ge=2)] = 5
    min_foreground_iou: Fraction | None = None
    min_mask_ap50: Fraction | None = None
    min_f1: Fraction | None = None
    max_count_error: Error | None = None
    max_coverage_error: Error | None = None

    def limits(self) -> dict[str, float]:
        """The limits by parameter name."""
        values = self.model_dump(exclude={"by", "min_groups"})
        return {name: float(limit) for name, limit in values.items() if limit is not None}


class GateParams(Thresholds):
    """The section `gate`.

    Attributes:
        per_approach: limits of single approaches that replace the general ones; null there = not checked for it.
        slices: limits that must hold in every slice; null = none.
        same_cost_within: approaches whose p50 is at most this fraction above the cheapest count as equally cheap,
            and the simplest of them wins; keeps noise in the clock from changing the winner.
        confidence: one-sided, of each bound that is held against a limit; 1 − confidence is alpha, the most that a
            false promotion may come to.
        replicates: bootstrap draws, over groups. seed: of them.
        margins: by metric, how much worse than the champion a challenger may be and still be promoted, in the metric's
            own unit (of `tolerance_used`: parts of the tolerance). What is not named is not compared.
    """

    same_cost_within: Annotated[float, Field(ge=0, le=1)] = 0.10
    per_approach: dict[Candidate, Thresholds] = Field(default_factory=dict)
    slices: SliceLimits | None = None
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.95
    replicates: Annotated[int, Field(ge=100, le=100_000)] = 2000
    seed: Annotated[int, Field(ge=0)] = 0
    margins: dict[Compared, Error] = MARGINS

    @field_validator("margins")
    @classmethod
    def _compare_something(cls, margins: dict[Compared, float]) -> dict[Compared, float]:
        if not margins:
            raise ValueError("at least one metric in `margins`: else any challenger is as good", "e.g. {f1: 0.02}")
        return margins

    @property
    def alpha(self) -> float:
        """What a false promotion may come to, 1 − confidence."""
        return round(1 - self.confidence, 12)


class PackageParams(Section):
    """The section `package`: what the service accepts; written into the Bento.

    Attributes:
        max_body_mb: largest request body, megabytes (10^6 bytes).
        max_megapixels: largest image, millions of pixels, read from its header before it is decoded. An image is
            segmented in one piece: at zoom 1.75 (hybrid, one thread) a process was measured to peak at 0.16 GB and
            0.95 GB per megapixel, so 2048 × 2048 px need about 4 GB.
    """

    max_body_mb: Annotated[float, Field(gt=0, le=1000)] = 20.0
    max_megapixels: Annotated[float, Field(gt=0, le=1000)] = 4.2
