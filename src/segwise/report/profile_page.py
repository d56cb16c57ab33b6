"""The profile, the plan and some samples → the values of `profile.html.j2`. Pure.

Every figure of objects speaks of countable ones; regions (`isthing: 0`) appear among the classes and in coverage only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from segwise.advice.entry import Entry, percent
from segwise.advice.plan import in_words
from segwise.dataset.coco import ImageRecord
from segwise.dataset.targets import objects, paint
from segwise.predict.overlay import draw
from segwise.report import charts
from segwise.report.distributions import histogram
from segwise.report.gallery import SHOWN_PX, Panel, brightened, data_uri
from segwise.report.profile_words import contact_says, counted, headline, images_say
from segwise.report.template import fill
from segwise.types import ClassInfo, Image, Prediction

Facts = Mapping[str, Any]
Sample = tuple[str, list[Panel]]  # a title, and the image bare and with its labels

TESTED = {
    "right": "place, left to right, share of the width",
    "down": "place, top to bottom, share of the height",
    "edges": "upright against level lines, share of the energy",
    "tall": "height against width, log₂",
}


def render(facts: Facts, entries: Sequence[Entry], samples: Sequence[Sample]) -> str:
    """The page's HTML; the same values give the same bytes."""
    return fill("profile.html.j2", **view(facts, entries, samples))


def sample(record: ImageRecord, image: Image, classes: Sequence[ClassInfo], words: str) -> Sample:
    """One image, uint8 (H, W, 3), bare and with its labels, small."""
    labelled = objects(record)
    shown = labelled.select(~labelled.is_crowd)
    shrink = max(1, max(image.shape[:2]) // (2 * SHOWN_PX))
    bright = brightened(image)
    thing_ids = [c.id for c in classes if c.isthing]
    things = shown.select(np.isin(shown.class_ids, thing_ids))
    scale = 2 if max(image.shape[:2]) <= SHOWN_PX // 2 + 80 else 1
    drawn = draw(bright, Prediction(paint(labelled, classes), things), classes, scale=scale)
    regions = len(shown) - len(things)
    found = counted(len(things), "object") + (f", {counted(regions, 'region')}" if regions else "")
    size = f"{image.shape[1]} × {image.shape[0]}"
    panels = [Panel("image", size, data_uri(bright[::shrink, ::shrink])), Panel("labels", found, data_uri(drawn))]
    return f"{words}: {record.file_name}", panels


def view(facts: Facts, entries: Sequence[Entry], samples: Sequence[Sample]) -> dict[str, Any]:
    """The template's values, numbers already as text."""
    return {
        "headline": headline(facts),
        "tiles": _tiles(facts),
        "parameters": [(e.about, in_words(e.value), coded(e.why)) for e in merged(entries) if e.is_parameter],
        "suggestions": [(e.about, _plain(e.value), coded(e.why)) for e in entries if not e.is_parameter],
        "samples": samples,
        "has_objects": facts["num_objects"] > 0,
        "charts": _charts(facts),
        "cells": _cells(facts, entries),
        "sizes": _quantile_rows(facts),
        "classes": _classes(facts),
        "contact": contact_says(facts),
        "images": images_say(facts),
        "kinds": [_kind(name, values, facts) for name, values in facts["attributes"].items() if len(values) > 1],
        "tests": [_test(t) for t in facts["direction"]["tests"] if t["num_groups"] > 1],
        "moves": [(move, is_safe) for move, is_safe in facts["direction"]["safe"].items()],
        "effort": _effort(facts),
        "image_sizes": charts.bars(dict(list(facts["image_sizes"].items())[:8])),
    }


def merged(entries: Sequence[Entry]) -> list[Entry]:
    """Entries with the same value and reason for several networks or approaches as one, their keys joined."""
    out: dict[tuple[str, str, str], Entry] = {}
    for entry in entries:
        key = (entry.about.split(".")[-1], in_words(entry.value), entry.why)
        first = out.get(key)
        about = f"{first.about}, {entry.about}" if first else entry.about
        out[key] = Entry(about, entry.value, entry.why, entry.is_parameter)
    return list(out.values())


def coded(text: str) -> list[tuple[bool, str]]:
    """A sentence in parts, each with whether it stood between back quotes."""
    return [(index % 2 == 1, part) for index, part in enumerate(text.split("`")) if part]


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, Mapping) else str(value)


def _tiles(facts: Facts) -> list[tuple[str, str]]:
    counts, sizes = facts["objects_per_image"], facts["diameter_px"]
    tiles = [
        (f"{facts['num_images']:,}", "images"),
        (f"{facts['num_objects']:,}", "countable objects"),
        (f"{facts['num_groups']:,}", "groups of images that belong together"),
    ]
    if facts["num_regions"]:
        tiles.append((f"{facts['num_regions']:,}", "regions, not countable"))
    if facts["num_crowds"]:
        tiles.append((f"{facts['num_crowds']:,}", "ignored or crowd regions, in no other figure"))
    if facts["num_objects"]:
        few, many = ("q50", "q95", "q100"), ("q05", "q50", "q95")
        tiles.append((" / ".join(f"{counts[q]:.0f}" for q in few), "objects an image: p50 / p95 / most"))
        tiles.append((" / ".join(f"{sizes[q]:.0f}" for q in many), "diameter, px: p05 / p50 / p95"))
        tiles.append((percent(facts["touching_fraction"]), "of the objects touch another of their class"))
    tiles.append((percent(facts["coverage"]["mean"]), "of the pixels are labelled"))
    return tiles


def _charts(facts: Facts) -> dict[str, str]:
    found, sizes = facts["histograms"], facts["diameter_px"]
    middle = {"median": sizes["q50"], "p05": sizes["q05"], "p95": sizes["q95"]} if sizes else {}
    counts = facts["objects_per_image"]
    names = {
        "diameter_px": ("diameter of a disc of the same area, px", middle),
        "relative_diameter": ("diameter, % of the image's side (root of its area)", {}),
        "objects_per_image": ("objects in an image", {"median": counts["q50"], "p95": counts["q95"]} if counts else {}),
        "contact_share": ("shared border, % of the object's border (touching objects)", {}),
        "gap_px": ("free pixels to the next of the class (up to 16)", {}),
        "nearest_diameters": ("distance to the nearest centre, diameters (6 = 6 or more)", {}),
        "vertices": ("vertices of an outline", {}),
        "brightness": ("mean grey level", {}),
        "contrast": ("99th − 1st percentile of grey levels", {}),
        "sharpness": ("sharpness (edges over contrast)", {}),
    }
    return {name: histogram(found[name], words, marks) for name, (words, marks) in names.items()}


def _cells(facts: Facts, entries: Sequence[Entry]) -> dict[str, Any]:
    """Share of the objects thinner than two cells of each stride, at zoom 1."""
    shares = facts["sizes"]["thinner_than_two_cells"]
    named = {f"stride {s}: < {2 * int(s)} px": 100 * v for s, v in shares.items()}
    zoom = next((e.value for e in entries if e.about == "train.dense.zoom"), None)
    return {"bars": charts.bars(named, "{:.1f} %") if named else "", "zoom": zoom}


def _quantile_rows(facts: Facts) -> list[tuple[str, list[str]]]:
    sizes, names = facts["sizes"], ("q05", "q50", "q95", "q99", "q100")
    rows = [
        ("objects in an image", facts["objects_per_image"], "{:.0f}"),
        ("diameter, px", facts["diameter_px"], "{:.1f}"),
        ("thickness (4 · area / perimeter), px", sizes["thickness_px"], "{:.1f}"),
        ("longer side of the box, px", sizes["box_long_px"], "{:.0f}"),
        ("diameter, % of the image's side", {k: 100 * v for k, v in sizes["relative_diameter"].items()}, "{:.1f}"),
        ("vertices of the outline", facts["effort"]["vertices_per_object"], "{:.0f}"),
        ("neighbours within two diameters", facts["crowding"]["neighbours"], "{:.0f}"),
        ("objects per megapixel", facts["crowding"]["objects_per_megapixel"], "{:,.0f}"),
    ]
    return [(words, [form.format(values[q]) for q in names]) for words, values, form in rows if values]


def _classes(facts: Facts) -> list[dict[str, Any]]:
    rows = []
    for name, own in facts["classes"].items():
        things = own["isthing"]
        size = own["diameter_px"] if things else {}
        number, share = (own["num_objects"], percent(own["object_share"])) if things else (own["num_regions"], "–")
        rows.append(
            {
                "name": name,
                "kind": "objects" if things else "regions",
                "number": f"{number:,}",
                "images": f"{own['num_images']:,}",
                "object_share": share,
                "pixel_share": percent(own["coverage"]),
                "size": " / ".join(f"{size[q]:.0f}" for q in ("q05", "q50", "q95")) if size else "–",
                "touching": percent(own["touching_fraction"]) if things and number else "–",
                "hidden": percent(own["hidden_fraction"]),
            }
        )
    return rows


def _kind(name: str, values: Mapping[str, Mapping[str, Any]], facts: Facts) -> dict[str, Any]:
    explained = facts["explained"].get(name, {})
    fact, share = max(explained.items(), key=lambda item: item[1], default=("brightness", 0.0))
    fact = {"diameter": "object size", "objects": "the number of objects"}.get(fact, fact)
    ranked = sorted(values.items(), key=lambda item: (-item[1]["num_images"], item[0]))
    rows = [
        (
            value or "none",
            [
                f"{own['num_images']:,}",
                f"{own['num_groups']:,}",
                f"{own['num_objects']:,}",
                "–" if own["median_diameter_px"] is None else f"{own['median_diameter_px']:.1f}",
                percent(own["coverage"]),
                f"{own['median_brightness']:.0f}",
                f"{own['median_contrast']:.0f}",
                f"{own['median_sharpness']:.2f}",
            ],
        )
        for value, own in ranked
    ]
    return {"name": name, "rows": rows[:12], "num_more": max(len(rows) - 12, 0), "fact": fact, "share": percent(share)}


def _test(test: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "words": TESTED[test["name"]],
        "of": test["of"],
        "mean": f"{test['mean']:+.3f}",
        "p": "< 1e-12" if test["p"] < 1e-12 else f"{test['p']:.1g}",
        "groups": test["num_groups"],
        "counts": test["counts"],
        "move": test["move"],
    }


def _effort(facts: Facts) -> list[tuple[str, str, str, str]]:
    effort, rates = facts["effort"], facts["effort"]["rates"]
    rows = {
        "objects": ("an outline for each object", f"{rates['minutes_per_object']:g} min an object"),
        "class_masks": ("a mask for each class in an image", f"{rates['minutes_per_class_mask']:g} min a class"),
        "boxes": ("a box for each object", f"{rates['minutes_per_box']:g} min a box"),
    }
    return [
        (words, f"{effort[kind]['hours']:,.0f} h", f"{effort[kind]['minutes_per_image']:,.1f} min", rate)
        for kind, (words, rate) in rows.items()
        if facts["num_objects"] or kind == "class_masks"
    ]
