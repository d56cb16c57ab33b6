"""The gate's verdicts and checks as the page shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segwise.gate.checks import MEASURES

PILLS = {"promote": ("", "passes"), "hold": ("bad", "fails"), "inconclusive": ("open", "not proven")}
MARKS = {"promote": "ok", "hold": "no", "inconclusive": "open"}


def verdict_of(found: Mapping[str, Any]) -> str:
    """Of an approach or a check: promote, hold or inconclusive."""
    return str(found.get("verdict") or ("promote" if found["passed"] else "hold"))


def check_view(check: Mapping[str, Any]) -> dict[str, str]:
    """A check of work/gate/checks.json as the page shows it."""
    measure = MEASURES[check["name"][4:]]
    sign, words = "≥" if check["name"].startswith("min_") else "≤", measure.words
    return {
        "words": f"{words}, {check['part']}" if check.get("part") else words,
        "value": _shown(check["value"], measure.unit),
        "bound": "" if check.get("bound") is None else f"at worst {_shown(check['bound'], measure.unit)}",
        "limit": f"{sign} {_shown(check['limit'], measure.unit)}",
        "mark": MARKS[verdict_of(check)],
    }


def _shown(value: float | None, unit: str) -> str:
    if value is None:
        return "no number"
    if unit == "%":
        return f"{100 * value:.1f} %"
    return f"{value:.3f}" if unit == "fraction" else f"{value:.1f} {unit}"
