"""Histograms as inline SVG, in the style of `charts`. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from segwise.report.charts import Axis

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 440, 210, 46, 14, 24, 46


def histogram(found: Mapping[str, Any], x_name: str, marks: Mapping[str, float] | None = None) -> str:
    """Bars over `edges`; `marks` are upright lines with their words. Empty text for no values."""
    edges, counts, is_log = found["edges"], found["counts"], found["log"]
    if not counts:
        return ""
    scale = math.log10 if is_log else float
    x = Axis(scale(edges[0]), scale(edges[-1]), LEFT, WIDTH - RIGHT)
    y = Axis(0, max(counts) * 1.05, HEIGHT - BOTTOM, TOP)
    parts = [*_grid(y), *_bottom(x, edges, is_log)]
    for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True):
        left, right, top = x.at(scale(a)), x.at(scale(b)), y.at(n)
        title = f"<title>{a:g} to {b:g}: {n:,}</title>"
        size = f'width="{max(round(right - left - 1, 1), 0.8)}" height="{round(y.start - top, 1)}"'
        parts.append(f'<rect class="bar" x="{left}" y="{top}" {size}>{title}</rect>')
    shown = {words: at for words, at in (marks or {}).items() if edges[0] <= at <= edges[-1]}
    parts += _marks(x, {words: scale(at) for words, at in shown.items()})
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x_name, "axis", "middle"))
    label = escape(f"Histogram, {x_name}: {edges[0]:g} to {edges[-1]:g}", quote=True)
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def log_ticks(low: float, high: float) -> list[float]:
    """1, 2, 5 times powers of ten between two positive numbers; of many only the powers, of few some between."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    fine = [m * 10.0**p for p in powers for m in (1, 2, 5) if low <= m * 10.0**p <= high]
    if len(fine) < 3:
        return [m * 10.0**p for p in powers for m in (1, 1.5, 2, 3, 4, 5, 6, 8) if low <= m * 10.0**p <= high]
    coarse = [v for v in fine if math.log10(v) == round(math.log10(v))]
    return fine if len(fine) <= 9 or len(coarse) < 2 else coarse


def _grid(y: Axis) -> list[str]:
    parts = []
    for tick in y.ticks(3):
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y.at(tick)}" y2="{y.at(tick)}"/>')
        parts.append(_text(LEFT - 6, y.at(tick) + 4, _short(tick), "tick", "end"))
    return parts


def _bottom(x: Axis, edges: Sequence[float], is_log: bool) -> list[str]:
    is_whole = not is_log and all((2 * edge) % 2 == 1 for edge in edges)  # bins of whole numbers end between them
    ticks = log_ticks(edges[0], edges[-1]) if is_log else x.ticks(6)
    ticks = [tick for tick in ticks if tick == round(tick) or not is_whole]
    places = [(tick, x.at(math.log10(tick) if is_log else tick)) for tick in ticks]
    return [_text(at, HEIGHT - BOTTOM + 16, f"{tick:g}", "tick", "middle") for tick, at in places]


def _marks(x: Axis, marks: Mapping[str, float]) -> list[str]:
    """The lines, their words in turn above and a line higher where they would meet, and inside the chart."""
    parts, last = [], -math.inf
    for words, value in sorted(marks.items(), key=lambda item: item[1]):
        at, wide = x.at(value), 6.6 * len(words)
        start = min(max(at - wide / 2, LEFT), WIDTH - RIGHT - wide)
        parts.append(f'<line class="median" x1="{at}" x2="{at}" y1="{TOP - 4}" y2="{HEIGHT - BOTTOM}"/>')
        if start > last + 6:
            parts.append(_text(round(start, 1), TOP - 9, words, "tick"))
            last = start + wide
    return parts


def _short(value: float) -> str:
    return f"{value / 1000:g}k" if value >= 10_000 else f"{value:g}"


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'
