"""The section `validate` of params.yaml."""

from __future__ import annotations

from pydantic import Field

from segwise.config import Section


class ValidateParams(Section):
    """What the contract over labels tolerates.

    min_area_px: smaller objects are warned of, pixels.
    area_tolerance: how far a stored area may be from its mask's, as a fraction of the mask's area (and 1 px more).
    """

    min_area_px: int = Field(default=4, ge=1)
    area_tolerance: float = Field(default=0.05, ge=0, le=1)
