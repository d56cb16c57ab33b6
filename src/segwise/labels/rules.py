"""The rules of the contract, one row each. The findings and the Great Expectations suite are both made from these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from segwise.labels.params import ValidateParams

Table = Literal["images", "objects"]
TABLES: tuple[Table, ...] = ("images", "objects")


@dataclass(frozen=True, slots=True)
class Rule:
    """`column` of `table` lies in [low, high]; None is no bound.

    `came` is what a finding says: a format string over the columns of the broken row.
    """

    check: str
    table: Table
    column: str
    low: float | None
    high: float | None
    severity: Literal["error", "warning"]
    came: str
    remedy: str


def rules(params: ValidateParams) -> tuple[Rule, ...]:
    """The contract, errors first."""
    return (
        Rule("file missing", "images", "is_present", 1, None, "error",
             "{problem}", "restore the file (`dvc checkout --force`), or remove its entry"),
        Rule("file unreadable", "images", "is_readable", 1, None, "error",
             "{problem}", "the file is truncated or no image: export or restore it, or remove its entry"),
        Rule("size mismatch", "images", "size_error_px", None, 0, "error",
             "{found_width} × {found_height} pixels, the label file says {width} × {height}",
             "label the image at its real size, or restore the labelled file"),
        Rule("zero area", "objects", "area_px", 1, None, "error",
             "a mask without pixels", "remove the object or draw it again"),
        Rule("duplicate object", "objects", "is_duplicate", None, 0, "error",
             "the same mask and class as another object", "keep one of them: duplicates falsify counts"),
        Rule("tiny area", "objects", "area_px", params.min_area_px, None, "warning",
             "an area of {area_px} px", "check that it is no slip of the tool (`validate.min_area_px`)"),
        Rule("stored area", "objects", "area_error", None, params.area_tolerance, "warning",
             "`area: {stored_area_px:g}`, the mask has {area_px} px", "the mask counts; export the labels again"),
        Rule("overlap", "images", "overlap_px", None, 0, "warning",
             "{overlap_px} pixels belong to more than one object", "the class map gives them to the smaller object"),
        Rule("empty image", "images", "num_objects", 1, None, "warning",
             "no objects", "fine if it really shows none; otherwise label it"),
        Rule("group missing", "images", "has_group", 1, None, "warning",
             "no `group`", "name what it belongs to, or tiles of one field may end up in train and test"),
    )  # fmt: skip


def say(rule: Rule, row: Mapping[str, object]) -> str:
    """What a finding says of one broken row."""
    return rule.came.format_map(row)
