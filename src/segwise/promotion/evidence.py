"""All evidence for or against a challenger, in the order that costs least first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwise.bundle import MODEL, read_manifest
from segwise.dataset import coco
from segwise.decision.params import Decision
from segwise.decision.score import Answers
from segwise.evaluation.params import EvaluateParams
from segwise.evaluation.sums import Sums
from segwise.gate.params import GateParams
from segwise.gate.promote_params import PromoteParams
from segwise.gate.row import Row
from segwise.promotion import agreement, contest, reference, session
from segwise.promotion.contest import Entrant
from segwise.types import Prediction


@dataclass(frozen=True, slots=True)
class Rules:
    """What champion and challenger are held to, from params.yaml."""

    decisions: Mapping[str, Decision]
    evaluate: EvaluateParams
    gate: GateParams
    promote: PromoteParams


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What was found.

    Attributes:
        rows: every check. timing: see `session.told`.
        changed: by decision, test images answered otherwise than by the champion, the largest change first.
        answers: what each answered to every test image, by "champion" and "challenger".
    """

    rows: list[Row]
    timing: dict[str, Any]
    num_groups: int
    changed: dict[str, list[str]] = field(default_factory=dict)
    answers: dict[str, dict[str, Prediction]] = field(default_factory=dict)


def gather(
    packages: tuple[Path | None, Path],
    digest: str,
    trained: Path,
    evaluated: Sums,
    dataset: coco.Dataset,
    records: Sequence[coco.ImageRecord],
    rules: Rules,
) -> Evidence:
    """Measure, time and compare.

    Args:
        packages: folders of the champion, if there is one, and of the challenger. digest: the challenger's.
        trained: where the trained networks lie. evaluated: what the gate saw of the challenger.
        records: the images of the test split.

    Raises:
        GateRefusedError: other classes than the champion's. IntegrityError: not the model that was gated.
    """
    champion = packages[0] and Entrant("champion", packages[0] / MODEL, rules.evaluate.threads)
    challenger = Entrant("challenger", packages[1] / MODEL, rules.evaluate.threads)
    if champion:
        contest.require_same_classes(champion.predictor, challenger.predictor)
    measured = challenger.sums(dataset, records, rules.decisions, rules.evaluate)
    contest.require_same(measured, evaluated)
    rows, changed = [], {}
    if champion:
        before = champion.sums(dataset, records, rules.decisions, rules.evaluate)
        rows += contest.rows(contest.compared(before, measured, rules.decisions, rules.gate))
        changed = {name: _changed(name, d, before, measured) for name, d in rules.decisions.items()}
    rows += _parity(packages[1], digest, trained, challenger, dataset, records, rules)
    images = [dataset.pixels(record) for record in spread(records, rules.promote.images)]
    timed = session.run(packages[0], packages[1], images, rules.promote)
    rows += session.rows(timed, rules.promote, _deadline(rules.decisions))
    answers = {entrant.name: entrant.answers for entrant in (champion, challenger) if entrant}
    return Evidence(rows, session.told(timed), len(np.unique(measured.groups)), changed, answers)


def _parity(
    package: Path,
    digest: str,
    trained: Path,
    challenger: Entrant,
    dataset: coco.Dataset,
    records: Sequence[coco.ImageRecord],
    rules: Rules,
) -> list[Row]:
    limit = float(read_manifest(package)["limits"]["max_megapixels"]) * 1e6
    chosen = varied([r for r in records if r.width * r.height <= limit], rules.promote.parity_images)
    images = {record.file_name: dataset.pixels(record) for record in chosen}
    asked = agreement.ask_all(package, images, challenger.predictor.spec.class_infos)
    network = reference.load(package / MODEL, trained)
    found = agreement.identity(package, digest, asked, challenger.answers)
    return found + agreement.trained(asked, network, dataset, chosen, rules.decisions, rules.promote)


def spread(records: Sequence[coco.ImageRecord], number: int) -> list[coco.ImageRecord]:
    """As many of the images, spread evenly over their sizes."""
    return _evenly(sorted(records, key=lambda r: (r.width * r.height, r.file_name)), number)


def varied(records: Sequence[coco.ImageRecord], number: int) -> list[coco.ImageRecord]:
    """As many of the images, such that every value of their attributes is seen as soon as can be, with and without
    labels, and then again: a fault may show in one kind only, and where nothing is to be seen none shows.

    An attribute of more values than images are taken (a date, a name) tells no kinds, and is left out.
    """
    values: dict[str, set[str]] = {}
    for record in records:
        for key, value in record.attributes.items():
            values.setdefault(key, set()).add(value)
    kinds = sorted(key for key, known in values.items() if len(known) <= number)
    left = {r.file_name: {(key, r.attributes.get(key, "")) for key in kinds} for r in records}
    for record in records:
        left[record.file_name].add(("", "labelled" if record.annotations else "empty"))
    order = [r.file_name for r in _halving(sorted(records, key=lambda r: (r.width * r.height, r.file_name)))]
    seen, chosen = set[tuple[str, str]](), list[str]()
    while left and len(chosen) < number:
        name = max((n for n in order if n in left), key=lambda n: len(left[n] - seen))
        seen = seen if left[name] - seen else set()
        seen |= left.pop(name)
        chosen.append(name)
    return sorted((r for r in records if r.file_name in set(chosen)), key=lambda r: chosen.index(r.file_name))


def _halving(ordered: Sequence[coco.ImageRecord]) -> list[coco.ImageRecord]:
    """First from the middle, then from the middles of both halves, and so on, so that any first few are spread."""
    parts, found = [(0, len(ordered))], list[coco.ImageRecord]()
    for low, high in parts:
        if low < high:
            middle = (low + high) // 2
            found.append(ordered[middle])
            parts += [(low, middle), (middle + 1, high)]
    return found


def _evenly(ordered: Sequence[coco.ImageRecord], number: int) -> list[coco.ImageRecord]:
    number = min(number, len(ordered))
    return [ordered[int((i + 0.5) * len(ordered) / number)] for i in range(number)]


def _deadline(decisions: Mapping[str, Decision]) -> float | None:
    """The shortest deadline that a decision states, milliseconds."""
    return min((d.operation.deadline_ms for d in decisions.values() if d.operation.deadline_ms), default=None)


def _changed(name: str, decision: Decision, before: Sums, after: Sums) -> list[str]:
    change = change_of(decision, before.asked[name], after.asked[name])
    order = np.lexsort((before.file_names, -change))
    return [str(before.file_names[i]) for i in order if change[i] > 0]


def change_of(decision: Decision, before: Answers, after: Answers) -> NDArray[np.float64]:
    """How much the answer to each image changes, float64 (I,); 0 where nothing would be done differently.

    With an action: 1 where it comes out otherwise. Presence: answers that flip. Coverage and counts: by how much they
    differ, where that is more than the tolerance (relative to the champion's count); without one, any difference.
    """
    if decision.action:
        return np.asarray(before.acts[:, 1] != after.acts[:, 1], dtype=np.float64)
    key = {"coverage": "coverage", "presence": "present"}.get(decision.kind, "counts")
    old, new = (found.cells(key)[1].astype(np.float64) for found in (before, after))
    step, limit = np.abs(new - old), np.zeros_like(old)
    if decision.kind == "coverage":
        limit += decision.limit("points") or 0.0
    elif decision.kind == "count":
        limit = np.maximum((decision.limit("relative") or 0.0) * old, decision.limit("absolute") or 0.0)
    return np.asarray(np.where(step > limit, step, 0).sum(axis=1), dtype=np.float64)
