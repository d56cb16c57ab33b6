"""Have the facts of the labels moved since the accepted data revision? Pure.

A fact has moved when the difference is large (`Limits`) and no chance: big data does not cry wolf over a trifle, small
data is not judged. Of revisions that share images the test is conservative.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from segwise.dataset.finding import Finding
from segwise.labels.contract.checks import Level
from segwise.labels.facts.tables import Table
from segwise.labels.revisions import samples

# column of a fact table → the words a reader gets
_IMAGE_FACTS = {
    "num_objects": "objects per image",
    "coverage": "labelled share of the image",
    "width": "width of the image, px",
    "height": "height of the image, px",
}
_PIXEL_FACTS = {
    "mean_value": "brightness of the image (0 to 255)",
    "contrast": "contrast of the image",
    "sharpness": "sharpness of the image",
}
_OBJECT_FACTS = {
    "area_px": "object area, px",
    "solidity": "solidity (area / convex area)",
    "num_parts": "parts per object",
    "is_touching": "share of objects that touch another",
    "overlap_px": "pixels shared with other objects",
}
_ATTRIBUTE = "attribute_"
_MAX_WORDS = 20  # an attribute with more values names single images rather than kinds of them
_REMEDY = (
    "look at the new images and how they were labelled; if the change is meant, make this the new baseline: "
    "`segwise labels baseline --reason …`"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """When a fact has moved.

    Attributes:
        min_distance: of numbers: the largest difference of the cumulative shares, 0 to 1.
        min_index: of words: the population stability index.
        max_chance: how often unchanged data may give any finding at all.
        min_effective: a sample worth fewer independent items than this is not judged.
    """

    min_distance: float = 0.2
    min_index: float = 0.25
    max_chance: float = 0.01
    min_effective: float = 8.0


@dataclass(frozen=True, slots=True)
class Shift:
    """One fact before and after. `size` is a distance (numbers) or a stability index (words); `chance` is adjusted for
    the number of facts; both are None where the samples are too small to judge."""

    fact: str
    before: str
    after: str
    measure: str
    size: float | None
    chance: float | None
    has_moved: bool


def summary(tables: Mapping[Table, pd.DataFrame]) -> dict[str, Any]:
    """The facts in brief, JSON-able: for each fact the sample's size, its effective size and its quantiles or counts.

    Args:
        tables: as `fact_tables` gives them; facts whose column is absent are left out.
    """
    images, objects = tables["images"], tables["objects"]
    objects = objects[~objects["is_crowd"]]
    classes = tables["classes"]["class_name"].tolist() if "classes" in tables else []
    groups = dict(zip(images["file_name"], pd.factorize(images["group"])[0].tolist(), strict=True))
    return {
        name: brief
        for part in (_image_facts(images), _class_facts(images, objects, classes), _object_facts(objects))
        for name, column, files in part
        if (brief := _brief(column, files, groups)) is not None
    }


def shifts(before: Mapping[str, Any], after: Mapping[str, Any], limits: Limits | None = None) -> list[Shift]:
    """Every fact that both summaries hold, largest change first."""
    limits = limits or Limits()
    names = [name for name in before if name in after and ("counts" in before[name]) == ("counts" in after[name])]
    judged = {n: _measure(before[n], after[n]) for n in names if _is_enough(before[n], after[n], limits)}
    adjusted = samples.holm(np.array([chance for _, chance in judged.values()]))
    chances = dict(zip(judged, adjusted.tolist(), strict=True))
    out = []
    for name in names:
        is_words = "counts" in before[name]
        size, chance = judged[name][0] if name in judged else None, chances.get(name)
        least = limits.min_index if is_words else limits.min_distance
        moved = size is not None and chance is not None and size >= least and chance <= limits.max_chance
        words = (_words(before[name]), _words(after[name]))
        out.append(Shift(name, *words, "stability index" if is_words else "distance", size, chance, moved))
    return sorted(out, key=lambda s: (not s.has_moved, -(s.size or 0), s.fact))


def compare(
    reference: Mapping[str, Any], tables: Mapping[Table, pd.DataFrame], level: Level = "warning"
) -> list[Finding]:
    """A `drift` finding of the whole set for each fact that has moved from `reference`, a `summary`; none if empty."""
    if not reference or level == "off":
        return []
    moved = [s for s in shifts(reference, summary(tables)) if s.has_moved]
    return [Finding("drift", level, None, None, say(shift), _REMEDY) for shift in moved]


def say(shift: Shift) -> str:
    """The change in words."""
    return f"{shift.fact}: {shift.before} before, {shift.after} now ({shift.measure} {shift.size:.2f})"


Column = tuple[str, "pd.Series[Any]", "pd.Series[str]"]  # the fact in words, its values, the image of each


def _image_facts(images: pd.DataFrame) -> Iterator[Column]:
    seen = images[images["is_readable"]]
    for table, facts in ((images, _IMAGE_FACTS), (seen, _PIXEL_FACTS)):
        for column in (name for name in facts if name in table):
            yield facts[column], table[column].astype(float), table["file_name"]
    for name in map(str, images.columns):
        if name.startswith(_ATTRIBUTE) and images[name].nunique() <= _MAX_WORDS:
            yield f"images by {name.removeprefix(_ATTRIBUTE)}", images[name], images["file_name"]


def _class_facts(images: pd.DataFrame, objects: pd.DataFrame, classes: Sequence[str]) -> Iterator[Column]:
    yield "objects by class", objects["class_name"], objects["file_name"]
    names = sorted({*classes, *objects["class_name"]})  # classes that lost all their objects too
    if len(names) < 2:
        return
    keys = [objects["class_name"], objects["file_name"]]
    counts = objects.groupby(keys)["area_px"].size().unstack("file_name", fill_value=0)
    for name, row in counts.reindex(index=names, columns=images["file_name"], fill_value=0).T.items():
        yield f"{name!r}: objects per image", row.astype(float), images["file_name"]


def _object_facts(objects: pd.DataFrame) -> Iterator[Column]:
    for name, rows in objects.groupby("class_name"):
        for column, words in _OBJECT_FACTS.items():
            if column in rows:
                yield f"{name!r}: {words}", rows[column].astype(float), rows["file_name"]


def _brief(values: pd.Series[Any], files: pd.Series[str], groups: Mapping[str, int]) -> dict[str, Any] | None:
    clumps = np.array([groups[name] for name in files], dtype=np.int64)
    if values.dtype != float:
        return samples.shares(values, clumps) if len(values) else None
    numbers = values.to_numpy(dtype=float)
    is_known = np.isfinite(numbers)
    return samples.numbers(numbers[is_known], clumps[is_known]) if is_known.any() else None


def _is_enough(before: Mapping[str, Any], after: Mapping[str, Any], limits: Limits) -> bool:
    return bool(min(before["effective"], after["effective"]) >= limits.min_effective)


def _measure(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[float, float]:
    size: Callable[..., float]
    chance: Callable[..., float]
    if "counts" in before:
        size, chance = samples.stability, samples.stability_chance
    else:
        size, chance = samples.distance, samples.distance_chance
    found = size(before, after)
    return found, chance(found, before, after)


def _words(brief: Mapping[str, Any]) -> str:
    """The sample in a few words: the commonest words, or the median with the middle nine tenths."""
    if "counts" in brief:
        ranked: Sequence[tuple[str, int]] = sorted(brief["counts"].items(), key=lambda item: (-item[1], item[0]))[:4]
        return ", ".join(f"{word or '(none)'} {count / brief['n']:.0%}" for word, count in ranked)
    points = brief["quantiles"]
    low, middle, high = (points[round(level * (len(points) - 1))] for level in (0.05, 0.5, 0.95))
    return f"{middle:.4g} ({low:.4g} to {high:.4g})"
