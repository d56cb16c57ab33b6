"""Divide images into train, val and test. A group (tiles of one field, frames of one film) is never divided."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence

from segwise.dataset.coco import ImageRecord
from segwise.dataset.params import FractionParams, SplitParams
from segwise.errors import DataInvalidError

SPLITS = ("train", "val", "test")


def assign(records: Sequence[ImageRecord], params: SplitParams) -> dict[str, list[str]]:
    """The sorted file names of train, val and test.

    With `hash` a group's split depends on its name, the seed and the fractions alone: an image never changes its split
    when data is added.

    Raises:
        DataInvalidError: a given split is missing or unknown, divides a group, or a split stays empty.
    """
    chosen = _given(records) if params.method == "given" else _hashed(records, params)
    parts = {split: sorted(name for name, part in chosen.items() if part == split) for split in SPLITS}
    for split, names in parts.items():
        if not names:
            remedy = "add groups, or change `split.seed` or `split.fractions`"
            if params.method == "given":
                remedy = "give some groups this split in the label file, or set `split.method: hash`"
            raise DataInvalidError(f"images in `{split}`", f"none of {len(records)}", remedy)
    return parts


def _given(records: Sequence[ImageRecord]) -> dict[str, str]:
    groups: dict[str, dict[str, str]] = defaultdict(dict)
    chosen: dict[str, str] = {}
    for record in records:
        if record.split not in SPLITS:
            came = f"`split: {record.split}` for image {record.file_name}"
            raise DataInvalidError("train, val or test", came, "correct the label file, or set `split.method: hash`")
        groups[record.group][record.split] = record.file_name
        chosen[record.file_name] = record.split
    for group, seen in sorted(groups.items()):
        if len(seen) > 1:
            came = "; ".join(f"{name} in {split}" for split, name in sorted(seen.items()))
            remedy = "give the whole group one split, or set `split.method: hash`"
            raise DataInvalidError(f"group {group} in one split", came, remedy)
    return chosen


def _hashed(records: Sequence[ImageRecord], params: SplitParams) -> dict[str, str]:
    return {record.file_name: _draw(record.group, params.seed, params.fractions) for record in records}


def _draw(group: str, seed: int, fractions: FractionParams) -> str:
    digest = hashlib.sha256(f"{seed}:{group}".encode()).digest()
    uniform = int.from_bytes(digest[:8], "big") / 2**64
    if uniform < fractions.test:
        return "test"
    return "val" if uniform < fractions.test + fractions.val else "train"


def count_groups(records: Sequence[ImageRecord], parts: dict[str, list[str]]) -> dict[str, int]:
    """Groups in each split."""
    group = {record.file_name: record.group for record in records}
    return {split: len({group[name] for name in names}) for split, names in parts.items()}
