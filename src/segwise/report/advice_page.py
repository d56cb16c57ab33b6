"""Advice, ceilings and pictures → the values of `advice.html.j2`. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segwise.advice.changes import rounded
from segwise.advice.entry import percent, pixels
from segwise.decision.params import COUNTING
from segwise.report.front import Mark, Scale, forest
from segwise.report.profile_page import coded
from segwise.report.template import fill
from segwise.report.worst import Shot

Values = Mapping[str, Any]
Shots = Mapping[str, Sequence[tuple[str, Shot]]]
STATES = {"enough": "met", "tight": "open", "open": "open", "cannot": "missed", "unknown": "unknown"}
GRADES = {
    "enough": "could meet it, with room",
    "tight": "could meet it at best",
    "open": "not decided by these labels",
    "cannot": "cannot meet it",
    "unknown": "unknown",
}
UNITS = {  # by the only limit: the error's words and unit
    "relative": ("count error of perfect output", "%"),
    "points": ("coverage error of perfect output", "points"),
    "min_f1": ("1 − F1 of perfect output", "%"),
}
WATERSHED = "semantic + watershed"
NEEDS = {"semantic": "class masks", "hybrid": "object outlines", "instance": "object outlines"}


def render(advice: Values, ceilings: Values, shots: Shots) -> str:
    """The page's HTML; the same values give the same bytes."""
    return fill("advice.html.j2", **view(advice, ceilings, shots))


def view(advice: Values, ceilings: Values, shots: Shots) -> dict[str, Any]:
    """The template's values, numbers already as text."""
    entries = advice["decisions"]
    return {
        "decisions": [_decision(name, e, ceilings, shots.get(name, [])) for name, e in entries.items()],
        "size": f"{ceilings['num_images']:,} images, {ceilings['num_objects']:,} countable objects, "
        f"{ceilings['num_groups']:,} independent groups",
        "confidence": f"{advice['confidence']:.0%}".replace("%", " %"),
        "reference": advice["reference"],
        "facts": _facts(ceilings) if any(e["kind"] in COUNTING for e in entries.values()) else [],
        "annotation": _annotation(advice["annotation"]),
    }


def _decision(name: str, entry: Values, ceilings: Values, shots: Sequence[tuple[str, Shot]]) -> dict[str, Any]:
    chosen = entry["recommend"]
    grade = entry["grades"].get(chosen)
    return {
        "name": name,
        "kind": entry["kind"],
        "tolerance": entry["tolerance"],
        "headline": entry["headline"],
        "state": "none" if chosen == "no answer" else "tight" if grade == "tight" else "",
        "simpler": entry["simpler_is_enough"],
        "sentences": [coded(s["text"]) for s in entry["sentences"]],
        "changes": [coded(c["text"]) for c in entry["would_change"]],
        "chart": chart(name, entry, ceilings),
        "has_watershed": entry["kind"] in COUNTING,
        "steps": _steps(entry),
        "rows": [_row(a, entry) for a in entry["ceilings"]],
        "shots": shots,
    }


def chart(name: str, entry: Values, ceilings: Values) -> str:
    """The ceilings of all approaches with their intervals, against the tolerance."""
    scale, factor, key = scale_of(entry)
    marks = [
        _mark(a, c[key], c[f"{key}_interval"], factor, STATES[entry["grades"].get(a, "unknown")], entry["recommend"])
        for a, c in entry["ceilings"].items()
        if c[key] is not None
    ]
    extra = ceilings.get("variants", {}).get(WATERSHED, {}).get("decisions", {}).get(name)
    if extra and extra[key] is not None and entry["kind"] in COUNTING and marks:
        interval = (extra.get("intervals") or {}).get(key) or (None, None)
        marks.insert(1, _mark("+ split", extra[key], interval, factor, extra["met"], ""))
    return forest(marks, scale)


def _mark(
    name: str, value: float, interval: Sequence[float | None], factor: float, state: str, recommended: str
) -> Mark:
    low, high = interval
    ends = None if low is None or high is None else (factor * low, factor * high)
    return Mark(name, 0.0, factor * value, ends, state, name == recommended)


def scale_of(entry: Values) -> tuple[Scale, float, str]:
    """The chart's axis, what figures are multiplied by, and which figure: the error in its unit where one limit holds
    it, otherwise the part of the tolerance it uses."""
    limits = entry["limits"]
    key = next(iter(limits)) if len(limits) == 1 else ""
    if key not in UNITS:
        return Scale("tolerance used up by perfect output", "%", 100.0), 100.0, "used"
    words, unit = UNITS[key]
    limit = 1 - limits[key] if key == "min_f1" else limits[key]
    return Scale(words, unit, round(100 * limit, 9)), 100.0, "error"


def _steps(entry: Values) -> list[tuple[str, str]]:
    """The recommendation by tolerance: (from which on, recommendation), from the tightest on."""
    out = []
    for step in entry["by_tolerance"]:
        limits = step["from"]
        words = ", ".join(_limit(key, value) for key, value in limits.items())
        if words or not step["factor"]:
            out.append((words or "any tighter", step["recommend"]))
    return out


def _limit(key: str, value: float) -> str:
    value = rounded(value, not key.startswith("min_"))
    if key in ("relative", "points"):
        return f"{100 * value:g} {'%' if key == 'relative' else 'points'}"
    return f"±{value:g}" if key == "absolute" else f"{key.removeprefix('min_').replace('f1', 'F1')} {value:g}"


def _row(approach: str, entry: Values) -> dict[str, Any]:
    used, expected = entry["ceilings"][approach]["used"], entry["expected"][approach]
    grade = entry["grades"].get(approach, "unknown")
    return {
        "name": approach,
        "is_chosen": approach == entry["recommend"],
        "state": STATES[grade],
        "grade": GRADES[grade],
        "used": "–" if used is None else f"{used:.1f} ×" if used >= 10 else f"{100 * used:.3g} %",
        "ms": f"{expected['p50_ms']:,.0f} ms",
        "price": f"{expected['day_price']:,.2g}",
        "needs": NEEDS[approach],
    }


def _facts(ceilings: Values) -> list[tuple[str, str]]:
    """Whether shape alone can split, the smallest objects, the fullest image: (title, sentence)."""
    if not ceilings["num_objects"]:
        return []
    return [("Is it safe to split by shape?", _safe(ceilings)), *_sizes(ceilings), *_cap(ceilings)]


def _safe(ceilings: Values) -> str:
    safe = ceilings["safe_to_split"]
    if not safe["num_pairs"]:
        return "No two objects of a class touch: nothing has to be split."
    apart, lone = safe["separated"], safe["lone_split"]
    word = {True: "Yes", False: "No", None: "Too few pairs to tell"}[safe["is_safe"]]
    text = f"{word}: of {safe['num_pairs']:,} pairs that touch or overlap, cutting the perfect class map at its necks "
    text += f"tells {_part(apart[WATERSHED])} apart, learned centres and distances {_part(apart['hybrid'])}"
    if safe["safe_contact"] is not None and safe["is_safe"] is False:
        text += f"; it is safe while at most {percent(safe['safe_contact'])} of the smaller one's border is shared"
    return text + f". Of the objects that stand alone the necks cut {_part(lone[WATERSHED])} in error."


def _part(share: float | None) -> str:
    return "–" if share is None else percent(share)


def _sizes(ceilings: Values) -> list[tuple[str, str]]:
    small = ceilings["smallest_object"]
    if small["side_px"].get("p01") is None:
        return []
    text = f"One object in a hundred is narrower than {pixels(small['side_px']['p01'])}; a cell of the dense network's "
    text += f"output is {pixels(small['dense_cell_px'])} wide, of the instance network's finest features "
    text += (
        f"{pixels(small['instance_cell_px'])}. {_part(small['below_two_instance_cells'])} are narrower than two of the "
    )
    text += f"latter, {_part(small['vanished']['2'])} vanish from a perfect class map in cells of the former."
    return [("The smallest objects", text)]


def _cap(ceilings: Values) -> list[tuple[str, str]]:
    cap = ceilings["output_cap"]
    text = (
        f"The fullest image holds {cap['max']:,.0f} objects, the instance network may answer {cap['max_objects']:,}: "
    )
    text += (
        f"{_part(cap['lost_to_cap'])} of the objects are lost to that cap, {_part(cap['lost_to_suppression'])} to the "
    )
    text += f"suppression of overlapping boxes. {_part(cap['hidden_share'])} are more than half covered by others."
    return [("The fullest image", text)]


def _annotation(annotation: Values) -> dict[str, Any]:
    words = {"semantic": "a mask for each class in an image", "instance": "an outline for each object"}
    rows = [
        (
            words[kind],
            f"{own['minutes_per_image']:,.1f} min",
            f"{own['hours']:,.0f} h",
            f"{own['next_hours']:,.1f} h",
            "–" if own["budget_images"] is None else f"{own['budget_images']:,}",
            kind == annotation["asked_for"],
        )
        for kind, own in annotation["labels"].items()
    ]
    return {
        "rows": rows,
        "next": annotation["next_images"],
        "num_images": f"{annotation['num_images']:,}",
        "budget": annotation["budget_hours"],
        "rates": annotation["rates"],
        "sentences": [coded(s["text"]) for s in annotation["sentences"]],
    }
