"""The table of facts with one row per annotation. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from segwise.dataset.coco import Annotation, Dataset
from segwise.labels.facts import contacts, shapes
from segwise.labels.facts.outliers import robust_z
from segwise.labels.facts.polygons import COLUMNS as POLYGON_COLUMNS

MIN_NEIGHBOURS = 8  # so many of its class in an image make a usual size for that image
_OPEN = 0.08  # share of its convex hull that nobody owns, above which an object may be two
_LARGER = 1.3  # than usual


def table(dataset: Dataset, measured: Sequence[dict[str, NDArray[Any]]], drawn: pd.DataFrame) -> pd.DataFrame:
    """One row per annotation, images in the data set's order.

    Areas and overlaps are pixels, boxes half-open, `diameter_px` is that of a disc of the same area. The columns of
    `shapes` and `contacts` are there too, 0 for masks without pixels; crowds have no specks.
    area_error: the stored area's distance from the mask's beyond 1 px, as a fraction of the mask's.
    drawn_px: the area; NaN for crowds and masks without pixels.
    box_error_px: how far the stored box's sides are from the mask's, at most; 0 where none is stored.
    is_at_edge: the mask reaches the image's edge.
    size_z, solidity_z: see `outliers.robust_z`, of the logarithm of the area and of 1 − solidity, within the class.
    size_ratio: area over the median of its class in its image; in all images where the image has few.
    merge_z: solidity_z of objects that are larger than usual with concavities that nothing covers; else 0.
    is_rim: nowhere 3 pixels wide, inside the image, at least 30 % of its outline along others, on one side only.
    cut_share: `contact_share`; 0 where the two lie upon each other as well.
    open_gap_ratio: `gap_ratio` where nothing covers the gap; 0 for stuff.
    crossing_share: see `polygons`, beyond 1 px, as a fraction of the mask's area.

    Args:
        measured: columns of each image's annotations that have pixels, each (N,).
        drawn: facts of the raw annotations by id, see `polygons.polygons`.
    """
    frame = _stored(dataset)
    has_pixels = frame["area_px"].to_numpy() > 0
    extra: dict[str, NDArray[Any]] = {}
    for name, kind in (shapes.COLUMNS | contacts.COLUMNS).items():
        extra[name] = np.zeros(len(frame), dtype=kind)
        extra[name][has_pixels] = np.concatenate([np.zeros(0, dtype=kind), *(m[name] for m in measured)])
    known = drawn.reindex(frame["object_id"]).fillna(0) if len(drawn) else pd.DataFrame(index=frame.index)
    for name, kind in POLYGON_COLUMNS.items():
        extra[name] = known[name].to_numpy(dtype=kind) if name in known else np.zeros(len(frame), dtype=kind)
    frame = pd.concat([frame, pd.DataFrame(extra)], axis=1)
    return frame.assign(**_suspicions(frame, dataset))


def _stored(dataset: Dataset) -> pd.DataFrame:
    pairs = [(record, annotation) for record in dataset.images for annotation in record.annotations]
    names = {c.id: c.name for c in dataset.classes}
    # one by one: with NumPy 2 pycocotools 2.0.11 fails on lists of more than 255 masks
    boxes = np.array([coco_mask.toBbox(a.rle) for _, a in pairs], dtype=np.int64).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    areas = np.array([coco_mask.area(a.rle) for _, a in pairs], dtype=np.int64)
    stored = np.array([np.nan if a.area_px is None else a.area_px for _, a in pairs], dtype=float)
    sides = np.array([(r.width, r.height) for r, _ in pairs], dtype=np.int64).reshape(-1, 2)
    at_edge = ((boxes[:, :2] == 0) | (boxes[:, 2:] == sides)).any(axis=1)
    frame = pd.DataFrame(
        {
            "file_name": pd.Series([r.file_name for r, _ in pairs], dtype="str"),
            "object_id": np.array([a.id for _, a in pairs], dtype=np.int64),
            "class_id": np.array([a.class_id for _, a in pairs], dtype=np.int64),
            "class_name": pd.Series([names[a.class_id] for _, a in pairs], dtype="str"),
            "is_crowd": np.array([a.is_crowd for _, a in pairs], dtype=bool),
            "area_px": areas,
            "drawn_px": [float(n) if n and not a.is_crowd else np.nan for n, (_, a) in zip(areas, pairs, strict=True)],
            "stored_area_px": stored,
            **{name: boxes[:, i] for i, name in enumerate(("x0", "y0", "x1", "y1"))},
            "diameter_px": 2 * np.sqrt(areas / np.pi),
            "is_at_edge": at_edge & (areas > 0),
        }
    )
    excess = (frame["stored_area_px"] - frame["area_px"]).abs() - 1
    frame["area_error"] = (excess.clip(lower=0) / frame["area_px"].clip(lower=1)).fillna(0.0)
    frame["box_error_px"] = [_box_error(a, box) for (_, a), box in zip(pairs, boxes, strict=True)]
    return frame


def _box_error(annotation: Annotation, box: NDArray[np.int64]) -> float:
    if annotation.bbox_xywh is None or not box.any():
        return 0.0
    x, y, width, height = annotation.bbox_xywh
    return float(np.abs(np.array((x, y, x + width, y + height)) - box).max())


def _suspicions(frame: pd.DataFrame, dataset: Dataset) -> dict[str, Any]:
    classes, area = frame["class_id"], frame["area_px"].clip(lower=1)
    is_thing = np.array([False, *(c.isthing for c in dataset.classes)])[classes] & ~frame["is_crowd"].to_numpy()
    solidity_z = robust_z(1 - frame["solidity"].to_numpy(), classes, is_thing)
    ratio = _size_ratio(frame, area)
    is_hugging = (frame["any_contact_share"] >= 0.3) & (frame["host_share"] <= 0.75) & (frame["nested_share"] < 0.5)
    is_thin = (frame["thin_px"] == frame["area_px"]) & (frame["area_px"] > 0) & ~frame["is_at_edge"]
    is_upon = (frame["contact_id"] == frame["overlap_id"]) | (frame["contact_id"] == frame["earlier_id"])
    gap = frame["gap_ratio"].where(is_thing & ~frame["is_gap_covered"], 0.0)
    return {
        "size_z": robust_z(np.log(area.to_numpy()), classes, is_thing),
        "solidity_z": solidity_z,
        "size_ratio": ratio,
        "merge_z": np.where((frame["open_concavity"] > _OPEN) & (ratio > _LARGER), solidity_z, 0.0),
        "cut_share": frame["contact_share"].where(is_thing & ~is_upon, 0.0),
        "num_specks": frame["num_specks"].where(~frame["is_crowd"], 0),
        "is_rim": is_thin & is_hugging,
        "open_gap_ratio": gap,
        "crossing_share": (frame["crossing_px"] - 1).clip(lower=0) / area,
    }


def _size_ratio(frame: pd.DataFrame, area: pd.Series[Any]) -> NDArray[np.float64]:
    here = area.groupby([frame["file_name"], frame["class_id"]])
    is_enough = here.transform("size") >= MIN_NEIGHBOURS
    usual = here.transform("median").where(is_enough, area.groupby(frame["class_id"]).transform("median"))
    return np.asarray(area / usual, dtype=float)
