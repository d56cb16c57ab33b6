"""What was predicted against what is labelled, image by image, as inline SVG. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from segwise.report.charts import Axis
from segwise.report.svg import frame, line, svg, text

SIDE, LEFT = 340, 46
Points = Sequence[tuple[float, float]]  # (labelled, predicted)


def scatter(points: Points, name: str, largest: float) -> str:
    """One dot an image, with the line of equality; both axes end at `largest`, so that candidates can be compared."""
    x = Axis(0, largest or 1 * 1.04, LEFT, SIDE - 10)
    y = Axis(0, x.high, SIDE - 40, 12)
    parts = [frame(x, y, "labelled", "predicted", SIDE), line(x.start, y.start, x.end, y.end, "equal")]
    return svg([*parts, *_dots(points, x, y)], SIDE, SIDE, f"{name}, predicted against labelled, {len(points)} images")


def bland_altman(points: Points, name: str, largest: float) -> str:
    """The difference against the mean, with the bias and the limits of agreement, bias ± 1.96 standard deviations
    (Bland and Altman 1986)."""
    shown = [((a + b) / 2, b - a) for a, b in points]
    low, bias, high = limits(points)
    reach = max(*(abs(d) for _, d in shown), abs(low), abs(high), largest / 20) * 1.12
    x, y = Axis(0, largest or 1 * 1.04, LEFT, SIDE - 10), Axis(-reach, reach, SIDE - 40, 12)
    parts = [frame(x, y, "mean of labelled and predicted", "predicted − labelled", SIDE)]
    parts.append(line(x.start, y.at(0), x.end, y.at(0), "equal"))
    for value, kind in ((bias, "bias"), (low, "agree"), (high, "agree")):
        parts.append(line(x.start, y.at(value), x.end, y.at(value), kind))
        parts.append(text(x.end, y.at(value) - 4, f"{value:+.1f}".replace("-", "−"), "tick", "end"))
    label = f"{name}, difference against mean: bias {bias:+.1f}, limits {low:+.1f} to {high:+.1f}"
    return svg([*parts, *_dots(shown, x, y)], SIDE, SIDE, label)


def limits(points: Points) -> tuple[float, float, float]:
    """Lower limit of agreement, bias and upper limit of predicted − labelled."""
    gaps = [b - a for a, b in points]
    bias = sum(gaps) / len(gaps)
    reach = 1.96 * math.sqrt(sum((g - bias) ** 2 for g in gaps) / len(gaps))
    return bias - reach, bias, bias + reach


def _dots(points: Points, x: Axis, y: Axis) -> list[str]:
    return [f'<circle class="dot" cx="{x.at(a)}" cy="{y.at(b)}" r="3.4"/>' for a, b in points]
