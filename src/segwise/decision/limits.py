"""Limits: what part of each an error uses up, which one decides, and the error in that limit's own unit. Pure.

Whatever is chosen, fitted or told by how well a decision is met goes by these parts. A decision's natural error is held
against nothing where the tolerance is of something else: of the action, of objects an image, of two rates.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from segwise.decision.params import Decision

Figures = Mapping[str, float | None]

MOST_USED = 1000.0  # `used` ends here, so that it stays a number where the tolerance allows no mistake at all
FIGURES = {  # by limit: the figure that is held against it
    "relative": "error", "absolute": "mae", "points": "error", "min_sensitivity": "sensitivity",
    "min_specificity": "specificity", "min_f1": "f1", "min_accuracy": "accuracy",
}  # fmt: skip
EITHER = ("relative", "absolute")  # of a count's two, keeping one is enough
WORDS: dict[str, Callable[[float], str]] = {
    "relative": lambda v: f"within {100 * v:g} %",
    "absolute": lambda v: f"within ±{v:g}",
    "points": lambda v: f"within {100 * v:g} points",
    "min_sensitivity": lambda v: f"sensitivity at least {v:g}",
    "min_specificity": lambda v: f"specificity at least {v:g}",
    "min_f1": lambda v: f"F1 at least {v:g}",
    "min_accuracy": lambda v: f"the right action on at least {100 * v:g} % of the images",
}
REACHED = {  # by limit: what a candidate reaches, around the number
    "relative": "a count error of {}",
    "absolute": "a mean count error of {}",
    "points": "a coverage error of {}",
    "min_sensitivity": "a sensitivity of {}",
    "min_specificity": "a specificity of {}",
    "min_f1": "an F1 of {}",
    "min_accuracy": "the right action on {} of the images",
}
AXES = {  # by limit whose error is a fraction: that error in words
    "relative": "count error", "points": "coverage error", "min_sensitivity": "1 − sensitivity",
    "min_specificity": "1 − specificity", "min_f1": "1 − F1", "min_accuracy": "wrong actions",
}  # fmt: skip


def parts(decision: Decision, figures: Figures) -> dict[str, float]:
    """The used part of each stated limit, by its key; NaN where the figure is undefined. Of `EITHER` the better one."""
    limits = {key: limit for key in FIGURES if (limit := decision.limit(key)) is not None}
    out = {key: _part(lack(key, figures), allowed(key, limit)) for key, limit in limits.items()}
    either = sorted((key for key in EITHER if key in out), key=lambda key: (math.isnan(out[key]), out[key]))
    for worse in either[1:]:
        del out[worse]
    return out


def used(decision: Decision, figures: Figures) -> float:
    """The largest part; NaN where one is undefined and the others are kept, for it may be the one that is missed."""
    found = parts(decision, figures).values()
    largest = _largest(found)
    return math.nan if any(math.isnan(part) for part in found) and not largest > 1 else largest


def strain(decision: Decision, figures: Figures) -> float:
    """The largest part that is defined: `used` as far as these images can tell; NaN without any."""
    return _largest(parts(decision, figures).values())


def deciding(decision: Decision, figures: Figures) -> str:
    """The key of the limit whose part is the largest; of equal parts the first, empty where none is defined."""
    found = {key: part for key, part in parts(decision, figures).items() if not math.isnan(part)}
    return max(found, key=lambda key: found[key], default="")


def lack(key: str, figures: Figures) -> float:
    """How wrong it is in the limit's own unit: the error, or what lacks to 1; NaN where undefined."""
    value = figures.get(FIGURES[key])
    return math.nan if value is None else 1 - value if key.startswith("min_") else value


def allowed(key: str, limit: float) -> float:
    """How wrong it may be, in the limit's own unit."""
    return 1 - limit if key.startswith("min_") else limit


def reached(decision: Decision, figures: Figures) -> str:
    """What decides, in words: `a count error of 8.3 %`, `the right action on 97.5 % of the images`."""
    key = deciding(decision, figures)
    return REACHED[key].format(in_unit(key, lack(key, figures))) if key else "no defined error"


def in_unit(key: str, lacking: float) -> str:
    """What is lacking (see `lack`) as the limit is stated: `8.3 %`, `1.30 points`, `0.43`, an F1 of `0.871`."""
    if key in ("min_sensitivity", "min_specificity", "min_f1"):
        return f"{1 - lacking:.3f}"
    if key == "min_accuracy":
        return f"{100 * (1 - lacking):.1f} %"
    if key == "points":
        return f"{100 * lacking:.{1 if lacking >= 0.1 else 2}f} points"
    return f"{lacking:.2f}" if key == "absolute" else f"{100 * lacking:.1f} %"


def in_words(decision: Decision) -> str:
    """The decision's tolerance for people: `within 5 %`."""
    limits = {key: limit for key in WORDS if (limit := decision.limit(key)) is not None}
    said = {key: WORDS[key](limit) for key, limit in limits.items()}
    either = [said.pop(key) for key in EITHER if key in said]
    if "min_f1" in said and decision.tolerance.iou != 0.5:
        said["min_f1"] += f" at IoU {decision.tolerance.iou:g}"
    return ", ".join(([" or ".join(either)] if either else []) + list(said.values()))


def axis(decision: Decision) -> str:
    """The key of the limit along which the decision is drawn (AXES); empty where several hold, or one of objects: then
    it is the part of the tolerance."""
    stated = [key for key in FIGURES if decision.limit(key) is not None]
    return stated[0] if len(stated) == 1 and stated[0] in AXES else ""


def along(decision: Decision, figures: Figures) -> float:
    """How wrong it is along `axis`, a fraction; NaN where undefined."""
    key = axis(decision)
    return lack(key, figures) if key else strain(decision, figures)


def _largest(found: Iterable[float]) -> float:
    return max((part for part in found if not math.isnan(part)), default=math.nan)


def _part(lacking: float, may_lack: float) -> float:
    """Where nothing may lack, what does is counted in thousandths beyond the whole, so that less of it is better."""
    if math.isnan(lacking):
        return math.nan
    if may_lack > 0:
        return min(lacking / may_lack, MOST_USED)
    return 0.0 if lacking <= 0 else min(1 + MOST_USED * lacking, MOST_USED)
