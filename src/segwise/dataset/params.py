"""The sections `data`, `split` and `profile` of params.yaml."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from segwise.config import Section

LinkSeverity = Literal["error", "warning", "off"]


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


class LinkParams(Section):
    """What ties images to one split, kind by kind.

    `error`: such images are drawn together, and a split that divides them is refused; `warning`: a division is
    reported, nothing more; `off`: not looked for.

    group: the same `group` in the label file. identical: equal pixels. duplicate: the same picture, saved anew, scaled,
    mirrored or turned. tile: edges that continue each other. overlap: parts of one scene, such as two crops of one
    photograph.
    """

    group: LinkSeverity = "error"
    identical: LinkSeverity = "error"
    duplicate: LinkSeverity = "error"
    tile: LinkSeverity = "error"
    overlap: LinkSeverity = "error"

    def of(self, *severities: LinkSeverity) -> tuple[str, ...]:
        """The kinds that have one of these severities, in this order."""
        return tuple(kind for kind, severity in self if severity in severities)


class SplitParams(Section):
    """How images are divided into train, val and test.

    method: `given` takes `split` from the label file; `stratified` balances classes, counts and attributes; `hash`
        draws each group by its name; `auto` takes what is given and draws the other images as `stratified` does.
    fractions, seed: of `stratified` and `hash`. Changing one of these three draws everything anew.
    joined: new images that tie two splits together are left out of all of them (`leave_out`), or refused (`refuse`).
    """

    method: Literal["auto", "given", "stratified", "hash"] = "auto"
    fractions: FractionParams = FractionParams()
    seed: int = Field(default=0, ge=0)
    links: LinkParams = LinkParams()
    joined: Literal["leave_out", "refuse"] = "leave_out"


class ProfileParams(Section):
    """How the data is read, and what its plan may spend.

    quantiles: the quantiles that are reported, each in [0, 1], beside those that the plan rests on.
    touch_distance_px: two objects touch when their masks come this close, pixels.
    outline_tolerance_px: how far a drawn outline may be off, pixels; counts the vertices it needs.
    minutes_per_object, minutes_per_class_mask, minutes_per_box: annotation rates, see `advice/effort.py`.
    min_zoom, max_zoom: the plan's zoom stays between them.
    step_pixels: network pixels of one training step (crops × side²) that fit the machine.
    max_network_px: longest side of an image, after the zoom, that is not cut into tiles.
    num_samples: images shown on the page.
    """

    quantiles: tuple[float, ...] = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
    touch_distance_px: int = Field(default=1, ge=1, le=16)
    outline_tolerance_px: float = Field(default=1.0, gt=0)
    minutes_per_object: float = Field(default=1.32, ge=0)
    minutes_per_class_mask: float = Field(default=3.0, ge=0)
    minutes_per_box: float = Field(default=0.12, ge=0)
    min_zoom: float = Field(default=0.5, gt=0)
    max_zoom: float = Field(default=2.0, gt=0)
    step_pixels: int = Field(default=524_288, ge=1024)
    max_network_px: int = Field(default=2048, ge=64)
    num_samples: int = Field(default=6, ge=0, le=50)

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        if not self.quantiles or not all(0 <= q <= 1 for q in self.quantiles):
            raise ValueError("quantiles, each in [0, 1]")
        if self.min_zoom > self.max_zoom:
            raise ValueError("a min_zoom that is at most max_zoom")
        return self
