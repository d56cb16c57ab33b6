"""The section `validate` of params.yaml."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from segwise.config import Section
from segwise.labels.contract.checks import Level, severities


class ValidateParams(Section):
    """What the contract over labels tolerates.

    min_area_px: smaller objects are warned of, pixels.
    area_tolerance: how far a stored area may be from its mask's, as a fraction of the mask's area (and 1 px more).
    box_tolerance_px: how far a side of a stored box may be from its mask's.
    overlap_tolerance: how much of an object may lie in another one of its class, as a fraction of its area.
    outlier_z: objects further from the middle of their class are outliers; see `outliers.robust_z`.
    output_cap: most objects per image that a model may answer.
    min_class_groups: a class that occurs in fewer groups, and in fewer than half of the images, is rare.
    max_imbalance: how often the commonest class may outnumber another one.
    semantic_tolerance: share of an image's pixels in which a class map beside it may disagree with the objects.
    usual_share: what is found in more than this share of a class (or of all images) is its nature: it is reported in
        one line, where a check says so.
    list_at_most: such findings are never listed one by one beyond this number, per class.
    severity: error, warning or off by the check's name; see `checks.CHECKS` for names and defaults.
    """

    min_area_px: int = Field(default=4, ge=1)
    area_tolerance: float = Field(default=0.05, ge=0, le=1)
    box_tolerance_px: float = Field(default=2.0, ge=0)
    overlap_tolerance: float = Field(default=0.1, ge=0, le=1)
    outlier_z: float = Field(default=3.5, gt=0)
    output_cap: int = Field(default=100, ge=1)
    min_class_groups: int = Field(default=10, ge=0)
    max_imbalance: float = Field(default=100.0, ge=1)
    semantic_tolerance: float = Field(default=0.01, ge=0, le=1)
    usual_share: float = Field(default=0.05, ge=0, le=1)
    list_at_most: int = Field(default=200, ge=0)
    severity: dict[str, Level] = Field(default_factory=dict)

    @field_validator("severity", mode="before")
    @classmethod
    def _known(cls, value: Any) -> Any:
        return severities(value) if isinstance(value, dict) else {} if value is None else value
