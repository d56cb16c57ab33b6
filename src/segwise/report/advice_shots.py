"""Pictures of where perfect output still fails a decision: what it merges, splits and misses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segwise.advice.ceilings.image import CANDIDATES, points
from segwise.advice.ceilings.labelled import labelled
from segwise.advice.ceilings.params import CeilingParams
from segwise.dataset.coco import Dataset, by_name
from segwise.decision.params import Decision
from segwise.report.worst import Shot, asked_about, shot
from segwise.types import Prediction

PER_DECISION = 4
Values = Mapping[str, Any]
CAUSES = {"merged": "merged with another", "split": "cut into several", "missed": "not found"}


def shots(
    dataset: Dataset, decisions: Mapping[str, Decision], ceilings: Values, params: CeilingParams
) -> dict[str, list[tuple[str, Shot]]]:
    """By decision: (candidate, picture), the cheapest candidate that errs first; of it the worst, of others one."""
    out = {}
    for name, decision in decisions.items():
        chosen = choose(ceilings["worst"], name)
        out[name] = [(entry["candidate"], _shot(dataset, decision, ceilings, entry, params)) for entry in chosen]
    return out


def choose(worst: Sequence[Values], decision: str) -> list[Values]:
    """Of the worst images of a decision those to show: the cheapest candidate's, the last place for the dearest's."""
    own: dict[str, list[Values]] = {}
    for entry in worst:
        if entry["decision"] == decision and entry["candidate"] in ("semantic", "hybrid", "instance"):
            own.setdefault(entry["candidate"], []).append(entry)
    ranked = [own[c] for c in ("semantic", "hybrid", "instance") if c in own]
    if not ranked:
        return []
    others = [entries[0] for entries in ranked[1:]]
    return [*ranked[0][: PER_DECISION - len(others)], *others]


def _shot(dataset: Dataset, decision: Decision, ceilings: Values, entry: Values, params: CeilingParams) -> Shot:
    (record,) = by_name(dataset, [entry["file_name"]])
    labels, candidate = labelled(record, dataset.classes), entry["candidate"]
    point = ceilings["candidates"][candidate]["decisions"][entry["decision"]]["point"]
    found = CANDIDATES[candidate].predictions(labels, params)[points(candidate).index(point)]
    truth = Prediction(labels.truth_map, labels.truth)
    classes = asked_about({"": decision}, dataset.classes)
    return shot(record.file_name, dataset.pixels(record), truth, found, classes, words=said(decision.kind, entry))


def said(kind: str, entry: Values) -> list[str]:
    """What a picture shows, in a line."""
    if kind == "coverage":
        return [f"labelled {100 * entry['truth']:.1f} % of the pixels, at best {100 * entry['ceiling']:.1f} %"]
    if kind == "presence":
        return ["labelled, not claimed" if entry["truth"] > entry["ceiling"] else "claimed, not labelled"]
    what = [box["what"] for box in entry["boxes"]]
    causes = [f"{what.count(cause)} {words}" for cause, words in CAUSES.items() if cause in what]
    return [f"labelled {entry['truth']:g}, at best {entry['ceiling']:g}" + "".join(f"; {cause}" for cause in causes)]
