"""Parameters of `calibrate`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from segwise.config import Section


class CalibrateApproach(Section):
    """How one approach's operating point is fitted on the validation split.

    `objective`: what is maximised: `mix` = F1 at IoU 0.5 + PQ + foreground IoU − count error; or one alone: `f1`,
        `pq`, or `count`, the lowest count error (Σ|error| / Σ count).
    `zooms`: enlargements of the image tried, each decoded over the grid of the approach's thresholds.
    `min_gain`: what a dearer zoom must add to the objective to be taken; a tie goes to the cheaper.
    `grid`: values to try by key, in place of the approach's own (`POINT_GRID` in its module).
    `sweeps`: passes over the keys, each key fitted with the others held.
    """

    objective: Literal["mix", "f1", "pq", "count"] = "mix"
    zooms: tuple[float, ...] = Field(default=(1.0, 1.5, 2.0), min_length=1)
    min_gain: float = Field(default=0.005, ge=0)
    grid: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    sweeps: int = Field(default=1, ge=1, le=10)
    threads: int = Field(default=1, ge=1, le=256)


class CalibrateParams(Section):
    """One section per approach."""

    semantic: CalibrateApproach = CalibrateApproach()
    hybrid: CalibrateApproach = CalibrateApproach()
    instance: CalibrateApproach = CalibrateApproach(zooms=(1.0, 1.5))
