"""The learning curves → a table for the terminal and the values of `curve.html.j2`. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segwise.report import svg
from segwise.report.charts import Axis, spread
from segwise.report.template import fill

Values = Mapping[str, Any]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 620, 330, 58, 120, 16, 50
APART_PX = 9  # what candidates of one size stand apart
VERDICTS = {
    "gain": "lowers the error",
    "little": "hardly anything",
    "unclear": "cannot be told yet",
    "untold": "cannot be told",
}


def render(result: Values) -> str:
    """The page's HTML; the same values give the same bytes."""
    return fill("curve.html.j2", **view(result))


def view(result: Values) -> dict[str, Any]:
    """The template's values, numbers already as text."""
    parts = [(name, found) for part in ("decisions", "quality") for name, found in result[part].items()]
    return {
        "about": result,
        "parts": [
            {
                "name": name,
                "tolerance": found["tolerance"],
                "chart": chart(name, found["candidates"], result["num_images"]),
                "sizes": [f"{row['num_images']:.0f}" for row in next(iter(found["candidates"].values()))["observed"]],
                "rows": [_row(candidate, values) for candidate, values in found["candidates"].items()],
                "sentences": [values["sentence"] for values in found["candidates"].values()],
                "bought": _bought(found["instance_labels"]),
            }
            for name, found in parts
        ],
    }


def table(result: Values) -> str:
    """One line per decision, candidate and size, and what more labels are worth."""
    lines = []
    for part in ("decisions", "quality"):
        for name, found in result[part].items():
            lines.append(f"{name} ({found['tolerance']}), error by training images:")
            for candidate, values in found["candidates"].items():
                cells = "   ".join(f"{o['num_images']:.0f}: {percent(o)}" for o in values["observed"])
                lines.append(f"  {candidate:<11} {cells}")
            lines += [f"  {values['sentence']}" for values in found["candidates"].values()]
            lines += [f"  {line}" for line in _bought(found["instance_labels"])]
    about = f"{result['network']}: {result['steps']} steps on each subset, {result['repeats']} repeats"
    return "\n".join([about, *lines])


def percent(row: Values) -> str:
    """An error with its interval: `10.4 % (8.0 to 13.1)`."""
    if row["error"] is None:
        return "undefined"
    ends = row["interval"]
    return f"{100 * row['error']:.1f} %" + (f" ({100 * ends[0]:.1f} to {100 * ends[1]:.1f})" if ends else "")


def _row(candidate: str, values: Values) -> dict[str, Any]:
    gain, rate = values["interval"], values["gain_per_hour"]
    return {
        "name": candidate.replace("_", " "),
        "errors": [_cell(percent(row)) for row in values["observed"]],
        "verdict": VERDICTS[values["verdict"]],
        "kind": values["verdict"],
        "gain": _range(values["expected"], gain, 1),
        "hours": "–" if values["hours"] is None else f"{values['hours']:.1f}",
        "rate": _range(rate["expected"], rate["interval"], 2) if rate else ("–", ""),
    }


def _range(value: float | None, ends: Sequence[float] | None, digits: int) -> tuple[str, str]:
    """A difference in points and its interval."""
    if value is None or ends is None:
        return "–", ""
    low, high = (f"{100 * end:.{digits}f}" for end in ends)
    return f"{100 * value:.{digits}f}", f"{low} to {high}"


def _cell(text: str) -> tuple[str, str]:
    """A figure and what stands in brackets behind it."""
    figure, _, rest = text.partition(" (")
    return figure, rest.rstrip(")")


def _bought(found: Values | None) -> list[str]:
    """What instance labels buy at each size, in words."""
    if found is None:
        return []
    against = found["against"].replace("_", " ")
    lines = []
    for row in found["sizes"]:
        if row["difference"] is None:
            continue
        words = {None: "chance is not known", True: "beyond chance", False: "within chance"}[row["is_beyond_chance"]]
        ends = row["interval"]
        lower = row["difference"] >= 0
        low, high = sorted(100 * end * (1 if lower else -1) for end in ends or (0, 0))
        shown = "" if ends is None else f", interval {low:.1f} to {high:.1f}"
        gap = f"{100 * abs(row['difference']):.1f} points {'lower' if lower else 'higher'} than that of {against}"
        lines.append(f"{row['num_images']:.0f} images: with instance labels the error is {gap} ({words}{shown})")
    return lines


def chart(name: str, candidates: Values, num_images: int) -> str:
    """Error (%) against training images: a dot per training, its mean with interval, the law and its band."""
    rows = [row for values in candidates.values() for row in values["observed"] if row["error"] is not None]
    if not rows:
        return ""
    band = [point for values in candidates.values() for point in values["band"] or ()]
    most = max([point[0] for point in band] + [float(num_images)])
    heights = [100 * one["error"] for row in rows for one in row["repeats"]] + [100 * p[2] for p in band]
    x = Axis(0, most * 1.02, LEFT, WIDTH - RIGHT)
    y = Axis(0, max([*heights, 1e-9]) * 1.1, HEIGHT - BOTTOM, TOP)
    parts = [svg.frame(x, y, "labelled training images", "error, %", HEIGHT)]
    parts += [svg.line(x.at(num_images), TOP, x.at(num_images), HEIGHT - BOTTOM, "today")]
    aside = [APART_PX * (index - (len(candidates) - 1) / 2) for index in range(len(candidates))]
    parts += [_candidate(i, values, x, y, aside[i]) for i, values in enumerate(candidates.values())]
    ends = [y.at(100 * (v["band"][-1][2] if v["band"] else v["observed"][-1]["error"] or 0)) + 4
            for v in candidates.values()]  # fmt: skip
    for index, (candidate, end) in enumerate(zip(candidates, spread(ends, 15, HEIGHT - BOTTOM), strict=True)):
        parts.append(svg.text(WIDTH - RIGHT + 8, end, candidate.replace("_", " "), f"name s{index}"))
    return svg.svg(parts, WIDTH, HEIGHT, f"Error of {name} against the number of labelled training images")


def _candidate(index: int, values: Values, x: Axis, y: Axis, aside: float) -> str:
    parts = []
    if values["band"]:
        upper = [f"{x.at(n)},{y.at(100 * high)}" for n, _, _, high in values["band"]]
        lower = [f"{x.at(n)},{y.at(100 * low)}" for n, low, _, _ in reversed(values["band"])]
        parts.append(f'<polygon class="band s{index}" points="{" ".join(upper + lower)}"/>')
        line = " ".join(f"{x.at(n)},{y.at(100 * mid)}" for n, _, mid, _ in values["band"])
        parts.append(f'<polyline class="law s{index}" points="{line}"/>')
    for row in values["observed"]:
        parts += _dots(index, row["repeats"], x, y, aside)
        if row["interval"]:
            low, high = (y.at(100 * v) for v in row["interval"])
            at = round(x.at(row["num_images"]) + aside, 1)
            parts.append(f'<path class="whisker s{index}" d="M{at} {low}V{high}M{at - 4} {low}h8M{at - 4} {high}h8"/>')
    return "".join(parts)


def _dots(index: int, repeats: Sequence[Values], x: Axis, y: Axis, aside: float) -> list[str]:
    seen = [(x.at(one["num_images"]), y.at(100 * one["error"])) for one in repeats if one["error"] is not None]
    return [f'<circle class="dot s{index}" cx="{at + aside:.1f}" cy="{high}" r="3.5"/>' for at, high in seen]
