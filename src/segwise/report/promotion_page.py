"""A promotion's evidence → work/promotion: the values of promotion.json, and the page. Pure but for image files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from segwise.dataset import coco, targets
from segwise.decision.params import Decision
from segwise.gate.row import Row
from segwise.report import svg
from segwise.report.charts import Axis, nice_step
from segwise.report.template import fill
from segwise.report.worst import Shot, asked_about, shot
from segwise.types import Prediction

MOST_SHOWN = 12  # images of the decision diff
PARTS = {
    "quality": "Quality, on the same test images",
    "latency": "Time, each turn in a fresh process of the package",
    "parity": "The served Bento against the trained network",
    "identity": "Served is what was gated",
}
HEADS = {
    "promote": "Promoted",
    "hold": "Held: worse, or a limit is broken",
    "inconclusive": "Inconclusive: the evidence is not enough",
}
WIDTH, HEIGHT, BINS = 620, 190, 24


@dataclass(frozen=True, slots=True)
class Pair:
    """One image that is answered otherwise: both answers against its labels."""

    name: str
    words: str
    champion: Shot
    challenger: Shot


def result(
    verdict: str,
    rows: Sequence[Row],
    timing: Mapping[str, Any],
    changed: Mapping[str, Sequence[str]],
    *,
    champion: Mapping[str, Any] | None,
    challenger: Mapping[str, Any],
    num_images: int,
    num_groups: int,
    criteria_sha256: str,
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """The content of promotion.json: verdict, who, every check, times, the images answered otherwise, and what else a
    reader has to know."""
    return {
        "verdict": verdict,
        "champion": champion,
        "challenger": dict(challenger),
        "num_images": num_images,
        "num_groups": num_groups,
        "criteria_sha256": criteria_sha256,
        "checks": [_plain(row) for row in rows],
        "timing": dict(timing),
        "changed": {name: list(images) for name, images in changed.items()},
        "notes": list(notes),
    }


def _plain(row: Row) -> dict[str, Any]:
    numbers = ("champion", "challenger", "difference", "limit")
    values = asdict(row)
    values |= {key: None if values[key] is None else round(float(values[key]), 6) for key in numbers}
    values["interval"] = None if row.interval is None else [round(float(v), 6) for v in row.interval]
    return values


def shots(
    changed: Mapping[str, Sequence[str]],
    answers: Mapping[str, Mapping[str, Prediction]],
    dataset: coco.Dataset,
    decisions: Mapping[str, Decision],
) -> list[Pair]:
    """The images answered otherwise, the largest changes of every decision in turn, at most MOST_SHOWN."""
    turns = [names[i] for i in range(MOST_SHOWN) for names in changed.values() if i < len(names)]
    chosen = list(dict.fromkeys(turns))[:MOST_SHOWN]
    asked = asked_about(decisions, dataset.classes)
    out = []
    for record in coco.by_name(dataset, chosen):
        truth = Prediction(targets.class_map(record, dataset.classes), targets.objects(record))
        both = [
            shot(record.file_name, dataset.pixels(record), truth, answers[side][record.file_name], asked)
            for side in ("champion", "challenger")
        ]
        names = [name for name, images in changed.items() if record.file_name in images]
        out.append(Pair(record.file_name, ", ".join(names), both[0], both[1]))
    return out


def render(found: Mapping[str, Any], pairs: Sequence[Pair], decisions: Mapping[str, Decision]) -> str:
    """The page's HTML; the same values give the same bytes."""
    return fill("promotion.html.j2", **view(found, pairs, decisions))


def view(found: Mapping[str, Any], pairs: Sequence[Pair], decisions: Mapping[str, Decision]) -> dict[str, Any]:
    """The template's values, numbers already as text."""
    checks = found["checks"]
    parts = [(words, [_row(c) for c in checks if c["part"] == part]) for part, words in PARTS.items()]
    sides = {side: found["timing"][side] for side in ("champion", "challenger") if side in found["timing"]}
    return {
        "verdict": found["verdict"],
        "head": HEADS[found["verdict"]],
        "champion": found["champion"],
        "challenger": found["challenger"],
        "num_images": found["num_images"],
        "num_groups": found["num_groups"],
        "criteria": found["criteria_sha256"],
        "to_change": [(c["words"], c["to_change"]) for c in checks if c["to_change"]],
        "parts": [(words, rows) for words, rows in parts if rows],
        "sides": sides,
        "noise": found["timing"].get("noise"),
        "machine": machine_words(found["timing"].get("machine")),
        "notes": found["notes"],
        "histogram": histogram({side: own["cpu_times_ms"] for side, own in sides.items()}),
        "diffs": [
            diff_words(name, decisions[name], len(images), found["num_images"])
            for name, images in found["changed"].items()
        ],
        "pairs": pairs,
        "num_changed": len({image for images in found["changed"].values() for image in images}),
    }  # fmt: skip


def machine_words(machine: Mapping[str, Any] | None) -> str:
    """The machine that times were taken on; empty where that is not known."""
    if not machine:
        return ""
    known = {key: value for key, value in machine.items() if key not in ("cpu", "cores", "system", "threads", "batch")}
    libraries = ", ".join(f"{name} {version}" for name, version in sorted(known.items()))
    return (
        f"{machine['cpu']}, {machine['cores']} cores, one thread, one image at a time; {machine['system']}; {libraries}"
    )


def diff_words(name: str, decision: Decision, number: int, num_images: int) -> str:
    """What would be done otherwise, for people."""
    verb = "act differently" if decision.action else "be answered otherwise"
    more = " by more than the tolerance" if decision.kind in ("count", "coverage") and not decision.action else ""
    return f"{name}: {number} of {num_images} images would now {verb}{more}."


def histogram(times_ms: Mapping[str, Sequence[float]]) -> str:
    """How often an answer took how long on the processor, one row of bars per side, on one logarithmic axis."""
    every = [value for times in times_ms.values() for value in times if value > 0]
    if not every:
        return ""
    low, high = np.log10(min(every)) - 0.02, np.log10(max(every)) + 0.02
    edges = np.linspace(low, high, BINS + 1)
    counts = {side: np.histogram(np.log10(times), edges)[0] for side, times in times_ms.items()}
    most = max(int(c.max()) for c in counts.values())
    x, room = Axis(low, high, 96, WIDTH - 16), (HEIGHT - 44) / len(counts)
    parts = []
    for number, (side, found) in enumerate(counts.items()):
        base = 8 + room * (number + 1)
        parts.append(svg.text(88, base - 4, side, "name", "end"))
        parts += [_bar(x, edges[i], edges[i + 1], base, (room - 10) * n / most, side) for i, n in enumerate(found) if n]
        parts.append(svg.line(x.start, base, x.end, base, "grid"))
        middle = x.at(float(np.log10(np.median(times_ms[side]))))
        parts.append(svg.line(middle, base - room + 8, middle, base, "median"))
    parts += [svg.text(x.at(float(np.log10(t))), HEIGHT - 20, f"{t:g}", "tick", "middle") for t in _ticks(every)]
    parts.append(
        svg.text((x.start + x.end) / 2, HEIGHT - 4, "milliseconds on the processor, log scale", "axis", "middle")
    )
    words = ", ".join(f"{side}: median {np.median(times):.1f} ms" for side, times in times_ms.items())
    return svg.svg(parts, WIDTH, HEIGHT, f"times of an answer; {words}")


def _bar(x: Axis, left: float, right: float, base: float, height: float, side: str) -> str:
    return svg.rect(x.at(left), round(base - height, 1), x.at(right) - x.at(left) - 1, height, f"bar {side}")


def _ticks(every: Sequence[float]) -> list[float]:
    low, high = min(every), max(every)
    if high / low < 3:  # less than half a decade: round numbers between
        step = nice_step((high - low) / 4)
        return [round(i * step, 6) for i in range(1, 1000) if low <= i * step <= high]
    return [m * 10.0**p for p in range(-3, 7) for m in (1, 2, 5) if low <= m * 10.0**p <= high]


def _row(check: Mapping[str, Any]) -> dict[str, Any]:
    unit, is_paired, limit = check["unit"], check["part"] == "quality", check["limit"]
    side = "at least" if check["name"] == "parity.masks" else "at most"
    held = "" if limit is None else f"{'worse by ' if is_paired else ''}{side} {said(limit, unit)}"
    of = "ms" if check["name"] == "slowdown" else unit
    ends = [] if check["interval"] is None else [said(v, unit, signed=is_paired) for v in check["interval"]]
    return {
        "words": check["words"] + (", in tolerances" if unit == "× tolerance" else ""),
        "champion": said(check["champion"], of),
        "challenger": said(check["challenger"], of),
        "difference": said(check["difference"], unit, signed=is_paired),
        "interval": " … ".join(ends),
        "limit": held,
        "verdict": check["verdict"],
    }


def said(value: float | None, unit: str, *, signed: bool = False) -> str:
    """A number with its unit; "–" where there is none."""
    if value is None:
        return "–"
    sign, scale = "+" if signed else "", 100 if unit == "%" else 1
    digits, end = {"%": (2, " %"), "ms": (1, " ms"), "": (0, " differ"), "fraction": (4, "")}.get(unit, (3, " ×"))
    return f"{scale * value:{sign}.{digits}f}{end}".replace("-", "−")
