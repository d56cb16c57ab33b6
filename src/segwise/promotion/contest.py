"""Champion and challenger on the same test images: what each measures, and their figures on the same draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from segwise.dataset import coco, targets
from segwise.dataset.workers import told
from segwise.decision.params import Decision
from segwise.errors import GateRefusedError, IntegrityError
from segwise.evaluation.figures import figures
from segwise.evaluation.intervals import draws
from segwise.evaluation.measure import measure
from segwise.evaluation.params import EvaluateParams
from segwise.evaluation.replicates import USED, replicated
from segwise.evaluation.sums import Sums, stacked
from segwise.gate.checks import MEASURES, Measure
from segwise.gate.comparison import Compared, Figure, compare
from segwise.gate.params import GateParams
from segwise.gate.power import strength, weights_of
from segwise.gate.row import Row, Verdict
from segwise.predict.cascade import Cascade
from segwise.predict.predictor import Predictor
from segwise.spec import ClassSpec
from segwise.types import Prediction

DEAR = ("ap", "ap50")  # detections are ranked anew for each draw
SAME_WITHIN = 1e-9  # figures of one model measured twice


class Entrant:
    """A model that takes part: its name for people, its Predictor, and the answers it gave to the test images."""

    def __init__(self, name: str, model: Path, threads: int) -> None:
        self.name, self.predictor = name, Predictor.load(model, threads=threads)
        self.answers: dict[str, Prediction] = {}

    def sums(
        self,
        dataset: coco.Dataset,
        records: Sequence[coco.ImageRecord],
        decisions: Mapping[str, Decision],
        params: EvaluateParams,
    ) -> Sums:
        """Answer and measure every image, as `evaluate` does."""
        found = []
        for record in told(f"promote: {self.name}", records, len(records)):
            answer, candidates = self.predictor.both(dataset.pixels(record))
            self.answers[record.file_name] = answer
            truth = targets.objects(record)
            painted = targets.paint(truth, dataset.classes)
            found.append(
                measure(
                    record.file_name, answer, candidates, truth, painted, dataset.classes, group=record.group,
                    attributes=record.attributes, decisions=decisions, boundary_tolerance=params.boundary_tolerance,
                )
            )  # fmt: skip
        return stacked(found, dataset.classes)


def require_same_classes(champion: Predictor | Cascade, challenger: Predictor | Cascade) -> None:
    """The same classes in the same order, or the figures of the two are about different things.

    Raises:
        GateRefusedError: they differ; both lists are named.
    """
    ours, theirs = (_listed(p.spec.classes) for p in (champion, challenger))
    if ours != theirs:
        expected = f"a challenger of the champion's classes, {', '.join(ours)}"
        remedy = "label and train the same classes in the same order, or begin anew with an empty registry"
        raise GateRefusedError(expected, f"{', '.join(theirs)}", remedy)


def _listed(classes: Sequence[ClassSpec]) -> list[str]:
    return [f"{c.id} {c.name}{'' if c.isthing else ' (region)'}" for c in classes]


def require_same(measured: Sums, evaluated: Sums) -> None:
    """What was packaged is what was gated: the same figures of the same images.

    Raises:
        IntegrityError: other images, or a figure that differs by more than SAME_WITHIN.
    """
    remedy = (
        "make the package anew: `dvc repro package`; if it was evaluated on another processor, which rounds otherwise: "
        "`dvc repro --force --single-item evaluate@NAME`, then `dvc repro`"
    )
    if measured.file_names.tolist() != evaluated.file_names.tolist():
        came = f"{len(measured)} and {len(evaluated)} images that are not the same"
        raise IntegrityError("the package measured on the images that the gate saw", came, remedy)
    found, gated = (_everything(s) for s in (measured, evaluated))
    for name in sorted(found.keys() | gated.keys()):
        one, other = found.get(name, np.nan), gated.get(name, np.nan)
        if not (one == other or abs(one - other) <= SAME_WITHIN or (np.isnan(one) and np.isnan(other))):
            came = f"{name} {one:.9g} measured now, {other:.9g} when it was evaluated"
            raise IntegrityError("the package to be the model that was gated", came, remedy)


def _everything(sums: Sums) -> dict[str, float]:
    answers = {f"{name}.counts": float(found.counts.sum()) for name, found in sums.asked.items()}
    return {**figures(sums, np.ones(len(sums), dtype=np.int64)), **answers}


def compared(
    champion: Sums, challenger: Sums, decisions: Mapping[str, Decision], params: GateParams
) -> tuple[Compared, ...]:
    """Each metric of `gate.margins`, of both on the same bootstrap draws over groups; `tolerance_used` by decision."""
    ones = np.ones(len(champion), dtype=np.int64)
    drawn = draws(champion.groups.tolist(), params.replicates, params.seed)
    has_precision = any(MEASURES[name].key in DEAR for name in params.margins)
    both = [
        replicated(sums, decisions, ones, told("promote: bootstrap", drawn, len(drawn)), has_precision=has_precision)
        for sums in (champion, challenger)
    ]
    figures = []
    for name, margin in params.margins.items():
        keys = [USED + d for d in decisions] if name == "tolerance_used" else [MEASURES[name].key]
        for key in keys:
            figures.append(
                Figure(
                    key, both[0].value[key], both[1].value[key], (both[0].draws[key], both[1].draws[key]), margin,
                    key.startswith(USED) or key.endswith("_error"),
                    *strength(champion.groups.tolist(), _weights(champion, key, decisions)),
                )
            )  # fmt: skip
    nothing: NDArray[np.float64] = np.zeros(0)  # margins of decisions only, and no decision: held, for it has no number
    return compare(
        figures or [Figure("tolerance_used", None, None, (nothing, nothing), 0, is_error=True, num_groups=0)],
        params.alpha,
    )


def _weights(sums: Sums, key: str, decisions: Mapping[str, Decision]) -> list[NDArray[np.float64]]:
    """What a figure divides by in each image, by its labels, float64 (I,) each."""
    if key.startswith(USED):
        name = key.removeprefix(USED)
        return weights_of(decisions[name], sums.asked[name])
    if key == "coverage_error":
        found = np.ones(len(sums))
    elif key in ("miou", "foreground_iou"):
        found = sums.pixels[:, 1:].sum(axis=(1, 2))
    else:
        found = sums.counted[:, 0][:, sums.things].sum(axis=1)
    return [np.asarray(found, dtype=np.float64)]


def rows(found: Sequence[Compared]) -> list[Row]:
    """The comparison as evidence."""
    return [
        Row(
            "quality", c.name, _words(c.name), _unit(c.name), cast("Verdict", c.verdict), c.champion, c.challenger,
            c.difference, c.interval, c.margin, "" if c.verdict == "promote" else c.words,
        )
        for c in found
    ]  # fmt: skip


def _measure(name: str) -> Measure | None:
    return next((m for m in MEASURES.values() if m.key == name), None)


def _words(name: str) -> str:
    measure = _measure(name)
    return measure.words if measure else f"{name.removeprefix(USED)}: decision error"


def _unit(name: str) -> str:
    measure = _measure(name)
    return measure.unit if measure else "× tolerance"
