"""CVAT's own XML: "for images" 1.1, a list of images with shapes, and "for video" 1.1, a list of tracks."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from segwise.dataset.formats import cvat_shapes, documents
from segwise.dataset.formats.builder import Builder, Canvas
from segwise.dataset.formats.cvat_tracks import Tracks
from segwise.dataset.formats.delivery import Delivery, Options
from segwise.dataset.formats.drawn import Tally, draw
from segwise.dataset.formats.folder import Folder
from segwise.dataset.formats.text import printable
from segwise.dataset.geometry import short

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

TITLE = "CVAT XML, for images or for video"
NO_AREA_LABELS = frozenset(("points", "skeleton", "polyline", "tag", "cuboid"))


def looks_like(folder: Folder) -> bool:
    """Whether an XML file of CVAT is there."""
    return documents.some(folder, _is_cvat, ".xml")


def _is_cvat(text: str) -> bool:
    return "<annotations" in text and any(word in text for word in ("<meta", "<image", "<track", "<version"))


def read(folder: Folder, options: Options) -> Delivery:
    """Read every CVAT file of a source.

    Shapes with one label and one `group_id` in an image are one object. The split is the task's subset.
    """
    builder = Builder(folder, "cvat")
    for name in options.classes:
        builder.category(name)
    fitting, others = documents.passing(folder, _is_cvat, ".xml")
    documents.left_unread(builder, others if fitting else [], "CVAT XML")
    tally = Tally()
    for file in fitting or others:
        root = _root(builder, file)
        if root is not None:
            _add_classes(builder, root, is_open=not options.classes)
            for image in root.iter("image"):
                _add_image(builder, file, root, image, tally)
            Tracks(builder, file, root).draw(tally)
    tally.report(builder, f"{len(fitting)} files")
    builder.unused_images("annotate it in CVAT; an image without shapes needs an `image` entry")
    return builder.delivery()


def _root(builder: Builder, file: PurePosixPath) -> Element | None:
    """The file's root element; entities, which could grow without end or read other files, are refused."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    data = documents.read_bytes(builder, file)
    if data is None:
        return None
    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        documents.damaged(builder, file, f"XML with a document type or entities ({error})", "export it again")
    except (ParseError, ValueError, LookupError, RecursionError, MemoryError) as error:
        documents.damaged(builder, file, f"no whole XML: {error}", "export it again")
    else:
        if root.tag == "annotations":
            return root
        documents.damaged(builder, file, f"XML of <{printable(root.tag)}>", "export it as CVAT for images 1.1")
    return None


def _add_classes(builder: Builder, root: Element, is_open: bool) -> None:
    """The labels of the task, or where it lists none, those of its shapes."""
    if not is_open:
        return
    labels = [
        (label.findtext("name") or "", label.findtext("type") or "any")
        for meta in root.iter("meta")
        for label in meta.iter("label")
        if label.find("name") is not None
    ]
    used = {element.get("label") or "" for element in root.iter() if element.tag in (*cvat_shapes.DRAWN, "track")}
    for name, kind in labels:
        if name in used or kind not in NO_AREA_LABELS:
            builder.category(name)
    if not labels:
        for name in sorted(used - {""}):
            builder.category(name)


def _add_image(builder: Builder, file: PurePosixPath, root: Element, image: Element, tally: Tally) -> None:
    name = image.get("name")
    if not name:
        came = f"image {short(image.attrib)} of {printable(file)}"
        builder.report("structure", "error", None, None, came, "give it a `name`")
        return
    canvas = _canvas(builder, file, root, image, name)
    if canvas is not None:
        numbered = ((f"{element.tag} {i}", element) for i, element in enumerate(image) if element.tag != "tag")
        drawn = (cvat_shapes.shape(canvas, element, source) for source, element in numbered)
        draw(canvas, [shape for shape in drawn if shape is not None], tally)
        for tag in image.iter("tag"):
            came = f"the tag {short(tag.get('label'))} of the whole image"
            canvas.warn("tag", None, came, "nothing: it is no object", "dropped")


def _canvas(builder: Builder, file: PurePosixPath, root: Element, image: Element, name: str) -> Canvas | None:
    sides = [cvat_shapes.number(image.get(key)) for key in ("height", "width")]
    is_stated = all(side is not None and side == int(side) for side in sides)
    size = (int(sides[0] or 0), int(sides[1] or 0)) if is_stated else None
    subsets = (image.get("subset"), root.findtext("meta/task/subset"), root.findtext("meta/job/subset"))
    split = cvat_shapes.split_of(file, next((subset for subset in subsets if subset), None))
    return builder.image(name, file.parent, size, split=split)
