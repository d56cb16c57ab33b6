"""Charts of the bake-off as inline SVG: error against tolerance, cost against error, counted against true. Pure.

Colours and strokes come from the page's CSS. A candidate's mark says by its shape whether it meets the tolerance: a
full circle does, an open one may, a cross does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from segwise.report.charts import Axis, spread
from segwise.report.svg import frame, line, rect, svg, text

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 620, 350, 58, 26, 18, 52
ROW_PX = 54


@dataclass(frozen=True, slots=True)
class Mark:
    """One candidate: its cost, error and the error's interval in the chart's units (∞ = no end), and how it stands.

    `state` is met, open, missed or unknown; `is_on_front`: no other candidate is both cheaper and better.
    """

    name: str
    cost: float
    error: float
    interval: tuple[float, float] | None = None
    state: str = "unknown"
    is_winner: bool = False
    is_on_front: bool = False


@dataclass(frozen=True, slots=True)
class Scale:
    """The error's axis: its words, unit (a suffix such as `%`) and the largest error that is tolerable."""

    words: str
    unit: str
    limit: float | None

    def said(self, value: float) -> str:
        return f"{value:.1f} {self.unit}".replace(" %", "\u00a0%") if abs(value) < 100 else f"{value:.0f} {self.unit}"


def forest(marks: Sequence[Mark], scale: Scale) -> str:
    """One row per candidate: its error with its interval, and the tolerance as a line with what lies beyond shaded."""
    if not marks:
        return ""
    top, height = 26, 26 + ROW_PX * len(marks) + 40
    x = Axis(0, _most(marks, scale) * 1.06, 96, WIDTH - 16)
    bottom = height - 40
    parts = []
    if scale.limit is not None:
        at = x.at(scale.limit)
        parts.append(rect(at, top - 6, x.end - at, bottom - top + 6, "beyond"))
        parts.append(line(at, top - 6, at, bottom, "limit"))
        words, is_left = f"tolerance {scale.said(scale.limit)}", at < WIDTH / 2
        parts.append(text(at + (4 if is_left else -4), top - 10, words, "limit", "start" if is_left else "end"))
    for tick in x.ticks(6):
        parts.append(line(x.at(tick), top - 6, x.at(tick), bottom, "grid"))
        parts.append(text(x.at(tick), bottom + 16, f"{tick:g}", "tick", "middle"))
    for index, m in enumerate(marks):
        y = top + ROW_PX * index + ROW_PX / 2
        parts.append(text(86, y + 5, m.name, "name won" if m.is_winner else "name", "end"))
        if m.interval:
            low, high = x.at(m.interval[0]), x.at(m.interval[1])
            parts.append(f'<path class="bar {m.state}" d="M{low} {y}H{high}"/>')
        parts.append(_symbol(m, x.at(m.error), y))
        parts.append(text(min(x.at(m.error), x.end - 40), y - 12, scale.said(m.error), "value", "middle"))
    parts.append(text((x.start + x.end) / 2, height - 6, f"{scale.words}, {scale.unit}", "axis", "middle"))
    label = "; ".join(f"{m.name} {scale.said(m.error)}, {m.state}" for m in marks)
    return svg(parts, WIDTH, height, f"{scale.words} against the tolerance. {label}")


def pareto(marks: Sequence[Mark], scale: Scale, cost_words: str, curve: Sequence[tuple[float, float]] = ()) -> str:
    """Cost against error: down and left is better. A stair joins the candidates that nothing beats in both.

    Args:
        curve: (cost, error) of further operating points of one candidate, in the order in which they are joined.
    """
    if not marks:
        return ""
    costs = [m.cost for m in marks] + [c for c, _ in curve]
    x = Axis(0, max([*costs, 1e-12]) * 1.16, LEFT, WIDTH - RIGHT)
    y = Axis(0, max([_most(marks, scale), *(e for _, e in curve)]) * 1.08, HEIGHT - BOTTOM, TOP)
    parts = [_beyond(scale, y), frame(x, y, cost_words, f"{scale.words}, {scale.unit}", HEIGHT)]
    stair = _stair([m for m in marks if m.is_on_front], x, y)
    parts.append(f'<path class="stair" d="{stair}"/>' if stair else "")
    if curve:
        points = " ".join(f"{x.at(c)},{y.at(e)}" for c, e in curve)
        parts.append(f'<polyline class="curve" points="{points}"/>')
        parts += [f'<circle class="sample" cx="{x.at(c)}" cy="{y.at(e)}" r="2.6"/>' for c, e in curve]
    heights = spread([y.at(m.error) + 4 for m in marks], 17, HEIGHT - BOTTOM - 4)
    for m, text_y in zip(marks, heights, strict=True):
        px, py = x.at(m.cost), y.at(m.error)
        if m.interval:
            low, high = (y.at(v) for v in m.interval)
            parts.append(
                f'<path class="whisker {m.state}" d="M{px} {low}V{high}M{px - 5} {low}h10M{px - 5} {high}h10"/>'
            )
        parts.append(_symbol(m, px, py))
        is_right = px > WIDTH - RIGHT - 90
        parts.append(text(px + (-14 if is_right else 14), text_y, m.name, "name", "end" if is_right else "start"))
    label = "; ".join(f"{m.name}: cost {m.cost:.3g}, {scale.said(m.error)}" for m in marks)
    return svg(parts, WIDTH, HEIGHT, f"Cost against error. {label}")


def _stair(marks: Sequence[Mark], x: Axis, y: Axis) -> str:
    ranked = sorted(marks, key=lambda m: (m.cost, m.error))
    if not ranked:
        return ""
    steps = [f"M{x.at(ranked[0].cost)} {y.end}V{y.at(ranked[0].error)}"]
    steps += [f"H{x.at(m.cost)}V{y.at(m.error)}" for m in ranked[1:]]
    return "".join(steps) + f"H{x.end}"


def _most(marks: Sequence[Mark], scale: Scale) -> float:
    """The end of the error's axis: every figure and the tolerance; whiskers up to twice the largest figure."""
    figures = max([*(m.error for m in marks), 1.25 * (scale.limit or 0), 1e-9])
    return min(max([figures, *(m.interval[1] for m in marks if m.interval)]), 2 * figures)


def _beyond(scale: Scale, y: Axis) -> str:
    if scale.limit is None:
        return ""
    at = y.at(scale.limit)
    return (
        rect(LEFT, TOP, WIDTH - RIGHT - LEFT, at - TOP, "beyond")
        + line(LEFT, at, WIDTH - RIGHT, at, "limit")
        + text(WIDTH - RIGHT - 4, at - 6, f"tolerance {scale.said(scale.limit)}", "limit", "end")
    )


def _symbol(mark: Mark, x: float, y: float) -> str:
    halo = f'<circle class="halo" cx="{x}" cy="{y}" r="12"/>' if mark.is_winner else ""
    if mark.state == "missed":
        return halo + f'<path class="mark missed" d="M{x - 5.5} {y - 5.5}l11 11M{x - 5.5} {y + 5.5}l11 -11"/>'
    return halo + f'<circle class="mark {mark.state}" cx="{x}" cy="{y}" r="6.5"/>'
