"""Where the images, labels and class names of a YOLO data set lie, in the many ways that tools write it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import yaml

from segwise.dataset.formats import documents
from segwise.dataset.formats.builder import Builder
from segwise.dataset.formats.text import printable

MAX_YAML_CHARS = 1_000_000  # PyYAML reads about that much in a second
NAME_FILES = ("classes.txt", "obj.names", "_darknet.labels", "labels.txt", "names.txt", "class_names.txt")
LABEL_FOLDERS = ("labels", "obj_train_data", "obj_valid_data", "obj_test_data")
ROW = re.compile(r"\s*\d+(?:\.0+)?[\s,]+-?[\d.nainfNAINF]")
NAMES = re.compile(r"^[\"']?names[\"']?\s*:", re.MULTILINE)
SPLIT_KEYS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}

Labels = Mapping[PurePosixPath, PurePosixPath]


@dataclass(frozen=True, slots=True)
class Layout:
    """What belongs to the set. `images`: each with its split; `labels`: text files by their path without the ending.

    `others`: images that are there but that the data.yaml does not list.
    """

    names: tuple[str, ...]
    images: Mapping[PurePosixPath, str | None]
    labels: Labels
    others: frozenset[PurePosixPath]

    def unlisted(self) -> set[PurePosixPath | None]:
        """The text files of images that the data.yaml leaves out."""
        return {label_of(image, self.labels) for image in self.others}


def layout(builder: Builder, classes: Sequence[str]) -> Layout:
    """Find everything. Class names: the user's, the data.yaml's, or those of a text file."""
    document, place = _yaml(builder)
    labels = _labels(builder)
    images = {file: documents.folder_split(file) for file in builder.folder.images()}
    listed = _listed(builder, document, place) if document else {}
    if not listed:
        listed = {file: split for file, split in images.items() if _belongs(file, labels)}
    names = tuple(classes) or _names_of(document.get("names")) or _name_file(builder)
    return Layout(names, listed, labels, frozenset(images) - frozenset(listed))


def label_of(image: PurePosixPath, labels: Labels) -> PurePosixPath | None:
    """The text file of an image: in `labels` where the image is in `images`, or beside it."""
    parts = image.with_suffix("").parts
    places = [(*parts[:i], name, *parts[i + 1 :]) for i in _image_folders(parts) for name in ("labels", "Labels")]
    places += [(*parts[:-1], "labels", parts[-1]), (*parts[:-2], "labels", parts[-1]), parts]
    places += [("labels", *parts), ("labels", parts[-1])]
    return next((labels[key] for place in places if (key := PurePosixPath(*place)) in labels), None)


def _image_folders(parts: tuple[str, ...]) -> list[int]:
    return [i for i in reversed(range(len(parts) - 1)) if parts[i].casefold() == "images"]


def _belongs(image: PurePosixPath, labels: Labels) -> bool:
    """Without a list: an image with a text file, or in a folder `images` that has labels."""
    return label_of(image, labels) is not None or (bool(labels) and "images" in map(str.casefold, image.parts[:-1]))


def _labels(builder: Builder) -> dict[PurePosixPath, PurePosixPath]:
    """Text files in a folder of labels, and others that hold rows."""
    found = {}
    for file in builder.folder.files:
        if file.suffix.lower() != ".txt" or file.name.casefold() in NAME_FILES:
            continue
        in_labels = any(part.casefold() in LABEL_FOLDERS for part in file.parts[:-1])
        if in_labels or ROW.match(builder.folder.peek(file)):
            found[file.with_suffix("")] = file
    return found


def _yaml(builder: Builder) -> tuple[dict[str, Any], PurePosixPath]:
    """The data.yaml that is nearest to the root, and its folder."""
    files = [f for f in builder.folder.having(".yaml", ".yml") if NAMES.search(builder.folder.peek(f))]
    for file in sorted(files, key=lambda f: (len(f.parts), f.name != "data.yaml", f)):
        text = documents.read_text(builder, file)
        try:
            if len(text or "") > MAX_YAML_CHARS or "<<" in (text or ""):  # merges of merges can grow without end
                raise ValueError("too long, or with merge keys `<<`")
            document = yaml.safe_load(text or "")
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            said = getattr(error, "problem", None) or str(error)
            documents.damaged(builder, file, f"no whole YAML: {said}", "export it again")
            continue
        if isinstance(document, dict):
            return document, file.parent
    return {}, PurePosixPath()


def _names_of(value: Any) -> tuple[str, ...]:
    """Class names, a list or numbers with names, in the order of their index; gaps get a name of their own."""
    if isinstance(value, list):
        rows = dict(enumerate(value))
    elif isinstance(value, dict):
        rows = {int(key): name for key, name in value.items() if str(key).isdecimal() and int(key) < 10_000}
    else:
        return ()
    rows = {i: name for i, name in rows.items() if isinstance(name, str | int | float) and str(name).strip()}
    return tuple(str(rows.get(i, f"class {i}")).strip() for i in range(max(rows, default=-1) + 1))


def _name_file(builder: Builder) -> tuple[str, ...]:
    for wanted in NAME_FILES:
        for file in builder.folder.files:
            if file.name.casefold() == wanted:
                lines = (documents.read_text(builder, file) or "").splitlines()
                return tuple(line.strip() for line in lines if line.strip())
    return ()


def _listed(builder: Builder, document: dict[str, Any], place: PurePosixPath) -> dict[PurePosixPath, str | None]:
    """The images that `train`, `val` and `test` list: as folders, text files of paths, or lists of either."""
    out: dict[PurePosixPath, str | None] = {}
    for key, split in SPLIT_KEYS.items():
        values = document.get(key)
        for value in values if isinstance(values, list) else [values]:
            if not isinstance(value, str) or not value.strip():
                continue
            found = _images_of(builder, value, place)
            if not found:
                came = f"`{key}: {printable(value)}` holds no images"
                builder.report("split missing", "warning", None, None, came, "nothing, if it was left out on purpose")
            for image in found:
                if out.setdefault(image, split) != split:
                    came = f"listed in {out[image]} and {split}"
                    builder.report("split", "warning", printable(image), None, came, "list it once; the first counts")
    return out


def _images_of(builder: Builder, value: str, place: PurePosixPath) -> list[PurePosixPath]:
    parts = tuple(p for p in value.replace("\\", "/").split("/") if p not in ("", ".", "..") and not p.endswith(":"))
    if parts and parts[-1].lower().endswith(".txt"):
        return _of_list(builder, parts, place)
    images = builder.folder.images()
    for start in range(len(parts) + 1):  # the longest tail that is a folder here: data sets move, their yaml does not
        tail = parts[start:]
        heads = [place.parts] if place.parts else []
        for head in (*heads, ()):
            inside = [file for file in images if file.parts[: len(head) + len(tail)] == (*head, *tail)]
            if inside and tail:
                return inside
    return [] if parts else images


def _of_list(builder: Builder, parts: tuple[str, ...], place: PurePosixPath) -> list[PurePosixPath]:
    lists = [file for file in builder.folder.files if file.name.casefold() == parts[-1].casefold()]
    lists.sort(key=lambda file: (file.parent != place, len(file.parts), file))
    found = []
    for line in (documents.read_text(builder, lists[0]) or "").splitlines() if lists else []:
        if not line.strip():
            continue
        fitting = builder.folder.candidates(line.strip(), lists[0].parent)
        if len(fitting) == 1:
            found.append(fitting[0])
        else:
            came = f"{len(fitting)} files fit {printable(line.strip())} of {printable(lists[0])}"
            remedy = "add the image, or correct the list"
            builder.report("file missing", "error", printable(PurePosixPath(line.strip()).name), None, came, remedy)
    return found
