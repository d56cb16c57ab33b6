"""The gallery of labels that a model doubts: each with its image, its label and the model's answer side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from segwise.labels.suspects.place import KINDS
from segwise.labels.suspects.quality import DOUBTED, ImageQuality
from segwise.labels.suspects.ranking import WORDS, Suspect
from segwise.labels.suspects.track_record import ERROR_RATE
from segwise.report.gallery import Panel, brightened, data_uri
from segwise.report.marks import Window, cropped, in_window
from segwise.report.template import fill
from segwise.types import Image, Mask, Objects

SIDE_PX = 260  # longest side of a picture
MAX_ZOOM = 8
MAX_STRETCH = 4.0  # of the brightness of a dark corner
CONTEXT = 0.8  # of the place's longer side, on each side of it
MIN_CONTEXT_PX = 16
SHOWN_IMAGES = 15
Colour = tuple[int, int, int]
LABEL, MODEL, OTHERS = (255, 176, 0), (0, 200, 255), (225, 230, 235)  # RGB


@dataclass(frozen=True, slots=True)
class Card:
    """One suspect on the page: its split and its pictures."""

    suspect: Suspect
    part: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """What the page shows.

    Attributes:
        cards: the suspects shown, worst first; found: all of them; images: all images, most doubted first.
        part_of: the split by file name; model: the model in words.
    """

    cards: Sequence[Card]
    found: Sequence[Suspect]
    images: Sequence[ImageQuality]
    part_of: Mapping[str, str]
    model: str


def card(suspect: Suspect, image: Image, labels: Objects, predicted: Objects, part: str) -> Card:
    """The pictures of one suspect: the image bare, with its labels, with the model's objects; those in question bold.

    `image` is uint8 (H, W, 3); `labels` and `predicted` are the objects that the suspect's place speaks of.
    """
    place = suspect.place
    window = window_around(place.box_xyxy, image)
    left, top, right, bottom = window
    bare = _lit(brightened(image)[top:bottom, left:right])
    area = _area(suspect, window)
    sides = (
        ("labels", _said(suspect.label_class, place.labels), labels, place.labels, LABEL),
        ("model", _said(suspect.model_class, place.predicted), predicted, place.predicted, MODEL),
    )
    drawn = [
        Panel(title, caption, _picture(bare, window, objects, chosen, colour, area))
        for title, caption, objects, chosen, colour in sides
    ]
    words = f"x {left} to {right}, y {top} to {bottom} of {image.shape[1]} × {image.shape[0]} px"
    return Card(suspect, part, (Panel("image", words, data_uri(_scaled(bare, _zoom(window)))), *drawn))


def render(page: Page) -> str:
    """The page's HTML, self-contained."""
    return fill("suspects.html.j2", **view(page))


def view(page: Page) -> dict[str, Any]:
    """The template's values."""
    likely = [s for s in page.found if s.score >= 0.5]
    num_trained = sum(page.part_of.get(q.file_name) == "train" for q in page.images)
    return {
        "cards": page.cards,
        "num_found": len(page.found),
        "num_likely": len(likely),
        "num_images": len(page.images),
        "num_trained": num_trained,
        "knows_split": bool(page.part_of),
        "kinds": _kinds(page.found, likely),
        "images": [(q, page.part_of.get(q.file_name, "")) for q in page.images[:SHOWN_IMAGES]],
        "model": page.model,
        "rate": f"{ERROR_RATE:.0%}",
        "doubted": f"{DOUBTED:.0%}",
    }


def window_around(box_xyxy: tuple[int, int, int, int], image: Image) -> Window:
    """A square around the box with context, cut at the image's edges."""
    height, width = image.shape[:2]
    x0, y0, x1, y1 = box_xyxy
    side = max(x1 - x0, y1 - y0)
    half = side / 2 + max(MIN_CONTEXT_PX, CONTEXT * side)
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    return max(int(x - half), 0), max(int(y - half), 0), min(int(x + half) + 1, width), min(int(y + half) + 1, height)


def _kinds(found: Sequence[Suspect], likely: Sequence[Suspect]) -> list[dict[str, Any]]:
    total, sure = Counter(s.kind for s in found), Counter(s.kind for s in likely)
    return [
        {"title": WORDS[kind][0], "num": total[kind], "likely": sure[kind], "remedy": WORDS[kind][2]}
        for kind in KINDS if total[kind]
    ]  # fmt: skip


def _said(class_name: str, indices: Sequence[int]) -> str:
    return f"{len(indices)} × {class_name}" if len(indices) > 1 else class_name or "no label"


def _area(suspect: Suspect, window: Window) -> Mask | None:
    """A region's pixels within the window."""
    mask, (x0, y0, x1, y1) = suspect.place.mask, suspect.place.box_xyxy
    if mask is None:
        return None
    out = np.zeros((window[3] - window[1], window[2] - window[0]), dtype=bool)
    out[y0 - window[1] : y1 - window[1], x0 - window[0] : x1 - window[0]] = mask
    return out


def _picture(
    bare: Image, window: Window, objects: Objects, chosen: Sequence[int], colour: Colour, area: Mask | None
) -> str:
    zoom = _zoom(window)
    canvas = _scaled(bare, zoom)
    for index in in_window(objects, window).tolist():
        if index not in chosen:
            _outline(canvas, cropped(objects, index, window), zoom, OTHERS, 1)
    for mask in [cropped(objects, index, window) for index in chosen] + ([] if area is None else [area]):
        _outline(canvas, mask, zoom, colour, 3)
    return data_uri(canvas, 80)


def _lit(crop: Image) -> Image:
    """A dark corner of a bright enough image, stretched up to MAX_STRETCH times."""
    stretch = min(200 / max(float(np.percentile(crop, 99.5)), 1.0), MAX_STRETCH)
    return crop if stretch <= 1 else np.clip(crop * stretch, 0, 255).astype(np.uint8)


def _zoom(window: Window) -> float:
    return min(SIDE_PX / max(window[2] - window[0], window[3] - window[1]), MAX_ZOOM)


def _scaled(image: Image, zoom: float) -> Image:
    size = (max(round(image.shape[1] * zoom), 1), max(round(image.shape[0] * zoom), 1))
    way = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
    return np.ascontiguousarray(cv2.resize(image, size, interpolation=way), dtype=np.uint8)


def _outline(canvas: Image, mask: Mask, zoom: float, colour: Colour, thickness: int) -> None:
    """Outer and inner outlines of a mask of the window, drawn on the scaled picture."""
    scale = max(round(zoom), 1)
    grown = np.pad(np.repeat(np.repeat(mask, scale, axis=0), scale, axis=1), 1).astype(np.uint8)
    contours, _ = cv2.findContours(grown, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    for contour in contours:
        points = np.rint((contour.astype(np.float64) - 0.5) * (zoom / scale) * 16 - 8).astype(np.int32)
        cv2.polylines(canvas, [points], True, colour, thickness, cv2.LINE_AA, shift=4)
