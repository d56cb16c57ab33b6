"""Two inspected data revisions side by side, as values and as a text to read. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from segwise.dataset.coco import IMAGES_DIR
from segwise.dataset.finding import Finding
from segwise.labels.facts.tables import Table
from segwise.labels.inspection import Inspection
from segwise.labels.revisions import difference
from segwise.labels.revisions import drift as facts_drift

SHOW = 8  # lines of a kind in the text; the JSON holds all


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed. `drift` holds all images of both revisions against each other; `drift_of_changed` the images of the
    later one that are new, or whose pixels or objects changed, against all of the earlier one; empty without any."""

    new: tuple[Finding, ...]
    gone: tuple[Finding, ...]
    still: tuple[Finding, ...]
    images: difference.Names
    objects: tuple[difference.ObjectChange, ...]
    classes: Mapping[str, tuple[int, int]]
    drift: tuple[facts_drift.Shift, ...]
    drift_of_changed: tuple[facts_drift.Shift, ...]

    def values(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {
            "findings": {k: [asdict(f) for f in getattr(self, k)] for k in ("new", "gone", "still")},
            "images": asdict(self.images),
            "objects": [asdict(change) for change in self.objects],
            "classes": {name: {"before": old, "after": new} for name, (old, new) in self.classes.items()},
            "drift": [asdict(shift) for shift in self.drift],
            "drift_of_changed": [asdict(shift) for shift in self.drift_of_changed],
        }


def compare(
    before: Inspection, after: Inspection, hashes_before: Mapping[str, str], hashes_after: Mapping[str, str]
) -> Comparison:
    """Compare two revisions.

    Args:
        hashes_before, hashes_after: the hash of every file below the data folder, by relative path.
    """
    names = difference.images(_images(hashes_before), _images(hashes_after))
    new, gone, still = difference.findings((before.dataset, before.findings), (after.dataset, after.findings))
    objects = tuple(difference.objects(before.dataset, after.dataset, {b: a for a, b in names.renamed}))
    reference = facts_drift.summary(before.tables)
    changed = _only(after.tables, {*names.added, *names.changed, *(change.image for change in objects)})
    return Comparison(
        new, gone, still, names,
        objects,
        difference.classes(before.dataset, after.dataset),
        tuple(facts_drift.shifts(reference, facts_drift.summary(after.tables))),
        tuple(facts_drift.shifts(reference, facts_drift.summary(changed))) if len(changed["images"]) else (),
    )  # fmt: skip


def words(found: Comparison) -> str:
    """The comparison as text: what a person wants to know, a few lines of each kind."""
    kinds = Counter(change.kind for change in found.objects)
    parts = [
        f"findings: {len(found.new)} new, {len(found.gone)} gone, {len(found.still)} still there",
        *_listed(f"  + {_finding(f)}" for f in found.new),
        *_listed(f"  - {_finding(f)}" for f in found.gone),
        f"images: {_counted(asdict(found.images))}",
        *_listed(f"  {kind} {name}" for kind, listed in asdict(found.images).items() for name in map(_name, listed)),
        f"objects: {', '.join(f'{kinds[kind]} {kind}' for kind in ('added', 'removed', 'changed'))}",
        *_listed(f"  {line}" for line in _changes(found.objects, {*found.images.added, *found.images.removed})),
        *_classes(found.classes),
        *_drift("drift", found.drift),
    ]
    if found.drift_of_changed:
        parts += _drift("drift of the new and changed images", found.drift_of_changed)
    return "\n".join(parts)


def _images(hashes: Mapping[str, str]) -> dict[str, str]:
    prefix = f"{IMAGES_DIR}/"
    return {name.removeprefix(prefix): value for name, value in hashes.items() if name.startswith(prefix)}


def _only(tables: Mapping[Table, pd.DataFrame], names: set[str]) -> dict[Table, pd.DataFrame]:
    chosen: tuple[Table, ...] = ("images", "objects")
    return {**tables, **{name: tables[name][tables[name]["file_name"].isin(names)] for name in chosen}}


def _listed(lines: Iterable[str]) -> list[str]:
    shown = list(lines)
    more = len(shown) - SHOW
    return shown if more <= 0 else [*shown[:SHOW], f"  … and {more} more (see --json)"]


def _finding(found: Finding) -> str:
    return f"{found.severity} {found.check}: {found.where}: {found.came}"


def _counted(names: Mapping[str, Sequence[Any]]) -> str:
    return ", ".join(f"{len(listed)} {kind}" for kind, listed in names.items())


def _name(name: Any) -> str:
    return name if isinstance(name, str) else " → ".join(name)


def _changes(changes: Sequence[difference.ObjectChange], whole: Set[str]) -> list[str]:
    """Each changed object, then how many of a class were added and removed in each image, most first.

    Images that came or went (`whole`) are last: what changed in the others is what a correction is about.
    """
    out = [
        f"changed {c.image}, object {c.object_id} ({c.class_name}): {c.words}" for c in changes if c.kind == "changed"
    ]
    counts = Counter((c.kind, c.image, c.class_name) for c in changes if c.kind != "changed")
    ordered = sorted(counts.items(), key=lambda item: (item[0][1] in whole, -item[1], item[0]))
    return out + [f"{kind} {image}: {number} {name}" for (kind, image, name), number in ordered]


def _classes(counts: Mapping[str, tuple[int, int]]) -> list[str]:
    width = max((len(name) for name in counts), default=0)
    rows = [f"  {name:<{width}}  {old:>7} → {new:>7}  ({new - old:+d})" for name, (old, new) in counts.items()]
    return ["classes:", *rows]


def _drift(title: str, shifts: Sequence[facts_drift.Shift]) -> list[str]:
    moved = [shift for shift in shifts if shift.has_moved]
    too_small = sum(shift.size is None for shift in shifts)
    head = f"{title}: {len(moved)} of {len(shifts)} facts moved"
    head += f", {too_small} not judged (too few independent images)" if too_small else ""
    return [head, *_listed(f"  {facts_drift.say(shift)}" for shift in moved)]
