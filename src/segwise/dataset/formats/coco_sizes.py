"""Do the areas and boxes that a COCO file states fit its masks? One finding per file says how far they are off."""

from __future__ import annotations

from pathlib import PurePosixPath
from statistics import median
from typing import Any

from segwise.dataset.formats import shapes
from segwise.dataset.formats.builder import Builder
from segwise.dataset.formats.delivery import Region
from segwise.dataset.formats.text import printable
from segwise.dataset.geometry import is_number, short

AREA_SHARE = 0.03  # polygons have areas that their masks round; more than that, and more than half the box's outline
BOX_PX, BOX_SHARE = 2.0, 0.05


class Sizes:
    """Collects the disagreements of one file."""

    def __init__(self) -> None:
        self._num = 0
        self._areas: list[tuple[float, str]] = []
        self._boxes: list[str] = []
        self._damaged: list[str] = []

    def compare(self, source: str, row: dict[str, Any], region: Region) -> None:
        """Hold the stored area and box of an annotation against its mask."""
        self._num += 1
        area, box = row.get("area"), row.get("bbox")
        if area is None and box is None:
            return
        found, tight = shapes.area_px(region.rle), shapes.box_xywh(region.rle)
        if area is not None and not (is_number(area) and area >= 0):
            self._damaged.append(f"{source}: area {short(area)}")
        elif area is not None and abs(area - found) > max(AREA_SHARE * found, tight[2] + tight[3]):
            self._areas.append((area / found - 1, f"{source}: {area:g} stored, {found} in the mask"))
        if box is None:
            return
        if not (isinstance(box, list) and len(box) == 4 and all(is_number(v) for v in box)):
            self._damaged.append(f"{source}: bbox {short(box)}")
        elif _differ(box, tight):
            self._boxes.append(f"{source}: {short(box)} stored, {tight} in the mask")

    def report(self, builder: Builder, file: PurePosixPath) -> None:
        """One finding for all that does not fit; the masks' own areas and boxes are written."""
        parts = []
        if self._areas:
            off = median(abs(share) for share, _ in self._areas)
            parts.append((f"areas of {len(self._areas)}, by {off:.0%} in the median", self._areas[0][1]))
        if self._boxes:
            parts.append((f"boxes of {len(self._boxes)}", self._boxes[0]))
        if self._damaged:
            parts.append((f"{len(self._damaged)} areas or boxes that are no finite numbers", self._damaged[0]))
        if parts:
            words = "; ".join(f"{words} ({example})" for words, example in parts)
            came = f"{printable(file)}: of {self._num} objects, those stored do not fit the masks: {words}"
            remedy = "nothing: the masks' own are written"
            builder.report("stored area or box", "warning", None, None, came, remedy, "repaired")


def _differ(box: list[float], tight: list[float]) -> bool:
    """Whether an edge of two boxes, x, y, width, height, lies more than 2 px and 5 % of the longer side apart."""
    apart = max(
        abs(box[0] - tight[0]), abs(box[0] + box[2] - tight[0] - tight[2]),
        abs(box[1] - tight[1]), abs(box[1] + box[3] - tight[1] - tight[3]),
    )  # fmt: skip
    return apart > max(BOX_PX, BOX_SHARE * max(tight[2:]))
