"""gate: hold every candidate's figures against the thresholds and write the verdict. A refusal is no failure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from segwise.errors import IntegrityError
from segwise.gate.params import GateParams
from segwise.gate.verdict import gather, judge
from segwise.spec import CANDIDATES, canonical_json

WORK = Path("work")


def run(params: GateParams) -> dict[str, Any]:
    """Write `work/gate/verdict.json` (names only: see docs/decisions/0003) and `work/gate/checks.json` (all values).

    Raises:
        IntegrityError: no candidate has been evaluated and timed.
    """
    timings = _read(WORK / "benchmark.json").get("approaches", {})
    metrics: dict[str, dict[str, Any]] = {a: _read(WORK / "evaluate" / a / "metrics.json") for a in CANDIDATES}
    refused = {a: str(m["refused"]) for a, m in metrics.items() if m.get("refused")}
    values = {a: gather(m, timings.get(a, {})) for a, m in metrics.items() if m and a not in refused}
    verdict = judge(values, params, refused)
    if not verdict.checks:
        raise IntegrityError(
            "metrics of at least one approach", "none in work/evaluate", "run `dvc repro` to produce them"
        )
    folder = WORK / "gate"
    folder.mkdir(parents=True, exist_ok=True)
    full = verdict.full()
    (folder / "checks.json").write_text(canonical_json(full), encoding="utf-8")
    (folder / "verdict.json").write_text(canonical_json(verdict.bare()), encoding="utf-8")
    return {**full, "summary": full["why"]}


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
