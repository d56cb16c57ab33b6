"""One image in the making: its objects come as polygons, masks or run lengths and become exact masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from segwise.dataset.finding import Effect
from segwise.dataset.formats import shapes
from segwise.dataset.formats.delivery import Picture, Region
from segwise.dataset.formats.text import printable
from segwise.dataset.images import Header
from segwise.types import Mask

if TYPE_CHECKING:
    from segwise.dataset.formats.builder import Builder


class Canvas:
    """One image in the making. `height` and `width` are those of the frame that the source's labels are drawn in."""

    def __init__(self, builder: Builder, picture: Picture, frame: tuple[int, int], header: Header, name: str) -> None:
        self.height, self.width = frame
        self.file_name, self.split, self.name = picture.file_name, picture.split, name
        self.is_joined = False
        self._builder, self._picture, self._header = builder, picture, header
        self._regions: list[Region] = []

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """The (height, width) that a mask may have, pixels: the frame's, and the stored image's where that differs."""
        return tuple(dict.fromkeys([(self.height, self.width), self._header.stored]))

    def polygons(
        self, class_name: str, parts: Sequence[Sequence[float]], source: str, holes: Sequence[Sequence[float]] = (),
        is_crowd: bool = False, preferred_id: int | None = None, extra: Mapping[str, Any] | None = None,
    ) -> Region | None:  # fmt: skip
        """One object of polygons, each flat `[x1, y1, x2, y2, …]` in pixels, (0, 0) the corner of the first pixel.

        Its mask is the union of `parts` less `holes`, rasterised as COCO does. Damaged coordinates are an error; parts
        without area are dropped, parts that leave the image are clipped, with a finding each.
        """
        size = (self.height, self.width)
        checked = [[self.checked(part, source) for part in rings] for rings in (parts, holes)]
        if any(None in rings for rings in checked):
            return None
        outer, inner = ([polygon for found in rings for polygon in found or ()] for rings in checked)
        if not outer:
            self._drop("zero area", source, "no part has an area inside the image" if parts else "no polygon")
            return None
        return self._add(class_name, shapes.rasterise(outer, inner, size), source, is_crowd, preferred_id, extra)

    def mask(
        self, class_name: str, mask: Mask, source: str, is_crowd: bool = False, preferred_id: int | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> Region | None:  # fmt: skip
        """One object of a mask, bool (H, W), of the frame, or of the stored image where that differs."""
        if mask.shape not in ((self.height, self.width), self._header.stored):
            came = f"a mask of {mask.shape[1]} × {mask.shape[0]} pixels, the image has {self.width} × {self.height}"
            self.error("size mismatch", source, came, "export the mask at the image's size")
            return None
        return self._add(class_name, shapes.encode(mask), source, is_crowd, preferred_id, extra)

    def encoded(
        self, class_name: str, rle: Mapping[str, Any], source: str, is_crowd: bool = False,
        preferred_id: int | None = None, extra: Mapping[str, Any] | None = None,
    ) -> Region | None:  # fmt: skip
        """One object of a mask that our own code encoded, of one of `sizes`: as `mask`, but not checked again."""
        return self._add(class_name, dict(rle), source, is_crowd, preferred_id, extra)

    def rle(
        self, class_name: str, rle: Mapping[str, Any], source: str, is_crowd: bool = False,
        preferred_id: int | None = None, extra: Mapping[str, Any] | None = None,
    ) -> Region | None:  # fmt: skip
        """One object of COCO run lengths, compressed text or a list; their size must be the frame's."""
        checked = shapes.checked_rle(rle, self.height, self.width)
        if isinstance(checked, tuple):
            self.error(checked[0], source, checked[1], checked[2])
            return None
        return self._add(class_name, checked, source, is_crowd, preferred_id, extra)

    def error(self, check: str, source: str | None, came: str, remedy: str) -> None:
        """An object that cannot be read; it is left out, and the delivery is refused unless the user drops it."""
        self._builder.report(check, "error", self.file_name, source, came, remedy)

    def warn(self, check: str, source: str | None, came: str, remedy: str, effect: Effect = "") -> None:
        """Something about this image or one of its objects that the user should know."""
        self._builder.report(check, "warning", self.file_name, source, came, remedy, effect)

    def _drop(self, check: str, source: str, came: str) -> None:
        self.warn(check, source, came, "draw it again, or leave it out", "dropped")

    def checked(self, points: Sequence[float], source: str) -> list[list[float]] | None:
        """One polygon made safe to rasterise: empty where nothing of it is left, None where it is damaged."""
        found = shapes.clean(points, self.width, self.height)
        for problem in found.problems:
            if problem.effect:
                self.warn(problem.check, source, problem.came, problem.remedy, problem.effect)
            else:
                self.error(problem.check, source, problem.came, problem.remedy)
        return None if any(not problem.effect for problem in found.problems) else found.polygons

    def _add(
        self, class_name: str, rle: dict[str, Any], source: str, is_crowd: bool, preferred_id: int | None,
        extra: Mapping[str, Any] | None,
    ) -> Region | None:  # fmt: skip
        if not self._builder.knows(class_name):
            came = f"class {printable(class_name)}"
            self.error("unknown class", source, came, "add it to the classes of the export")
            return None
        if shapes.is_empty(rle):
            self._drop("zero area", source, "a mask without pixels")
            return None
        if self._header.orientation != 1 and tuple(rle["size"]) == self._header.stored != self._header.upright:
            rle = shapes.turned(rle, self._header.orientation)
        kept = self._builder.writable("object", extra, self.file_name, source) if extra else {}
        region = Region(class_name, rle, source, is_crowd, preferred_id, kept)
        self._regions.append(region)
        return region

    def picture(self) -> Picture:
        """The finished image; objects that two entries of it repeat are taken once."""
        if not self.is_joined:
            return replace(self._picture, regions=tuple(self._regions))
        once = {(r.class_name, r.rle["counts"], r.is_crowd): r for r in reversed(self._regions)}
        kept = tuple(r for r in self._regions if once[r.class_name, r.rle["counts"], r.is_crowd] is r)
        if len(kept) < len(self._regions):
            came = f"{len(self._regions) - len(kept)} objects are listed twice"
            self.warn("duplicate object", None, came, "keep one entry per image", "dropped")
        return replace(self._picture, regions=kept)
