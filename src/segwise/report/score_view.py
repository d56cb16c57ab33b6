"""Another program's predictions beside the candidates, as a table for the terminal. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segwise.report.kpis import between, said

Values = Mapping[str, Any]
SHOWN = {"F1": "f1", "AP": "ap", "AP50": "ap50", "PQ": "pq", "IoU": "foreground_iou"}


def table(scored: Values, metrics: Mapping[str, Values]) -> str:
    """By decision the error, whether its tolerance is met, and the paired difference to the scored model; then quality.

    Args:
        scored: what `segwise score` writes.
        metrics: by model, the candidates and the scored one, its metrics.json.
    """
    name, width = scored["name"], max(map(len, metrics)) + 2
    blocks = [_heading(scored)]
    for decision, found in scored["decisions"].items():
        rows = [_asked(c, values, _difference(c, name, found["differences"]), width)
                for c, values in found["candidates"].items()]  # fmt: skip
        blocks.append("\n".join([f"{decision} ({found['tolerance']}), error:", *rows]))
    head = "".join(f"{words:>24}" for words in SHOWN)
    blocks.append("\n".join([f"{'':{width + 2}}{head}", *(_quality(c, m, width) for c, m in metrics.items())]))
    return "\n\n".join(blocks)


def _heading(scored: Values) -> str:
    how = "fitted on the validation images" if scored["is_fitted"] else "as given"
    without = scored["images_without_predictions"]
    missing = f"; {without} test images have no prediction" if without else ""
    return f"{scored['name']}: predictions with a score of at least {scored['min_score']:g} ({how}){missing}"


def _asked(candidate: str, values: Values, difference: str, width: int) -> str:
    error = f"{said(values['error'], 'percent')} ({between(values['intervals'].get('error'), 'percent')})"
    return f"  {candidate:<{width}}{error:<24}{values['met']:<12}{difference}".rstrip()


def _difference(candidate: str, name: str, differences: list[Values]) -> str:
    """What the candidate's error is less the scored model's, with its interval; nothing where nothing is known."""
    for d in differences:
        if d["figure"] == "error" and {d["a"], d["b"]} == {candidate, name} and d["interval"] and candidate != name:
            sign, ends = (1, d["interval"]) if d["a"] == candidate else (-1, d["interval"][::-1])
            value, low, high = (said(sign * v, "signed percent") for v in (d["difference"], *ends))
            return f"{value} against {name} ({low} … {high})"
    return ""


def _quality(candidate: str, metrics: Values, width: int) -> str:
    cells = (
        f"{said(metrics[key], 'share')} ({between(metrics['intervals'].get(key), 'share')})" for key in SHOWN.values()
    )
    return f"  {candidate:<{width}}" + "".join(f"{cell.replace(' … ', '–'):>24}" for cell in cells)
