"""One delivery in the making. Every importer hands its shapes to a `Canvas`, which checks them before any C code sees
them, turns them into exact masks and says what it repaired, dropped or approximated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any

from segwise.dataset.finding import Effect, Finding, Severity
from segwise.dataset.formats import shapes
from segwise.dataset.formats.delivery import Category, Delivery, Picture, Region
from segwise.dataset.formats.folder import Folder
from segwise.dataset.images import Header, header_of
from segwise.dataset.names import is_plain
from segwise.errors import DataInvalidError
from segwise.types import Mask


class Builder:
    """Collects the images, classes and findings of one source."""

    def __init__(self, folder: Folder, format: str) -> None:  # noqa: A002 -- the field's word
        self.folder, self.format = folder, format
        self.findings: list[Finding] = []
        self.num_errors = 0
        self.extra: dict[str, Any] = {}
        self._canvases: list[Canvas] = []
        self._categories: dict[str, Category] = {}
        for link in folder.outside:
            self.report("link outside", "error", None, None, f"{link} is a link that leaves the folder",
                        "copy the file itself")  # fmt: skip

    def category(self, name: str, isthing: bool = True, preferred_id: int | None = None) -> None:
        """Make a class known; the first word on a name counts."""
        self._categories.setdefault(name, Category(name, isthing, preferred_id))

    def knows(self, name: str) -> bool:
        """Whether a class is known."""
        return name in self._categories

    def report(
        self, check: str, severity: Severity, image: str | None, source: str | None, came: str, remedy: str,
        effect: Effect = "",
    ) -> None:  # fmt: skip
        """Add a finding. `source` is the object in the source's own words."""
        self.findings.append(Finding(check, severity, image, source, came, remedy, effect))
        self.num_errors += severity == "error"

    def image(
        self, name: str, near: PurePosixPath = PurePosixPath(), size: tuple[int, int] | None = None,
        content: bytes | None = None, file_name: str | None = None, group: str | None = None,
        split: str | None = None, preferred_id: int | None = None, extra: Mapping[str, Any] | None = None,
    ) -> Canvas | None:  # fmt: skip
        """Begin an image.

        Args:
            name: how the label file names it; looked up in the folder (`Folder.find`), `near` the label file's folder.
            size: (height, width) the label file states, pixels; it decides whether labels are drawn on the stored or
                on the upright (EXIF) image, and has to be one of the two.
            content: the image's bytes where the label file carries them and no file is found.
            file_name: its name in the data set; by default `name` without a leading `images/`, or the file's own name
                where `name` leaves the folder.

        Returns:
            None, with an error among the findings, where the image is missing, ambiguous, unreadable or of another size.
        """
        found = self.folder.candidates(name, near)
        shown = name if is_plain(name) else PurePosixPath(name.replace("\\", "/")).name or repr(name)
        if len(found) > 1:
            came = f"{len(found)} files fit {name!r}: {', '.join(map(str, found[:3]))}"
            return self._refuse("ambiguous image", shown, came, "write the path from the label file's folder")
        if not found and content is None:
            came = f"no file {name!r} below {self.folder.root.name}/"
            return self._refuse("file missing", shown, came, "add the image to the folder, or remove its entry")
        place = self.folder.path(found[0]) if found else None
        try:
            header = header_of(place if place is not None else content or b"")
        except DataInvalidError as error:
            return self._refuse("file unreadable", shown, error.came, error.remedy)
        frame = _frame(header, size)
        if frame is None:
            came = f"{header.width} × {header.height} pixels, the label file says {size[1]} × {size[0]}" if size else ""
            remedy = "label the image at its real size, or restore the labelled file"
            return self._refuse("size mismatch", shown, came, remedy)
        own = file_name or _own_name(name, found[0] if found else None)
        if header.orientation != 1:
            said = "as stored; turned with the image" if frame == header.stored else "on the upright image"
            came = f"EXIF orientation {header.orientation}; the labels are taken {said}"
            self.report("orientation", "warning", own, None, came, "check one image by eye", "repaired")
        picture = Picture(
            own, place if place is not None else content or b"", header.width, header.height, (),
            header.orientation, group, split, preferred_id, dict(extra or {}),
        )  # fmt: skip
        canvas = Canvas(self, picture, frame, header)
        self._canvases.append(canvas)
        return canvas

    def _refuse(self, check: str, image: str, came: str, remedy: str) -> None:
        self.report(check, "error", image, None, came, remedy)

    def delivery(self) -> Delivery:
        """Everything collected; image names are unique on every file system."""
        pictures = _distinct([c.picture() for c in self._canvases], self.findings)
        return Delivery(self.format, tuple(self._categories.values()), pictures, tuple(self.findings), self.extra)


class Canvas:
    """One image in the making. `height` and `width` are those of the frame that the source's labels are drawn in."""

    def __init__(self, builder: Builder, picture: Picture, frame: tuple[int, int], header: Header) -> None:
        self.height, self.width = frame
        self.file_name = picture.file_name
        self._builder, self._picture, self._header = builder, picture, header
        self._regions: list[Region] = []

    def polygons(
        self, class_name: str, parts: Sequence[Sequence[float]], source: str, holes: Sequence[Sequence[float]] = (),
        is_crowd: bool = False, preferred_id: int | None = None, extra: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """One object of polygons, each flat `[x1, y1, x2, y2, …]` in pixels, (0, 0) the corner of the first pixel.

        Its mask is the union of `parts` less `holes`, rasterised as COCO does. Damaged coordinates are an error; parts
        without area are dropped, parts that leave the image are clipped, with a finding each.
        """
        size = (self.height, self.width)
        before = self._builder.num_errors
        outer = [p for part in parts for p in self._polygon(part, source)]
        inner = [p for part in holes for p in self._polygon(part, source)]
        if self._builder.num_errors > before:
            return
        if outer:
            self._add(class_name, shapes.rasterise(outer, inner, size), source, is_crowd, preferred_id, extra)
        else:
            self._drop("zero area", source, "no part has an area inside the image" if parts else "no polygon")

    def mask(
        self, class_name: str, mask: Mask, source: str, is_crowd: bool = False, preferred_id: int | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """One object of a mask, bool (H, W), of the frame, or of the stored image where that differs."""
        if mask.shape not in ((self.height, self.width), self._header.stored):
            came = f"a mask of {mask.shape[1]} × {mask.shape[0]} pixels, the image has {self.width} × {self.height}"
            self.error("size mismatch", source, came, "export the mask at the image's size")
            return
        self._add(class_name, shapes.encode(mask), source, is_crowd, preferred_id, extra)

    def rle(
        self, class_name: str, rle: Mapping[str, Any], source: str, is_crowd: bool = False,
        preferred_id: int | None = None, extra: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """One object of COCO run lengths, compressed text or a list; their size must be the frame's."""
        checked = shapes.checked_rle(rle, self.height, self.width)
        if isinstance(checked, tuple):
            self.error(checked[0], source, checked[1], checked[2])
            return
        self._add(class_name, checked, source, is_crowd, preferred_id, extra)

    def error(self, check: str, source: str | None, came: str, remedy: str) -> None:
        """An object that cannot be read; it is left out, and the delivery is refused unless the user drops it."""
        self._builder.report(check, "error", self.file_name, source, came, remedy)

    def warn(self, check: str, source: str | None, came: str, remedy: str, effect: Effect = "") -> None:
        """Something about this image or one of its objects that the user should know."""
        self._builder.report(check, "warning", self.file_name, source, came, remedy, effect)

    def _drop(self, check: str, source: str, came: str) -> None:
        self.warn(check, source, came, "draw it again, or leave it out", "dropped")

    def _polygon(self, points: Sequence[float], source: str) -> list[list[float]]:
        found = shapes.clean(points, self.width, self.height)
        for problem in found.problems:
            if problem.effect:
                self.warn(problem.check, source, problem.came, problem.remedy, problem.effect)
            else:
                self.error(problem.check, source, problem.came, problem.remedy)
        return found.polygons

    def _add(
        self, class_name: str, rle: dict[str, Any], source: str, is_crowd: bool, preferred_id: int | None,
        extra: Mapping[str, Any] | None,
    ) -> None:  # fmt: skip
        if not self._builder.knows(class_name):
            self.error("unknown class", source, f"class {class_name!r}", "add it to the classes of the export")
            return
        if shapes.is_empty(rle):
            self._drop("zero area", source, "a mask without pixels")
            return
        if self._header.orientation != 1 and tuple(rle["size"]) == self._header.stored != self._header.upright:
            rle = shapes.turned(rle, self._header.orientation)
        self._regions.append(Region(class_name, rle, source, is_crowd, preferred_id, dict(extra or {})))

    def picture(self) -> Picture:
        """The finished image."""
        return replace(self._picture, regions=tuple(self._regions))


def _frame(header: Header, size: tuple[int, int] | None) -> tuple[int, int] | None:
    """The (height, width) labels are drawn in: upright where nothing else is said; None if the size is neither's."""
    if size is None or size == header.upright:
        return header.upright
    return header.stored if size == header.stored else None


def _own_name(name: str, found: PurePosixPath | None) -> str:
    """The name in the data set: as the label file says, where that is plain; else the file's own."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    parts = parts[1:] if len(parts) > 1 and parts[0] == "images" else parts
    wanted = "/".join(parts)
    if is_plain(wanted) and (found is None or found.name.casefold() == parts[-1].casefold()):
        return wanted
    return found.name if found is not None else parts[-1]


def _distinct(pictures: list[Picture], findings: list[Finding]) -> tuple[Picture, ...]:
    """Names that differ in more than case. Of one name, the first keeps it and the others get their content's hash."""
    counts: Counter[str] = Counter()
    out = []
    for picture in pictures:
        key = picture.file_name.casefold()
        counts[key] += 1
        if counts[key] > 1:
            path = PurePosixPath(picture.file_name)
            data = picture.content if isinstance(picture.content, bytes) else picture.content.read_bytes()
            name = str(path.with_name(f"{path.stem}-{sha256(data).hexdigest()[:8]}{path.suffix}"))
            came = "another image has this name (upper and lower case are the same on some disks)"
            findings.append(Finding("name clash", "warning", picture.file_name, None, came,
                                    f"it is kept as {name}", "repaired"))  # fmt: skip
            picture = replace(picture, file_name=name)
        out.append(picture)
    return tuple(out)

