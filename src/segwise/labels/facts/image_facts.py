"""The table of facts with one row per image. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from segwise.dataset.coco import Dataset
from segwise.dataset.similarity.similar import near_duplicates
from segwise.labels.facts.pixels import Look

MEASURED = ("overlap_px", "conflict_px", "ignored_px", "semantic_error_share", "stray_value_px")  # see `facts.measure`


def table(
    dataset: Dataset, looks: Sequence[Look], measured: Sequence[Mapping[str, float]], rows: pd.DataFrame
) -> pd.DataFrame:
    """One row per image in the data set's order.

    The label file's entry (`has_group`: it states one; `attribute_<name>`: each attribute as text), the file as found
    (see `pixels.Look`), and sums over its objects, crowds not counted among them:
    coverage, ignored_share: share of the pixels that objects, and that crowds, own.
    overlap_px: pixels of several objects, each counted once less than owned.
    conflict_share: share of the pixels that regions of two stuff classes own.
    semantic_error_share, stray_value_px: see `semantic.disagreement`.
    same_as: the first image with the same pixels; near_as: an earlier one of another group that shows the same picture,
        which no other check names. Empty where there is none; `is_duplicate` and `is_near_duplicate` where there is.
    is_group_split, is_duplicate_split, is_near_split: its given split is another one than that of most images of its
        group, of `same_as`, of `near_as`.

    Args:
        looks: see `pixels.look`.
        measured: each image's own facts, see `facts.measure`.
        rows: the table of objects.
    """
    frame = pd.concat([_stated(dataset), _found(looks), pd.DataFrame(measured, columns=list(MEASURED))], axis=1)
    difference = (frame["width"] - frame["found_width"]).abs() + (frame["height"] - frame["found_height"]).abs()
    frame["size_error_px"] = difference.where(frame["found_width"] > 0, 0)
    size = frame["width"] * frame["height"]
    sums = rows[~rows["is_crowd"]].groupby("file_name")["area_px"].agg(["size", "sum"])
    sums = sums.reindex(frame["file_name"]).fillna(0)
    frame["num_objects"] = sums["size"].to_numpy(dtype=np.int64)
    frame["coverage"] = (sums["sum"].to_numpy(dtype=float) - frame["overlap_px"]) / size
    frame["ignored_share"] = frame["ignored_px"] / size
    frame["conflict_share"] = frame["conflict_px"] / size
    # an image without a value range or file is not blank but unknown
    frame["contrast"] = frame["contrast"].where(frame["is_readable"] & (frame["found_width"] > 0))
    frame = frame.assign(**_alike(frame, looks))
    for name in sorted({key for record in dataset.images for key in record.attributes}):
        values = [record.attributes.get(name, "") for record in dataset.images]
        frame[f"attribute_{name}"] = pd.Series(values, dtype="str")
    return frame


def _stated(dataset: Dataset) -> pd.DataFrame:
    records = dataset.images
    things = {c.id for c in dataset.classes if c.isthing}
    return pd.DataFrame(
        {
            "file_name": pd.Series([r.file_name for r in records], dtype="str"),
            "group": pd.Series([r.group for r in records], dtype="str"),
            "has_group": np.array([r.group != r.file_name for r in records], dtype=bool),
            "split": pd.Series([r.split or "" for r in records], dtype="str"),
            "width": np.array([r.width for r in records], dtype=np.int64),
            "height": np.array([r.height for r in records], dtype=np.int64),
            "num_things": np.array(
                [sum(a.class_id in things and not a.is_crowd for a in r.annotations) for r in records], dtype=np.int64
            ),
        }
    )


def _found(looks: Sequence[Look]) -> pd.DataFrame:
    numbers = ("mean_value", "contrast", "sharpness")
    return pd.DataFrame(
        {
            "is_present": np.array([seen.is_present for seen in looks], dtype=bool),
            "is_readable": np.array([seen.is_readable for seen in looks], dtype=bool),
            "found_width": np.array([seen.width for seen in looks], dtype=np.int64),
            "found_height": np.array([seen.height for seen in looks], dtype=np.int64),
            **{name: np.array([getattr(seen, name) for seen in looks], dtype=float) for name in numbers},
            "problem": pd.Series([seen.problem for seen in looks], dtype="str"),
            "pixel_sha256": pd.Series([s.fingerprint.content if s.fingerprint else "" for s in looks], dtype="str"),
        }
    )


def _alike(frame: pd.DataFrame, looks: Sequence[Look]) -> dict[str, Any]:
    names, groups = frame["file_name"].to_numpy(), frame["group"].to_numpy()
    first = frame.groupby("pixel_sha256")["file_name"].transform("first")
    same = first.where((frame["pixel_sha256"] != "") & (first != frame["file_name"]), "")
    near = pd.Series("", index=frame.index, dtype="str")
    known = [i for i, seen in enumerate(looks) if seen.fingerprint is not None]
    for match in near_duplicates([p for i in known if (p := looks[i].fingerprint) is not None]):
        a, b = known[match.first], known[match.second]
        if groups[a] != groups[b] and frame["pixel_sha256"][a] != frame["pixel_sha256"][b] and not near[b]:
            near[b] = names[a]
    split = dict(zip(names, frame["split"], strict=True))
    is_duplicate_split, is_near_split = (_differs(frame["split"], other.map(split)) for other in (same, near))
    main = frame[frame["split"] != ""].groupby("group")["split"].agg(lambda given: given.mode().iloc[0])
    return {
        "same_as": same,
        "near_as": near,
        "main_split": frame["group"].map(main).fillna("").astype("str"),
        "is_group_split": _differs(frame["split"], frame["group"].map(main)),
        "is_duplicate_split": is_duplicate_split,
        "is_near_split": is_near_split,
        "is_duplicate": (same != "") & ~is_duplicate_split,
        "is_near_duplicate": (near != "") & ~is_near_split,
    }


def _differs(split: pd.Series[str], other: pd.Series[Any]) -> pd.Series[bool]:
    return (split != "") & (other.fillna("") != "") & (split != other)
