"""One row of facts per image and per object; the contract speaks of these columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from segwise.dataset.coco import Dataset
from segwise.dataset.targets import objects
from segwise.labels.pixels import Look
from segwise.types import Objects


def tables(dataset: Dataset, looks: Sequence[Look]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The facts of all images and of all objects.

    Returns:
        images: one row per image in the data set's order; `attribute_<name>` holds each attribute as text.
        objects: one row per annotation; areas and overlaps in pixels, boxes half-open, the diameter is that of a disc
            of the same area.
    """
    shared = [overlaps(objects(record)) for record in dataset.images]
    rows = object_table(dataset)
    rows["overlap_px"] = _overlap_column(rows, [own for _, own in shared])
    return image_table(dataset, looks, [total for total, _ in shared], rows), rows


def object_table(dataset: Dataset) -> pd.DataFrame:
    """One row per annotation, from the run lengths alone."""
    pairs = [(record, annotation) for record in dataset.images for annotation in record.annotations]
    rles = [annotation.rle for _, annotation in pairs]
    # one by one: with NumPy 2 pycocotools 2.0.11 fails on lists of more than 255 masks
    boxes = np.array([coco_mask.toBbox(rle) for rle in rles], dtype=np.int64).reshape(-1, 4)
    areas = np.array([coco_mask.area(rle) for rle in rles], dtype=np.int64)
    names = {c.id: c.name for c in dataset.classes}
    frame = pd.DataFrame(
        {
            "file_name": pd.Series([r.file_name for r, _ in pairs], dtype="str"),
            "object_id": np.array([a.id for _, a in pairs], dtype=np.int64),
            "class_id": np.array([a.class_id for _, a in pairs], dtype=np.int64),
            "class_name": pd.Series([names[a.class_id] for _, a in pairs], dtype="str"),
            "is_crowd": np.array([a.is_crowd for _, a in pairs], dtype=bool),
            "area_px": areas,
            "stored_area_px": np.array([np.nan if a.area_px is None else a.area_px for _, a in pairs], dtype=float),
            "x0": boxes[:, 0],
            "y0": boxes[:, 1],
            "x1": boxes[:, 0] + boxes[:, 2],
            "y1": boxes[:, 1] + boxes[:, 3],
            "diameter_px": 2 * np.sqrt(areas / np.pi),
        }
    )
    excess = (frame["stored_area_px"] - frame["area_px"]).abs() - 1
    frame["area_error"] = (excess.clip(lower=0) / frame["area_px"].clip(lower=1)).fillna(0.0)
    counts = pd.Series([bytes(rle["counts"]) for rle in rles], dtype="object")
    keys = pd.DataFrame({"file": frame["file_name"], "class": frame["class_id"], "counts": counts})
    frame["is_duplicate"] = keys.duplicated(keep="first").to_numpy(dtype=bool) & (areas > 0)
    return frame


def image_table(
    dataset: Dataset, looks: Sequence[Look], overlap_px: Sequence[int], object_rows: pd.DataFrame
) -> pd.DataFrame:
    """One row per image: the label file's entry, the file as found, and sums over its objects."""
    records = dataset.images
    frame = pd.DataFrame(
        {
            "file_name": pd.Series([r.file_name for r in records], dtype="str"),
            "group": pd.Series([r.group for r in records], dtype="str"),
            "has_group": np.array([r.group != r.file_name for r in records], dtype=bool),
            "split": pd.Series([r.split for r in records], dtype="str"),
            "width": np.array([r.width for r in records], dtype=np.int64),
            "height": np.array([r.height for r in records], dtype=np.int64),
            "is_present": np.array([seen.is_present for seen in looks], dtype=bool),
            "is_readable": np.array([seen.is_readable for seen in looks], dtype=bool),
            "found_width": np.array([seen.width for seen in looks], dtype=np.int64),
            "found_height": np.array([seen.height for seen in looks], dtype=np.int64),
            "mean_value": np.array([seen.mean_value for seen in looks], dtype=float),
            "problem": pd.Series([seen.problem for seen in looks], dtype="str"),
            "overlap_px": np.array(overlap_px, dtype=np.int64),
        }
    )
    difference = (frame["width"] - frame["found_width"]).abs() + (frame["height"] - frame["found_height"]).abs()
    frame["size_error_px"] = difference.where(frame["found_width"] > 0, 0)
    sums = object_rows[~object_rows["is_crowd"]].groupby("file_name")["area_px"].agg(["size", "sum"])
    sums = sums.reindex(frame["file_name"]).fillna(0)
    frame["num_objects"] = sums["size"].to_numpy(dtype=np.int64)
    covered = sums["sum"].to_numpy(dtype=float) - frame["overlap_px"]
    frame["coverage"] = covered / (frame["width"] * frame["height"])
    for name in sorted({key for record in records for key in record.attributes}):
        values = [record.attributes.get(name, "") for record in records]
        frame[f"attribute_{name}"] = pd.Series(values, dtype="str")
    return frame


def overlaps(things: Objects) -> tuple[int, NDArray[np.int64]]:
    """Pixels that several objects own: of the whole image (each counted once less than owned), and per object.

    Returns:
        total, and int64 (N,): for each object its pixels that another one owns too; crowds take no part.
    """
    owners = np.zeros(things.size, dtype=np.uint16)
    own = np.zeros(len(things), dtype=np.int64)
    places = [(slice(y0, y1), slice(x0, x1)) for x0, y0, x1, y1 in things.boxes_xyxy]
    counted = np.flatnonzero(~things.is_crowd)
    for index in counted:
        owners[places[index]] += things.crops[index]
    if owners.max(initial=0) > 1:
        for index in counted:
            own[index] = np.count_nonzero(owners[places[index]][things.crops[index]] > 1)
    return int((owners[owners > 1].astype(np.int64) - 1).sum()), own


def _overlap_column(rows: pd.DataFrame, per_image: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    column = np.zeros(len(rows), dtype=np.int64)
    has_object = rows["area_px"].to_numpy() > 0  # empty masks are dropped from objects
    column[has_object] = np.concatenate(per_image) if per_image else []
    return column
