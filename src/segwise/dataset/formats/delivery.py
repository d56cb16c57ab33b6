"""What every importer answers: images, objects with exact masks, and what was repaired, dropped or approximated."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segwise.dataset.finding import Finding


@dataclass(frozen=True, slots=True)
class Options:
    """What a user may say about a source. `classes`: names where the source holds none, in the order of its values."""

    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Category:
    """One class. `preferred_id` is its number in the source, where it has one (at least 1), `extra` more keys."""

    name: str
    isthing: bool = True
    preferred_id: int | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Region:
    """One labelled object, in the frame of its upright image.

    `rle` is COCO's compressed form with text, `{"size": [H, W], "counts": str}`, never empty of pixels. `source` is the
    object in the source's own words ("annotation 17"), `extra` more keys of its annotation.
    """

    class_name: str
    rle: dict[str, Any]
    source: str
    is_crowd: bool = False
    preferred_id: int | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Picture:
    """One image. `content` is its file below the source, or its bytes; `width` and `height` are upright, pixels.

    `is_deep`: more than 8 bits a channel.
    """

    file_name: str
    content: Path | bytes
    width: int
    height: int
    regions: tuple[Region, ...]
    is_deep: bool = False
    group: str | None = None
    split: str | None = None
    preferred_id: int | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A whole source. `extra` holds more keys of the label file (info, licenses)."""

    format: str
    categories: tuple[Category, ...]
    pictures: tuple[Picture, ...]
    findings: tuple[Finding, ...]
    extra: dict[str, Any] = field(default_factory=dict)
