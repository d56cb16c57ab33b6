"""The categories of one COCO file: gaps, rows that share a name, and the row that Roboflow adds for its own use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from segwise.dataset.formats.builder import Builder
from segwise.dataset.formats.text import printable
from segwise.dataset.geometry import short, whole
from segwise.dataset.names import is_writable


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    name: str
    raw: dict[str, Any]


class ClassTable:
    """The classes of one file by the ids its annotations use."""

    def __init__(self, builder: Builder, file: PurePosixPath, rows: Sequence[Any], annotations: Sequence[Any]) -> None:
        self._builder, self._file = builder, file
        self._used = {whole(row.get("category_id")) for row in annotations if isinstance(row, dict)}
        checked = [found for row in rows if (found := self._row(row)) is not None]
        self._names: dict[int, str] = {}
        for row in checked:
            if self._names.setdefault(row.number, row.name) != row.name:
                came = (
                    f"category id {row.number} is both {printable(self._names[row.number])} and {printable(row.name)}"
                )
                self._error("duplicate id", came, "number the categories anew")
        self._kept = self._one_per_name(self._without_roots(checked))

    @property
    def has_zero(self) -> bool:
        """Whether a class has the id 0."""
        return any(row.number == 0 for row in self._kept)

    def name_of(self, category_id: Any) -> str | None:
        """The class of an annotation."""
        number = whole(category_id)
        return None if number is None else self._names.get(number)

    def register(self, builder: Builder, shift: int) -> None:
        """Make the classes known, their ids raised by `shift`."""
        for row in sorted(self._kept, key=lambda row: row.number):
            builder.category(row.name, bool(row.raw.get("isthing", 1)), row.number + shift, row.raw)

    def _row(self, raw: Any) -> _Row | None:
        number = whole(raw.get("id")) if isinstance(raw, dict) else None
        name = raw.get("name") if isinstance(raw, dict) else None
        if number is None or number < 0 or not isinstance(name, str) or not name or not is_writable(name):
            self._error("structure", f"category {short(raw)}", "give it a whole number `id` and a `name`")
            return None
        if raw.get("isthing", 1) not in (0, 1):
            self._error("structure", f"`isthing: {short(raw['isthing'])}` of {printable(name)}", "write 0 or 1")
            return None
        return _Row(number, name, raw)

    def _without_roots(self, rows: list[_Row]) -> list[_Row]:
        """Without the unused id 0 that Roboflow writes: it only names what the other rows have in common."""
        kept = []
        for row in rows:
            others = [other for other in rows if other is not row]
            named = any(row.name in (other.name, other.raw.get("supercategory")) for other in others)
            is_top = row.raw.get("supercategory") in (None, "", "none")
            if row.number == 0 and 0 not in self._used and named and is_top:
                came = f"category 0 {printable(row.name)} has no objects and only names the others' supercategory"
                self._warn("unused category", came, "nothing: it is no class", "dropped")
            else:
                kept.append(row)
        return kept

    def _one_per_name(self, rows: list[_Row]) -> list[_Row]:
        """One row per name: the used one; further used ones are the same class."""
        kept: dict[str, _Row] = {}
        for row in sorted(rows, key=lambda row: row.number not in self._used):
            first = kept.setdefault(row.name, row)
            if first is not row and row.number in self._used and row.number != first.number:
                came = f"categories {first.number} and {row.number} are both {printable(row.name)}"
                self._warn("duplicate category", came, "they are one class; rename one if they are two", "repaired")
            elif first is not row:
                came = f"category {row.number} {printable(row.name)} occurs twice and has no objects"
                self._warn("duplicate category", came, "nothing: the other one is kept", "dropped")
        return list(kept.values())

    def _error(self, check: str, came: str, remedy: str) -> None:
        self._builder.report(check, "error", None, None, f"{came} in {printable(self._file)}", remedy)

    def _warn(self, check: str, came: str, remedy: str, effect: Any) -> None:
        self._builder.report(check, "warning", None, None, f"{came} in {printable(self._file)}", remedy, effect)
