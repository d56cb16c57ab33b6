"""COCO instances JSON, as COCO itself, Roboflow, CVAT, Label Studio and others write it, in one file or several; and
segwise's own label file, which comes out as it went in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from segwise.dataset.formats import coco_files, documents
from segwise.dataset.formats.builder import Builder, Canvas
from segwise.dataset.formats.coco_classes import ClassTable
from segwise.dataset.formats.coco_sizes import Sizes
from segwise.dataset.formats.delivery import Delivery, Options
from segwise.dataset.formats.folder import HERE, Folder
from segwise.dataset.formats.naming import own_name
from segwise.dataset.formats.text import printable
from segwise.dataset.geometry import is_number, short, whole

TITLE = "COCO JSON with polygons or run lengths"
KEYS = ("images", "annotations", "categories")

Raw = dict[str, Any]
Key = int | str


def looks_like(folder: Folder) -> bool:
    """Whether a JSON file with images, annotations and categories is there."""
    return documents.some(folder, coco_files.is_coco, ".json")


def read(folder: Folder, options: Options) -> Delivery:  # noqa: ARG001 -- all importers have it
    """Read every COCO file of a source.

    Ids of images, annotations and categories are kept where they can be; the split is the image's own key, or what the
    label file's name or folder says.
    """
    builder = Builder(folder, "coco")
    sources = [source for file in coco_files.find(builder) if (source := _source(builder, file)) is not None]
    shift = int(any(source.classes.has_zero for source in sources))
    if shift:
        came = "category ids begin at 0"
        builder.report("category ids", "warning", None, None, came, "nothing: here each is one higher")
    for source in sources:
        source.classes.register(builder, shift)
    for source in sources:
        source.add_images()
        source.add_annotations()
    _say_repeated_ids(builder, sources)
    maps = {file for source in sources for file in source.class_maps()}
    coco_files.say_class_maps(builder, maps)
    builder.unused_images("label them, or leave them out; an image without objects needs an entry of its own", maps)
    return builder.delivery()


def _source(builder: Builder, file: PurePosixPath) -> _Source | None:
    """One label file with its three lists; None, with an error, where it is no such file."""
    raw = documents.read_json(builder, file)
    if raw is documents.NOTHING:
        return None
    missing = [key for key in KEYS if not isinstance(raw, dict) or not isinstance(raw.get(key), list)]
    if missing:
        came = f"no list `{missing[0]}`" if isinstance(raw, dict) else f"JSON that is no object ({short(raw)})"
        documents.damaged(builder, file, came, "export it as COCO instances JSON")
        return None
    for key, value in raw.items():
        if key not in KEYS and builder.extra.setdefault(key, value) != value:
            came = f"{printable(file)} has another `{printable(key)}` than the file before"
            builder.report("other keys", "warning", None, None, came, "nothing, if the first file's will do", "dropped")
    return _Source(builder, file, raw)


class _Source:
    """One label file. `canvases` holds each image by its id; None where it could not be read, or where several images
    share the id (`shared`): nobody knows whose the objects are."""

    def __init__(self, builder: Builder, file: PurePosixPath, raw: Raw) -> None:
        self.builder, self.file = builder, file
        self.images, self.annotations = raw["images"], raw["annotations"]
        self.has_classes = bool(raw["categories"])
        self.shared = _shared(self.images)
        self.split = documents.split_of(file)
        self.canvases: dict[Key, Canvas | None] = {}
        self.classes = ClassTable(builder, file, raw["categories"], self.annotations)
        self.annotation_ids: Counter[Key] = Counter()

    def add_images(self) -> None:
        for row in self.images:
            self._add_image(row)

    def _add_image(self, row: Any) -> None:
        name = row.get("file_name") if isinstance(row, dict) else None
        key = _key(row.get("id")) if isinstance(row, dict) else None
        if not isinstance(name, str) or not name or key is None:
            came = f"image {short(row)} of {printable(self.file)}"
            self.builder.report("structure", "error", None, None, came, "give it an `id` and a `file_name`")
            return
        if key in self.shared or self.canvases.get(key, self) is not self:
            self.builder.named.update(self._found(name))
            self.canvases.setdefault(key, None)
            came = f"image id {key} is used twice in {printable(self.file)}"
            self.builder.report("duplicate id", "error", printable(name), None, came, "number the images anew")
            return
        sides = [whole(row.get("height")), whole(row.get("width"))]
        size = (sides[0], sides[1]) if sides[0] is not None and sides[1] is not None else None
        if size is None and any(row.get(side) is not None for side in ("height", "width")):
            came = f"width {short(row.get('width'))}, height {short(row.get('height'))}"
            self.builder.report("structure", "error", printable(name), None, came, "write the image's size in pixels")
            self.canvases[key] = None
            return
        self.canvases[key] = self._canvas(row, name, size, key)

    def _canvas(self, row: Raw, name: str, size: tuple[int, int] | None, key: Key) -> Canvas | None:
        group, split = row.get("group"), row.get("split")
        chosen = coco_files.place(self.builder.folder, name, self.file.parent, self.split)
        return self.builder.image(
            name if chosen is None else str(chosen), self.file.parent if chosen is None else HERE, size,
            file_name=None if chosen is None else own_name(name, chosen),
            group=_text(group), split=_text(split) or self.split,
            preferred_id=key if isinstance(key, int) else None, extra=row,
        )  # fmt: skip

    def _found(self, name: str) -> list[PurePosixPath]:
        chosen = coco_files.place(self.builder.folder, name, self.file.parent, self.split)
        return [chosen] if chosen is not None else self.builder.folder.candidates(name, self.file.parent)

    def class_maps(self) -> list[PurePosixPath]:
        """The class maps beside this label file's images, which no label file names."""
        found = (row.get("file_name") for row in self.images if isinstance(row, dict))
        names = [name for name in found if isinstance(name, str) and name]
        unnamed = (file for file in self.builder.folder.files if file not in self.builder.named)
        return coco_files.class_maps(unnamed, self.file.parent, names)

    def add_annotations(self) -> None:
        if self.images and self.has_classes and not self.annotations:
            came = f"no annotation in {printable(self.file)}"
            self.builder.report("no objects", "warning", None, None, came, "fine if all images are meant to be empty")
        drawn = [row for row in self.annotations if isinstance(row, dict) and row.get("segmentation")]
        if self.annotations and not drawn:
            documents.only_boxes(self.builder, f"{printable(self.file)}, {len(self.annotations)} annotations")
            return
        sizes = Sizes()
        for row in self.annotations:
            self._add_annotation(row, sizes)
        sizes.report(self.builder, self.file)
        self._report_ids()

    def _add_annotation(self, row: Any, sizes: Sizes) -> None:
        if not isinstance(row, dict):
            came = f"annotation {short(row)} of {printable(self.file)}"
            self.builder.report("structure", "error", None, None, came, "write each annotation as an object")
            return
        number = _key(row.get("id"))
        source = f"annotation {'without id' if number is None else printable(number)}"
        image = _key(row.get("image_id"))
        if image not in self.canvases:
            came = f"image_id {short(row.get('image_id'))}, which no image of {printable(self.file)} has"
            self.builder.report("unknown image", "error", None, source, came, "remove the object or add the image")
            return
        canvas = self.canvases[image] if image is not None else None
        if image in self.shared:
            came = f"image_id {printable(image)}, which several images of {printable(self.file)} have"
            self.builder.report("duplicate id", "warning", None, source, came, "number the images anew", "dropped")
        if canvas is not None:
            self._add_object(canvas, row, source, number, sizes)
        elif number is not None:
            self.annotation_ids[number] += 1

    def _add_object(self, canvas: Canvas, row: Raw, source: str, number: Key | None, sizes: Sizes) -> None:
        name = self.classes.name_of(row.get("category_id"))
        if name is None:
            came = f"category_id {short(row.get('category_id'))}"
            return canvas.error("unknown category", source, came, "use one of the file's categories, or add it")
        if row.get("iscrowd", 0) not in (0, 1):
            return canvas.error("structure", source, f"iscrowd {short(row['iscrowd'])}", "write 0 or 1")
        is_first = number is not None and not self.annotation_ids[number]
        if number is not None:
            self.annotation_ids[number] += 1
        preferred = number if is_first and isinstance(number, int) else None
        shape = _shape(canvas, row.get("segmentation"), source)
        crowd, extra = bool(row.get("iscrowd", 0)), row
        if isinstance(shape, Mapping):
            region = canvas.rle(name, shape, source, crowd, preferred, extra)
        elif shape is not None:
            region = canvas.polygons(name, shape, source, (), crowd, preferred, extra)
        else:
            return None
        if region is not None:
            sizes.compare(source, row, region)
        return None

    def _report_ids(self) -> None:
        repeated = sorted((n for n, times in self.annotation_ids.items() if times > 1), key=str)
        without = sum(
            1 for row in self.annotations if isinstance(row, dict) and not isinstance(_key(row.get("id")), int)
        )
        if repeated:
            first = ", ".join(map(printable, repeated[:3])) + (", …" if len(repeated) > 3 else "")
            came = f"{len(repeated)} annotation ids of {printable(self.file)} are used more than once ({first})"
            self.builder.report("duplicate id", "warning", None, None, came, "the later ones get new ids", "repaired")
        if without:
            came = f"{without} annotations of {printable(self.file)} without a whole number as `id`"
            self.builder.report("structure", "warning", None, None, came, "they get new ids", "repaired")


def _shared(images: list[Any]) -> set[Key]:
    """Ids that images of different names share."""
    names: dict[Key, set[str]] = {}
    for row in images:
        name, key = (row.get("file_name"), _key(row.get("id"))) if isinstance(row, dict) else (None, None)
        if isinstance(name, str) and name and key is not None:
            names.setdefault(key, set()).add(name)
    return {key for key, found in names.items() if len(found) > 1}


def _shape(canvas: Canvas, shape: Any, source: str) -> Mapping[str, Any] | list[Any] | None:
    """Run lengths or a list of flat polygons; None, with a finding, where there are none.

    Some tools write one polygon without the list around it, or points as pairs.
    """
    if isinstance(shape, list) and len(shape) == 1 and isinstance(shape[0], dict):
        shape = shape[0]
    if isinstance(shape, dict):
        return shape
    if not isinstance(shape, list) or not shape:
        came = "a box without an outline" if not shape else f"segmentation {short(shape)}"
        if not shape:
            canvas.warn("no outline", source, came, "draw its outline", "dropped")
        else:
            canvas.error("structure", source, came, "write polygons or an RLE")
        return None
    if all(is_number(value) for value in shape):
        canvas.warn("structure", source, "one polygon without a list around it", "nothing: it was read", "repaired")
        return [shape]
    if all(_is_pair(point) for point in shape) and len(shape) > 2:
        shape = [shape]
    return [_flat(part) for part in shape]


def _flat(part: Any) -> Any:
    """A polygon of pairs as a flat one; anything else as it is, for the checks to come."""
    is_pairs = isinstance(part, list) and len(part) > 2 and all(_is_pair(point) for point in part)
    return [value for point in part for value in point] if is_pairs else part


def _is_pair(point: Any) -> bool:
    return isinstance(point, list) and len(point) == 2 and not any(isinstance(v, list | dict) for v in point)


def _text(value: Any) -> str | None:
    """A group or split: text, or a number written as one."""
    return str(value) if isinstance(value, str | int) and value != "" else None


def _key(value: Any) -> Key | None:
    """An id as what two entries share: a whole number, or text."""
    return value if isinstance(value, str) and value else whole(value)


def _say_repeated_ids(builder: Builder, sources: list[_Source]) -> None:
    """Say that ids repeat between files; the merge numbers the later ones anew."""
    for words, ids in (("image", [s.canvases for s in sources]), ("annotation", [s.annotation_ids for s in sources])):
        counts = Counter(key for table in ids for key in table)
        repeated = sum(times > 1 for times in counts.values())
        if repeated:
            came = f"{repeated} {words} ids are used in more than one file"
            builder.report(f"{words} ids", "warning", None, None, came, "nothing: the later ones get new ids")
