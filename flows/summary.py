"""The end of a run in a few lines: every approach's figures, the verdict and why, what to do next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from segwise.errors import GateRefusedError, InconclusiveError
from segwise.gate.verdict import gather
from segwise.spec import APPROACHES

COLUMNS = {
    "mIoU": ("miou", "{:.3f}"),
    "AP": ("mask_ap", "{:.3f}"),
    "AP50": ("mask_ap50", "{:.3f}"),
    "PQ": ("pq", "{:.3f}"),
    "count error": ("count_error", "{:.1%}"),
    "coverage error": ("coverage_error", "{:.1%}"),
    "p50 ms": ("p50_ms", "{:.1f}"),
    "p95 ms": ("p95_ms", "{:.1f}"),
    "size MB": ("model_mb", "{:.1f}"),
}


MARKS = {"promote": "passed", "inconclusive": "not proven", "hold": "failed"}  # by the gate's word for an approach


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object, `{}` if the file is missing or torn."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def verdict_of(root: Path) -> dict[str, Any]:
    """The gate's verdict with values where they are known."""
    gate = root / "work" / "gate"
    return read_json(gate / "checks.json") or read_json(gate / "verdict.json")


def winner_of(root: Path) -> tuple[str | None, str]:
    """The winner's name, None if the gate refused all; and why."""
    verdict = verdict_of(root)
    return verdict.get("winner"), str(verdict.get("why", "the gate has not spoken"))


def refusal_of(root: Path) -> GateRefusedError:
    """What the gate says where it lets no approach through."""
    verdict = verdict_of(root)
    kind = InconclusiveError if verdict.get("verdict") == "inconclusive" else GateRefusedError
    why = str(verdict.get("why", "the gate has not spoken")).rstrip(".")
    return kind("an approach that meets every limit", why, "see work/report/index.html")


def rows(root: Path) -> list[list[str]]:
    """One row per approach that was measured: name, the columns' figures, what the gate says of it."""
    timings = read_json(root / "work" / "benchmark.json").get("approaches", {})
    verdict = verdict_of(root)
    out = []
    for approach in APPROACHES:
        metrics = read_json(root / "work" / "evaluate" / approach / "metrics.json")
        if metrics:
            values = gather(metrics, timings.get(approach, {}))
            figures = [_shown(values.get(key), form) for key, form in COLUMNS.values()]
            word = verdict.get("approaches", {}).get(approach, {}).get("verdict")
            mark = "winner" if approach == verdict.get("winner") else MARKS.get(word, "–")
            out.append([approach, *figures, mark])
    return out


def markdown(root: Path) -> str:
    """The same for the Prefect page."""
    winner, why = winner_of(root)
    header = ["approach", *COLUMNS, "gate"]
    lines = [header, ["---"] * len(header), *rows(root)]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"## {'Winner: ' + winner if winner else 'The gate refused every approach'}\n\n{why}\n\n{table}\n"


def print_summary(root: Path, failed: bool = False, verdict: str = "", why: str = "") -> None:
    """Print the table, the verdict and what to do next. Silent where nothing was measured.

    Args:
        failed: a step after the gate failed, so that the winner may not be the champion.
        verdict: "held" or "inconclusive" where the winner was not promoted. why: what the promotion said then.
    """
    from rich.console import Console
    from rich.table import Table

    found = rows(root)
    if not found:
        return
    table = Table(title="The test split, each approach as it would be served")
    for number, column in enumerate(["approach", *COLUMNS, "gate"]):
        table.add_column(column, justify="left" if number == 0 else "right")
    for row in found:
        table.add_row(*row, style="bold" if row[-1] == "winner" else None)
    winner, why = winner_of(root)
    console = Console(soft_wrap=True, width=None if Console().is_terminal else 120)
    console.print(table)
    console.print(f"Verdict: {winner or 'refused'}. {why}", highlight=False, markup=False)
    if winner and verdict:
        console.print(f"Promotion: {verdict}, nothing was switched: {reason_of(why)}", highlight=False, markup=False)
    serve = "make serve                      serve it on 127.0.0.1:3000"
    again = "edit `gate` in params.yaml, or train longer; then `make run` again"
    retry = "make run                        go on, once the cause above is corrected"
    step = again if not winner or verdict else retry if failed else serve
    console.print(f"\nNext:  {step}", highlight=False, markup=False)
    console.print("       open work/report/index.html     the whole report", highlight=False, markup=False)


def reason_of(message: str) -> str:
    """What `segwise promote` said came, without what the run says around it."""
    said = message.split("segwise promote: ", 1)[-1].split("\n")[0]
    return " ".join(said.split()).rstrip(".") + "."


def _shown(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)
