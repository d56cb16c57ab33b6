"""Does what is shipped answer as the network that was trained? Pure: figures of their agreement in, verdicts out.

The trained network's answers take the place of the labels. How far the shipped artifact is from them is then in the
units of the decision: the part of its tolerance that the way from training to serving uses up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from segwise.gate.row import Row, Verdict

TOO_LARGE = "the service accepts no test image: raise `package.max_megapixels`"


def judge(
    used: Mapping[str, float | None],
    overlap: float | None,
    *,
    margin: float,
    min_overlap: float,
    num_images: int,
) -> list[Row]:
    """One row per decision, and one for the masks.

    Args:
        used: by decision, the part of its tolerance that the difference uses up; None where it has no number.
        overlap: IoU of the foreground of both, over all images; None where both are empty.
        margin: largest part allowed. min_overlap: least IoU allowed.
    """
    found = [_used(name, value, margin, num_images) for name, value in sorted(used.items())]
    return [*found, _overlap(overlap, min_overlap, num_images)]


def same_bytes(differing: Sequence[str], num_images: int, words: str, name: str, to_change: str) -> Row:
    """A check that nothing may differ: `differing` names the images that do."""
    verdict: Verdict = "hold" if differing else "promote" if num_images else "inconclusive"
    shown = ", ".join(differing[:3]) + (f" and {len(differing) - 3} more" if len(differing) > 3 else "")
    said = f"{shown}: {to_change}" if differing else "" if num_images else f"no image to compare: {TOO_LARGE}"
    return Row("identity", name, words, "", verdict, challenger=float(len(differing)), limit=0.0, to_change=said)


def _used(name: str, value: float | None, margin: float, num_images: int) -> Row:
    words = f"{name}: served against trained, {num_images} images"
    known = value is not None and math.isfinite(value)
    verdict: Verdict = "promote" if known and value is not None and value <= margin else "hold"
    said = f"{value:.3g}" if known else "no number"
    remedy = f"serving uses up {said} of the tolerance, at most {margin:g} may be: look for a fault in preprocessing"
    return Row(
        "parity", f"parity.{name}", words, "× tolerance", verdict,
        challenger=value if known else None, limit=margin, to_change="" if verdict == "promote" else remedy,
    )  # fmt: skip


def _overlap(value: float | None, least: float, num_images: int) -> Row:
    words = f"masks: IoU of served and trained, {num_images} images"
    if value is None or not math.isfinite(value):
        said = "neither answers anything on these images: raise `promote.parity_images`" if num_images else TOO_LARGE
        return Row("parity", "parity.masks", words, "fraction", "inconclusive", limit=least, to_change=said)
    passes = value >= least
    said = f"their masks' IoU is {value:.4f}, at least {least:g} is wanted: look for a fault in preprocessing"
    verdict: Verdict = "promote" if passes else "hold"
    return Row(
        "parity", "parity.masks", words, "fraction", verdict,
        challenger=value, limit=least, to_change="" if passes else said,
    )  # fmt: skip
