"""YOLO segmentation: a text file per image with a class index and a normalised polygon per line, and a data.yaml."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from segwise.dataset.formats import documents
from segwise.dataset.formats.builder import Builder, Canvas
from segwise.dataset.formats.delivery import Delivery, Options
from segwise.dataset.formats.folder import Folder
from segwise.dataset.formats.text import printable
from segwise.dataset.formats.yolo_files import Layout, label_of, layout
from segwise.dataset.geometry import is_number, short
from segwise.dataset.names import is_plain

TITLE = "YOLO segmentation: text files of normalised polygons"
ROW = re.compile(r"\s*\d+(?:\.0+)?(?:[\s,]+-?[\d.]+(?:[eE][+-]?\d+)?){4,}\s*$")
FAR = 1.0  # coordinates further outside 0..1 than this are pixels, not shares of the image


def looks_like(folder: Folder) -> bool:
    """Whether a data.yaml with class names, or text files of YOLO rows beside images, are there."""
    if documents.some(folder, _is_yaml, ".yaml", ".yml"):
        return True
    return bool(folder.images()) and documents.some(folder, _has_rows, ".txt")


def _is_yaml(text: str) -> bool:
    keys = set(re.findall(r"^[\"']?(names|nc|train|val|test|path)[\"']?\s*:", text, re.MULTILINE))
    return "names" in keys and len(keys) > 1


def _has_rows(text: str) -> bool:
    first = next((line for line in text.splitlines() if line.strip()), "")
    return ROW.match(first) is not None


def read(folder: Folder, options: Options) -> Delivery:
    """Read every image that the data.yaml lists, or that has its place beside labels, with its rows.

    Class i of the file has the id i + 1. An image without a text file, or with an empty one, is a true negative.
    """
    builder = Builder(folder, "yolo")
    found = layout(builder, options.classes)
    for number, name in enumerate(found.names, start=1):
        builder.category(name, preferred_id=number)
    if not found.names:
        remedy = "add a data.yaml with `names`, or say `--classes`"
        builder.report("no classes", "error", None, None, "no file with class names", remedy)
    reader = _Reader(builder, found)
    for image, split in sorted(found.images.items()):
        reader.read(image, split)
    reader.finish()
    return builder.delivery()


class _Reader:
    """Reads one image with its rows after the other."""

    def __init__(self, builder: Builder, found: Layout) -> None:
        self.builder, self.found = builder, found
        self.used: set[PurePosixPath] = set()
        self.num_images = self.num_rows = self.num_boxes = 0

    def read(self, image: PurePosixPath, split: str | None) -> None:
        self.num_images += 1
        label = label_of(image, self.found.labels)
        canvas = self.builder.image(str(image), split=split, file_name=_data_name(image))
        if label is None:
            return
        self.used.add(label)
        text = documents.read_text(self.builder, label) if canvas is not None else None
        for number, line in enumerate((text or "").splitlines(), start=1):
            if canvas is not None and line.strip():
                self._row(canvas, line.replace(",", " ").split(), f"line {number}")

    def _row(self, canvas: Canvas, words: list[str], source: str) -> None:
        self.num_rows += 1
        values = [_number(word) for word in words]
        if None in values:
            word = words[values.index(None)]
            return canvas.error("structure", source, f"{printable(word)!r} is no number", "export the labels again")
        index, *rest = (value for value in values if value is not None)
        if not is_number(index) or index != int(index) or not 0 <= index < len(self.found.names):
            came = f"class {short(index)} of {len(self.found.names)}"
            return canvas.error("unknown class", source, came, "add its name, or correct the row")
        if len(rest) in (4, 5):
            self.num_boxes += 1
            return canvas.warn("box", source, "a box without an outline", "draw its outline", "dropped")
        if not all(is_number(v) for v in rest):
            return canvas.error("not finite", source, "a polygon with NaN, Infinity or a huge number", "draw it again")
        if any(not -FAR <= v <= 1 + FAR for v in rest):
            came = f"coordinates {min(rest):g}..{max(rest):g}, where 0..1 is the image"
            return canvas.error("not normalised", source, came, "divide them by the image's width and height")
        sides = (canvas.width, canvas.height)
        points = [value * sides[i % 2] for i, value in enumerate(rest)]
        canvas.polygons(self.found.names[int(index)], [points], source)
        return None

    def finish(self) -> None:
        """Say what holds for the whole: boxes only, labels without an image, images that nothing lists."""
        if self.num_boxes and self.num_boxes == self.num_rows:
            documents.only_boxes(self.builder, f"{self.num_boxes} rows")
        for label in sorted(set(self.found.labels.values()) - self.used - self.found.unlisted()):
            came, remedy = f"no image for {printable(label)}", "add the image, or remove the text file"
            self.builder.report("file missing", "error", printable(label.with_suffix("")), None, came, remedy)
        without = self.num_images - len(self.used)
        if self.num_images and not self.used:
            came = f"{self.num_images} images, none with a text file of labels"
            remedy = "name the folder that holds both `images` and `labels`"
            self.builder.report("no labels", "error", None, None, came, remedy)
        elif without:
            came = f"{without} of {self.num_images} images have no text file; they are images without objects"
            self.builder.report("no labels", "warning", None, None, came, "nothing, if nothing is to be seen on them")
        self.builder.unused_images("list them in the data.yaml if they belong to the set")


def _number(word: str) -> float | None:
    try:
        return float(word) if word.isascii() and "_" not in word else None
    except ValueError:
        return None


def _data_name(image: PurePosixPath) -> str | None:
    """The path without `images` and the folders of splits, which say nothing about the picture."""
    parents = [part for part in image.parent.parts if part.casefold() not in ("images", "labels", "obj_train_data")]
    name = "/".join([*(p for p in parents if documents.folder_split(PurePosixPath(p) / "x") is None), image.name])
    return name if is_plain(name) else None
