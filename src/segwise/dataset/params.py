"""The sections `data`, `split` and `profile` of params.yaml."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from segwise.config import Section


class DataParams(Section):
    """Where the data set lies.

    dir: folder with instances.json and images/, relative to the repository's root.
    """

    dir: str = Field(default="data", min_length=1)


class FractionParams(Section):
    """Expected share of the groups in each split, each in (0, 1); together 1."""

    train: float = Field(default=0.7, gt=0, lt=1)
    val: float = Field(default=0.15, gt=0, lt=1)
    test: float = Field(default=0.15, gt=0, lt=1)

    @model_validator(mode="after")
    def _sum_to_one(self) -> Self:
        total = self.train + self.val + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(f"fractions that add up to 1 (these add up to {total:g})")
        return self


class SplitParams(Section):
    """How images are divided into train, val and test.

    method: `given` takes `split` from the label file; `hash` draws it from each group's name and the seed.
    fractions, seed: used by `hash` only.
    """

    method: Literal["given", "hash"] = "given"
    fractions: FractionParams = FractionParams()
    seed: int = Field(default=0, ge=0)


class ProfileParams(Section):
    """How the data is summed up.

    quantiles: the quantiles that are reported, each in [0, 1].
    touch_distance_px: two objects touch when their masks come this close, pixels.
    """

    quantiles: tuple[float, ...] = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
    touch_distance_px: int = Field(default=1, ge=1, le=16)

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        if not self.quantiles or not all(0 <= q <= 1 for q in self.quantiles):
            raise ValueError("quantiles, each in [0, 1]")
        return self
