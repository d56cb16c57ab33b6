"""Parameters of `calibrate` and `compose`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from segwise.config import Section


class CalibrateApproach(Section):
    """How one approach's operating point is fitted on the validation split.

    `objective`: what is maximised: `decision` = 0.1 × (F1 at IoU 0.5 + PQ + foreground IoU) − mean error of the stated
        decisions; `mix` = F1 + PQ + foreground IoU − count error; or one alone: `f1`, `pq`, or `count`, the lowest
        count error (Σ|error| / Σ count).
    `zooms`: enlargements of the image tried, each decoded over the grid of the approach's thresholds.
    `min_gain`: what a dearer zoom must add to the objective to be taken; a tie goes to the cheaper.
    `grid`: values to try by key, in place of the approach's own (`POINT_GRID` in its module).
    `sweeps`: passes over the keys, each key fitted with the others held.
    """

    objective: Literal["decision", "mix", "f1", "pq", "count"] = "decision"
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


class ComposeParams(Section):
    """The cascade: a cheap model on every image, the instance model where a trigger fires.

    `cheap`: the model that sees every image.
    `decision`: the name of the decision it serves; empty = the first one stated.
    `trigger`: `auto`, a score learned on the validation split, or an expression over the cheap answer (see
        `predict.trigger`): true or false, or a number whose threshold is fitted.
    `recall`: promised share of the groups with images that need the instance model, all of them escalated;
        `confidence`: of that promise and of the intervals.
    `margin`: by how much of the tolerance the instance model must be better on an image for it to need it.
    `min_saving`: refused below this share of the instance model's cost.
    `cost_ratio`: the instance network's time over the cheap one's at equal input pixels; multiplied by the zooms'
        ratio squared. A parameter and no measurement, so that composing twice gives the same bytes.
    `folds`: of the cross-fitting over groups that gives the learned score's honest values.
    """

    cheap: Literal["semantic", "hybrid"] = "hybrid"
    decision: str = ""
    trigger: str = Field(default="auto", min_length=1)
    recall: float = Field(default=0.9, gt=0, lt=1)
    confidence: float = Field(default=0.9, gt=0, lt=1)
    margin: float = Field(default=0.25, ge=0)
    min_saving: float = Field(default=0.2, ge=0, le=1)
    cost_ratio: float = Field(default=1.5, gt=0)
    folds: int = Field(default=5, ge=2, le=100)
    replicates: int = Field(default=200, ge=1, le=10_000)
    seed: int = Field(default=0, ge=0)
    threads: int = Field(default=1, ge=1, le=256)
