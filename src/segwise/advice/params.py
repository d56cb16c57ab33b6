"""The section `advise` of params.yaml: how ceilings are read before anything is trained. Light: imports little."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from segwise.advice.ceilings.params import CeilingParams
from segwise.config import Section

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


class Reference(Section):
    """What the approaches took where they were measured: machine A of docs/measurements.md. The defaults are those of
    the two-stage instance network; params.yaml has the shipped one's.

    Attributes:
        semantic_ms, hybrid_ms, instance_ms: p50 of one image on one thread; only their ratios decide anything.
        p95_factor: p95 over p50 there, the largest of the three (instance, 305 / 225).
        side_px: side of the images that were timed, pixels; the time grows with the pixels.
    """

    semantic_ms: Positive = 47.0
    hybrid_ms: Positive = 53.0
    instance_ms: Positive = 225.0
    p95_factor: Annotated[float, Field(ge=1)] = 1.36
    side_px: Annotated[int, Field(ge=32)] = 256

    def ms(self, approach: str) -> float:
        """p50 of an approach there, milliseconds."""
        return float(getattr(self, f"{approach}_ms"))


class AdviseParams(Section):
    """How the advice reads the ceilings.

    Attributes:
        max_ceiling_used: the part of the tolerance that an approach's ceiling may use up: the rest is room for what a
            trained network adds. 0.5 = half of it.
        same_within: a cheaper approach whose ceiling is at most this fraction above a dearer one's is as good.
        min_saving: part of the cost of `instance` that a cascade must save to be worth its second model.
        trigger_excess: images a trigger asks `instance` about, for each one that needs it.
        reference: what the approaches cost where they were measured.
        ceilings: what the ceilings assume of the models, and their intervals.
    """

    max_ceiling_used: Annotated[float, Field(gt=0, le=1)] = 0.5
    same_within: Share = 0.1
    min_saving: Share = 0.3
    trigger_excess: Annotated[float, Field(ge=1)] = 1.5
    reference: Reference = Reference()
    ceilings: CeilingParams = CeilingParams()

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        r = self.reference
        if not r.semantic_ms <= r.hybrid_ms <= r.instance_ms:
            raise ValueError("reference times that rise from semantic over hybrid to instance")
        return self

    def cost(self, approach: str) -> float:
        """What an approach costs, semantic = 1."""
        return self.reference.ms(approach) / self.reference.semantic_ms
