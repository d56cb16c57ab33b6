"""The few SVG elements that charts are made of; colours and strokes come from the page's CSS by `kind`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from segwise.report.charts import Axis


def frame(x: Axis, y: Axis, x_name: str, y_name: str, height: float) -> str:
    """Grid lines, ticks and names of two axes; `height` is the picture's."""
    parts = []
    for tick in y.ticks():
        parts.append(line(x.start, y.at(tick), x.end, y.at(tick), "grid"))
        parts.append(text(x.start - 7, y.at(tick) + 4, f"{tick:g}", "tick", "end"))
    parts += [text(x.at(tick), y.start + 17, f"{tick:g}", "tick", "middle") for tick in x.ticks()]
    parts.append(text((x.start + x.end) / 2, height - 6, x_name, "axis", "middle"))
    middle = (y.start + y.end) / 2
    where = f'transform="translate(13 {middle}) rotate(-90)"'
    return "".join(parts) + f'<text class="axis" text-anchor="middle" {where}>{escape(y_name)}</text>'


def line(x0: float, y0: float, x1: float, y1: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}"/>'


def rect(x: float, y: float, width: float, height: float, kind: str) -> str:
    return (
        f'<rect class="{kind}" x="{x}" y="{y}" width="{round(max(width, 0), 1)}" height="{round(max(height, 0), 1)}"/>'
    )


def text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{round(x, 1)}" y="{round(y, 1)}" text-anchor="{anchor}">{escape(text)}</text>'


def svg(parts: Sequence[str], width: float, height: float, label: str) -> str:
    """The whole picture; `label` says in words what it shows."""
    inside = "".join(parts)
    return f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label, quote=True)}">{inside}</svg>'
