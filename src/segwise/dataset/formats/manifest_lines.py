"""The lines of a Ground Truth or Lookout for Vision manifest, checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from segwise.dataset.formats import pairs
from segwise.dataset.formats.builder import Builder
from segwise.dataset.formats.class_list import Entry, rgb
from segwise.dataset.formats.folder import Folder
from segwise.dataset.names import is_writable

ENDINGS = (".manifest", ".jsonl", ".json", ".ndjson", ".txt")
SOURCE, REF, METADATA = "source-ref", "-ref", "-metadata"
MAX_COLOURS = 4096
MAX_PEEKS = 50  # files of general endings that are looked into, the shallowest first
NORMAL = frozenset(("normal", "good", "ok"))


@dataclass(frozen=True, slots=True)
class Colour:
    """One class of a mask: its number in the colour map, name and colour 0xRRGGBB."""

    index: int
    name: str
    colour: int

    @property
    def is_background(self) -> bool:
        return Entry(self.name).is_background


@dataclass(frozen=True, slots=True)
class MaskRef:
    """One mask of an image: the attribute of the labelling job, the mask's address and its classes."""

    attribute: str
    address: str
    colours: tuple[Colour, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One image. `is_normal`: the line says that there is nothing to find."""

    file: PurePosixPath
    number: int
    image: str
    masks: tuple[MaskRef, ...]
    is_normal: bool
    split: str | None

    @property
    def where(self) -> str:
        return f"{self.file.name} line {self.number}"


def find(folder: Folder) -> list[PurePosixPath]:
    """The manifests of a source, sorted."""
    told = folder.having(*ENDINGS[:1])
    others = sorted(folder.having(*ENDINGS[1:]), key=lambda f: (len(f.parts), str(f)))
    return sorted(file for file in [*told, *others[:MAX_PEEKS]] if _is_manifest(folder.peek(file)))


def _is_manifest(text: str) -> bool:
    first = next((line for line in text.lstrip("\ufeff").splitlines() if line.strip()), "")
    return first.lstrip().startswith("{") and f'"{SOURCE}"' in first


def read(builder: Builder, folder: Folder, file: PurePosixPath) -> Iterator[Line]:
    """The lines of one manifest; a damaged one is an error among the builder's findings."""
    split = next(
        (pairs.SPLITS[w] for w in file.stem.casefold().replace("_", "-").split("-") if w in pairs.SPLITS), None
    )
    try:
        text = folder.path(file).read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        builder.report("file unreadable", "error", None, file.name, error.strerror or str(error), "restore the file")
        return
    for number, raw in enumerate(text.split("\n"), start=1):
        if raw.strip():
            line = _line(file, number, raw, split)
            if isinstance(line, Line):
                yield line
            else:
                remedy = "export the manifest again"
                builder.report("structure", "error", None, f"{file.name} line {number}", line, remedy)


def _line(file: PurePosixPath, number: int, raw: str, split: str | None) -> Line | str:
    """The line, or what is wrong with it."""
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError) as error:
        return f"no JSON: {error}"
    image = record.get(SOURCE) if isinstance(record, dict) else None
    if not isinstance(image, str) or not image.strip() or not is_writable(image):
        return f"no `{SOURCE}`"
    masks = []
    for key, value in record.items():
        described = record.get(key + METADATA)
        if key != SOURCE and key.endswith(REF) and value is not None and isinstance(described, dict):
            colours = _colours(described.get("internal-color-map"))
            if colours is None or not isinstance(value, str) or not is_writable(value):
                return f"`{key}` without a usable `internal-color-map`"
            masks.append(MaskRef(key, value, colours))
    return Line(file, number, image, tuple(masks), _is_normal(record), split)


def _colours(raw: Any) -> tuple[Colour, ...] | None:
    """The classes of a colour map; None if it is damaged or names none."""
    if not isinstance(raw, dict) or not 0 < len(raw) <= MAX_COLOURS:
        return None
    out = []
    for key, value in raw.items():
        name = value.get("class-name") if isinstance(value, dict) else None
        colour = rgb(value.get("hex-color")) if isinstance(value, dict) else None
        is_index = key.isascii() and key.isdigit() and len(key) < 6
        if not isinstance(name, str) or not name.strip() or not is_writable(name) or colour is None or not is_index:
            return None
        out.append(Colour(int(key), name, colour))
    return tuple(out)


def _is_normal(record: dict[str, Any]) -> bool:
    """An image-level label 0 of class normal, as Lookout for Vision writes it; a job that found nothing counts too."""
    for key, value in record.items():
        described = record.get(key + METADATA)
        if isinstance(described, dict) and "classification" in str(described.get("type", "")):
            name = described.get("class-name")
            is_zero = type(value) is int and value == 0
            return name.casefold() in NORMAL if isinstance(name, str) else is_zero
    return False
