"""segwise advise: data/ and work/profile.json → work/advice/{ceilings.json, advice.json, index.html}."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segwise.advice import advise
from segwise.advice.ceilings.ceilings import ceilings
from segwise.advice.label_facts import uncountable
from segwise.advice.params import AdviseParams
from segwise.dataset import coco
from segwise.dataset.params import DataParams
from segwise.decision.params import Decision
from segwise.errors import IntegrityError
from segwise.report import advice_page, advice_shots
from segwise.spec import canonical_json

PROFILE, FINDINGS = Path("work/profile.json"), Path("work/labels/summary.json")
OUT = Path("work/advice")


def run(data: DataParams, decisions: Mapping[str, Decision], params: AdviseParams) -> dict[str, Any]:
    """Say which approach could meet each decision, from labels alone.

    Raises:
        IntegrityError: the data has not been profiled.
        UsageError: a decision names a class or zone that the data do not have.
    """
    dataset, profile = coco.read(Path(data.dir)), _profile()
    countable = {name: d for name, d in decisions.items() if not uncountable(d, dataset.classes)}
    found = ceilings(dataset, countable, params.ceilings)
    faults = json.loads(FINDINGS.read_text(encoding="utf-8"))["rows"] if FINDINGS.is_file() else {}
    advice = advise.advise(dataset, decisions, profile, found, params, faults)
    shots = advice_shots.shots(dataset, countable, found, params.ceilings)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "ceilings.json").write_text(canonical_json(found), encoding="utf-8")
    (OUT / "advice.json").write_text(canonical_json(advice), encoding="utf-8")
    (OUT / "index.html").write_text(advice_page.render(advice, found, shots), encoding="utf-8")
    lines = [f"{name}: {entry['headline']}" for name, entry in advice["decisions"].items()]
    return {"summary": "\n".join([*lines, f"why, and what would change it → {OUT / 'index.html'}"]), **advice}


def _profile() -> dict[str, Any]:
    if not PROFILE.is_file():
        raise IntegrityError("a profile of the data", f"no {PROFILE}", "read the data first: `segwise profile`")
    return dict(json.loads(PROFILE.read_text(encoding="utf-8")))
