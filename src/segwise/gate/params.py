"""The sections `gate` and `package` of params.yaml. Light: importing this imports nothing heavy."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from segwise.config import Section
from segwise.spec import Candidate

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


class GateParams(Thresholds):
    """The section `gate`.

    Attributes:
        per_approach: limits of single approaches that replace the general ones; null there = not checked for it.
        same_cost_within: approaches whose p50 is at most this fraction above the cheapest count as equally cheap,
            and the simplest of them wins; keeps noise in the clock from changing the winner.
    """

    same_cost_within: Annotated[float, Field(ge=0, le=1)] = 0.10
    per_approach: dict[Candidate, Thresholds] = Field(default_factory=dict)


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
