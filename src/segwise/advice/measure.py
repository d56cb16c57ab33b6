"""One image and its labels, measured: the facts that the profile sums up. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from segwise.advice.colour import chroma
from segwise.advice.contact import Contacts, contacts, cropped, owners
from segwise.advice.crowding import Crowding, centers, clark_evans, crowding
from segwise.advice.direction import edges, places, tallness
from segwise.advice.outlines import Outlines, outlines
from segwise.advice.pixels import Appearance, look
from segwise.dataset.coco import ImageRecord
from segwise.dataset.params import ProfileParams
from segwise.dataset.targets import objects, paint
from segwise.types import ClassInfo, Image, Objects


@dataclass(frozen=True, slots=True, eq=False)
class Things:
    """The N countable objects of one image; crowds and regions (`isthing: 0`) are none.

    class_ids int64 (N,); areas_px int64 (N,); boxes_px int (N, 2), width and height; is_cut bool (N,), it touches the
    image's border.
    """

    class_ids: NDArray[np.int64]
    areas_px: NDArray[np.int64]
    boxes_px: NDArray[np.int64]
    is_cut: NDArray[np.bool_]
    outlines: Outlines
    contacts: Contacts
    crowding: Crowding

    def __len__(self) -> int:
        return len(self.class_ids)

    @property
    def diameters_px(self) -> NDArray[np.float64]:
        """Of discs of the same areas, float (N,)."""
        return 2 * np.sqrt(self.areas_px / np.pi)


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One image.

    Attributes:
        size: (H, W), pixels.
        pixels: pixels of each class in the class map, by class id.
        owned: pixels that its masks cover, also where another class lies on top, by class id.
        regions: number of labelled regions (`isthing: 0`), by class id.
        num_crowds: regions of uncounted objects.
        upright, fourfold: see `direction.edges`; tall: `direction.tallness`; places: `direction.places`.
        clark_evans: of the class with most objects; NaN where that has only a few.
        colours, colour_ids: mean chroma of every object and region, float (M, 2), and its class, int64 (M,).
    """

    size: tuple[int, int]
    things: Things
    pixels: dict[int, int]
    owned: dict[int, int]
    regions: dict[int, int]
    num_crowds: int
    look: Appearance
    upright: float
    fourfold: float
    tall: float
    places: dict[int, tuple[float, float]]
    clark_evans: float
    colours: NDArray[np.float64]
    colour_ids: NDArray[np.int64]

    @property
    def coverage(self) -> float:
        """Labelled share of the pixels, in [0, 1]."""
        return sum(self.pixels.values()) / (self.size[0] * self.size[1])


def measure(record: ImageRecord, classes: Sequence[ClassInfo], image: Image, params: ProfileParams) -> Measured:
    """Measure one image, uint8 (H, W, 3) of the record's size, and its labels."""
    labelled = objects(record)
    labels = paint(labelled, classes)
    kept = labelled.select(~labelled.is_crowd)
    thing_ids = [c.id for c in classes if c.isthing]
    is_thing = np.isin(kept.class_ids, thing_ids)
    things = kept.select(is_thing)
    pixels = np.bincount(labels.ravel(), minlength=256)
    regions = np.bincount(kept.class_ids[~is_thing], minlength=256)
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    upright, fourfold = edges(grey)
    points = centers(things)
    return Measured(
        size=things.size,
        things=_things(things, points, params),
        pixels={c.id: int(pixels[c.id]) for c in classes},
        owned={c.id: covered(kept.select(kept.class_ids == c.id)) for c in classes},
        regions={c.id: int(regions[c.id]) for c in classes if not c.isthing},
        num_crowds=int(labelled.is_crowd.sum()),
        look=look(image, grey, np.isin(np.arange(256), thing_ids)[labels], labels == 0),
        upright=upright,
        fourfold=fourfold,
        tall=tallness(things),
        places=places(labels, [c.id for c in classes]),
        clark_evans=_evenness(things, points),
        colours=chroma(image, kept),
        colour_ids=kept.class_ids,
    )


def _things(things: Objects, points: NDArray[np.float64], params: ProfileParams) -> Things:
    x0, y0, x1, y1 = things.boxes_xyxy.T.astype(np.int64)
    height, width = things.size
    areas = things.areas_px
    return Things(
        class_ids=things.class_ids,
        areas_px=areas,
        boxes_px=np.stack((x1 - x0, y1 - y0), axis=1),
        is_cut=(x0 == 0) | (y0 == 0) | (x1 == width) | (y1 == height),
        outlines=outlines(things, params.outline_tolerance_px),
        contacts=contacts(things, params.touch_distance_px),
        crowding=crowding(things.class_ids, points, 2 * np.sqrt(areas / np.pi)),
    )


def covered(things: Objects) -> int:
    """Pixels that at least one of the masks covers."""
    if len(things) == 0:
        return 0
    owner, _ = owners(cropped(things))
    return int(np.count_nonzero(owner >= 0))


def _evenness(things: Objects, points: NDArray[np.float64]) -> float:
    if not len(things):
        return math.nan
    most = np.bincount(things.class_ids).argmax()
    return clark_evans(points[things.class_ids == most], things.size[0] * things.size[1])
