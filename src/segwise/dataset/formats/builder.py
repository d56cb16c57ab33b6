"""One delivery in the making. Every importer hands its shapes to a `Canvas`, which checks them before any C code sees
them, turns them into exact masks and says what it repaired, dropped or approximated."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import PurePosixPath
from typing import Any

from segwise.dataset.finding import Effect, Finding, Severity
from segwise.dataset.formats.canvas import Canvas
from segwise.dataset.formats.delivery import Category, Delivery, Picture
from segwise.dataset.formats.folder import HERE, Folder
from segwise.dataset.formats.naming import distinct, own_name, plain
from segwise.dataset.formats.text import is_json, printable
from segwise.dataset.images import MAX_PIXELS, Header, header_of
from segwise.dataset.names import is_plain, is_writable
from segwise.dataset.schema import MAX_CLASSES
from segwise.errors import DataInvalidError

__all__ = ["Builder", "Canvas"]

OWN_KEYS = {  # what segwise writes itself: a source's other keys are kept beside them
    "category": frozenset(("id", "name", "isthing")),
    "image": frozenset(("id", "file_name", "width", "height", "group", "split")),
    "object": frozenset(("id", "image_id", "category_id", "iscrowd", "segmentation", "area", "bbox")),
    "file": frozenset(("images", "annotations", "categories")),
}


class Builder:
    """Collects the images, classes and findings of one source."""

    def __init__(self, folder: Folder, format: str) -> None:  # noqa: A002 -- the field's word
        self.folder, self.format = folder, format
        self.findings: list[Finding] = []
        self.num_errors = 0
        self.extra: dict[str, Any] = {}
        self._canvases: list[Canvas] = []
        self._by_file: dict[PurePosixPath, Canvas] = {}
        self.named: set[PurePosixPath] = set()  # image files that a label file means, whatever became of them
        self._categories: dict[str, Category] = {}
        for link in folder.outside:
            came = f"{printable(link)} is a link that leaves the folder"
            self.report("link outside", "error", None, None, came, "copy the files themselves")
        for place in folder.unreadable:
            came = f"the folder {printable(place)} cannot be listed"
            self.report("file unreadable", "error", None, None, came, "allow it to be read")

    def category(
        self, name: str, isthing: bool = True, preferred_id: int | None = None, extra: Mapping[str, Any] | None = None
    ) -> None:
        """Make a class known; the first word on a name counts. A name has to be text that can be written."""
        if not isinstance(name, str) or not name or not is_writable(name):
            self.report("structure", "error", None, None, f"a class named {ascii(name)[:60]}", "give it a name")
        elif name not in self._categories:
            kept = self.writable("category", extra, None, f"class {name}")
            number = preferred_id if preferred_id is not None and preferred_id > 0 else None
            self._categories[name] = Category(name, isthing, number, kept)

    def sort_categories(self) -> None:
        """Number the classes by name: for sources that list them nowhere, so that no order of files matters."""
        self._categories = dict(sorted(self._categories.items()))

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes known so far, in their order."""
        return tuple(self._categories)

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
        self, name: str, near: PurePosixPath = HERE, size: tuple[int, int] | None = None,
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
            None, with an error among the findings, where the image is missing, ambiguous, unreadable or of another
            size. Where the file has its canvas already, that one, with a finding.
        """
        found = self.folder.candidates(name, near)
        self.named.update(found)
        shown = name if is_plain(name) else plain(name)
        if len(found) > 1:
            came = f"{len(found)} files fit {printable(name)}: {', '.join(map(printable, found[:3]))}"
            self._refuse("ambiguous image", shown, came, "write the path from the label file's folder")
            return None
        if found and found[0] in self._by_file:
            return self._again(self._by_file[found[0]], name, size, split)
        if not found and content is None:
            self._missing(name, shown)
            return None
        source = self.folder.path(found[0]) if found else content or b""
        try:
            header = header_of(source)
        except DataInvalidError as error:
            self._refuse("file unreadable", shown, error.came, error.remedy)
            return None
        frame = self._frame(header, size, shown)
        if frame is None:
            return None
        wanted = file_name if file_name is not None and is_plain(file_name) else None
        own = wanted or own_name(file_name or name, found[0] if found else None)
        self._say_orientation(header, frame, own)
        picture = Picture(
            own, source, header.width, header.height, (), header.is_deep, self._text(group, "group", own),
            self._text(split, "split", own), preferred_id, self.writable("image", extra, own, None),
        )  # fmt: skip
        canvas = Canvas(self, picture, frame, header, name)
        self._canvases.append(canvas)
        if found:
            self._by_file[found[0]] = canvas
        return canvas

    def _missing(self, name: str, shown: str) -> None:
        came = f"no file {printable(name)} below {printable(self.folder.title)}"
        remedy = "add the image to the folder, or remove its entry"
        if self.folder.only is not None:
            remedy += "; if the images lie elsewhere, import the folder that holds both"
        self._refuse("file missing", shown, came, remedy)

    def _frame(self, header: Header, size: tuple[int, int] | None, shown: str) -> tuple[int, int] | None:
        """The (height, width) labels are drawn in: upright where nothing else is said; None if `size` is neither's."""
        if not 0 < header.height * header.width <= MAX_PIXELS:
            came, remedy = f"{header.width} × {header.height} pixels", "cut it into tiles or scale it down"
            self._refuse("image size", shown, came, remedy)
            return None
        if size is None or size == header.upright:
            return header.upright
        if size == header.stored:
            return header.stored
        came = f"{header.width} × {header.height} pixels, the label file says {size[1]} × {size[0]}"
        remedy = "label the image at its real size, or restore the labelled file"
        self._refuse("size mismatch", shown, came, remedy)
        return None

    def _say_orientation(self, header: Header, frame: tuple[int, int], own: str) -> None:
        if header.orientation != 1:
            said = "on the upright image" if frame == header.upright else "as stored; turned with the image"
            came = f"EXIF orientation {header.orientation}; the labels are taken {said}"
            self.report("orientation", "warning", own, None, came, "check one image by eye", "repaired")

    def _again(self, canvas: Canvas, name: str, size: tuple[int, int] | None, split: str | None) -> Canvas | None:
        """The canvas of a file that is named a second time; two folders that differ cannot both mean this file."""
        first, second = (n.replace("\\", "/").casefold() for n in (canvas.name, name))
        if not (f"/{first}".endswith(f"/{second}") or f"/{second}".endswith(f"/{first}")):
            came = f"both {printable(canvas.name)} and {printable(name)} would be this file"
            self._refuse("ambiguous image", canvas.file_name, came, "add the missing image, or remove its entry")
            return None
        if size is not None and size != (canvas.height, canvas.width):
            came = f"listed as {canvas.width} × {canvas.height} pixels and as {size[1]} × {size[0]}"
            self._refuse("size mismatch", canvas.file_name, came, "keep one entry per image")
            return None
        if split and canvas.split not in (None, split):
            came = f"it is listed in the splits {printable(canvas.split)} and {printable(split)}"
            self._refuse("duplicate image", canvas.file_name, came, "keep it in one; or add the image that is missing")
            return None
        canvas.is_joined = True
        canvas.warn("duplicate image", None, "it is listed twice", "the objects are joined", "repaired")
        return canvas

    def _text(self, value: str | None, key: str, image: str) -> str | None:
        if value is None or is_writable(value):
            return value
        self.report("structure", "warning", image, None, f"`{key}` is no valid text", "write it in UTF-8", "dropped")
        return None

    def writable(
        self, kind: str, extra: Mapping[str, Any] | None, image: str | None, source: str | None
    ) -> dict[str, Any]:
        """More keys of an entry, less those that segwise writes itself and those that are no JSON (NaN)."""
        kept = {key: value for key, value in (extra or {}).items() if key not in OWN_KEYS[kind]}
        if not kept or is_json(kept):
            return kept
        lost = sorted(key for key, value in kept.items() if not is_json({key: value}))
        came = f"no valid JSON in {', '.join(map(printable, lost[:5]))}"
        self.report("structure", "warning", image, source, came, "write finite numbers and UTF-8", "dropped")
        return {key: value for key, value in kept.items() if key not in lost}

    def unused_images(self, remedy: str, known: Collection[PurePosixPath] = ()) -> None:
        """Say which image files of the folder no label file named, less those of which something is `known`."""
        unused = [file for file in self.folder.images() if file not in self.named and file not in known]
        if unused and self.folder.only is None:
            first = ", ".join(map(printable, unused[:3]))
            came = f"{len(unused)} image files that no label file names ({first}{', …' if len(unused) > 3 else ''})"
            self.report("unlabelled image", "warning", None, None, came, remedy)

    def _refuse(self, check: str, image: str, came: str, remedy: str) -> None:
        self.report(check, "error", image, None, came, remedy)

    def delivery(self) -> Delivery:
        """Everything collected; image names are unique on every file system."""
        if len(self._categories) > MAX_CLASSES:
            came, remedy = f"{len(self._categories)} classes", f"merge them to {MAX_CLASSES} at most"
            self.report("too many classes", "error", None, None, came, remedy)
        pictures = distinct([c.picture() for c in self._canvases], self.findings)
        extra = self.writable("file", self.extra, None, None)
        return Delivery(self.format, tuple(self._categories.values()), pictures, tuple(self.findings), extra)
