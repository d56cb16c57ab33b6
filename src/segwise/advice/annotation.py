"""What labels cost, and which kind the advice asks for. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from segwise.advice.entry import percent
from segwise.advice.rules import NO_ANSWER

KINDS = {"semantic": "class_masks", "instance": "objects"}  # the key of profile.json's `effort`
NEXT = 50  # images
NEARLY = 0.99  # F1 from which on class masks give the objects back
Plain = dict[str, Any]


def annotation(
    profile: Mapping[str, Any],
    ceilings: Mapping[str, Any],
    advised: Mapping[str, str],
    budgets: Mapping[str, float | None],
) -> Plain:
    """Hours by kind of label, for this set and for the next images; what the budget buys; what one kind gives of
    the other.

    Args:
        profile: the content of profile.json, whose `effort` holds hours by stated rates. ceilings: of ceilings.json.
        advised: recommendation by decision. budgets: `operation.annotation_hours` by decision.

    Returns:
        Among others `asked_for`: semantic or instance, None where no decision has an answer.
    """
    effort = profile["effort"]
    minutes = {kind: effort[key]["minutes_per_image"] for kind, key in KINDS.items()}
    stated = [hours for hours in budgets.values() if hours is not None]
    budget = min(stated) if stated else None  # decisions share the labels: the tightest counts
    wanted = set(advised.values()) - {NO_ANSWER}
    kind = "semantic" if wanted == {"semantic"} else "instance" if wanted else None
    back = ceilings.get("candidates", {}).get("semantic", {}).get("objects", {}).get("f1")
    out: Plain = {
        "num_images": profile["num_images"],
        "labels": {
            k: {"hours": effort[key]["hours"], "minutes_per_image": minutes[k], "next_hours": _hours(NEXT, minutes[k]),
                "budget_images": None if budget is None or not minutes[k] else math.floor(budget * 60 / minutes[k])}
            for k, key in KINDS.items()
        },
        "next_images": NEXT,
        "rates": effort["rates"],
        "budget_hours": budget,
        "asked_for": kind,
        "objects_from_class_masks_f1": back,
    }  # fmt: skip
    return {**out, "sentences": _sentences(out)}


def _hours(images: int, minutes: float) -> float:
    return round(images * minutes / 60, 2)


def _sentences(a: Plain) -> list[Plain]:
    cheap, dear = a["labels"]["semantic"], a["labels"]["instance"]
    out = [_next(a, cheap, dear), _kind(a, cheap, dear)]
    if a["objects_from_class_masks_f1"] is not None:
        back = a["objects_from_class_masks_f1"]
        text = "Object outlines give class masks for free. "
        text += "The reverse is not so" if back < NEARLY else "Here the reverse nearly holds"
        text += ": the connected components of perfect class masks give the labelled objects back with an F1 of "
        text += f"{back:.2f} (IoU 0.5)."
        out.append({"text": text, "numbers": {"f1": back}})
    return out + ([_budget(a, cheap, dear)] if a["budget_hours"] is not None else [])


def _next(a: Plain, cheap: Plain, dear: Plain) -> Plain:
    text = f"The next {a['next_images']} images cost {_said(dear['next_hours'])} with an outline for each object, "
    text += f"{_said(cheap['next_hours'])} as class masks. What they are worth: `segwise curve`."
    return {"text": text, "numbers": {"instance_hours": dear["next_hours"], "semantic_hours": cheap["next_hours"]}}


def _kind(a: Plain, cheap: Plain, dear: Plain) -> Plain:
    numbers = {"semantic_minutes": cheap["minutes_per_image"], "instance_minutes": dear["minutes_per_image"]}
    per_image = f"{cheap['minutes_per_image']:.1f} against {dear['minutes_per_image']:.1f} minutes an image"
    if a["asked_for"] is None:
        text = f"No decision has an answer yet, so that none asks for either kind of labels ({per_image})."
        return {"text": text, "numbers": numbers}
    if a["asked_for"] == "instance":
        return {"text": f"The advice needs single objects outlined ({per_image}).", "numbers": numbers}
    saved = 1 - cheap["minutes_per_image"] / dear["minutes_per_image"] if dear["minutes_per_image"] else 0.0
    if saved <= 0:
        text = f"Class masks would do for what is advised, but outlines cost less here ({per_image}): draw outlines."
        return {"text": text, "numbers": numbers}
    text = f"For what is advised, class masks are enough to train on ({per_image}, {percent(saved)} saved)"
    return {"text": f"{text}; keep object outlines where the test must count.", "numbers": numbers}


def _budget(a: Plain, cheap: Plain, dear: Plain) -> Plain:
    hours = a["budget_hours"]
    masks, outlines = (kind["budget_images"] or 0 for kind in (cheap, dear))
    text = f"The {hours:g} hours that may still be spent buy "
    if a["asked_for"] is None:
        text += f"{masks:,} images as class masks, or {outlines:,} with object outlines."
        return {"text": text, "numbers": {"budget_hours": hours, "class_masks": masks, "objects": outlines}}
    wanted, images = (dear, outlines) if a["asked_for"] == "instance" else (cheap, masks)
    text += f"{images:,} images ({masks:,} as class masks, {outlines:,} with object outlines)"
    short = wanted["next_hours"] - hours
    text += f"; the next {a['next_images']} would need {_said(short)} more." if short > 0 else "."
    return {"text": text, "numbers": {"budget_hours": hours, "images": images}}


def _said(hours: float) -> str:
    return f"{hours:.1f} hours" if hours < 10 else f"{hours:,.0f} hours"
