"""What the comparison says of one decision's candidates, in words and in the unit of the limit that decides. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segwise.decision import limits
from segwise.decision.params import Decision
from segwise.report import front, kpis
from segwise.report.kpi_rows import Unit

Values = Mapping[str, Any]
STATES = {
    "met": "meets it", "open": "cannot be told yet", "missed": "misses it", "unknown": "has no figure",
    "late": "too slow",
}  # fmt: skip
NAMES = {  # by the limit that decides: what is told of it
    "relative": "count error", "absolute": "mean count error", "points": "coverage error",
    "min_sensitivity": "sensitivity", "min_specificity": "specificity", "min_f1": "F1",
    "min_accuracy": "right actions",
}  # fmt: skip
UNITS: dict[str, Unit] = {
    "relative": "percent", "points": "percent", "min_accuracy": "percent", "absolute": "number",
}  # fmt: skip


def decisive(own: Values, decision: Decision) -> dict[str, str]:
    """The figure that decides, in its limit's unit, with its name and its interval."""
    key = limits.deciding(decision, own)
    if not key:
        return {"words": "error", "error": "–", "range": ""}
    pair = (own.get("intervals") or {}).get(limits.FIGURES[key])
    return {
        "words": NAMES[key],
        "error": limits.in_unit(key, limits.lack(key, own)).replace(" ", "\u00a0"),
        "range": kpis.between(pair, UNITS.get(key, "share")),
    }


def simpler(found: Values, scale: front.Scale, key: str) -> str:
    """How a cheaper candidate stands to the one that uses least of the tolerance; empty where nothing is to be told."""
    if not found or found.get("difference") is None:
        return ""
    low, high = found.get("interval") or (None, None)
    factor = _factor(scale, key)
    span = f" ({factor * low:+.1f} … {factor * high:+.1f})" if low is not None and high is not None else ""
    head = "Simpler is enough" if found.get("is_proven") else "Not told apart"
    words = (
        f"{head}: {found['name']} costs less than {found['than']}, whose {_own(key)} is the smallest; the difference "
    )
    end = "" if found.get("is_proven") else ", and neither is proven to meet the tolerance"
    return f"{words}is {factor * found['difference']:+.1f} points{span}{end}.".replace("-", "−")


def others(result: Values, decision: Decision, scale: front.Scale, key: str) -> list[dict[str, str]]:
    """Why not another one: its state, its cost and the paired difference, each against the winner (or the candidate
    nearest to the tolerance)."""
    measured, winner = result["candidates"], result.get("winner")
    reference = winner or result.get("nearest")
    out = []
    for name, own in measured.items():
        if name != winner:
            state = "late" if is_late(own, decision) else str(own.get("met") or "unknown")
            line = {"name": name, "state": state, "verdict": STATES[state], "cost": "", "difference": ""}
            if reference and name != reference:
                line["cost"] = _against(own.get("cost_per_1000"), measured[reference].get("cost_per_1000"))
                line["difference"] = _difference(
                    result.get("differences", ()), name, reference, _factor(scale, key), key
                )
            out.append(line)
    return out


def is_late(own: Values, decision: Decision) -> bool:
    """Whether a candidate breaks what is asked of its time, or is not known to keep it."""
    asked = {"deadline_met": decision.operation.deadline_ms, "frames_met": decision.operation.frames_per_s}
    return any(own.get(key) is not True for key, limit in asked.items() if limit is not None)


def _factor(scale: front.Scale, key: str) -> float:
    """From a part of the tolerance to points on the axis."""
    return scale.limit if key == "error" and scale.limit is not None else 100.0


def _own(key: str) -> str:
    return "error" if key == "error" else "part of the tolerance"


def _against(cost: float | None, other: float | None) -> str:
    if not cost or not other:
        return ""
    ratio = cost / other
    return "costs the same" if abs(ratio - 1) < 0.02 else f"{ratio:.2g} × the cost"


def _difference(differences: Sequence[Values], name: str, winner: str, factor: float, key: str) -> str:
    """The paired difference of what is used up, candidate less winner, in words, on the axis of the charts."""
    own = f"its {_own(key)}"
    for d in differences:
        if d["figure"] == "used" and {d["a"], d["b"]} == {name, winner} and d["difference"] is not None:
            sign = factor if d["a"] == name else -factor
            value, pair = sign * d["difference"], sorted(sign * v for v in d.get("interval") or () if v is not None)
            span = f" ({pair[0]:+.1f} … {pair[1]:+.1f})" if len(pair) == 2 else ""
            if d.get("significant"):
                words = f"{own} is {abs(value):.1f} points {'larger' if value > 0 else 'smaller'}{span}"
            else:
                words = f"{own} is not told apart: {value:+.1f} points{span}"
            return words.replace("-", "−")
    return ""
