"""Charts as inline SVG, coloured by the page's CSS variables, so that they follow light and dark. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 640, 380
LEFT, RIGHT, TOP, BOTTOM = 62, 24, 18, 52


@dataclass(frozen=True, slots=True)
class Point:
    """One approach on the cost chart: milliseconds, error in percent, its interval, and whether it passed and won."""

    name: str
    x: float
    y: float
    interval: tuple[float, float] | None
    passed: bool
    won: bool


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear axis from `low` to `high` in data units onto `start`..`end` in pixels."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        part = (min(max(value, self.low), self.high) - self.low) / ((self.high - self.low) or 1)
        return round(self.start + part * (self.end - self.start), 1)

    def ticks(self, about: int = 5) -> list[float]:
        step = nice_step((self.high - self.low) / about)
        first = math.ceil(self.low / step - 1e-9)
        return [round(i * step, 10) for i in range(first, math.floor(self.high / step + 1e-9) + 1)]


def nice_step(rough: float) -> float:
    """The step of 1, 2 or 5 times a power of ten next above `rough`."""
    power = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    return next(m * power for m in (1, 2, 5, 10) if m * power >= rough * (1 - 1e-9))


def cost_chart(points: Sequence[Point], max_error: float | None, max_ms: float | None) -> str:
    """Cost (p50 milliseconds) against count error (percent): down and left is better; limits shade what fails."""
    xs, ys = [p.x for p in points], [v for p in points for v in (p.y, *(p.interval or ()))]
    x = Axis(0, max([*xs, 1e-9]) * 1.22, LEFT, WIDTH - RIGHT)
    y = Axis(0, max([*ys, max_error or 0, 1e-9]) * 1.12, HEIGHT - BOTTOM, TOP)
    parts = [_frame(x, y, "median latency, ms an image (p50)", "count error, %")]
    if max_error is not None:
        parts.append(_rect(LEFT, TOP, WIDTH - RIGHT - LEFT, y.at(max_error) - TOP, "fails"))
        parts.append(_text(WIDTH - RIGHT - 6, y.at(max_error) - 6, f"limit {max_error:g} %", "limit", "end"))
    if max_ms is not None and max_ms < x.high:
        parts.append(_rect(x.at(max_ms), TOP, WIDTH - RIGHT - x.at(max_ms), HEIGHT - BOTTOM - TOP, "fails"))
    parts += [_mark(p, x, y) for p in points]
    label = "; ".join(f"{p.name}: {p.x:.0f} ms, {p.y:.1f} %" for p in points)
    return _svg(parts, WIDTH, HEIGHT, f"Cost against count error. {label}")


def curves(series: dict[str, list[tuple[float, float]]], x_name: str, title: str) -> str:
    """Lines over `x_name`, one per name, labelled at their ends."""
    width, height = 520, 260
    everything = [point for line in series.values() for point in line]
    if not everything:
        return ""
    tops = sorted(v for _, v in everything)
    x = Axis(min(v for v, _ in everything), max(v for v, _ in everything), LEFT - 10, width - 96)
    y = Axis(0, tops[min(len(tops) - 1, int(0.97 * len(tops)))] * 1.1, height - BOTTOM + 6, TOP)
    parts = [_frame(x, y, x_name, "loss", height)]
    ends = spread([y.at(line[-1][1]) + 4 for line in series.values()], 14, height - BOTTOM)
    for index, ((name, line), end_y) in enumerate(zip(series.items(), ends, strict=True)):
        path = " ".join(f"{x.at(a)},{y.at(b)}" for a, b in line)
        parts.append(f'<polyline class="line s{index}" points="{path}"/>')
        parts.append(_text(x.at(line[-1][0]) + 6, end_y, f"{name} {line[-1][1]:.3f}", f"name s{index}"))
    return _svg(parts, width, height, title)


def spread(heights: Sequence[float], gap: float, lowest: float) -> list[float]:
    """The heights of labels moved up, in their order, until they are `gap` apart; none is below `lowest`."""
    out, bound = list(heights), lowest
    for index in sorted(range(len(out)), key=lambda i: -out[i]):  # pixels grow downwards: the lowest label first
        out[index] = round(min(out[index], bound), 1)
        bound = out[index] - gap
    return out


def strips(samples: dict[str, Sequence[float]], limit: float | None) -> str:
    """Every measured latency as a tick, one strip per approach, with p50 and p95 marked."""
    rows = {name: sorted(values) for name, values in samples.items() if values}
    if not rows:
        return ""
    width, step = WIDTH, 46
    height = step * len(rows) + BOTTOM
    x = Axis(0, max(v for values in rows.values() for v in values) * 1.06, 96, width - RIGHT)
    parts = [_text(width / 2, height - 8, "ms an image", "axis", "middle")]
    for tick in x.ticks():
        parts.append(f'<line class="grid" x1="{x.at(tick)}" x2="{x.at(tick)}" y1="6" y2="{height - 42}"/>')
        parts.append(_text(x.at(tick), height - 27, f"{tick:g}", "tick", "middle"))
    for index, (name, values) in enumerate(rows.items()):
        middle = 6 + step * index + step / 2 - 6
        parts.append(_text(84, middle + 5, name, "name", "end"))
        parts += [f'<circle class="sample" cx="{x.at(v)}" cy="{middle}" r="4"/>' for v in values]
        p50 = values[len(values) // 2]
        parts.append(f'<line class="median" x1="{x.at(p50)}" x2="{x.at(p50)}" y1="{middle - 13}" y2="{middle + 13}"/>')
    if limit is not None and limit < x.high:
        parts.append(f'<line class="limit" x1="{x.at(limit)}" x2="{x.at(limit)}" y1="6" y2="{height - 42}"/>')
    return _svg(parts, width, height, "Measured latencies")


def bars(values: dict[str, float], text: str = "{:,.0f}") -> str:
    """Horizontal bars, one per name."""
    top, step, left, width = max([*values.values(), 1e-9]), 26, 150, 420
    parts = []
    for index, (name, value) in enumerate(values.items()):
        y = step * index
        length = round((width - left - 60) * value / top, 1)
        parts.append(_text(left - 8, y + 17, name, "tick", "end"))
        parts.append(f'<rect class="bar" x="{left}" y="{y + 5}" width="{max(length, 1.5)}" height="16" rx="3"/>')
        parts.append(_text(left + length + 7, y + 17, text.format(value), "tick"))
    return _svg(parts, width, step * len(values) + 4, ", ".join(f"{k} {text.format(v)}" for k, v in values.items()))


def _mark(point: Point, x: Axis, y: Axis) -> str:
    px, py = x.at(point.x), y.at(point.y)
    kind = "won" if point.won else "passed" if point.passed else "failed"
    parts = []
    if point.interval:
        low, high = (y.at(v) for v in point.interval)
        parts.append(f'<path class="whisker" d="M{px} {low}V{high}M{px - 5} {low}h10M{px - 5} {high}h10"/>')
    parts.append(f'<circle class="mark {kind}" cx="{px}" cy="{py}" r="8"/>')
    parts.append(_text(px + 14, py - 4, point.name, "name"))
    parts.append(_text(px + 14, py + 12, f"{point.y:.1f} % · {point.x:.0f} ms", "tick"))
    return "".join(parts)


def _frame(x: Axis, y: Axis, x_name: str, y_name: str, height: int = HEIGHT) -> str:
    parts = []
    for tick in y.ticks():
        parts.append(f'<line class="grid" x1="{x.start}" x2="{x.end}" y1="{y.at(tick)}" y2="{y.at(tick)}"/>')
        parts.append(_text(x.start - 8, y.at(tick) + 4, f"{tick:g}", "tick", "end"))
    parts += [_text(x.at(tick), y.start + 18, f"{tick:g}", "tick", "middle") for tick in x.ticks()]
    parts.append(_text((x.start + x.end) / 2, height - 8, x_name, "axis", "middle"))
    middle = (y.start + y.end) / 2
    parts.append(
        f'<text class="axis" text-anchor="middle" transform="translate(14 {middle}) rotate(-90)">{y_name}</text>'
    )
    return "".join(parts)


def _rect(x: float, y: float, width: float, height: float, kind: str) -> str:
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{max(width, 0)}" height="{max(height, 0)}"/>'


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(parts: Sequence[str], width: float, height: float, label: str) -> str:
    inside = "".join(parts)
    return f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label, quote=True)}">{inside}</svg>'
