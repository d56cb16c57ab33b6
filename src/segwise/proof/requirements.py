"""Requirement → test → result: each acceptance criterion, the check that tests it, and what came out. Pure.

Results are `pass`, `fail`, `not proven` (the evidence does not decide) and `not recorded`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from segwise.gate.checks import MEASURES

Values = Mapping[str, Any]
RESULTS = {"promote": "pass", "hold": "fail", "inconclusive": "not proven"}
MET = {"met": "pass", "missed": "fail"}
DIGITS = 4
LINKED = "error"  # links that must not cross splits
LEAST = "parity.masks"  # the one check of a promotion whose limit is the least


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row. `requirement`: what is asked; `test`: what tests it; `value`: what it found; `evidence`: where."""

    requirement: str
    test: str
    value: str
    result: str
    evidence: str


def of_gate(checks: Values, approach: str) -> list[Requirement]:
    """The limits of the gate, as checks.json says them."""
    own = (checks.get("approaches") or {}).get(approach) or {}
    return [_of_check(check) for check in own.get("checks") or ()]


def _of_check(check: Values) -> Requirement:
    name = str(check["name"])
    measure = MEASURES[name[4:]]
    part = f" on {check['part']}" if check.get("part") else ""
    side = "at least" if name.startswith("min_") else "at most"
    said = number(check["value"], measure.unit)
    if check.get("bound") is not None:
        said += f"; at worst {number(check['bound'], measure.unit)} ({100 * check['confidence']:.4g} % confidence)"
    if check.get("more_images"):
        said += f"; about {check['more_images']} more images would decide"
    result = RESULTS.get(str(check.get("verdict")), "pass" if check.get("passed") else "fail")
    words = f"{measure.words}{part} {side} {number(check['limit'], measure.unit)}"
    return Requirement(words, f"gate, check `{name}`", said, result, "work/gate/checks.json")


def of_manifest(checks: Sequence[Values], limits: Values) -> list[Requirement]:
    """The checks of the gate by their names, as a package keeps them: of a past run the values are not kept.

    Args:
        limits: the section `gate` of that run.
    """
    return [_of_name(str(check["name"]), check, limits) for check in checks]


def _of_name(name: str, check: Values, limits: Values) -> Requirement:
    measure, limit = MEASURES.get(name[4:]), limits.get(name)
    words = name
    if measure is not None and isinstance(limit, int | float):
        words = f"{measure.words} {'at least' if name.startswith('min_') else 'at most'} {number(limit, measure.unit)}"
    result = RESULTS.get(str(check.get("verdict")), "pass" if check.get("passed") else "fail")
    return Requirement(words, f"gate, check `{name}`", "the value is not kept", result, "work/package/manifest.json")


def of_promotion(details: Values) -> list[Requirement]:
    """What a package was held against when it was promoted, or refused, as that event says it."""
    test, where = "promote", "registry/events.jsonl"
    rows = [_of_row(row, test, where) for row in details.get("checks") or ()]
    if details.get("golden"):
        words = "the package answers its golden images as when it was packaged"
        rows.append(Requirement(words, test, str(details["golden"]), "pass", where))
    return rows


def _of_row(row: Values, test: str, where: str) -> Requirement:
    """One check of a promotion, see `gate.row.Row`."""
    unit, limit, words = row["unit"], row.get("limit"), str(row["words"])
    if limit is not None and row["part"] == "quality":
        words += f": worse than the champion's by at most {number(limit, unit)}"
    elif limit is not None and unit:
        words += f": {'at least' if row['name'] == LEAST else 'at most'} {number(limit, unit)}"
    told = {"challenger": row.get("challenger"), "champion": row.get("champion")}
    of = "ms" if unit == "×" else unit  # the ratio of two times
    said = [f"{side} {number(value, of)}" for side, value in told.items() if value is not None and unit]
    said += ["none differs" if not told["challenger"] else f"{told['challenger']:g} differ"] * (not unit)
    if row.get("difference") is not None:
        ends = [number(end, unit) for end in row.get("interval") or ()]
        said.append(f"difference {number(row['difference'], unit)}" + (f" ({' to '.join(ends)})" if ends else ""))
    name = f"{test}, check `{row['name']}`"
    return Requirement(words, name, "; ".join(said), RESULTS.get(str(row["verdict"]), "not recorded"), where)


def of_decisions(metrics: Values, approach: str) -> list[Requirement]:
    """The tolerance of each decision, as the evaluation says it."""
    test = f"evaluate, {metrics.get('num_images')} test images in {metrics.get('num_groups')} groups"
    rows = []
    for name, own in (metrics.get("decisions") or {}).items():
        low, high = (own.get("intervals") or {}).get("error") or (None, None)
        said = f"error {number(own.get('error'), '%')}"
        said += "" if low is None else f" ({number(low, '%')} to {number(high, '%')})"
        result = MET.get(str(own.get("met")), "not proven")
        words = f"decision `{name}`: {own.get('kind')} {own.get('tolerance')}"
        rows.append(Requirement(words, test, said, result, f"work/evaluate/{approach}/metrics.json"))
    return rows


def of_labels(summary: Values) -> Requirement:
    """That the labels keep their contract."""
    words, where = "the labels keep their contract", "work/labels/summary.json"
    if not summary:
        return Requirement(words, "validate", "", "not recorded", where)
    counts = (summary.get("num_errors", 0), summary.get("num_warnings", 0), summary.get("num_accepted", 0))
    said = "{} errors, {} warnings, {} accepted".format(*counts)
    return Requirement(words, "validate", said, "fail" if counts[0] else "pass", where)


def of_leaks(leaks: Values) -> Requirement:
    """That no image of one split is tied to one of another."""
    words, where = "what belongs together lies in one split", "work/leaks.json"
    if not leaks:
        return Requirement(words, "split", "", "not recorded", where)
    links = {kind: own for kind, own in (leaks.get("links") or {}).items() if own.get("severity") == LINKED}
    across = sum(own.get("num_across", 0) for own in links.values())
    said = f"{across} links across splits; looked for: {', '.join(links) or 'nothing'}"
    return Requirement(words, "split", said, "fail" if across else "pass" if links else "not recorded", where)


def of_trace(traced: Values, metrics: Values) -> Requirement:
    """That the trace of single objects adds up to the figure that was gated."""
    words = "the objects, one by one, add up to the F1 that was measured"
    if not traced or metrics.get("f1") is None or traced.get("f1") is None:
        return Requirement(words, "dossier, trace", "", "not recorded", "trace.csv")
    said = f"{traced['f1']:.4f} from the trace, {metrics['f1']:.4f} measured"
    same = abs(traced["f1"] - metrics["f1"]) < 1e-5
    return Requirement(words, "dossier, trace", said, "pass" if same else "fail", "trace.csv")


def of_freeze(since: Values | None, reads: Sequence[Values], changes: Sequence[str]) -> Requirement:
    """That the criteria were frozen before the test split was opened, and are those that were used.

    Args:
        since: the event that froze them (`seq`, `kind`). reads: the events that opened the test split for this model.
        changes: criteria that are others now, in words.
    """
    words, test = "the criteria were frozen before the test split was opened", "registry"
    if since is None:
        return Requirement(words, test, "", "not recorded", "registry/events.jsonl")
    first = min((event["seq"] for event in reads), default=None)
    late = first is not None and first < since["seq"]
    said = f"frozen by event {since['seq']}"
    said += "; no opening recorded" if first is None else f"; first opened by event {first}"
    said += f"; changed since: {'; '.join(changes)}" if changes else ""
    result = "fail" if late or changes else "not recorded" if first is None else "pass"
    return Requirement(words, test, said, result, "registry/events.jsonl")


def of_used(changes: Sequence[str] | None) -> Requirement:
    """That the limits are those the gate judged by: `changes` since it ran, None where dvc.lock does not tell."""
    words, test = "the limits in params.yaml are those that the gate judged by", "dvc.lock"
    if changes is None:
        return Requirement(words, test, "", "not recorded", "dvc.lock")
    said = f"changed since: {'; '.join(changes)}" if changes else "none has changed"
    return Requirement(words, test, said, "fail" if changes else "pass", "dvc.lock")


def of_chain(num_events: int, problem: str) -> Requirement:
    """That the event log is whole."""
    words, test = "the event log is whole: no record changed, lost or moved", "audit"
    if problem:
        return Requirement(words, test, problem, "fail", "registry/events.jsonl")
    result = "pass" if num_events else "not recorded"
    return Requirement(words, test, f"{num_events} records verified", result, "registry/events.jsonl")


def of_package(digest: str | None, problem: str) -> Requirement:
    """That the package is byte for byte what its manifest says."""
    words, test = "the package holds the bytes that were gated", "verify every file against the manifest"
    if problem:
        return Requirement(words, test, problem, "fail", "work/package/manifest.json")
    said = f"digest {digest[:16]}…" if digest else ""
    return Requirement(words, test, said, "pass" if digest else "not recorded", "work/package/manifest.json")


def of_reproduction(report: Values, lock_sha256: str | None) -> Requirement:
    """That the run comes out the same when all of it is run again. `lock_sha256`: of the run's dvc.lock."""
    words, test, where = "the run can be repeated", "verify-repro", "work/repro/report.json"
    if not report or lock_sha256 is None or report.get("dvc_lock_sha256") != lock_sha256:
        return Requirement(words, test, "", "not recorded", where)
    results = {"identical": "pass", "within noise": "pass", "different": "fail"}
    said = f"{report['verdict']}, {len(report.get('outputs', ()))} outputs compared"
    result = results.get(report["verdict"], "not proven")
    if left_out := report.get("left_out"):
        said += f"; not run again: {', '.join(left_out)}"
        result = "fail" if result == "fail" else "not proven"
    return Requirement(words, test, said, result, where)


def number(value: float | None, unit: str) -> str:
    """A number in the gate's unit, as people read it."""
    if value is None:
        return "no number"
    if unit == "%":
        return f"{100 * value:.2f} %"
    if unit in ("ms", "MB"):
        return f"{value:,.1f} {unit}"
    if unit.startswith("×"):
        return f"{value:.2f} {unit}"
    return f"{value:.{DIGITS}g}"
