"""The table of facts with one row per class. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from segwise.dataset.coco import Dataset


def table(
    dataset: Dataset,
    category_ids: Sequence[int],
    images: pd.DataFrame,
    rows: pd.DataFrame,
    shared_px: Sequence[dict[int, int]],
) -> pd.DataFrame:
    """One row per class, in the order of their numbers; crowds are not counted.

    category_id: the label file's number.
    num_objects, num_images, num_groups: where it occurs; area_px: pixels of all its objects.
    rare_groups: num_groups of classes that occur in fewer than half of the images; NaN for the others.
    outnumbered_by: objects of the commonest thing class per object of this one; NaN for stuff and without objects.
    num_touching: objects that touch another one of the class, 0 for stuff; shared_px: pixels of two objects of it.
    same_name: an earlier class whose name differs in case, spaces, hyphens and underscores only; else empty,
        and `has_similar_name` false.
    """
    counted = rows[~rows["is_crowd"]]
    group = dict(zip(images["file_name"], images["group"], strict=True))
    by_class = counted.assign(group=counted["file_name"].map(group)).groupby("class_id")
    frame = pd.DataFrame(
        {
            "class_id": np.array([c.id for c in dataset.classes], dtype=np.int64),
            "category_id": np.array(category_ids, dtype=np.int64),
            "class_name": pd.Series([c.name for c in dataset.classes], dtype="str"),
            "is_thing": np.array([c.isthing for c in dataset.classes], dtype=bool),
        }
    )
    number = frame["class_id"]
    sums = {
        "num_objects": by_class["area_px"].size(),
        "area_px": by_class["area_px"].sum(),
        "num_images": by_class["file_name"].nunique(),
        "num_groups": by_class["group"].nunique(),
        "num_touching": by_class["is_touching"].sum(),
        "shared_px": pd.DataFrame(list(shared_px), dtype=float).sum(),
    }
    for name, values in sums.items():
        frame[name] = number.map(values).fillna(0).astype(np.int64)
    frame["num_touching"] = frame["num_touching"].where(frame["is_thing"], 0)
    is_rare = (frame["num_images"] > 0) & (frame["num_images"] < len(images) / 2)
    frame["rare_groups"] = frame["num_groups"].astype(float).where(is_rare)
    counts = frame["num_objects"].astype(float).where(frame["is_thing"] & (frame["num_objects"] > 0))
    frame["outnumbered_by"] = counts.max() / counts
    keys = frame["class_name"].str.casefold().str.replace(r"[\s_-]+", "", regex=True)
    first = frame.groupby(keys)["class_name"].transform("first") if len(frame) else frame["class_name"]
    frame["has_similar_name"] = first != frame["class_name"]
    frame["same_name"] = first.where(frame["has_similar_name"], "")
    return frame
